-- Times of all kinds, with code that waits and code that computes: nothing ends early, nothing ends
-- late by more than it takes to get a turn, and what was in time has its result.

local rille = require "rille"

local LATE = 0.2 -- seconds: cleaning up, and the slices of others

local function forever() while true do end end
local function sleepy(seconds) rille.sleep(seconds) return seconds end

local function timed(limit, fn, ...)
  local begun = rille.now()
  local ok, result = pcall(rille.timeout, limit, fn, ...)
  return ok, result, rille.now() - begun
end

local function check_late(limit, ok, result, took)
  assert(not ok and tostring(result):find "timed out", result)
  assert(took >= limit - 0.0011 and took < limit + LATE, took)
end

local limited = rille.job(forever, { name = "limited", timeout = 0.01 })
local hasty = rille.job(sleepy, { name = "hasty", deadline = 0.05 })

local trials = {
  function() check_late(0.01, timed(0.01, rille.sleep, 3600)) end,
  function() check_late(0.01, timed(0.01, rille.detach, sleepy, 3600)) end,
  function() check_late(0.01, timed(0.01, rille.detach, forever)) end,
  function()
    local ok, result = timed(10, rille.detach, sleepy, 0.005)
    assert(ok and result == 0.005)
  end,
  function()
    local ok, result = pcall(limited)
    assert(not ok and tostring(result):find "longer than its timeout", result)
  end,
  function()
    local ok, result = pcall(hasty, 3600)
    assert(not ok and tostring(result):find "deadline", result)
  end,
  function()
    local ok, result = pcall(hasty, 0.001)
    assert(ok and result == 0.001 or tostring(result):find "deadline" or result.reason, result)
  end,
  function()
    local inner
    local ok, result = timed(0.02, function()
      inner = { timed(0.01, rille.sleep, 3600) }
      rille.sleep(3600)
    end)
    check_late(0.01, table.unpack(inner))
    assert(not ok and tostring(result):find "0.02", result)
  end,
}

rille.domains.set_bounds(0, 4)
rille.scope(function(scope)
  for _ = 1, 10 do scope:spawn(trials[math.random(#trials)]) end
end)
rille.sleep(2) -- whose caller has gone may still be cleaning up
assert(rille.domains.stats().busy == 0)
