--- Work: the loads that specs put on domains, and waiting for what happens there.

local rille = require "rille"

local work = {}

--- Keeps its domain computing for this long.
function work.spin(seconds)
  local till = rille.now() + seconds
  while rille.now() < till do end
end

--- Computes without end. It allocates on its way, for under the thread sanitizer a thread that does
-- not is never interrupted.
function work.forever()
  local list = {}
  while true do list = { #list } end
end

--- Waits until `condition()` holds; fails after `seconds` (10).
function work.await(condition, seconds)
  local till = rille.now() + (seconds or 10)
  while not condition() do
    if rille.now() > till then error("the condition did not come true", 2) end
    rille.sleep(0.005)
  end
end

--- How long `fn` takes, and its first result.
function work.time(fn, ...)
  local started = rille.now()
  local result = fn(...)
  return rille.now() - started, result
end

--- Puts every setting of the domains back to its default: what a spec calls after each test.
function work.defaults()
  local domains = rille.domains
  domains.set_slice(0.01)
  domains.set_cleanup_time(1)
  domains.set_loop_guard(math.huge)
  domains.set_idle_time(5)
  domains.set_queue_limit(1000)
  domains.set_bounds(0, domains.recommended())
end

return work
