-- rille.http.methods: what of `req`, `res` and the module is easier in Lua than in C (the rest:
-- src/lib/http_request.c, src/lib/http_response.c). Not for scripts, which find it there.

local check = require "rille.http.check"
local core = require "rille.http.core"
local json = require "rille.json"

local methods = {}

local MOST_FIELDS = 1000 -- of a form

--- http.error(status [, body]) -> error
--
-- An answer for error(http.error(404)), which ends the handler; or to be returned. Any domain. Does
-- not suspend.
function methods.error(status, body)
  if math.type(status) ~= "integer" or status < 200 or status > 599 then
    check.fail("http.error: a status from 200 to 599 expected, got %s", tostring(status))
  end
  return setmetatable({ status = status, body = body }, core.answer)
end

--- http.unescape(text) -> text: of a form: "a%20b+c" is "a b c". Does not suspend.
function methods.unescape(text)
  check.string(text, 1, "unescape")
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

local function check_request(req, name)
  check.method(getmetatable(req) == "request", "req", name)
end

local function check_response(res, name)
  check.method(getmetatable(res) == "response", "res", name)
end

-- A body in a coding that nobody has decoded; see rille.http.decompress.
local function check_coding(req)
  local coding = not req.decoded and req.headers["Content-Encoding"]
  if coding and coding:lower() ~= "identity" then
    local text = "a body with the Content-Encoding %q is not understood\n"
    error(methods.error(415, text:format(coding)), 0)
  end
end

--- req:json() -> value
--
-- The body, as rille.json decodes it. One that is no JSON is answered with 400, which says where.
-- May suspend.
function core.request:json()
  check_request(self, "json")
  local value, message = json.decode(self:body())
  if message then
    check_coding(self)
    error(methods.error(400, { error = "the body is not valid JSON", detail = message }), 0)
  end
  return value
end

-- Of the module, by whose name it crosses to other domains, in a form's metatable.
function core.all_of_form(form, name)
  check.string(name, 1, "form")
  return { table.unpack(getmetatable(form).all[name] or {}) }
end

local function form_of(text)
  local form, all, count = {}, {}, 0
  for pair in text:gmatch "[^&]+" do
    count = count + 1
    if count > MOST_FIELDS then
      error(methods.error(413, ("the form has more than %d fields\n"):format(MOST_FIELDS)), 0)
    end
    local name, value = pair:match "^([^=]*)=?(.*)$"
    name, value = methods.unescape(name), methods.unescape(value)
    form[name] = value
    all[name] = all[name] or {}
    table.insert(all[name], value)
  end
  return setmetatable(form, { __call = core.all_of_form, all = all })
end

--- req:form() -> table
--
-- The fields of an urlencoded body, a table by name. Of a repeated name it has the last value, and
-- form(name) is a list of all, as of boxes that were ticked: form "colour". A body that is said to
-- be something else is answered with 415: a form with files is for req:multipart(). A form of more
-- than 1000 fields is answered with 413: each costs much more than its bytes. May suspend.
function core.request:form()
  check_request(self, "form")
  check_coding(self)
  local mime = self.headers["Content-Type"]
  if mime and mime:match "^[^;%s]*":lower() ~= "application/x-www-form-urlencoded" then
    error(methods.error(415, "the body is not application/x-www-form-urlencoded\n"), 0)
  end
  return form_of(self:body())
end

-- See rille/http/multipart.lua.
function core.request:multipart(given)
  check_request(self, "multipart")
  check_coding(self)
  return require "rille.http.multipart" (self, given)
end

--- req:upgrade(protocol) -> conn | nil, message
--
-- Takes the connection over, if the client has asked for that protocol (in Upgrade, in any case):
-- it is told so, with 101 and the headers that were set, and conn is what rille.net gives, with all
-- that the client has sent behind its request still to be read. conn is closed when the handler is
-- over; times are its own (conn:set_timeout). A client that has not asked for it may get any other
-- answer: 426, or what the path is without an upgrade. May suspend.
function core.request:upgrade(protocol)
  check_request(self, "upgrade")
  check.string(protocol, 1, "upgrade")
  require "rille.net" -- the type of conn
  return core.upgrade(self, protocol)
end

--- res:text(text)
-- res:html(text)
-- res:json(value)
--
-- Set the body and its type; sent when the handler is over. Do not suspend, nor send anything yet.
function core.response:text(text)
  check_response(self, "text")
  check.string(text, 1, "text")
  self.headers["Content-Type"] = "text/plain; charset=utf-8"
  self.body = text
end

function core.response:html(text)
  check_response(self, "html")
  check.string(text, 1, "html")
  self.headers["Content-Type"] = "text/html; charset=utf-8"
  self.body = text
end

function core.response:json(value)
  check_response(self, "json")
  check.argument(value ~= nil, 1, "json", "value", value)
  local text = check.call(json.encode, value)
  self.headers["Content-Type"] = "application/json"
  self.body = text
end

core.response.stream = require "rille.http.stream"

-- As browsers do with what somebody has typed: what no URL can have is escaped, and nothing twice.
local function escape(url)
  return (url:gsub("[^!-~]", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

--- res:redirect(url [, status])
--
-- 302 unless said otherwise. Spaces and what is not ASCII are escaped; a control character is an
-- error. Where the URL comes from a client it may lead anywhere. Does not suspend.
function core.response:redirect(url, status)
  check_response(self, "redirect")
  check.string(url, 1, "redirect")
  if url:find "%c" then check.fail("res:redirect: %q has a control character", url) end
  status = status or 302
  if math.type(status) ~= "integer" or status < 300 or status > 399 then
    check.fail("res:redirect: a status from 300 to 399 expected, got %s", tostring(status))
  end
  self.headers["Location"] = escape(url)
  self.status = status
end

return methods
