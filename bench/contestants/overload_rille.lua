-- Three times as many tasks as the domains can do, each wanted within 0.2 s.
-- overload_rille.lua deadline|timeout|patient MILLISECONDS hold|compute

local rille = require "rille"
local how, milliseconds, kind = arg[1], tonumber(arg[2]), arg[3]
local WANTED, SECONDS = 0.2, 4
local domains = rille.domains.recommended()

--- Keeps its domain, but no core.
local function hold(duration) require "luv".sleep(duration) end

local function compute(turns)
  local sum = 0
  for i = 1, turns do sum = sum + i % 7 end
  return sum
end

--- Turns of the loop that take a domain so long, with all domains at work.
local function calibrate()
  local function measure()
    local start = rille.now()
    compute(20000000)
    return rille.now() - start
  end
  local tasks, slowest = {}, 0
  for i = 1, domains do tasks[i] = rille.submit(measure) end
  for i = 1, domains do slowest = math.max(slowest, tasks[i]:await()) end
  return math.ceil(20000000 * milliseconds / 1000 / slowest)
end

local work = kind == "hold" and hold or compute
local amount = kind == "hold" and milliseconds or calibrate()

--- Tasks a second when there are always enough of them.
local function measure_capacity(seconds)
  local done, fibers = 0, {}
  local till = rille.now() + seconds
  for i = 1, 2 * domains do
    fibers[i] = rille.spawn(function()
      while rille.now() < till do
        rille.detach(work, amount)
        done = done + 1
      end
    end)
  end
  for _, fiber in ipairs(fibers) do fiber:await() end
  return done / seconds
end

local ways = {
  deadline = rille.job(work, { name = "overload", deadline = WANTED }), -- known to the pool
  patient = rille.job(work, { name = "overload" }), -- nobody ever gives up
}
local plain = rille.job(work, { name = "overload" })
function ways.timeout(n) return rille.timeout(WANTED, plain, n) end -- the caller alone knows it
local call = ways[how]

local in_time, callers = 0, {}

local function want_one()
  local start = rille.now()
  local ok = pcall(call, amount)
  if ok and rille.now() - start <= WANTED then in_time = in_time + 1 end
end

local function overload(rate)
  local start, sent = rille.now(), 0
  repeat
    local due = math.floor((rille.now() - start) * rate)
    for i = sent + 1, due do callers[i] = rille.spawn(want_one) end
    sent = due
    rille.sleep(0.001)
  until rille.now() - start >= SECONDS
end

local before = measure_capacity(1)
local start = rille.now()
overload(3 * before)
local in_time_then = in_time
local seconds = rille.now() - start
for _, caller in ipairs(callers) do caller:cancel() end
local capacity = (before + measure_capacity(1)) / 2
local begun = rille.domains.stats().jobs.overload.begun
print(("capacity %.1f\nin_time %.1f\ngoodput %.4f\nwasted %.4f"):format(capacity,
  in_time_then / seconds, in_time_then / seconds / capacity,
  1 - in_time_then / math.max(begun, 1)))
