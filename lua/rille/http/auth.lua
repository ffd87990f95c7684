--[[ rille.http.auth: who is it? Basic and bearer authentication.

    local auth = require "rille.http.auth"
    app:get("/admin", auth.basic { users = { ann = os.getenv "ANNS_PASSWORD" } },
      function() return "hello" end)
    app:get("/me", auth.bearer { tokens = { [os.getenv "TOKEN" or "?"] = "ann" } },
      function(req) return req.user end)

Who passes is req.user; who does not is answered with 401. Use it over TLS only, for both schemes
send the secret itself.

It works in the domain that serves. One of `check` and `users` (or `tokens`) is needed.

Options:

    check    basic: function(name, password, req); bearer: function(token, req). Returns the user,
             any value, or nothing. It may wait. Compare secrets with crypto.equal
    users    basic only: name -> password; the user is the name. Compared in constant time
    tokens   bearer only: token -> user
    realm    "restricted": what the browser shows ]]

local fail = require "rille.http.check".fail
local crypto = require "rille.crypto"
local options = require "rille.http.options"

local auth = {}

local function check_realm(value)
  if value:find '[%c"\\]' then return "no quotes, backslashes and control characters" end
end

local function rules(name)
  return {
    check = { type = "function" },
    [name] = { type = "table" },
    realm = { type = "string", default = "restricted", check = check_realm },
  }
end

local function refuse(res, challenge)
  res.headers["WWW-Authenticate"] = challenge
  return 401, "authentication is needed\n"
end

-- Hashed, so that lengths do not tell either.
local function same(a, b)
  return crypto.equal(crypto.sha256(a), crypto.sha256(b))
end

local function check_either(module, settings, name)
  if (settings.check == nil) == (settings[name] == nil) then
    fail('rille.http.%s: one of the options "check" and %q is needed', module, name)
  end
end

local function credentials(req, scheme)
  local said, rest = (req.headers["Authorization"] or ""):match "^(%a+) +(%S+)$"
  return said and said:lower() == scheme and rest
end

--- auth.basic(options) -> middleware: with name and password. Does not suspend.
function auth.basic(given)
  local settings = options("auth.basic", given, rules "users")
  check_either("auth.basic", settings, "users")
  local challenge = ('Basic realm="%s", charset="UTF-8"'):format(settings.realm)
  local check = settings.check or function(name, password)
    local wanted = settings.users[name]
    local right = same(wanted or "", password)
    return wanted and right and name
  end
  return function(req, res, next)
    local sent = credentials(req, "basic")
    local name, password = ((sent and crypto.unbase64(sent)) or ""):match "^([^:%c]*):([^%c]*)$"
    local user = name and check(name, password, req)
    if not user then return refuse(res, challenge) end
    req.user = user
    next()
  end
end

--- auth.bearer(options) -> middleware: with a token. Does not suspend.
function auth.bearer(given)
  local settings = options("auth.bearer", given, rules "tokens")
  check_either("auth.bearer", settings, "tokens")
  local challenge = ('Bearer realm="%s"'):format(settings.realm)
  local known = {}
  for token, user in pairs(settings.tokens or {}) do known[crypto.sha256(token)] = user end
  local check = settings.check or function(token) return known[crypto.sha256(token)] end
  return function(req, res, next)
    local token = credentials(req, "bearer")
    if not token then return refuse(res, challenge) end
    local user = token:find "^[%w%-._~+/]+=*$" and check(token, req)
    if not user then return refuse(res, challenge .. ', error="invalid_token"') end
    req.user = user
    next()
  end
end

return auth
