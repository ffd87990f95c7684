---@meta rille.http.cookies

-- Made by scripts/reference from the comments at the bindings.

---The cookies of a request and of its answer. It ends with the request, in its domain; nothing of it suspends. A value that was signed or sealed for one name is not taken for another. `overrides` is a table of the options from path to max_age.
---@class rille.http.cookies.jar
local jar = {}

---The value as the client sent it.
---@param name string
---@return string|nil
function jar:get(name) end

---Sets it as it is.
---@param name string
---@param value any
---@param overrides? table
function jar:set(name, value, overrides) end

---Overrides are its path and domain, if it was set with others.
---@param name string
---@param overrides? table
function jar:remove(name, overrides) end

---The client can read it and cannot change it.
---@param name string
---@param value any
---@param overrides? table
function jar:sign(name, value, overrides) end

---The client can neither read nor change it.
---@param name string
---@param value any
---@param overrides? table
function jar:seal(name, value, overrides) end

---What was signed; or "missing", "forged" or "expired".
---@param name string
---@return string|nil
---@return nil|string
function jar:verify(name) end

---The same of what was sealed.
---@param name string
---@return string|nil
---@return nil|string
function jar:open(name) end

---@class rille.http.cookies.cookies_options
---@field secret? string|string[] # at least 32 random bytes, or a list of such, the newest first: the others still read what they made. Needed for signed and sealed cookies
---@field path? string # "/"
---@field domain? string # none: the host itself only
---@field secure? boolean # true: over TLS only (browsers make an exception for localhost)
---@field http_only? boolean # true: hidden from the page's scripts
---@field same_site? "lax"|"strict"|"none" # "lax"; or "strict", "none"
---@field max_age? number # seconds; without it until the browser is closed. Signed and sealed cookies are not taken after that time, whatever the client does

---Cookies that a client cannot forge, or not even read.
---
---local cookies = require "rille.http.cookies"
---app:use(cookies { secret = os.getenv "APP_SECRET" or ("only for trying "):rep(3) })
---app:post("/theme", function(req)
---  req.jar:set("theme", "dark")
---  req.jar:seal("user", "42", { max_age = 3600 })
---end)
---app:get("/", function(req) return (req.jar:open "user") or "nobody" end)
---
---The middleware sets req.jar, in the domain that serves.
---@class rille.http.cookies
---@overload fun(options?: rille.http.cookies.cookies_options): fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
local cookies = {}

return cookies
