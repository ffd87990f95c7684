-- rille.command.control: `rille --control PATH`, and who comes in there. Not for scripts.
--
-- A Unix socket, for the owner of the program and root only: its file says so, it lies where nobody
-- else can put another one in its place, and the system says of each client whose it is. A client
-- is greeted with a line of JSON, sends such lines, and gets one for each:
--
--                            { "rille": "control" } | { "error": .. }
--     { "run": text }        { "output": .. } | { "error": .. } | { "incomplete": true }
--     { "complete": text }   { "names": [ .. ], "typed": 2 }

local core = require "rille.command.core"
local evaluate = require "rille.command.evaluate"
local json = require "rille.json"
local net = require "rille.net"

local control = { MOST_LINE = 16 << 20 }

local OWNER_ONLY = 384 -- rw-------
local OTHERS_WRITE = 18 -- -w--w-

local function answer_to(line)
  local request, err = json.decode(line)
  if type(request) ~= "table" then return { error = err or "not a request" } end
  if type(request.run) == "string" then return evaluate.run(request.run) end
  if type(request.complete) == "string" then
    local found = evaluate.complete(request.complete)
    return { names = json.array(found.names), typed = found.typed }
  end
  return { error = "not a request" }
end

-- Text that is no UTF-8 is none in JSON either.
local function encode(answer)
  for key, value in pairs(answer) do
    if type(value) == "string" and not utf8.len(value) then
      answer[key] = value:gsub("[\x80-\xff]", "?")
    end
  end
  return json.encode(answer) .. "\n"
end

local function serve(conn)
  local who = core.peer(conn)
  if who ~= core.user() and who ~= 0 then
    conn:write(encode { error = "only the owner of the server is let in" })
    return
  end
  conn:write(encode { rille = "control" })
  for line in conn:lines() do conn:write(encode(answer_to(line))) end
end

local function check_folder(path)
  local folder = path:match "^(.*)/[^/]*$" or "."
  local about, err = core.look_at(folder == "" and "/" or folder)
  if not about then error("--control: " .. err, 0) end
  if about.kind ~= "folder" or about.owner ~= core.user() or about.mode & OTHERS_WRITE ~= 0 then
    error(("--control: %s must be a directory of your own, which nobody else can write to")
      :format(folder), 0)
  end
end

--- control.listen(path): from now on. It does not keep the program from ending.
function control.listen(path)
  check_folder(path)
  local listener, err = net.listen("unix:" .. path, serve,
    { max_line = control.MOST_LINE, shared = false })
  if not listener then error("--control: " .. err, 0) end
  local ok
  ok, err = core.restrict(path, OWNER_ONLY)
  if not ok then
    listener:close()
    error("--control: " .. err, 0)
  end
  core.let_end(listener)
end

return control
