--[[ rille.http.csrf: refuses what another site's page makes a browser send.

    local csrf = require "rille.http.csrf"
    app:use(csrf())

A request with another method than GET, HEAD and OPTIONS must come from a page of this site: so must
say Sec-Fetch-Site, or, in a browser without that, Origin, which is compared with req.host. A client
that sends neither is no browser of these days. Without cookies it passes, since there is nothing
that a page could abuse; with cookies it may be an old browser, and passes only by a valid token
(see secret), which no other page can have. So a program that keeps cookies sends a token, or
`Origin` like a browser. What is refused is answered with 403. Handlers of GET must change nothing.
It works in the domain that serves.

Options:

    trusted   {}: origins of other sites that may send, such as "https://app.example.com"
    secret    as in rille.http.cookies. With it every such request needs a token as well, in the
              header X-CSRF-Token, or in the field csrf_token of an urlencoded form (a multipart one
              needs the header): req.csrf_token is one, for the page to put into its requests
    max_age   86400 seconds for which a token is good
    cookie    "__Host-csrf": what tokens are bound to; it is set by the first request
    secure    true: the cookie over TLS only ]]

local check = require "rille.http.check"
local crypto = require "rille.crypto"
local options = require "rille.http.options"
local secret = require "rille.http.secret"
local tools = require "rille.http.tools"

local function check_origins(list)
  for _, origin in ipairs(list) do
    local fault = check.origin(origin)
    if fault then return fault end
  end
end

local RULES = {
  trusted = { type = "table", default = {}, check = check_origins },
  secret = secret.rule,
  max_age = { type = "number", default = 86400, least = 1 },
  cookie = { type = "string", default = "__Host-csrf" },
  secure = { type = "boolean", default = true },
}

local SAFE = { GET = true, HEAD = true, OPTIONS = true }

-- Whether a page of this site sends it; nil if the client does not say.
local function is_own(req, trusted)
  local origin, site = req.headers["Origin"], req.headers["Sec-Fetch-Site"]
  if origin and trusted[origin] then return true end
  if site then return site == "same-origin" or site == "none" end
  if origin then
    return origin:match "^https?://(.+)$" == req.host:lower()
  end
end

-- What this client's tokens are bound to.
local function binding(settings, req, res)
  local value = req.cookies[settings.cookie]
  if value and #value == 43 then return value end
  value = crypto.base64url(crypto.random(32))
  res:add("Set-Cookie", tools.cookie(settings.cookie, value, {
    path = "/", secure = settings.secure, http_only = true, same_site = "lax",
  }))
  return value
end

-- Reads a form only for clients that have a cookie to compare with.
local function token_of(req)
  local mime = req.headers["Content-Type"] or ""
  local is_form = mime:match "^[^;%s]*":lower() == "application/x-www-form-urlencoded"
  return req.headers["X-CSRF-Token"] or is_form and req:form().csrf_token
end

local function has_token(settings, keys, req)
  local value = req.cookies[settings.cookie]
  local token = value and token_of(req)
  local said = token and keys:verify("rille csrf", token)
  return said and crypto.equal(said, value)
end

-- What is wrong with a request that may change something, or nil.
local function fault_of(settings, keys, trusted, req)
  local own = is_own(req, trusted)
  if own == false then return "this request came from another site\n" end
  if keys and not has_token(settings, keys, req) then
    return "this request needs a valid X-CSRF-Token\n"
  end
  if own == nil and not keys and req.headers["Cookie"] then
    return "this request has cookies, and neither Origin nor Sec-Fetch-Site to say whose they are\n"
  end
end

--- csrf([options]) -> middleware: made once, when the app is built. Does not suspend.
return function(given)
  local settings = options("csrf", given, RULES)
  local keys, trusted = secret.keys(settings.secret), {}
  for _, origin in ipairs(settings.trusted) do trusted[origin] = true end
  if not settings.secure and settings.cookie:find "^__" then settings.cookie = "csrf" end
  return function(req, res, next)
    if not SAFE[req.method] then
      local fault = fault_of(settings, keys, trusted, req)
      if fault then return 403, fault end
    end
    if keys then
      req.csrf_token = keys:sign("rille csrf", binding(settings, req, res), settings.max_age)
    end
    next()
  end
end
