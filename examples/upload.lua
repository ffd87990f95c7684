-- Takes files from a form, streams each to disk, and hashes it on a domain while others are served.
-- Try it in a browser: http://127.0.0.1:8080/
-- Usage: rille examples/upload.lua [PORT [DIRECTORY]]       (8080, a new one below /tmp)

local http = require "rille.http"
local json = require "rille.json"
local rille = require "rille"

local directory = arg[2] or os.tmpname()
if not arg[2] then os.remove(directory) end -- it was made as a file
assert(os.execute(("mkdir -p '%s'"):format(directory)))

--- Runs on a domain: reads the file in pieces.
local function sha256_of(path)
  local crypto = require "rille.crypto"
  local file <close> = assert(io.open(path, "rb"))
  local digest = crypto.digest()
  for piece in file:lines(1 << 20) do digest:feed(piece) end
  return crypto.hex(digest:finish())
end

--- A client sends any bytes; JSON holds text.
local function text(bytes)
  return utf8.len(bytes) and bytes or error(http.error(400, "names and fields are UTF-8\n"))
end

local PAGE = [[<!doctype html>
<meta charset="utf-8"><title>Upload</title>
<form method="post" enctype="multipart/form-data">
  <label>Name <input name="name"></label>
  <label>Files <input name="file" type="file" multiple></label>
  <button>Send</button>
</form>
]]

local app = http.app()

app:get("/", function(_, res) res:html(PAGE) end)

app:post("/", function(req)
  local fields, files = {}, json.array {}
  for part in req:multipart { max_file = 1 << 30 } do
    local name = text(part.filename or part.name)
    if part.filename then
      local path, size = assert(part:save(("%s/%s-%d"):format(directory, req.id, #files + 1)))
      local hash = rille.detach(sha256_of, path)
      table.insert(files, { name = name, path = path, size = size, sha256 = hash })
    else
      fields[name] = text(part:body(1000))
    end
  end
  return { fields = fields, files = files }
end)

local server = app:listen { port = tonumber(arg[1] or 8080) }
print("listening on " .. server:address())
io.stdout:flush()
