-- The trivial task through ngx.run_worker_thread, in the request of a fresh nginx.

local now = require "nginx_clock"
local sample = require "sample"

local function add_one(n)
  assert(ngx.run_worker_thread("pool", "nginx_worker", "add_one", n))
end

local function one_at_a_time(seconds)
  local trips = {}
  local start = now()
  local deadline = start + seconds
  while start < deadline do
    add_one(1)
    local done = now()
    trips[#trips + 1] = done - start
    start = done
  end
  return trips
end

local function keep_outstanding(count, seconds)
  local finished = 0
  local start = now()
  local deadline = start + seconds
  local threads = {}
  for i = 1, count do
    threads[i] = ngx.thread.spawn(function()
      repeat
        add_one(i)
        finished = finished + 1
      until now() >= deadline
    end)
  end
  for i = 1, count do assert(ngx.thread.wait(threads[i])) end
  return finished / (now() - start)
end

one_at_a_time(0.1)
local trips = one_at_a_time(0.5)
ngx.print(sample.detach(trips, keep_outstanding(64, 1)))
