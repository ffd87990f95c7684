-- Watches the domains under load and moves their bounds: up while tasks queue, down while domains
-- have nothing to do. The load comes and goes: a crowd for half of the time, then nobody.
--
--   rille examples/tune_bounds.lua [seconds]     (3)

local rille = require "rille"
local domains = rille.domains

local seconds = tonumber(arg[1] or 3)
local most = math.max(2, domains.recommended())
local started = rille.now()

local function say(format, ...)
  print(("%5.2f s  " .. format):format(rille.now() - started, ...))
end

local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end

local function customer()
  while rille.now() < started + seconds / 2 do rille.detach(fib, 22) end
end

local quiet = 0 -- looks in a row that found a domain idle and nothing queued

local function look()
  local stats = domains.stats()
  local _, max = domains.get_bounds()
  quiet = stats.idle > 0 and stats.queued == 0 and quiet + 1 or 0
  if stats.queued > 0 and max < most then
    domains.set_bounds(1, max + 1)
    say("%d tasks queue for %d domains: max %d -> %d", stats.queued, stats.domains, max, max + 1)
  elseif quiet >= 3 and max > 1 then
    domains.set_bounds(1, max - 1)
    say("%d of %d domains idle: max %d -> %d", stats.idle, stats.domains, max, max - 1)
    quiet = 0
  end
end

domains.set_bounds(1, 1)
say("a crowd of %d comes, 1 domain serves", 4 * most)
for _ = 1, 4 * most do rille.spawn(customer) end
while rille.now() < started + seconds do
  rille.sleep(seconds / 60)
  look()
end

local stats = domains.stats()
say("%d tasks done; half of them queued less than %.1f ms, 99 %% less than %.1f ms",
  stats.finished, stats.wait.p50 * 1e3, stats.wait.p99 * 1e3)
