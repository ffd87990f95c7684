-- Checksums many blocks of data in parallel and says how fast that was.
--
--   rille examples/hash_parallel.lua [domains [blocks [size in KiB]]]     (recommended, 1000, 8)

local rille = require "rille"

local domains = tonumber(arg[1] or rille.domains.recommended())
local count = tonumber(arg[2] or 1000)
local kib = tonumber(arg[3] or 8)

rille.domains.set_bounds(domains, domains)

--- FNV-1a, taking eight bytes at a time.
local function checksum(block)
  local hash = 0xcbf29ce484222325
  for at = 1, #block, 8 do
    hash = (hash ~ string.unpack("<i8", block, at)) * 0x100000001b3
  end
  return hash
end

--- A block of noise, the same in every run.
local function noise()
  local words = {}
  for i = 1, kib * 128 do words[i] = string.pack("<i8", math.random(0)) end
  return table.concat(words)
end

math.randomseed(42)
local blocks = {}
for i = 1, count do blocks[i] = noise() end

local started = rille.now()
local tasks = {}
for i, block in ipairs(blocks) do tasks[i] = rille.submit(checksum, block) end
local total = 0
for _, task in ipairs(tasks) do total = total ~ task:await() end
local seconds = rille.now() - started

print(("%d blocks of %d KiB on %d domains: checksum %016x, %.1f MB/s"):format(
  count, kib, domains, total, count * kib * 1024 / 1e6 / seconds))
