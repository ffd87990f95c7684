---@meta rille.http.compress

-- Made by scripts/reference from the comments at the bindings.

---A body that is compressed piece by piece. It ends with its request, in its domain.
---@class rille.http.compress.out
local out = {}

---As res:write. May suspend.
---@param text string
function out:write(text) end

---The client can read all that was written so far. May suspend.
function out:flush() end

---The end of the body. May suspend.
function out:finish() end

---@class rille.http.compress.compress_options
---@field codings? string[] # { "zstd", "br", "gzip" }: on equal terms the first that this build has
---@field levels? table<string, integer> # { gzip = 6, br = 4, zstd = 3 }
---@field min_size? integer # 1024 bytes
---@field detach_size? number # 65536 bytes; math.huge: never
---@field types? fun(type: string): boolean # function(type) -> boolean: what to compress. text/*, and JSON, JavaScript, XML, SVG, WebAssembly and the like by default

---Answers in fewer bytes, for clients that say they understand.
---
---local compress = require "rille.http.compress"
---app:use(compress())
---
---A whole body is compressed when the handler is over, in the coding that Accept-Encoding likes best. What is left alone: files (app:static takes compressed forms beside them), small bodies, types that are compressed already, answers with a Content-Encoding or `Cache-Control: no-transform`, and 204, 206 and 304. A strong ETag becomes weak.
---
---Bodies of detach_size and more are compressed on a compute domain while others are served. (64 KiB of JSON take gzip 1.2 ms, br 0.7 ms and zstd 0.2 ms at these levels; a detach some 20 us.)
---
---What a handler writes piece by piece it compresses itself, flushing where a reader waits:
---
---local compress = require "rille.http.compress"
---app:get("/rows", function(req, res)
---  res.headers["Content-Type"] = "text/plain"
---  local out = compress.stream(req, res)      -- once the other headers are set
---  for i = 1, 1000 do out:write(i .. "\n") end
---  out:flush()                                -- sends what is kept back
---  out:finish()
---end)
---
---All of it works in the domain that serves. Do not compress pages that hold a secret beside what a stranger put into the request: the size tells one from the other (BREACH).
---@class rille.http.compress
---@overload fun(options?: rille.http.compress.compress_options): fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
local compress = {}

---In the client's coding, or as it is where it has none or the type is none to compress. Options are those of the middleware. Does not suspend.
---@param req rille.http.req
---@param res rille.http.res
---@param options? rille.http.compress.compress_options
---@return rille.http.compress.out
function compress.stream(req, res, options) end

return compress
