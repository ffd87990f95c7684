--[[ rille.http.cookies: cookies that a client cannot forge, or not even read.

    local cookies = require "rille.http.cookies"
    app:use(cookies { secret = os.getenv "APP_SECRET" or ("only for trying "):rep(3) })
    app:post("/theme", function(req)
      req.jar:set("theme", "dark")
      req.jar:seal("user", "42", { max_age = 3600 })
    end)
    app:get("/", function(req) return (req.jar:open "user") or "nobody" end)

The middleware sets req.jar, in the domain that serves.

Options:

    secret       at least 32 random bytes, or a list of such, the newest first: the others still
                 read what they made. Needed for signed and sealed cookies
    path         "/"
    domain       none: the host itself only
    secure       true: over TLS only (browsers make an exception for localhost)
    http_only    true: hidden from the page's scripts
    same_site    "lax"; or "strict", "none"
    max_age      seconds; without it until the browser is closed. Signed and sealed cookies are not
                 taken after that time, whatever the client does ]]

local check = require "rille.http.check"
local options = require "rille.http.options"
local secret = require "rille.http.secret"
local tools = require "rille.http.tools"

--- The type jar of rille.http.cookies: the cookies of a request and of its answer. It ends with the
-- request, in its domain; nothing of it suspends. A value that was signed or sealed for one name is
-- not taken for another. `overrides` is a table of the options from path to max_age.
local Jar = {}
Jar.__index = Jar
Jar.__name = "jar"

local ATTRIBUTES = { "path", "domain", "secure", "http_only", "same_site", "max_age" }

local RULES = {
  secret = secret.rule,
  path = { type = "string", default = "/" },
  domain = { type = "string" },
  secure = { type = "boolean", default = true },
  http_only = { type = "boolean", default = true },
  same_site = { type = "string", default = "lax", check = check.same_site },
  max_age = { type = "number" },
}

local OVERRIDES = {}
for _, name in ipairs(ATTRIBUTES) do
  OVERRIDES[name] = { type = RULES[name].type, check = RULES[name].check }
end

local function attributes_of(jar, given)
  if not given then return jar.settings end
  local result = options("cookies", given, OVERRIDES)
  for _, name in ipairs(ATTRIBUTES) do
    if result[name] == nil then result[name] = jar.settings[name] end
  end
  return result
end

local function keys_of(jar)
  if not jar.keys then
    check.fail 'rille.http.cookies: option "secret" is missing, which signing and sealing needs'
  end
  return jar.keys
end

local function add(jar, name, value, attributes)
  jar.res:add("Set-Cookie", check.call(tools.cookie, name, value, attributes))
end

--- jar:get(name) -> text | nil: the value as the client sent it.
function Jar:get(name)
  return self.req.cookies[name]
end

--- jar:set(name, value [, overrides]): sets it as it is.
function Jar:set(name, value, given)
  add(self, name, value, attributes_of(self, given))
end

--- jar:remove(name [, overrides]): overrides are its path and domain, if it was set with others.
function Jar:remove(name, given)
  local attributes = setmetatable({ max_age = 0 }, { __index = attributes_of(self, given) })
  add(self, name, "", attributes)
end

--- jar:sign(name, value [, overrides]): the client can read it and cannot change it.
function Jar:sign(name, value, given)
  local attributes = attributes_of(self, given)
  local token = keys_of(self):sign("cookie " .. name, value, attributes.max_age)
  add(self, name, token, attributes)
end

--- jar:seal(name, value [, overrides]): the client can neither read nor change it.
function Jar:seal(name, value, given)
  local attributes = attributes_of(self, given)
  local token = keys_of(self):seal("cookie " .. name, value, attributes.max_age)
  add(self, name, token, attributes)
end

--- jar:verify(name) -> text | nil, message: what was signed; or "missing", "forged" or "expired".
function Jar:verify(name)
  local keys, token = keys_of(self), self.req.cookies[name]
  if not token then return nil, "missing" end
  return keys:verify("cookie " .. name, token)
end

--- jar:open(name) -> text | nil, message: the same of what was sealed.
function Jar:open(name)
  local keys, token = keys_of(self), self.req.cookies[name]
  if not token then return nil, "missing" end
  return keys:open("cookie " .. name, token)
end

--- cookies([options]) -> middleware: made once, when the app is built. Does not suspend.
return function(given)
  local settings = options("cookies", given, RULES)
  local keys = secret.keys(settings.secret)
  settings.secret = nil
  return function(req, res, next)
    req.jar = setmetatable({ req = req, res = res, keys = keys, settings = settings }, Jar)
    next()
  end
end
