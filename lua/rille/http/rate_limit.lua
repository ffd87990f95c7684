--[[ rille.http.rate_limit: so many requests a second for each client, the rest answered with 429.

    local rate_limit = require "rille.http.rate_limit"
    app:use(rate_limit { rate = 10, burst = 50 })
    app:post("/login", rate_limit { rate = 5 / 60, burst = 5 }, function() return 204 end)

Each client has a bucket of `burst` tokens, into which `rate` of them fall a second; a request takes
one. Each domain counts for itself: with `--loops N` a client gets up to N times as much.

Options:

    rate       needed: requests a second, in the long run
    burst      rate, at least 1: requests at once
    key        function(req) -> string: who counts as one client; nil lets the request pass. The
               address by default, of IPv6 the first half. Behind a proxy that is the proxy,
               unless app:listen is told to trust it
    max_keys   10000: clients that are remembered, those seen last; memory stays bounded ]]

local options = require "rille.http.options"
local rille = require "rille"

local RULES = {
  rate = { type = "number", needed = true, least = 1e-6, most = 1e9 },
  burst = { type = "number", least = 1, most = 1e9 },
  key = { type = "function" },
  max_keys = { type = "number", default = 10000, least = 2 },
}

-- "2001:db8::1" -> "2001:db8:0:0"
local function network_of(address)
  local head, tail = address:match "^(.-)::(.*)$"
  local groups = {}
  for group in (head or address):gmatch "[^:]+" do groups[#groups + 1] = group end
  if tail then
    local _, count = tail:gsub("[^:]+", "")
    while #groups + count < 8 do groups[#groups + 1] = "0" end
    for group in tail:gmatch "[^:]+" do groups[#groups + 1] = group end
  end
  return table.concat(groups, ":", 1, math.min(4, #groups))
end

local function address_of(req)
  local remote = req.remote or ""
  local v6 = remote:match "^%[([^%]%%]*)"
  if v6 then return v6:find "%." and v6 or network_of(v6) end
  return remote:match "^(.*):%d+$" or remote
end

--- Buckets in two generations: when the younger is full, the older is forgotten. Who is seen is
-- young again.
local function new_table(most)
  local young, old, count = {}, {}, 0
  return function(key)
    local bucket = young[key]
    if bucket then return bucket end
    bucket = old[key] or {}
    if count >= most // 2 then young, old, count = {}, young, 0 end
    young[key], count = bucket, count + 1
    return bucket
  end
end

--- rate_limit(options) -> middleware: made once, when the app is built. Does not suspend.
return function(given)
  local settings = options("rate_limit", given, RULES)
  local rate = settings.rate
  local burst = settings.burst or math.max(rate, 1)
  local key_of = settings.key or address_of
  local bucket_of = new_table(settings.max_keys)
  return function(req, res, next)
    local key = key_of(req)
    if key ~= nil then
      local bucket, now = bucket_of(key), rille.now()
      local tokens = math.min(burst, (bucket.tokens or burst) + (now - (bucket.at or now)) * rate)
      bucket.at = now
      if tokens < 1 then
        bucket.tokens = tokens
        res.headers["Retry-After"] = ("%d"):format(math.ceil((1 - tokens) / rate))
        return 429, "too many requests\n"
      end
      bucket.tokens = tokens - 1
    end
    next()
  end
end
