---@meta rille.http.secure

-- Made by scripts/reference from the comments at the bindings.

---@class rille.http.secure.secure_options
---@field csp? string|false # Content-Security-Policy: "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'". {nonce} stands for a new random word, which is in req.nonce
---@field hsts? string|false # Strict-Transport-Security: "max-age=31536000". Browsers heed it over TLS only; then there is no way back for a year. Subdomains only if you say so
---@field nosniff? string|false # X-Content-Type-Options: "nosniff"
---@field frame? string|false # X-Frame-Options: "DENY"
---@field referrer? string|false # Referrer-Policy: "strict-origin-when-cross-origin"
---@field opener? string|false # Cross-Origin-Opener-Policy: "same-origin"
---@field resource? string|false # Cross-Origin-Resource-Policy: "same-origin"
---@field permissions? string|false # Permissions-Policy: none, such as "camera=(), geolocation=()"

---Headers that tell browsers to be careful with an answer.
---
---local secure = require "rille.http.secure"
---app:use(secure { csp = "default-src 'self'; script-src 'self' 'nonce-{nonce}'" })
---
---They are set before the handler runs, which may change them, in the domain that serves. Each option is a string, or false to leave that header out.
---@class rille.http.secure
---@overload fun(options?: rille.http.secure.secure_options): fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
local secure = {}

return secure
