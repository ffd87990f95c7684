-- Selects that meet, cross domains, time out and are cancelled: each value goes one way, once.

local rille = require "rille"

local a, b = rille.channel(math.random(0, 2)), rille.channel(math.random(0, 1))
local stop = rille.channel()
local sent, received = rille.channel(math.huge), rille.channel(math.huge)

local function exchange(number)
  local next = 1
  while select(2, stop:try_receive()) ~= "closed" do -- which select may never come to
    local value = number * 100000 + next
    local case, got = rille.select {
      a, b = b, out = (number % 2 == 0 and a or b):sending(value),
      stop = stop, late = math.random() / 100,
    }
    if case == "stop" then return end
    if case == "out" and got then
      sent:try_send(value)
      next = next + 1
    elseif (case == 1 or case == "b") and got then
      received:try_send(got)
    end
    if math.random(4) == 1 then rille.sleep(0) end
  end
end

rille.domains.set_bounds(0, 4)
local tasks = {}
for number = 1, 4 do
  tasks[number] = (number > 2 and rille.submit or rille.spawn)(exchange, number)
end
rille.sleep(math.random() / 500)
local victim = math.random(4)
tasks[victim]:cancel()
pcall(tasks[victim].await, tasks[victim])
stop:close()
for number, task in ipairs(tasks) do if number ~= victim then task:await() end end

local count = {}
for value in function() return sent:try_receive() end do
  assert(not count[value])
  count[value] = 0
end
local strange = 0
local function take(value)
  if not count[value] then -- of the one that was cancelled before it could say so
    assert(value // 100000 == victim, value)
    strange = strange + 1
    count[value] = 0
  end
  count[value] = count[value] + 1
  assert(count[value] == 1, value)
end
for value in function() return received:try_receive() end do take(value) end
for _, channel in ipairs { a, b } do
  for value in function() return channel:try_receive() end do take(value) end
end
local lost = 0
for _, times in pairs(count) do lost = lost + 1 - times end
assert(strange <= 1 and lost <= (victim > 2 and 1 or 0), lost)
