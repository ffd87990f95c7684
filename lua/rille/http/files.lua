-- rille.http.files: app:static and res:file, on src/lib/http_files.c. Not for scripts, which find
-- them in rille.http.

local check = require "rille.http.check"
local core = require "rille.http.core"
local options = require "rille.http.options"

local files = {}

-- -- directories ---------------------------------------------------------------------------------

local OWN = {
  ["content-length"] = true, ["transfer-encoding"] = true, ["connection"] = true,
  ["keep-alive"] = true,
}

local function check_index(name)
  if name == true or name == "" or type(name) == "string" and name:find "[/%z]" then
    return "the name of a file, or false"
  end
end

local function check_headers(headers)
  for name in pairs(headers) do
    if OWN[tostring(name):lower()] then return ("%s is set by the server"):format(name) end
  end
end

local STATIC = {
  index = { type = "string boolean", check = check_index },
  hidden = { type = "boolean" },
  links = { type = "boolean" },
  compressed = { type = "boolean" },
  headers = { type = "table", check = check_headers },
  small = { type = "number", most = 2 ^ 30 },
  bytes = { type = "number", most = 2 ^ 40 },
  entries = { type = "number", most = 2 ^ 24 },
  descriptors = { type = "number", most = 2 ^ 20 },
  fresh = { type = "number", most = 86400 },
}

--- files.open(directory, options) -> files: of app:static. Raises.
function files.open(directory, given)
  local settings = options("static", given, STATIC)
  local opened, message = core.files(directory, settings)
  if not opened then check.fail("app:static: %s", message) end
  return opened
end

--- files.handler(opened, missing) -> handler: serves them inside middleware. `missing()` is the
-- handler for what is not there, or nil.
function files.handler(opened, missing)
  return function(req, res)
    local status, text = opened:answer(req)
    local other = status == 404 and missing()
    if not other then return status, text end
    res.status = 404
    return other(req, res)
  end
end

-- -- single files --------------------------------------------------------------------------------

local FILE = {
  root = { type = "string" },
  hidden = { type = "boolean" },
  type = { type = "string" },
  name = {
    type = "string",
    check = function(name)
      if name:find "%c" then return "a name without control characters expected" end
    end,
  },
}

-- RFC 6266: for every client what it understands. Quotes, backslashes and what is not ASCII are in
-- the second form only.
local function disposition(name)
  local plain = name:gsub('["\\%%]', "_"):gsub(utf8.charpattern, function(char)
    return #char > 1 and "_" or char
  end):gsub("[\x80-\xff]", "_")
  local value = ('attachment; filename="%s"'):format(plain)
  if plain == name or not utf8.len(name) then return value end
  return value .. "; filename*=UTF-8''" .. name:gsub("[^%w%-._~]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end)
end

--- res:file(path [, options])
--
-- Makes a file the answer, to be sent when the handler is over: with its type by its extension,
-- ETag and Last-Modified; ranges and conditions of the request are heeded, unless res.status was
-- set before to anything but 200. Headers that are set afterwards stay; a body that is set replaces
-- the file. Of what is written into the file meanwhile the client may see something.
--
-- The path may be any that the process can read, relative to its working directory. With `root` it
-- lies beneath that directory, whatever it is: not by "..", a link or an absolute path does it lead
-- out. So what a client has said goes with a root.
--
-- There being no such file is an error like http.error(404) (403 if it may not be read), so that
-- `return res:file(path)` is a whole handler; pcall gets it as a table with `status` and `body`.
-- Another failure, such as a want of descriptors, is a plain error, logged and answered with 500.
--
-- Raises besides: an unknown or wrong option; a name or type with control characters; the head
-- being sent already. Does not suspend. Opening waits for the disk where the system has not cached
-- the name; sending never does.
--
-- Options:
--
--     root     a directory
--     hidden   false: whether names that begin with a dot are found beneath it
--     type     the Content-Type
--     name     under which a browser saves it rather than showing it
function core.response:file(path, given)
  check.method(getmetatable(self) == "response", "res", "file")
  check.string(path, 1, "file")
  local settings = options("file", given, FILE)
  local status, text, message =
    core.send_file(self, path, settings.root, settings.type, settings.hidden)
  if message and status >= 500 then check.fail("res:file: %s: %s", path, message) end
  if message then error({ status = status, body = text }, 0) end
  if status then
    self:send(status, text)
  elseif settings.name then
    self.headers["Content-Disposition"] = disposition(settings.name)
  end
end

return files
