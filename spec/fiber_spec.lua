-- Fibers of one domain: spawn, await, cancel, status, sleep, now.

local rille = require "rille"
local failure = require "spec.support.failure"
local work = require "spec.support.work"

-- A fiber that leaves the loop no time to sleep, until the variable is closed.
local function keep_awake()
  local task = rille.spawn(function()
    while true do rille.sleep(0) end
  end)
  return setmetatable({}, { __close = function() task:cancel() end })
end

describe("a fiber", function()
  describe("spawned", function()
    it("gets its arguments, nils among them", function()
      local got
      rille.spawn(function(...) got = table.pack(...) end, 1, nil, "three", nil):await()
      assert.same({ 1, nil, "three", nil, n = 4 }, got)
    end)

    it("runs while its spawner waits", function()
      local ran = false
      rille.spawn(function() ran = true end)
      rille.sleep(0)
      assert.is_true(ran)
    end)

    it("takes turns with others at each wait", function()
      local trace = {}
      local function walk(name)
        for step = 1, 3 do
          table.insert(trace, name .. step)
          rille.sleep(0)
        end
      end
      local a, b = rille.spawn(walk, "a"), rille.spawn(walk, "b")
      a:await()
      b:await()
      assert.equal("a1 b1 a2 b2 a3 b3", table.concat(trace, " "))
    end)

    it("may spawn others", function()
      local task = rille.spawn(function()
        return rille.spawn(function() return "inner" end):await() .. " and outer"
      end)
      assert.equal("inner and outer", task:await())
    end)

    it("is one of ten thousand that sleep together", function()
      local tasks = {}
      for i = 1, 10000 do
        tasks[i] = rille.spawn(function()
          rille.sleep(0.05)
          return i
        end)
      end
      local sum = 0
      for _, task in ipairs(tasks) do sum = sum + task:await() end
      assert.equal(50005000, sum)
    end)

    it("must be a function", function()
      assert.matches("bad argument #1 to '[%w.]*spawn'", failure(rille.spawn, "text"))
    end)
  end)

  describe("awaited", function()
    it("gives its results, nils among them", function()
      local task = rille.spawn(function() return nil, 2, nil end)
      assert.same({ nil, 2, nil, n = 3 }, table.pack(task:await()))
    end)

    it("gives its results again", function()
      local task = rille.spawn(function() return "once" end)
      task:await()
      assert.equal("once", task:await())
    end)

    it("gives its results after it has long ended", function()
      local task = rille.spawn(function() return "early" end)
      rille.sleep(0.02)
      assert.equal("early", task:await())
    end)

    it("gives each of those who await it its results", function()
      local task = rille.spawn(function()
        rille.sleep(0.02)
        return "shared"
      end)
      local function await() return task:await() end
      local first, second = rille.spawn(await), rille.spawn(await)
      assert.equal("shared", first:await())
      assert.equal("shared", second:await())
    end)

    it("runs on when one who awaited it is cancelled", function()
      local task = rille.spawn(function()
        rille.sleep(0.05)
        return "unmoved"
      end)
      local waiter = rille.spawn(function() return task:await() end)
      rille.sleep(0)
      waiter:cancel()
      assert.equal("unmoved", task:await())
    end)

    it("raises its error with the line where it arose", function()
      local task = rille.spawn(function() error "no luck" end)
      assert.matches("^[^\n]*fiber_spec%.lua:%d+: no luck", failure(task.await, task))
    end)

    it("raises its error with its traceback and the awaiting one's", function()
      local function unlucky() error "no luck" end
      local function wait_for(task) return (task:await()) end
      local task = rille.spawn(function() return (unlucky()) end)
      local text = failure(function() return (wait_for(task)) end)
      local own, awaited = text:match "\nstack traceback:\n(.*)\nawaited at:\n(.*)"
      assert.matches("unlucky", own)
      assert.matches("wait_for", awaited)
    end)

    it("raises an error that is not a string as it is", function()
      local problem = { code = 7 }
      local _, got = pcall(function() rille.spawn(error, problem):await() end)
      assert.same({ code = 7 }, got)
    end)

    it("raises the error of a task that has long failed", function()
      local task = rille.spawn(function()
        rille.sleep(0.01)
        error "early"
      end)
      local second = rille.spawn(function() return pcall(task.await, task) end)
      second:await()
      assert.matches("early", failure(task.await, task))
    end)
  end)

  describe("cancelled", function()
    it("says true, and false once it has ended", function()
      local sleeping = rille.spawn(rille.sleep, 60)
      rille.sleep(0)
      assert.is_true(sleeping:cancel())
      pcall(sleeping.await, sleeping)
      assert.is_false(sleeping:cancel())
    end)

    it("cannot be cancelled after its end", function()
      local task = rille.spawn(function() return "done" end)
      task:await()
      assert.is_false(task:cancel())
      assert.equal("done", task:await())
    end)

    it("sees an error at the line where it waits", function()
      local seen
      local task = rille.spawn(function()
        local ok, problem = pcall(function() rille.sleep(60) end)
        seen = not ok and tostring(problem)
      end)
      rille.sleep(0)
      task:cancel()
      pcall(task.await, task)
      assert.matches("cancelled", seen)
    end)

    it("raises 'cancelled' where it is awaited", function()
      local task = rille.spawn(rille.sleep, 60)
      rille.sleep(0)
      task:cancel()
      assert.matches("cancelled", failure(task.await, task))
    end)

    it("raises the reason that was given where it is awaited", function()
      local task = rille.spawn(rille.sleep, 60)
      rille.sleep(0)
      task:cancel "the user left"
      assert.matches("the user left", failure(task.await, task))
    end)

    it("raises a reason that is a table as it is", function()
      local task = rille.spawn(rille.sleep, 60)
      rille.sleep(0)
      task:cancel { code = "gone" }
      local _, reason = pcall(task.await, task)
      assert.same({ code = "gone" }, reason)
    end)

    it("keeps its first reason", function()
      local task = rille.spawn(rille.sleep, 60)
      rille.sleep(0)
      task:cancel "first"
      task:cancel "second"
      assert.matches("first", failure(task.await, task))
    end)

    it("runs its to-be-closed variables, the last first", function()
      local trace = {}
      local function note(name)
        return setmetatable({}, { __close = function() table.insert(trace, name) end })
      end
      local task = rille.spawn(function()
        local outer <close> = note "outer"
        local inner <close> = note "inner"
        rille.sleep(60)
        return outer, inner
      end)
      rille.sleep(0)
      task:cancel()
      pcall(task.await, task)
      assert.same({ "inner", "outer" }, trace)
    end)

    it("fails at its next wait, too, when it has caught the error", function()
      local waits = 0
      local task = rille.spawn(function()
        for _ = 1, 3 do
          if not pcall(rille.sleep, 60) then waits = waits + 1 end
        end
      end)
      rille.sleep(0)
      task:cancel()
      local took = work.time(pcall, task.await, task)
      assert.equal(3, waits)
      assert.is_true(took < 5)
    end)

    it("wakes at once from a long sleep", function()
      local task = rille.spawn(rille.sleep, 60)
      rille.sleep(0)
      task:cancel()
      assert.is_true(work.time(pcall, task.await, task) < 5)
    end)

    it("leaves those whom it awaited alone", function()
      local inner = rille.spawn(function()
        rille.sleep(0.03)
        return "inner"
      end)
      local outer = rille.spawn(function() return inner:await() end)
      rille.sleep(0)
      outer:cancel()
      pcall(outer.await, outer)
      assert.equal("running", inner:status())
      inner:await()
    end)

    it("may cancel itself: its next wait fails", function()
      local task
      local after = false
      task = rille.spawn(function()
        task:cancel "enough"
        rille.sleep(0)
        after = true
      end)
      assert.matches("enough", failure(task.await, task))
      assert.is_false(after)
    end)
  end)

  describe("asked for its status", function()
    it("is running until its end", function()
      local task = rille.spawn(rille.sleep, 0.01)
      assert.equal("running", task:status())
      rille.sleep(0)
      assert.equal("running", task:status())
      task:await()
    end)

    it("is done when it has returned", function()
      local task = rille.spawn(function() end)
      task:await()
      assert.equal("done", task:status())
    end)

    it("is failed when it has raised an error", function()
      local task = rille.spawn(error, "no")
      pcall(task.await, task)
      assert.equal("failed", task:status())
    end)

    it("is cancelled when a cancellation ended it", function()
      local task = rille.spawn(rille.sleep, 60)
      rille.sleep(0)
      task:cancel()
      pcall(task.await, task)
      assert.equal("cancelled", task:status())
    end)
  end)

  describe("sleeping", function()
    it("sleeps at least as long as it said", function()
      assert.is_true(work.time(rille.sleep, 0.05) >= 0.05)
    end)

    it("sleeps as long beside a fiber that keeps the loop awake", function()
      local _ <close> = keep_awake()
      local shortest = math.huge
      for i = 1, 50 do
        local seconds = 0.001 + i / 40000 -- parts of milliseconds as well
        shortest = math.min(shortest, work.time(rille.sleep, seconds) - seconds)
      end
      assert.is_true(shortest >= 0, shortest)
    end)

    it("sleeps no longer because another fiber has computed meanwhile", function()
      local late
      local sleeper = rille.spawn(function() late = work.time(rille.sleep, 0.4) - 0.4 end)
      rille.sleep(0.05)
      work.spin(0.3)
      sleeper:await()
      assert.is_true(late < 0.15, late)
    end)

    it("wakes those that sleep as long in the order in which they fell asleep", function()
      local _ <close> = keep_awake()
      local trace, tasks = {}, {}
      for i = 1, 500 do
        tasks[i] = rille.spawn(function()
          rille.sleep(0.01)
          table.insert(trace, i)
        end)
        if i % 10 == 0 then rille.sleep(0) end -- these begin at many places of a millisecond
      end
      for i = 1, #tasks do tasks[i]:await() end
      for i = 1, #tasks do assert.equal(i, trace[i]) end
    end)

    it("wakes in the order of the times, not of the calls", function()
      local trace, tasks = {}, {}
      for i, seconds in ipairs { 0.06, 0.02, 0.04 } do
        tasks[i] = rille.spawn(function()
          rille.sleep(seconds)
          table.insert(trace, seconds)
        end)
      end
      for _, task in ipairs(tasks) do task:await() end
      assert.same({ 0.02, 0.04, 0.06 }, trace)
    end)

    it("lets the others run with 0", function()
      local turns = 0
      local task = rille.spawn(function()
        for _ = 1, 5 do
          turns = turns + 1
          rille.sleep(0)
        end
      end)
      for _ = 1, 10 do rille.sleep(0) end
      assert.equal(5, turns)
      task:await()
    end)

    it("needs a number", function()
      assert.matches("bad argument #1 to '[%w.]*sleep'", failure(rille.sleep, "soon"))
    end)
  end)

  describe("asking for the time", function()
    it("gets seconds as a float", function()
      assert.equal("float", math.type(rille.now()))
    end)

    it("never sees it run backwards", function()
      local last = rille.now()
      for _ = 1, 10000 do
        local now = rille.now()
        assert(now >= last)
        last = now
      end
    end)

    it("sees it go on while it computes", function()
      local before = rille.now()
      work.spin(0.01)
      assert.is_true(rille.now() - before >= 0.01)
    end)
  end)

  it("is on the main domain outside of tasks", function()
    assert.equal("main", rille.spawn(rille.domain):await())
  end)
end)
