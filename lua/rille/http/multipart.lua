-- rille.http.multipart: forms with files (multipart/form-data), read part by part. Not for scripts,
-- which find it in req.

local core = require "rille.http.core"
local options = require "rille.http.options"

local RULES = {
  max_parts = { type = "number", default = 1000, least = 1 },
  max_head = { type = "number", default = 16384, least = 1, most = 1048576 },
  max_text = { type = "number", default = 1048576 },
  max_file = { type = "number", default = math.huge },
  max_total = { type = "number", default = math.huge },
  directory = { type = "string", default = os.getenv "TMPDIR" or "/tmp" },
}

local function refuse(status, text, ...)
  error({ status = status, body = text:format(...) .. "\n" }, 0)
end

-- -- the form ----------------------------------------------------------------------------------

-- What comes next: as parser:next() says it, but for its nil.
local function advance(form, event, ...)
  if event == "failed" then refuse(400, "the multipart body is malformed: %s", (...)) end
  if event then return event, ... end
  local piece = form.req:read()
  if not piece then refuse(400, "the multipart body ends before its last boundary") end
  form.total = form.total + #piece
  if form.total > form.settings.max_total then
    refuse(413, "the body is over the limit of %d bytes", form.settings.max_total)
  end
  form.parser:feed(piece)
  return advance(form, form.parser:next())
end

-- -- parts -------------------------------------------------------------------------------------

--- The type part of rille.http: one of a form's, to be read before the next one is asked for. It
-- ends with its request, in its domain.
--
-- Fields:
--
--     name       string: of the form's field
--     filename   string|nil: of the file: what the client calls it, without directories and control
--                characters. To be shown, never to be used as a path
--     type       string|nil: its Content-Type
--     headers    table: all its headers, in any case
local Part = {}
Part.__name = "part"

local Headers = {}

function Headers:__index(name)
  return rawget(self, name:lower())
end

local function headers_of(lines)
  local headers = setmetatable({}, Headers)
  for name, value in lines:gmatch "([^\r\n:]+):[ \t]*([^\r\n]-)[ \t]*\r\n" do
    name = name:lower()
    local before = rawget(headers, name)
    headers[name] = before and before .. ", " .. value or value
  end
  return headers
end

-- Most parts are never asked for their headers.
function Part:__index(key)
  if key ~= "headers" then return Part[key] end
  local headers = headers_of(self.lines)
  self.headers = headers
  return headers
end

local function plain_name(name)
  name = name and name:match "[^/\\]*$":gsub("%c", "")
  if name == "" or name == "." or name == ".." then return nil end
  return name
end

local function new_part(form, name, filename, mime, lines)
  return setmetatable({
    form = form, name = name, filename = plain_name(filename), type = mime, lines = lines, size = 0,
  }, Part)
end

--- part:read() -> bytes | nil: what has arrived of it, at least one byte; nil at its end. May
-- suspend.
function Part:read()
  local form = self.form
  if form.part ~= self then error("the part is over: a later one was asked for", 2) end
  if self.ended then return nil end
  local event, bytes = advance(form, form.parser:next())
  if event == "over" then
    self.ended = true
    return nil
  end
  self.size = self.size + #bytes
  if self.size > form.settings.max_file then
    refuse(413, "the part %q is over the limit of %d bytes", self.name, form.settings.max_file)
  end
  return bytes
end

--- part:body([limit]) -> text: all of it (or what is left), at most `limit` bytes (max_text). May
-- suspend.
function Part:body(limit)
  limit = limit or self.form.settings.max_text
  local pieces, size = {}, 0
  for piece in Part.read, self do
    size = size + #piece
    if size > limit then
      refuse(413, "the part %q is over the limit of %d bytes", self.name, limit)
    end
    table.insert(pieces, piece)
  end
  return table.concat(pieces)
end

-- ok, ... unless that is nil and what the disk says: then it is told where.
local function tell(where, ok, ...)
  if ok or not (...):find "^E%u+: " then return ok, ... end
  return nil, ("%s: %s"):format(..., where)
end

--- part:save([path]) -> path, size | nil, message
--
-- Writes it (or what is left) to a file, on threads that the loop does not wait for; the message
-- has the place. Without a path to one in `directory` which is removed when the request ends,
-- unless it was moved away; with one it appears there when it is whole, in place of what was. May
-- suspend.
function Part:save(path)
  if path ~= nil and (type(path) ~= "string" or path == "" or path:find("\0", 1, true)) then
    error("bad argument #1 to 'save' (path expected)", 2)
  end
  local form = self.form
  local where = path or form.settings.directory
  local prefix = path and path .. "." or where .. "/rille-upload-"
  local file <close>, message = core.upload(form.req, prefix, not path)
  if not file then return tell(where, nil, message) end
  for piece in Part.read, self do
    local ok, err = file:write(piece)
    if not ok then return tell(where, nil, err) end
  end
  return tell(where, file:finish(path))
end

-- -- the iterator --------------------------------------------------------------------------------

local function next_part(form)
  if form.ended then return nil end
  while form.part and form.part:read() do end
  local event, name, filename, mime, lines = advance(form, form.parser:next())
  form.part = nil
  if event == "end" then
    form.ended = true
    return nil
  end
  form.count = form.count + 1
  if form.count > form.settings.max_parts then
    refuse(413, "the body has more than %d parts", form.settings.max_parts)
  end
  form.part = new_part(form, name, filename, mime, lines)
  return form.part
end

--- req:multipart([options]) -> iterator
--
-- The parts of a form, one after the other:
--
--     app:post("/form", function(req)
--       local fields = {}
--       for part in req:multipart() do
--         if part.filename then
--           local path, size = assert(part:save())     -- until the request ends
--           fields[part.name] = { path, size }
--         else
--           fields[part.name] = part:body()
--         end
--       end
--       return fields
--     end)
--
-- Nothing is kept but the piece that is being read; the client is held back meanwhile. What is left
-- of a part when the next one is asked for is passed over. What a client gets wrong is raised as
-- its answer: 415 for another Content-Type, 400 for a malformed body, 413 over a limit. Each step
-- may suspend.
--
-- Options:
--
--     max_parts   1000
--     max_head    16384 bytes of one part's headers
--     max_text    1 MiB that part:body() gives
--     max_file    bytes of one part, however it is read; no limit
--     max_total   bytes of the body; the server's max_upload in any case
--     directory   for temporary files: TMPDIR, or /tmp
return function(req, given)
  local settings = options("multipart", given, RULES)
  local mime = req.headers["Content-Type"]
  if not mime then refuse(415, "the body has no Content-Type") end
  local parser, status, message = core.multipart(mime, math.floor(settings.max_head))
  if not parser then refuse(status, message) end
  local form = { req = req, parser = parser, settings = settings, total = 0, count = 0 }
  return next_part, form
end
