-- The trivial task through rille.detach, with the default bounds.

package.path = arg[0]:match("^.*/") .. "../lib/?.lua;" .. package.path
local rille = require "rille"
local sample = require "sample"

local function add_one(n) return n + 1 end

local function one_at_a_time(seconds)
  local trips = {}
  local now = rille.now()
  local deadline = now + seconds
  while now < deadline do
    rille.detach(add_one, #trips)
    local done = rille.now()
    trips[#trips + 1] = done - now
    now = done
  end
  return trips
end

local function keep_outstanding(count, seconds)
  local finished = 0
  local start = rille.now()
  local deadline = start + seconds
  local fibers = {}
  for i = 1, count do
    fibers[i] = rille.spawn(function()
      repeat
        rille.detach(add_one, i)
        finished = finished + 1
      until rille.now() >= deadline
    end)
  end
  for _, fiber in ipairs(fibers) do fiber:await() end
  return finished / (rille.now() - start)
end

one_at_a_time(0.1)
local trips = one_at_a_time(0.5)
io.write(sample.detach(trips, keep_outstanding(64, 1)))
