-- fib(32) under plain Lua 5.4; prints the median, and the processor time of one. Argument: how
-- often.

package.path = arg[0]:match("^.*/") .. "../lib/?.lua;" .. package.path
local uv = require "luv"
local sample = require "sample"

local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end

local trips = {}
for i = 1, tonumber(arg[1]) do
  local start = uv.hrtime()
  assert(fib(32) == 2178309)
  trips[i] = (uv.hrtime() - start) * 1e-9
end
io.write(("seconds %.6f\ncpu %.6f\n"):format(sample.median(trips), os.clock() / #trips))
