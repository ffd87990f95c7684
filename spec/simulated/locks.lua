-- Mutexes and semaphores across domains: never too many inside, also where holders are cancelled
-- or fail; everybody gets in in the end.

local rille = require "rille"

local mutex, slots = rille.mutex(), rille.semaphore(2)
local steps = rille.channel(math.huge)

local function enter(number, kind)
  steps:try_send { number, kind, 1 }
  local _ <close> = setmetatable({}, { __close = function()
    steps:try_send { number, kind, -1 }
  end })
  rille.sleep(math.random() / 200)
  for _ = 1, math.random(100) do math.abs(number) end
  if math.random(5) == 1 then error "on purpose" end
end

local function work(number)
  if math.random(2) == 1 then
    mutex:with(enter, number, "mutex")
  else
    slots:with(enter, number, "slots")
  end
  return number
end

rille.domains.set_bounds(0, 4)
local tasks = {}
for number = 1, 12 do
  tasks[number] = (math.random(3) == 1 and rille.spawn or rille.submit)(work, number)
end
rille.sleep(math.random() / 100)
tasks[math.random(12)]:cancel "stop it"
local ended = 0
for number, task in ipairs(tasks) do
  local ok, result = pcall(task.await, task)
  local text = tostring(result)
  assert(ok and result == number or text:find "on purpose" or text:find "stop it", result)
  ended = ended + 1
end
assert(ended == 12)

local inside, most = { mutex = 0, slots = 0 }, { mutex = 1, slots = 2 }
for step in function() return steps:try_receive() end do
  local _, kind, change = table.unpack(step)
  inside[kind] = inside[kind] + change
  assert(inside[kind] >= 0 and inside[kind] <= most[kind], kind)
end
assert(inside.mutex == 0 and inside.slots == 0)
assert(mutex:try_lock() and slots:try_acquire(2))
