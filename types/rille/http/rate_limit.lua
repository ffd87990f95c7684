---@meta rille.http.rate_limit

-- Made by scripts/reference from the comments at the bindings.

---@class rille.http.rate_limit.rate_limit_options
---@field rate number # needed: requests a second, in the long run
---@field burst? number # rate, at least 1: requests at once
---@field key? fun(req: rille.http.req): string? # function(req) -> string: who counts as one client; nil lets the request pass. The address by default, of IPv6 the first half. Behind a proxy that is the proxy, unless app:listen is told to trust it
---@field max_keys? integer # 10000: clients that are remembered, those seen last; memory stays bounded

---So many requests a second for each client, the rest answered with 429.
---
---local rate_limit = require "rille.http.rate_limit"
---app:use(rate_limit { rate = 10, burst = 50 })
---app:post("/login", rate_limit { rate = 5 / 60, burst = 5 }, function() return 204 end)
---
---Each client has a bucket of `burst` tokens, into which `rate` of them fall a second; a request takes one. Each domain counts for itself: with `--loops N` a client gets up to N times as much.
---@class rille.http.rate_limit
---@overload fun(options: rille.http.rate_limit.rate_limit_options): fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
local rate_limit = {}

return rate_limit
