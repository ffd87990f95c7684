-- A queue that is full: who waits gets in, who does not is refused or drops an older one; each task
-- ends in one of these ways.

local rille = require "rille"

local function work(number)
  rille.sleep(math.random() / 100)
  return number
end

local jobs = {
  rille.job(work, { name = "wait" }),
  rille.job(work, { name = "fail", on_full = "fail" }),
  rille.job(work, { name = "drop", on_full = "drop_oldest", priority = "low" }),
  rille.job(work, { name = "keyed", key = "k", max_running = 1 }),
}

rille.domains.set_bounds(0, math.random(1, 2))
rille.domains.set_queue_limit(math.random(1, 3))

local TASKS = 24
local ends = { finished = 0, full = 0, dropped = 0, cancelled = 0 }
rille.scope(function(scope)
  for number = 1, TASKS do
    scope:spawn(function()
      rille.sleep(math.random() / 50)
      local task
      local ok, result = pcall(function()
        task = jobs[math.random(#jobs)]:submit(number)
        if math.random(4) == 1 then task:cancel "no more" end
        return task:await()
      end)
      local how = ok and "finished" or type(result) == "table" and result.reason or
        tostring(result):find "no more" and "cancelled"
      assert(ends[how], result)
      assert(not ok or result == number)
      ends[how] = ends[how] + 1
    end)
  end
  scope:spawn(function()
    rille.sleep(math.random() / 50)
    rille.domains.set_queue_limit(math.random(1, 5))
  end)
end)

assert(ends.finished + ends.full + ends.dropped + ends.cancelled == TASKS)
local stats = rille.domains.stats()
assert(stats.finished >= ends.finished and stats.finished <= ends.finished + ends.cancelled)
assert(stats.queued == 0 and stats.busy == 0 and stats.waiting == 0)
