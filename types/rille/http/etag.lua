---@meta rille.http.etag

-- Made by scripts/reference from the comments at the bindings.

---@class rille.http.etag.etag_options
---@field weak? boolean # false: W/ says that answers mean the same rather than are the same
---@field max_size? integer # 8388608: a larger body gets no tag

---A client that has the answer already is told so, with 304 and no body.
---
---local etag = require "rille.http.etag"
---app:use(etag())
---
---For GET and HEAD answered with 200 and a whole body: it saves what would be sent, not the work of making it. An ETag that the handler set is used as it is; res.headers["ETag"] says it. Use it before rille.http.compress. It works in the domain that serves.
---@class rille.http.etag
---@overload fun(options?: rille.http.etag.etag_options): fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
local etag = {}

return etag
