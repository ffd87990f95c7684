-- fib(32), five times; prints the median. Argument: "task", through rille.detach, or "main", on the
-- main domain.

package.path = arg[0]:match("^.*/") .. "../lib/?.lua;" .. package.path
local rille = require "rille"
local sample = require "sample"

local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end

local call = arg[1] == "task" and rille.detach or function(fn, ...) return fn(...) end

local trips = {}
for i = 1, 5 do
  local start = rille.now()
  assert(call(fib, 32) == 2178309)
  trips[i] = rille.now() - start
end
io.write(("seconds %.6f\n"):format(sample.median(trips)))
