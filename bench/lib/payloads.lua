--- Payloads: what every contestant of `payload` ships, and how it is timed. Runs in Lua 5.4 and in
-- LuaJIT.

local sample = require "sample"

local payloads = {}

local SECONDS, LEAST, MOST = 0.4, 15, 5000
local MIB = 1024 * 1024

-- New strings each time, also inside the small tables: a Lua state keeps equal strings once, and
-- would find those of the trip before at the other side instead of making them. Each of these
-- returns what makes the value of a trip.
local function text(size)
  local body = ("0123456789abcdef"):rep(size / 16 - 1)
  return function(trip) return body .. ("%016d"):format(trip) end
end

local function integers()
  return function()
    local list = {}
    for i = 1, 100000 do list[i] = i * 7919 end
    return list
  end
end

local function objects()
  return function(trip)
    local list = {}
    for i = 1, 10000 do list[i] = { id = i, name = ("object %d.%d"):format(trip, i) } end
    return list
  end
end

--- In the order of the table; `key` names the value that a contestant prints.
payloads.cases = {
  { key = "string_1k", title = "string, 1 KiB", maker = text, size = 1024, fresh = true },
  { key = "string_64k", title = "string, 64 KiB", maker = text, size = 64 * 1024, fresh = true },
  { key = "string_1m", title = "string, 1 MiB", maker = text, size = MIB, fresh = true },
  { key = "string_16m", title = "string, 16 MiB", maker = text, size = 16 * MIB, fresh = true },
  { key = "string_64m", title = "string, 64 MiB", maker = text, size = 64 * MIB, fresh = true },
  { key = "integers", title = "100,000 integers", maker = integers },
  { key = "objects", title = "10,000 {id=,name=}", maker = objects, fresh = true },
}

--- The median trip in microseconds. What other cases have left behind is collected before, for the
-- garbage of a 64 MiB string would let that of small tables lie about until it is as much.
local function measure_case(case, now, send)
  collectgarbage()
  local make = case.maker(case.size)
  local value = make(0)
  assert(send(value) == #value, case.key)
  local trips = {}
  local deadline = now() + SECONDS
  repeat
    if case.fresh then value = make(#trips + 1) end
    local start = now()
    local length = send(value)
    trips[#trips + 1] = now() - start
    assert(length == #value, case.key)
  until #trips >= MOST or (#trips >= LEAST and now() > deadline)
  return sample.median(trips) * 1e6
end

--- Sends each payload for a while and returns "key value" lines: the median trip in microseconds.
-- `now()` gives seconds; `send(value)` returns the length that the other side counted.
function payloads.measure(now, send)
  local lines = {}
  for i, case in ipairs(payloads.cases) do
    lines[i] = ("%s %.2f\n"):format(case.key, measure_case(case, now, send))
  end
  return table.concat(lines)
end

return payloads
