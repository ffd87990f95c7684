-- Tasks that run functions at the main domain, which detach again: with one compute domain or
-- several nobody waits for ever, and everybody gets his own result.

local rille = require "rille"

local calls = rille.channel(math.huge) -- for functions at home are copies, too

local function at_home(number, depth)
  calls:try_send(number)
  rille.sleep(math.random() / 100)
  return number, depth
end

local function nest(number, depth)
  if depth == 0 then return rille.run_in_main(at_home, number, depth) end
  local way = math.random(3)
  if way == 1 then return rille.detach(nest, number, depth - 1) end
  if way == 2 then return rille.run_in_main(rille.detach, nest, number, depth - 1) end
  local task = rille.submit(nest, number, depth - 1)
  rille.sleep(math.random() / 100)
  return task:await()
end

rille.domains.set_bounds(math.random(0, 1), math.random(1, 3))
local TASKS = 8
local tasks = {}
for number = 1, TASKS do tasks[number] = rille.submit(nest, number, math.random(0, 4)) end
for number, task in ipairs(tasks) do
  local same, depth = task:await()
  assert(same == number and depth == 0)
end
assert(#calls == TASKS)
