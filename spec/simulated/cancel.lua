-- Tasks that are cancelled at any point of their lives: each is accounted for once, what has begun
-- is cleaned up, and the domains serve on.

local rille = require "rille"

local TASKS = 20
local entered = rille.channel(math.huge) -- by which tasks, and what each has to close
local never = rille.channel()

local function guarded(fn)
  return function(number)
    local open <close> = rille.channel() -- closed by a function of C, which nothing interrupts
    entered:try_send { number, open }
    return fn(number)
  end
end

local kinds = {
  function(number) return number end,
  function(number) for _ = 1, 300 do number = number + 1 - 1 end return number end,
  function(number) rille.sleep(0.002) return number end,
  function(number) return rille.detach(math.abs, -number) end,
  function(number) return rille.run_in_main(math.abs, -number) end,
  function(number)
    return rille.run_in_main(function() return rille.detach(math.abs, -number) end)
  end,
  function(number) return never:receive(0.002) or number end,
  function(number) return select(2, rille.select { never, number = 0.001 }) or number end,
  function(number) for _ = 1, 20 do pcall(rille.sleep, 0) end return number end,
  function(number) return (rille.all(function() return number end)) end,
  function() while true do pcall(string.rep, "x", 3) end end, -- ended by its cancellation alone
}

local endless = #kinds
local tasks, finished, cancelled = {}, 0, 0
rille.domains.set_bounds(math.random(0, 2), math.random(2, 4))
for number = 1, TASKS do
  local kind = math.random(#kinds)
  tasks[number] = { rille.submit(guarded(kinds[kind]), number), kind }
end

local function wait()
  local way = math.random(3)
  if way == 1 then for _ = 1, math.random(500) do math.abs(1) end end
  if way == 2 then rille.sleep(math.random() / 200) end
end

rille.scope(function(scope)
  for number, task in ipairs(tasks) do
    scope:spawn(function()
      local ok, result = pcall(task[1].await, task[1])
      if ok then finished = finished + 1 else cancelled = cancelled + 1 end
      assert(ok and result == number or not ok and tostring(result):find "stop it", result)
      assert(task[1]:status() == (ok and "done" or "cancelled"), task[1]:status())
    end)
  end
  for _, task in ipairs(tasks) do
    if task[2] == endless or math.random(2) == 1 then
      wait()
      task[1]:cancel "stop it"
    end
  end
end)

assert(finished + cancelled == TASKS)
rille.sleep(2) -- what nested tasks do at their end, and cleaning up
local seen = {}
for entry in function() return entered:try_receive() end do
  local number, open = table.unpack(entry)
  assert(not seen[number], number)
  seen[number] = true
  assert(select(2, open:try_receive()) == "closed", number)
end
assert(rille.detach(math.max, 3, 4) == 4)
local stats = rille.domains.stats()
assert(stats.finished + stats.cancelled + stats.failed == stats.submitted, stats.submitted)
assert(stats.queued == 0 and stats.busy == 0)
