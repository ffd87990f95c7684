-- The trivial task through luv's new_work, under plain Lua 5.4.

package.path = arg[0]:match("^.*/") .. "../lib/?.lua;" .. package.path
local uv = require "luv"
local sample = require "sample"

--- Keeps `count` tasks outstanding for `seconds`; `each`, if given, takes the time of every one.
local function keep_outstanding(count, seconds, each)
  local finished, sent = 0, 0
  local start = uv.hrtime()
  local deadline = start + seconds * 1e9
  local work
  work = uv.new_work(function(n) return n + 1 end, function()
    local now = uv.hrtime()
    finished = finished + 1
    if each then each((now - sent) * 1e-9) end
    if now < deadline then
      sent = now
      uv.queue_work(work, finished)
    end
  end)
  sent = start
  for i = 1, count do uv.queue_work(work, i) end
  uv.run()
  return finished / ((uv.hrtime() - start) * 1e-9)
end

local trips = {}
keep_outstanding(1, 0.1)
keep_outstanding(1, 0.5, function(trip) trips[#trips + 1] = trip end)
io.write(sample.detach(trips, keep_outstanding(64, 1)))
