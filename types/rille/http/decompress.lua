---@meta rille.http.decompress

-- Made by scripts/reference from the comments at the bindings.

---@class rille.http.decompress.decompress_options
---@field codings? string[] # { "gzip", "br", "zstd" }: those that this build has
---@field max_size? integer # 1048576 bytes, decoded

---Bodies that clients have compressed.
---
---local decompress = require "rille.http.decompress"
---app:use(decompress { max_size = 4 << 20 })
---
---A body with a Content-Encoding is decoded before the rest is called: req:body(), req:json() and req:form() then give what it stands for, and req.decoded is the coding that it had. A kilobyte may stand for gigabytes, so nothing is decoded beyond max_size: the answer is then 413. It is 415, with the codings that there are, for another one (or several); 400 for bytes that are malformed.
---
---Without this middleware req:json, req:form and req:multipart answer such bodies with 415, and req:body and req:read give them as they came. Multipart bodies, which may be large, are always left as they are. It works in the domain that serves.
---@class rille.http.decompress
---@overload fun(options?: rille.http.decompress.decompress_options): fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
local decompress = {}

return decompress
