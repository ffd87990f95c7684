---@meta rille.http.csrf

-- Made by scripts/reference from the comments at the bindings.

---@class rille.http.csrf.csrf_options
---@field trusted? string[] # {}: origins of other sites that may send, such as "https://app.example.com"
---@field secret? string|string[] # as in rille.http.cookies. With it every such request needs a token as well, in the header X-CSRF-Token, or in the field csrf_token of an urlencoded form (a multipart one needs the header): req.csrf_token is one, for the page to put into its requests
---@field max_age? number # 86400 seconds for which a token is good
---@field cookie? string # "__Host-csrf": what tokens are bound to; it is set by the first request
---@field secure? boolean # true: the cookie over TLS only

---Refuses what another site's page makes a browser send.
---
---local csrf = require "rille.http.csrf"
---app:use(csrf())
---
---A request with another method than GET, HEAD and OPTIONS must come from a page of this site: so must say Sec-Fetch-Site, or, in a browser without that, Origin, which is compared with req.host. A client that sends neither is no browser of these days. Without cookies it passes, since there is nothing that a page could abuse; with cookies it may be an old browser, and passes only by a valid token (see secret), which no other page can have. So a program that keeps cookies sends a token, or `Origin` like a browser. What is refused is answered with 403. Handlers of GET must change nothing. It works in the domain that serves.
---@class rille.http.csrf
---@overload fun(options?: rille.http.csrf.csrf_options): fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
local csrf = {}

return csrf
