-- Bounds that are raised and lowered, to none and back, while tasks come: each ends once, with its
-- own result.

local rille = require "rille"
local domains = rille.domains

local function work(number)
  for _ = 1, math.random(100) do number = number + 1 - 1 end
  if math.random(3) == 1 then rille.sleep(math.random() / 100) end
  return -number
end

local TASKS = 24
local ended = 0

rille.scope(function(scope)
  scope:spawn(function()
    for _ = 1, 10 do
      local min = math.random(0, 3)
      domains.set_bounds(min, math.random(min, 5))
      domains.set_idle_time(math.random() / 100)
      rille.sleep(math.random() / 100)
    end
    domains.set_bounds(0, 2)
  end)
  for number = 1, TASKS do
    scope:spawn(function()
      rille.sleep(math.random() / 20)
      assert(rille.detach(work, number) == -number)
      ended = ended + 1
    end)
  end
end)

assert(ended == TASKS)
domains.set_bounds(3, 4) -- a minimum is started without work,
rille.sleep(0.1)
assert(domains.stats().domains >= 3)
domains.set_bounds(0, 4) -- and what is above it ends
domains.set_idle_time(0.001)
rille.sleep(1)
local stats = domains.stats()
assert(stats.finished == TASKS and stats.submitted == TASKS, stats.finished)
assert(stats.queued == 0 and stats.busy == 0 and stats.domains == 0, stats.domains)
