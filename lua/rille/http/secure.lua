--[[ rille.http.secure: headers that tell browsers to be careful with an answer.

    local secure = require "rille.http.secure"
    app:use(secure { csp = "default-src 'self'; script-src 'self' 'nonce-{nonce}'" })

They are set before the handler runs, which may change them, in the domain that serves. Each option
is a string, or false to leave that header out.

Options:

    csp            Content-Security-Policy: "default-src 'self'; base-uri 'none'; object-src 'none';
                   form-action 'self'; frame-ancestors 'none'". {nonce} stands for a new random
                   word, which is in req.nonce
    hsts           Strict-Transport-Security: "max-age=31536000". Browsers heed it over TLS only;
                   then there is no way back for a year. Subdomains only if you say so
    nosniff        X-Content-Type-Options: "nosniff"
    frame          X-Frame-Options: "DENY"
    referrer       Referrer-Policy: "strict-origin-when-cross-origin"
    opener         Cross-Origin-Opener-Policy: "same-origin"
    resource       Cross-Origin-Resource-Policy: "same-origin"
    permissions    Permissions-Policy: none, such as "camera=(), geolocation=()" ]]

local crypto = require "rille.crypto"
local options = require "rille.http.options"

local POLICY = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; " ..
  "frame-ancestors 'none'"

-- option, header, default
local HEADERS = {
  { "csp", "Content-Security-Policy", POLICY },
  { "hsts", "Strict-Transport-Security", "max-age=31536000" },
  { "nosniff", "X-Content-Type-Options", "nosniff" },
  { "frame", "X-Frame-Options", "DENY" },
  { "referrer", "Referrer-Policy", "strict-origin-when-cross-origin" },
  { "opener", "Cross-Origin-Opener-Policy", "same-origin" },
  { "resource", "Cross-Origin-Resource-Policy", "same-origin" },
  { "permissions", "Permissions-Policy", false },
}

local function check_value(value)
  if value == true then return "a string or false expected" end
  if value and value:find "%c" then return "control characters" end
end

local RULES = {}
for _, row in ipairs(HEADERS) do
  RULES[row[1]] = { type = "string boolean", default = row[3], check = check_value }
end

--- secure([options]) -> middleware: made once, when the app is built. Does not suspend.
return function(given)
  local settings = options("secure", given, RULES)
  local fixed, policy = {}, settings.csp
  local varies = policy and policy:find("{nonce}", 1, true)
  for _, row in ipairs(HEADERS) do
    local value = settings[row[1]]
    if value and not (varies and row[1] == "csp") then fixed[row[2]] = value end
  end
  return function(req, res, next)
    for name, value in pairs(fixed) do res.headers[name] = value end
    if varies then
      req.nonce = crypto.base64url(crypto.random(18))
      res.headers["Content-Security-Policy"] = policy:gsub("{nonce}", req.nonce)
    end
    next()
  end
end
