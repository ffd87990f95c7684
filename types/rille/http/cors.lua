---@meta rille.http.cors

-- Made by scripts/reference from the comments at the bindings.

---@class rille.http.cors.cors_options
---@field origin string|string[]|fun(origin: string, req: rille.http.req): boolean # needed: "*", an origin such as "https://app.example.com", a list of them, or a function(origin, req) -> boolean
---@field methods? string[] # { "GET", "HEAD", "POST" }
---@field headers? string[] # { "Content-Type" }: what a page may send
---@field expose? string[] # {}: what a page may read of the answer's headers, besides the usual ones
---@field credentials? boolean # false: whether cookies may come along; not with the origin "*"
---@field max_age? number # 600 seconds for which a browser remembers a preflight's answer

---Which other sites' pages may call this one.
---
---local cors = require "rille.http.cors"
---app:use(cors { origin = { "https://app.example.com" }, credentials = true })
---
---Preflights are answered here, with 204. A request of an origin that is not listed is answered as usual, but its page cannot read that: this keeps pages from reading, not from sending (rille.http.csrf does). "null", as sandboxed pages have it, is allowed by "*" or by name only. It works in the domain that serves.
---@class rille.http.cors
---@overload fun(options: rille.http.cors.cors_options): fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
local cors = {}

return cors
