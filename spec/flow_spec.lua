-- What combines waits: timeout, all, race, scope.

local rille = require "rille"
local failure = require "spec.support.failure"
local work = require "spec.support.work"

--- A function that sleeps and then returns the values.
local function later(seconds, ...)
  local values = table.pack(...)
  return function()
    rille.sleep(seconds)
    return table.unpack(values, 1, values.n)
  end
end

--- A function that sleeps for long, and a table that tells how it fared.
local function sleeper()
  local fate = { finished = false, closed = false }
  return function()
    local guard <close> = setmetatable({}, { __close = function() fate.closed = true end })
    rille.sleep(60)
    fate.finished = true
    return guard
  end, fate
end

describe("timeout", function()
  it("returns the function's results, nils among them", function()
    local results = table.pack(rille.timeout(10, function(...) return ... end, nil, 2, nil))
    assert.same({ nil, 2, nil, n = 3 }, results)
  end)

  it("raises an error that names the time when it is over", function()
    assert.matches("timed out after 0%.05 s", failure(rille.timeout, 0.05, rille.sleep, 60))
  end)

  it("raises it in time", function()
    local took = work.time(pcall, rille.timeout, 0.05, rille.sleep, 60)
    assert.is_true(took >= 0.05 and took < 5)
  end)

  it("closes the function's variables", function()
    local sleep, fate = sleeper()
    pcall(rille.timeout, 0.02, sleep)
    assert.is_true(fate.closed)
    assert.is_false(fate.finished)
  end)

  it("lets the function's own error through", function()
    local text = failure(rille.timeout, 10, function() error "its own" end)
    assert.matches("flow_spec%.lua:%d+: its own", text)
  end)

  it("cannot be swallowed by the function: its next wait fails too", function()
    local text = failure(rille.timeout, 0.02, function()
      pcall(rille.sleep, 60)
      rille.sleep(60)
    end)
    assert.matches("timed out after 0%.02 s", text)
  end)

  it("leaves the fiber able to wait afterwards", function()
    pcall(rille.timeout, 0.01, rille.sleep, 60)
    assert.is_true(work.time(rille.sleep, 0.02) >= 0.02)
  end)

  it("does not strike after the function has returned", function()
    rille.timeout(0.03, function() end)
    rille.sleep(0.06)
  end)

  it("inside another strikes first when it is shorter", function()
    local inner
    local result = rille.timeout(10, function()
      inner = failure(rille.timeout, 0.02, rille.sleep, 60)
      rille.sleep(0.01)
      return "outer goes on"
    end)
    assert.matches("timed out after 0%.02 s", inner)
    assert.equal("outer goes on", result)
  end)

  it("strikes through another one that is longer", function()
    local text = failure(rille.timeout, 0.02, function()
      return rille.timeout(10, rille.sleep, 60)
    end)
    assert.matches("timed out after 0%.02 s", text)
  end)

  it("ends the wait for a task that runs elsewhere", function()
    finally(work.defaults)
    rille.domains.set_bounds(0, 1)
    local took, ok = work.time(pcall, rille.timeout, 0.05, rille.detach, work.spin, 30)
    assert.is_false(ok)
    assert.is_true(took < 20)
  end)

  it("stops a task that computes without end, and frees its domain", function()
    finally(work.defaults)
    rille.domains.set_bounds(1, 1)
    local text = failure(rille.timeout, 0.05, rille.detach, work.forever)
    assert.matches("timed out after 0%.05 s", text)
    assert.equal("free", rille.detach(function() return "free" end))
  end)

  it("ends the wait for another fiber, which goes on", function()
    local task = rille.spawn(later(0.06, "went on"))
    assert.matches("timed out", failure(rille.timeout, 0.02, task.await, task))
    assert.equal("went on", task:await())
  end)
end)

describe("all", function()
  it("returns the first result of each in their order", function()
    local a, b, c = rille.all(later(0.03, "a", "x"), later(0.01, "b"), later(0.02, "c"))
    assert.same({ "a", "b", "c" }, { a, b, c })
  end)

  it("runs them at the same time", function()
    local began = 0
    local function gate()
      began = began + 1
      work.await(function() return began == 4 end)
    end
    rille.all(gate, gate, gate, gate)
  end)

  it("takes a list and returns a list", function()
    local list = {}
    for i = 1, 5 do list[i] = later(0, i * i) end
    assert.same({ 1, 4, 9, 16, 25 }, rille.all(list))
  end)

  it("takes tasks among functions", function()
    local spawned, submitted = rille.spawn(later(0.01, 1)), rille.submit(function() return 2 end)
    assert.same({ 1, 2, 3 }, { rille.all(spawned, submitted, later(0, 3)) })
  end)

  it("keeps the place of a nil", function()
    local results = table.pack(rille.all(later(0, 1), later(0), later(0, 3), later(0)))
    assert.same({ 1, nil, 3, nil, n = 4 }, results)
  end)

  it("returns nothing for nothing", function()
    assert.equal(0, select("#", rille.all()))
    assert.same({}, rille.all {})
  end)

  it("raises the first error with its traceback", function()
    local function unlucky()
      rille.sleep(0.01)
      error "no luck"
    end
    local text = failure(rille.all, later(60), function() return (unlucky()) end)
    assert.matches("flow_spec%.lua:%d+: no luck\nstack traceback:\n.*unlucky", text)
  end)

  it("cancels the others at the first error", function()
    local sleep, fate = sleeper()
    pcall(rille.all, sleep, function()
      rille.sleep(0.01)
      error "no luck"
    end)
    rille.sleep(0)
    assert.is_true(fate.closed)
  end)

  it("takes a thousand", function()
    local list = {}
    for i = 1, 1000 do list[i] = later(0.01, i) end
    assert.equal(1000, rille.all(list)[1000])
  end)

  it("refuses what is neither a function nor a task", function()
    assert.matches("bad argument #2", failure(rille.all, later(0), "text"))
  end)
end)

describe("race", function()
  it("returns all results of the first to finish", function()
    local results = table.pack(rille.race(later(60, "slow"), later(0.01, "fast", nil, 3, nil)))
    assert.same({ "fast", nil, 3, nil, n = 4 }, results)
  end)

  it("cancels the others", function()
    local sleep, fate = sleeper()
    rille.race(sleep, later(0.01))
    rille.sleep(0)
    assert.is_true(fate.closed)
    assert.is_false(fate.finished)
  end)

  it("cancels the tasks among the others", function()
    local loser = rille.spawn(rille.sleep, 60)
    rille.race(loser, later(0.01))
    pcall(loser.await, loser)
    assert.equal("cancelled", loser:status())
  end)

  it("raises the error of the first to finish", function()
    local text = failure(rille.race, later(60), function() error "first" end)
    assert.matches("flow_spec%.lua:%d+: first\nstack traceback:", text)
  end)

  it("takes a list", function()
    assert.equal("fast", (rille.race { later(60, "slow"), later(0.01, "fast") }))
  end)

  it("needs at least one", function()
    assert.matches("race", failure(rille.race))
  end)

  it("is won by a task on another domain", function()
    finally(work.defaults)
    rille.domains.set_bounds(0, 1)
    local task = rille.submit(function() return "from afar" end)
    assert.equal("from afar", (rille.race(later(60), task)))
  end)
end)

describe("a scope", function()
  it("says so when spawn is called with a dot", function()
    assert.matches("^spec/flow_spec.lua:%d+: 'spawn' is a method of a scope: call it with a colon",
      failure(rille.scope, function(scope) scope.spawn(function() end) end))
  end)

  it("returns the function's results, nils among them", function()
    local results = table.pack(rille.scope(function() return nil, 2, nil end))
    assert.same({ nil, 2, nil, n = 3 }, results)
  end)

  it("ends when all its fibers have ended", function()
    local ended = 0
    rille.scope(function(scope)
      for i = 1, 3 do
        scope:spawn(function()
          rille.sleep(i * 0.01)
          ended = ended + 1
        end)
      end
    end)
    assert.equal(3, ended)
  end)

  it("gives its fibers their arguments", function()
    local got
    rille.scope(function(scope)
      scope:spawn(function(...) got = table.pack(...) end, 1, nil, 3)
    end)
    assert.same({ 1, nil, 3, n = 3 }, got)
  end)

  it("has fibers that can be awaited", function()
    local sum = rille.scope(function(scope)
      local a, b = scope:spawn(later(0.01, 1)), scope:spawn(later(0, 2))
      return a:await() + b:await()
    end)
    assert.equal(3, sum)
  end)

  it("waits for fibers that its fibers spawn in it", function()
    local trace = {}
    rille.scope(function(scope)
      scope:spawn(function()
        rille.sleep(0.01)
        scope:spawn(function()
          rille.sleep(0.01)
          table.insert(trace, "grandchild")
        end)
      end)
    end)
    assert.same({ "grandchild" }, trace)
  end)

  it("raises a fiber's error with its traceback", function()
    local function unlucky() error "no luck" end
    local text = failure(rille.scope, function(scope)
      scope:spawn(function() return (unlucky()) end)
      rille.sleep(60)
    end)
    assert.matches("flow_spec%.lua:%d+: no luck\nstack traceback:\n.*unlucky", text)
  end)

  it("raises it with the traceback of its caller after those of every level", function()
    local function innermost() error "no luck" end
    local function detaching() rille.detach(innermost) end
    local function scoping()
      rille.scope(function(scope) scope:spawn(rille.detach, detaching) end)
    end
    local line = debug.getinfo(scoping, "S").linedefined
    local text = failure(scoping)
    assert.matches("no luck\nstack traceback:.*\ndetached at:.*\ndetached at:.*\nawaited at:", text)
    assert.matches("awaited at:[^:]*flow_spec%.lua:" .. line + 1 .. ": in", text)
  end)

  it("names its caller's line in all and race, too", function()
    local function unlucky() error "no luck" end
    local line = debug.getinfo(1, "l").currentline
    local all = failure(function() return (rille.all(unlucky)) end)
    local race = failure(function() return (rille.race(unlucky)) end)
    assert.matches("\nawaited at:[^:]*flow_spec%.lua:" .. line + 1, all)
    assert.matches("\nawaited at:[^:]*flow_spec%.lua:" .. line + 2, race)
  end)

  it("cancels the other fibers at the first error", function()
    local sleep, fate = sleeper()
    pcall(rille.scope, function(scope)
      scope:spawn(sleep)
      scope:spawn(function()
        rille.sleep(0.01)
        error "no luck"
      end)
    end)
    assert.is_true(fate.closed)
    assert.is_false(fate.finished)
  end)

  it("cancels its own function at a fiber's error", function()
    local sleep, fate = sleeper()
    local text = failure(rille.scope, function(scope)
      scope:spawn(error, "no luck")
      return sleep()
    end)
    assert.matches("no luck", text)
    assert.is_true(fate.closed)
  end)

  it("cancels its fibers when its function fails", function()
    local sleep, fate = sleeper()
    local text = failure(rille.scope, function(scope)
      scope:spawn(sleep)
      rille.sleep(0.01)
      error "the scope's own"
    end)
    assert.matches("the scope's own", text)
    assert.is_true(fate.closed)
  end)

  it("cancels its fibers when the fiber that holds it is cancelled", function()
    local sleep, fate = sleeper()
    local task = rille.spawn(function()
      rille.scope(function(scope) scope:spawn(sleep) end)
    end)
    rille.sleep(0.01)
    task:cancel()
    pcall(task.await, task)
    assert.is_true(fate.closed)
  end)

  it("cancels its fibers when a timeout around it strikes", function()
    local sleep, fate = sleeper()
    local text = failure(rille.timeout, 0.02, rille.scope, function(scope) scope:spawn(sleep) end)
    assert.matches("timed out after 0%.02 s", text)
    assert.is_true(fate.closed)
  end)

  it("inside another passes its error outwards", function()
    local sleep, fate = sleeper()
    local text = failure(rille.scope, function(outer)
      outer:spawn(sleep)
      rille.scope(function(inner) inner:spawn(error, "from within") end)
    end)
    assert.matches("from within", text)
    assert.is_true(fate.closed)
  end)

  it("goes on when the error of a fiber in an inner scope was caught", function()
    local result = rille.scope(function()
      pcall(rille.scope, function(inner) inner:spawn(error, "caught") end)
      rille.sleep(0.01)
      return "unharmed"
    end)
    assert.equal("unharmed", result)
  end)

  it("accepts no fibers after its end", function()
    local kept
    rille.scope(function(scope) kept = scope end)
    assert.matches("scope", failure(kept.spawn, kept, function() end))
  end)

  it("leaves the fiber able to wait after an error", function()
    pcall(rille.scope, function(scope) scope:spawn(error, "no luck") end)
    assert.is_true(work.time(rille.sleep, 0.02) >= 0.02)
  end)
end)
