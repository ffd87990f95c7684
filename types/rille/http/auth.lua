---@meta rille.http.auth

-- Made by scripts/reference from the comments at the bindings.

---@class rille.http.auth.auth_options
---@field check? function # basic: function(name, password, req); bearer: function(token, req). Returns the user, any value, or nothing. It may wait. Compare secrets with crypto.equal
---@field users? table<string, string> # basic only: name -> password; the user is the name. Compared in constant time
---@field tokens? table<string, any> # bearer only: token -> user
---@field realm? string # "restricted": what the browser shows

---Who is it? Basic and bearer authentication.
---
---local auth = require "rille.http.auth"
---app:get("/admin", auth.basic { users = { ann = os.getenv "ANNS_PASSWORD" } },
---  function() return "hello" end)
---app:get("/me", auth.bearer { tokens = { [os.getenv "TOKEN" or "?"] = "ann" } },
---  function(req) return req.user end)
---
---Who passes is req.user; who does not is answered with 401. Use it over TLS only, for both schemes send the secret itself.
---
---It works in the domain that serves. One of `check` and `users` (or `tokens`) is needed.
---@class rille.http.auth
local auth = {}

---With name and password. Does not suspend.
---@param options rille.http.auth.auth_options
---@return fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
function auth.basic(options) end

---With a token. Does not suspend.
---@param options rille.http.auth.auth_options
---@return fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
function auth.bearer(options) end

return auth
