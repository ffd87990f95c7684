-- rille.http.stream: an answer that is sent while it is made. Not for scripts, which find it in
-- res.

local check = require "rille.http.check"
local core = require "rille.http.core"
local options = require "rille.http.options"

local RULES = {
  type = { type = "string" },
  length = { type = "number", check = function(length)
    if not math.tointeger(length) then return "it is no whole number of bytes" end
  end },
}

-- Whatever has a read: a request, a part of a multipart body, a socket.
local function copy(source, res)
  while true do
    local piece, message = source:read "some"
    if message then error(message, 0) end
    if not piece then return end
    res:write(piece)
  end
end

local function is_reader(source)
  local kind = type(source)
  return (kind == "table" or kind == "userdata") and source.read ~= nil
end

--- res:stream(source [, options])
--
-- Sends the head, then what the source gives, and returns when that is over. The source is a
-- function, called as source(write), whose write(...) is res:write: it waits while the client is
-- slow; or something with a read: the request itself, a part, a socket. To HEAD, and with 204 and
-- 304, only the head is sent, and the source is not asked.
--
-- An error in the middle cuts the connection, so that the client does not take a part for the
-- whole. May suspend.
--
-- Options:
--
--     type     of the content; "application/octet-stream" unless a header says it
--     length   in bytes: a promise; without it the answer is chunked, and res.trailers follow it
return function(res, source, given)
  check.method(getmetatable(res) == "response", "res", "stream")
  local fine = type(source) == "function" or is_reader(source)
  check.argument(fine, 1, "stream", "function or reader", source)
  local settings = options("stream", given, RULES)
  if settings.length then res.headers["Content-Length"] = math.tointeger(settings.length) end
  local mime = settings.type or res.headers["Content-Type"] or "application/octet-stream"
  res.headers["Content-Type"] = mime
  res:write()
  if not core.takes_body(res) then return end
  if type(source) ~= "function" then return copy(source, res) end
  local result = source(function(...) res:write(...) end)
  if result ~= nil then
    check.fail("res:stream: the source returned a %s, which goes nowhere: it is called once, and "
      .. "sends by write(...)", type(result))
  end
end
