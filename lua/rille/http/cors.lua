--[[ rille.http.cors: which other sites' pages may call this one.

    local cors = require "rille.http.cors"
    app:use(cors { origin = { "https://app.example.com" }, credentials = true })

Preflights are answered here, with 204. A request of an origin that is not listed is answered as
usual, but its page cannot read that: this keeps pages from reading, not from sending
(rille.http.csrf does). "null", as sandboxed pages have it, is allowed by "*" or by name only. It
works in the domain that serves.

Options:

    origin        needed: "*", an origin such as "https://app.example.com", a list of them, or a
                  function(origin, req) -> boolean
    methods       { "GET", "HEAD", "POST" }
    headers       { "Content-Type" }: what a page may send
    expose        {}: what a page may read of the answer's headers, besides the usual ones
    credentials   false: whether cookies may come along; not with the origin "*"
    max_age       600 seconds for which a browser remembers a preflight's answer ]]

local check = require "rille.http.check"
local options = require "rille.http.options"
local vary = require "rille.http.vary"

local function check_list(value)
  for _, name in ipairs(value) do
    if type(name) ~= "string" or name:find "[^%w!#$%%&'*+%-.^_`|~]" then
      return "a list of names expected"
    end
  end
end

local function check_origin(value)
  for _, origin in ipairs(type(value) == "table" and value or { value }) do
    local special = origin == "*" or origin == "null" or type(origin) == "function"
    local fault = not special and check.origin(origin)
    if fault then return fault end
  end
end

local RULES = {
  origin = { type = "string table function", needed = true, check = check_origin },
  methods = { type = "table", default = { "GET", "HEAD", "POST" }, check = check_list },
  headers = { type = "table", default = { "Content-Type" }, check = check_list },
  expose = { type = "table", default = {}, check = check_list },
  credentials = { type = "boolean", default = false },
  max_age = { type = "number", default = 600, most = 86400 },
}

-- A function(origin, req) -> boolean, and whether everybody is allowed.
local function allower(origin)
  if type(origin) == "function" then return origin, false end
  local listed = {}
  for _, one in ipairs(type(origin) == "table" and origin or { origin }) do listed[one] = true end
  if listed["*"] then return function() return true end, true end
  return function(one) return listed[one] end, false
end

--- cors(options) -> middleware: made once, when the app is built. Does not suspend.
return function(given)
  local settings = options("cors", given, RULES)
  local allows, everybody = allower(settings.origin)
  if everybody and settings.credentials then
    check.fail 'rille.http.cors: option "credentials": not with the origin "*"'
  end
  local methods = table.concat(settings.methods, ", ")
  local names = table.concat(settings.headers, ", ")
  local exposed = table.concat(settings.expose, ", ")

  local function answer_preflight(res)
    res.headers["Access-Control-Allow-Methods"] = methods
    if names ~= "" then res.headers["Access-Control-Allow-Headers"] = names end
    res.headers["Access-Control-Max-Age"] = ("%d"):format(settings.max_age // 1)
  end

  return function(req, res, next)
    local origin = req.headers["Origin"]
    local preflight = origin and req.method == "OPTIONS"
      and req.headers["Access-Control-Request-Method"]
    if not everybody then vary(res, "Origin") end
    if origin and allows(origin, req) then
      res.headers["Access-Control-Allow-Origin"] = everybody and "*" or origin
      if settings.credentials then res.headers["Access-Control-Allow-Credentials"] = "true" end
      if preflight then
        answer_preflight(res)
      elseif exposed ~= "" then
        res.headers["Access-Control-Expose-Headers"] = exposed
      end
    end
    if preflight then return 204 end
    next()
  end
end
