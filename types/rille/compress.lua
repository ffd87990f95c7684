---@meta rille.compress

-- Made by scripts/reference from the comments at the bindings.

---Compresses what comes piece by piece. It stays in its domain; nothing of it suspends.
---@class rille.compress.encoder
local encoder = {}

---What there is to send so far, perhaps nothing; with `flush`, all that the receiver needs to read the text, at some cost in size.
---@param text string
---@param flush? boolean
---@return string
function encoder:feed(text, flush) end

---The last ones. Nothing can be done with it afterwards.
---@param text? string
---@return string
function encoder:finish(text) end

---The other way round, with a limit. It stays in its domain; nothing of it suspends.
---@class rille.compress.decoder
local decoder = {}

---What they stand for so far, perhaps nothing.
---@param bytes string
---@return string|nil
---@return nil|"malformed"|"too large"
function decoder:feed(bytes) end

---Whether the stream has come to its end.
---@return true|nil
---@return nil|"truncated"
function decoder:finish() end

---The codings "gzip", "br" (Brotli) and "zstd", whole strings and streams.
---
---None of these functions suspends; all may be called on any domain. They keep a core busy: large texts are better compressed by rille.detach(compress.encode, text, "br"). What a client sent is decoded with a limit, for a kilobyte may stand for gigabytes. A coding whose library was not there when Rille was configured is an error that says so.
---@class rille.compress
local compress = {}

---Levels are those of compress.encode.
---@param coding "gzip"|"br"|"zstd"
---@param level? integer
---@return rille.compress.encoder
function compress.encoder(coding, level) end

---Gives `limit` bytes in all (8 MiB).
---@param coding "gzip"|"br"|"zstd"
---@param limit? integer
---@return rille.compress.decoder
function compress.decoder(coding, limit) end

---Levels: gzip 1 to 9 (6), br 0 to 11 (4), zstd 1 to 19 (3).
---@param text string
---@param coding "gzip"|"br"|"zstd"
---@param level? integer
---@return string
function compress.encode(text, coding, level) end

---The message is "malformed", "truncated" or, when the text has more than `limit` bytes (8 MiB), "too large".
---@param bytes string
---@param coding "gzip"|"br"|"zstd"
---@param limit? integer
---@return string|nil
---@return nil|string
function compress.decode(bytes, coding, limit) end

---Whether it is a coding that this build has.
---@param coding "gzip"|"br"|"zstd"
---@return boolean
function compress.has(coding) end

return compress
