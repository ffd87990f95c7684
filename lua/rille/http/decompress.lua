--[[ rille.http.decompress: bodies that clients have compressed.

    local decompress = require "rille.http.decompress"
    app:use(decompress { max_size = 4 << 20 })

A body with a Content-Encoding is decoded before the rest is called: req:body(), req:json() and
req:form() then give what it stands for, and req.decoded is the coding that it had. A kilobyte may
stand for gigabytes, so nothing is decoded beyond max_size: the answer is then 413. It is 415, with
the codings that there are, for another one (or several); 400 for bytes that are malformed.

Without this middleware req:json, req:form and req:multipart answer such bodies with 415, and
req:body and req:read give them as they came. Multipart bodies, which may be large, are always left
as they are. It works in the domain that serves.

Options:

    codings     { "gzip", "br", "zstd" }: those that this build has
    max_size    1048576 bytes, decoded ]]

local coder = require "rille.compress"
local core = require "rille.http.core"
local options = require "rille.http.options"

local KNOWN = { "gzip", "br", "zstd" }
local ALIASES = { ["x-gzip"] = "gzip" }

local function check_codings(list)
  for _, name in ipairs(list) do
    if not coder.has(name) then return ("the coding %q is not in this build"):format(name) end
  end
end

local available = {}
for _, name in ipairs(KNOWN) do
  if coder.has(name) then table.insert(available, name) end
end

local RULES = {
  codings = { type = "table", default = available, check = check_codings },
  max_size = { type = "number", default = 1048576 },
}

local STATUS = { malformed = 400, truncated = 400, ["too large"] = 413 }

local function refuse(settings, message)
  local text = "the body is too large: %d bytes are the limit\n"
  if message ~= "too large" then text = "the body is " .. message .. "\n" end
  error({ status = STATUS[message], body = text:format(settings.max_size) }, 0)
end

-- The coding to undo; nil for none, or where it is not ours to undo; false for one that is not
-- understood.
local function coding_of(settings, req)
  local said = req.headers["Content-Encoding"]
  local mime = said and req.headers["Content-Type"]
  if mime and mime:lower():find "^%s*multipart/" then return nil end
  local name = said and said:lower():match "^%s*(.-)%s*$"
  if not name or name == "identity" then return nil end
  name = ALIASES[name] or name
  for _, one in ipairs(settings.codings) do
    if one == name then return name end
  end
  return false
end

-- Piece by piece, so that a bomb is found before it has all arrived.
local function decode(settings, req, coding)
  local decoder = coder.decoder(coding, math.floor(settings.max_size))
  local pieces = {}
  for piece in req.read, req do
    local text, message = decoder:feed(piece)
    if not text then refuse(settings, message) end
    table.insert(pieces, text)
  end
  local whole, message = decoder:finish()
  if not whole then refuse(settings, message) end
  return table.concat(pieces)
end

--- decompress([options]) -> middleware: made once, when the app is built. Does not suspend.
return function(given)
  local settings = options("decompress", given, RULES)
  return function(req, res, next)
    local coding = coding_of(settings, req)
    if coding == nil then return next() end
    if not coding then
      res.headers["Accept-Encoding"] = table.concat(settings.codings, ", ")
      return 415, ("the Content-Encoding must be one of: %s\n"):format(
        table.concat(settings.codings, ", "))
    end
    core.replace_body(req, decode(settings, req, coding))
    req.decoded = coding
    next()
  end
end
