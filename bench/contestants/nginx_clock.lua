-- A clock for nginx's Lua, whose own counts milliseconds: seconds, monotonic.

local ffi = require "ffi"

ffi.cdef [[
  struct bench_time { long seconds; long nanoseconds; };
  int clock_gettime(int clock, struct bench_time *now);
]]
local now = ffi.new("struct bench_time")

return function()
  ffi.C.clock_gettime(1, now)
  return tonumber(now.seconds) + tonumber(now.nanoseconds) * 1e-9
end
