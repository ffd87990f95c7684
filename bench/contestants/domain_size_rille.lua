-- How much the process grows with each further domain: resident memory of 17 started domains less
-- that of one, by 16. Every domain has run a task.

local rille = require "rille"

local FURTHER = 16

local function resident_kib()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmRSS:%s+(%d+)")
    if kib then return tonumber(kib) end
  end
end

--- Starts `count` domains and has them run more tasks than there are domains.
local function start(count)
  rille.domains.set_bounds(count, count)
  while rille.domains.stats().domains < count do rille.sleep(0.01) end
  local tasks = {}
  for i = 1, 4 * count do tasks[i] = rille.submit(function(n) return n end, i) end
  for _, task in ipairs(tasks) do task:await() end
  rille.sleep(0.2)
  collectgarbage()
  return resident_kib()
end

local one = start(1)
io.write(("kib %.1f\n"):format((start(1 + FURTHER) - one) / FURTHER))
