---@meta rille.http.session

-- Made by scripts/reference from the comments at the bindings.

---What is remembered of a client, by any name that is a string. It ends with its request, in its domain.
---@class rille.http.session.session
---@field [string] any
local session = {}

---Now: before the first res:write, which sends the head and with it the cookie. Only what a store keeps under a name that the client has already may change behind that. May suspend, if the store does.
function session:save() end

---At every login: a new identity, so that nobody can plant one beforehand. May suspend, if the store does.
function session:renew() end

---Forgets everything. Does not suspend.
function session:destroy() end

---@class rille.http.session.session_options
---@field secret? string|string[] # at least 32 random bytes, or a list, the newest first. Needed without a store
---@field store? table # a table: store:get(id) -> string or nil; store:set(id, string, seconds), where nil in place of the string removes. Both may wait. Ids are not what the client has, so who can read the store cannot take over a session
---@field max_age? number # 604800 seconds (a week) without a visit
---@field refresh? number # how old it may grow before a visit extends it: max_age / 2
---@field cookie? string # its name: "__Host-session", or "session" where that is not possible
---@field path? string # as in rille.http.cookies; always http_only
---@field domain? string # as in rille.http.cookies; always http_only
---@field secure? boolean # as in rille.http.cookies; always http_only
---@field same_site? "lax"|"strict"|"none" # as in rille.http.cookies; always http_only

---What is remembered of a client from one request to the next.
---
---local session = require "rille.http.session"
---app:use(session { secret = os.getenv "APP_SECRET" or ("only for trying "):rep(3) })
---app:post("/login", function(req)
---  req.session:renew()
---  req.session.user = 42
---  return 204
---end)
---
---req.session is a table of what JSON can hold (whole numbers come back as integers). It is saved when the handler is over and something changed; not if that raised an error. The client gets a cookie only once there is something in it.
---
---All of it works in the domain that serves. By default the client itself keeps the session, in a sealed cookie, which holds some 2,800 bytes and cannot be taken back before its time: one that was stolen outlives a logout. With a `store` the cookie holds a random name only.
---@class rille.http.session
---@overload fun(options: rille.http.session.session_options): fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
local session = {}

return session
