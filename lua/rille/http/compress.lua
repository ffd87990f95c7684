--[[ rille.http.compress: answers in fewer bytes, for clients that say they understand.

    local compress = require "rille.http.compress"
    app:use(compress())

A whole body is compressed when the handler is over, in the coding that Accept-Encoding likes best.
What is left alone: files (app:static takes compressed forms beside them), small bodies, types that
are compressed already, answers with a Content-Encoding or `Cache-Control: no-transform`, and 204,
206 and 304. A strong ETag becomes weak.

Bodies of detach_size and more are compressed on a compute domain while others are served. (64 KiB
of JSON take gzip 1.2 ms, br 0.7 ms and zstd 0.2 ms at these levels; a detach some 20 us.)

What a handler writes piece by piece it compresses itself, flushing where a reader waits:

    local compress = require "rille.http.compress"
    app:get("/rows", function(req, res)
      res.headers["Content-Type"] = "text/plain"
      local out = compress.stream(req, res)      -- once the other headers are set
      for i = 1, 1000 do out:write(i .. "\n") end
      out:flush()                                -- sends what is kept back
      out:finish()
    end)

All of it works in the domain that serves. Do not compress pages that hold a secret beside what a
stranger put into the request: the size tells one from the other (BREACH).

Options:

    codings       { "zstd", "br", "gzip" }: on equal terms the first that this build has
    levels        { gzip = 6, br = 4, zstd = 3 }
    min_size      1024 bytes
    detach_size   65536 bytes; math.huge: never
    types         function(type) -> boolean: what to compress. text/*, and JSON, JavaScript, XML,
                  SVG, WebAssembly and the like by default ]]

local coder = require "rille.compress"
local options = require "rille.http.options"
local rille = require "rille"
local tools = require "rille.http.tools"
local vary = require "rille.http.vary"

local KNOWN = { gzip = true, br = true, zstd = true }

local TYPES = {
  ["application/json"] = true, ["application/javascript"] = true, ["application/xml"] = true,
  ["application/wasm"] = true, ["application/manifest+json"] = true, ["image/svg+xml"] = true,
  ["application/x-ndjson"] = true, ["font/ttf"] = true, ["font/otf"] = true,
}

local function is_compressible(mime)
  return mime:find "^text/" and mime ~= "text/event-stream" or TYPES[mime]
    or mime:find "%+json$" or mime:find "%+xml$"
end

local function check_codings(list)
  for _, name in ipairs(list) do
    if not KNOWN[name] then return ('unknown coding "%s"'):format(tostring(name)) end
    if not coder.has(name) then return ('the coding "%s" is not in this build'):format(name) end
  end
  if #list == 0 then return "no coding" end
end

local function check_levels(levels)
  for name, level in pairs(levels) do
    if not KNOWN[name] then return ('unknown coding "%s"'):format(tostring(name)) end
    local ok, err = pcall(coder.encode, "", name, level)
    if not ok then return err end
  end
end

local available = {}
for _, name in ipairs { "zstd", "br", "gzip" } do
  if coder.has(name) then table.insert(available, name) end
end

local RULES = {
  codings = { type = "table", default = available, check = check_codings },
  levels = { type = "table", default = {}, check = check_levels },
  min_size = { type = "number", default = 1024 },
  detach_size = { type = "number", default = 65536 },
  types = { type = "function", default = is_compressible },
}

local WITHOUT = { [204] = true, [206] = true, [304] = true }

-- Whether the answer may be compressed for a client that wants it.
local function may(settings, res)
  if WITHOUT[res.status or 200] or res.headers["Content-Encoding"] then return false end
  local cache = res.headers["Cache-Control"]
  if cache and cache:lower():find("no-transform", 1, true) then return false end
  local mime = (res.headers["Content-Type"] or ""):match "^%s*([^;%s]*)":lower()
  return settings.types(mime)
end

local function choose(settings, req)
  local list = req.headers["Accept-Encoding"]
  if not list then return nil end
  local coding = tools.choose(list, table.unpack(settings.codings))
  return coding
end

local function mark(res, coding)
  res.headers["Content-Encoding"] = coding
  res.headers["Content-Length"] = nil
  res.headers["Accept-Ranges"] = nil
  local tag = res.headers["ETag"]
  if tag and tag:find '^"' then res.headers["ETag"] = "W/" .. tag end
end

local function encode(settings, body, coding)
  local level = settings.levels[coding]
  if #body < settings.detach_size then return coder.encode(body, coding, level) end
  return rille.detach(coder.encode, body, coding, level)
end

--- compress([options]) -> middleware: made once, when the app is built. Does not suspend.
local function new(_, given)
  local settings = options("compress", given, RULES)
  return function(req, res, next)
    next()
    local body = not res.sent and res.body
    if not body or #body < settings.min_size or not may(settings, res) then return end
    vary(res, "Accept-Encoding")
    local coding = choose(settings, req)
    if not coding then return end
    local smaller = encode(settings, body, coding)
    if #smaller >= #body then return end
    res.body = smaller
    mark(res, coding)
  end
end

-- -- streams -------------------------------------------------------------------------------------

local Stream = {}
Stream.__index = Stream
Stream.__name = "compressed stream"

local function put(stream, bytes)
  if bytes ~= "" then stream.res:write(bytes) end
end

--- The type out of rille.http.compress: a body that is compressed piece by piece. It ends with its
-- request, in its domain.

--- out:write(text): as res:write. May suspend.
function Stream:write(text)
  put(self, self.encoder and self.encoder:feed(text) or text)
end

--- out:flush(): the client can read all that was written so far. May suspend.
function Stream:flush()
  if self.encoder then put(self, self.encoder:feed("", true)) end
end

--- out:finish(): the end of the body. May suspend.
function Stream:finish()
  if self.encoder then put(self, self.encoder:finish()) end
  self.encoder = nil
end

local compress = {}

--- compress.stream(req, res [, options]) -> out
--
-- In the client's coding, or as it is where it has none or the type is none to compress. Options
-- are those of the middleware. Does not suspend.
function compress.stream(req, res, given)
  local settings = options("compress", given, RULES)
  local stream = setmetatable({ res = res }, Stream)
  if not may(settings, res) then return stream end
  vary(res, "Accept-Encoding")
  local coding = choose(settings, req)
  if coding then
    mark(res, coding)
    stream.encoder = coder.encoder(coding, settings.levels[coding])
  end
  return stream
end

return setmetatable(compress, { __call = new })
