-- Cancellation at every point of a task's life, and what tasks may do to those beside them: each is
-- accounted for exactly once, and nobody else is harmed.

local rille = require "rille"
local failure = require "spec.support.failure"
local part_of = require "spec.support.scale"
local work = require "spec.support.work"

local domains = rille.domains

local MOST_SECONDS <const> = 40

local function compute(n)
  local sum = 0
  for i = 1, n do sum = sum + i end
  return sum
end

local function identity(...) return ... end

--- What a task may be at when it is cancelled.
local kinds = {
  function(n) return rille.submit(identity, n) end,
  function(n) return rille.submit(identity, n) end,
  function(n) return rille.submit(compute, n * 10) end,
  function(n) return rille.submit(rille.sleep, n * 1e-6) end,
  function(n) return rille.submit(function() return rille.detach(identity, n) end) end,
  function(n) return rille.submit(function() return rille.run_in_main(identity, n) end) end,
  function(n)
    return rille.submit(function()
      return rille.select { rille.submit(identity, n), n * 1e-6 }
    end)
  end,
}

--- Between this and that call every task that began has ended, once.
local function counting()
  local before = domains.stats()
  return function()
    work.await(function()
      local now = domains.stats()
      return now.queued == 0 and now.busy == 0 and now.waiting == 0
    end)
    local after, ended = domains.stats(), 0
    for _, key in ipairs { "finished", "failed", "cancelled" } do
      ended = ended + after[key] - before[key]
    end
    return after.submitted - before.submitted, ended
  end
end

describe("a cancellation", function()
  after_each(work.defaults)

  it("may come at every point of a task's life, a million times", function()
    domains.set_bounds(2, 2)
    domains.set_slice(0.001)
    local BATCH <const> = 200
    local count, outcomes = counting(), { done = 0, cancelled = 0 }
    local till, made, settled, heard = rille.now() + MOST_SECONDS, 0, 0, 0
    local most = part_of(1000000)
    while made < most and rille.now() < till do
      local tasks = {}
      for i = 1, BATCH do
        tasks[i] = kinds[math.random(#kinds)](math.random(300))
        if math.random(2) == 1 and tasks[math.random(i)]:cancel() then heard = heard + 1 end
        if i % 50 == 0 then rille.sleep(0) end
      end
      for i = 1, BATCH, 2 do tasks[i]:cancel("late") end
      for _, task in ipairs(tasks) do
        pcall(task.await, task)
        local status = task:status()
        assert.is_number(outcomes[status], status)
        outcomes[status] = outcomes[status] + 1
        assert.is_false(task:cancel())
        assert.equal(status, task:status())
        settled = settled + 1
      end
      made = made + BATCH
    end
    assert.equal(made, settled)
    assert.equal(made, outcomes.done + outcomes.cancelled)
    assert.is_true(outcomes.done > 0 and outcomes.cancelled > 0 and heard > 0)
    local submitted, ended = count()
    assert.equal(submitted, ended)
    assert.is_true(submitted >= made)
    assert.equal(3, rille.detach(identity, 3))
  end)

  it("that races the end is either heard or too late", function()
    domains.set_bounds(1, 1)
    local done, cancelled = 0, 0
    for i = 1, part_of(20000) do
      local task = rille.submit(compute, i % 200)
      if i % 3 == 0 then rille.sleep(0) end
      if i % 100 == 0 then work.await(function() return task:status() == "done" end) end
      local was_told = task:cancel("raced")
      local ok, result = pcall(task.await, task)
      if ok then done = done + 1 else cancelled = cancelled + 1 end
      assert.equal(ok and "done" or "cancelled", task:status())
      if not ok then
        assert.is_true(was_told)
        assert.equal("raced", result)
      end
    end
    assert.is_true(done > 0 and cancelled > 0)
  end)

  it("ends what a task waits for: main, nested tasks, select", function()
    domains.set_bounds(2, 2)
    local begun, closed = {}, {}
    rawset(_G, "rille_spec_begun", function(name) begun[name] = true end)
    rawset(_G, "rille_spec_note", function(name) closed[name] = (closed[name] or 0) + 1 end)
    local function noting(name)
      _G.rille_spec_begun(name)
      return setmetatable({}, { __close = function()
        if rille.domain() == "main" then return _G.rille_spec_note(name) end
      end })
    end
    local inside = {
      main = function()
        rille.run_in_main(function()
          local _ <close> = noting "main"
          rille.sleep(60)
        end)
      end,
      nested = function()
        rille.detach(function()
          rille.run_in_main(function()
            local _ <close> = noting "nested"
            rille.sleep(60)
          end)
        end)
      end,
      select = function()
        rille.select { rille.channel(), rille.submit(function()
          rille.run_in_main(function()
            local _ <close> = noting "select"
            rille.sleep(0.1)
          end)
        end), 60 }
      end,
    }
    local count = counting()
    for name, fn in pairs(inside) do
      local task = rille.submit(fn)
      work.await(function() return begun[name] end)
      assert.is_true(task:cancel("enough of " .. name))
      assert.equal("enough of " .. name, failure(task.await, task))
      work.await(function() return closed[name] == 1 end)
    end
    rawset(_G, "rille_spec_begun", nil)
    rawset(_G, "rille_spec_note", nil)
    local submitted, ended = count()
    assert.equal(submitted, ended)
  end)

  it("may be asked for by the task itself", function()
    local fiber
    fiber = rille.spawn(function()
      fiber:cancel("by itself")
      rille.sleep(60)
    end)
    assert.equal("by itself", failure(fiber.await, fiber))

    domains.set_bounds(1, 1)
    local task = rille.submit(function()
      rille.run_in_main(function() _G.rille_spec_self:cancel("by itself") end)
      work.forever()
    end)
    rawset(_G, "rille_spec_self", task)
    assert.equal("by itself", failure(task.await, task))
    rawset(_G, "rille_spec_self", nil)
    assert.equal("cancelled", task:status())
    assert.equal(4, rille.detach(identity, 4))
  end)
end)

describe("ten thousand timeouts at once", function()
  after_each(work.defaults)

  it("end what waits and what is queued, each once", function()
    domains.set_bounds(2, 2)
    domains.set_queue_limit(100000)
    local count, ended, late = counting(), 0, 0
    local N = part_of(10000)
    local fibers = {}
    for i = 1, N do
      fibers[i] = rille.spawn(function()
        local what = i % 2 == 0 and rille.sleep or rille.detach
        local argument = i % 2 == 0 and 60 or work.spin
        local problem = failure(rille.timeout, 0.2, what, argument, 60)
        ended = ended + 1
        if problem:find "timed out after 0.2 s" then late = late + 1 end
      end)
    end
    for _, fiber in ipairs(fibers) do fiber:await() end
    assert.same({ N, N }, { ended, late })
    local submitted, over = count()
    assert.equal(submitted, over)
    assert.equal(5, rille.detach(identity, 5))
  end)
end)

describe("a task that uses up memory", function()
  after_each(work.defaults)

  local bombs = {
    table = function()
      local list = {}
      while #list >= 0 do list[#list + 1] = { #list } end
    end,
    string = function()
      local text = "x"
      while true do text = text .. text end
    end,
    rep = function()
      local list = {}
      while true do list[#list + 1] = ("x"):rep(1 << 20) .. #list end
    end,
    coroutine = function()
      local list = {}
      while true do
        list[#list + 1] = coroutine.create(function() coroutine.yield() end)
        coroutine.resume(list[#list])
      end
    end,
  }

  for name, bomb in pairs(bombs) do
    it("leaves those beside it alone: " .. name, function()
      domains.set_bounds(1, 1)
      domains.set_slice(0.001)
      local waiting = rille.submit(function(text)
        rille.sleep(0.3)
        return text .. "!"
      end, "safe")
      local computing = rille.submit(function()
        local list = {}
        for round = 1, 200 do
          for i = 1, 1000 do list[i] = { round + i } end
        end
        return list[1000][1]
      end)
      local job = rille.job(bomb, { name = "bomb", memory = 8 << 20 })
      for _ = 1, 3 do
        assert.matches("job 'bomb': more than 8 MiB of memory", failure(job))
      end
      assert.equal("safe!", waiting:await())
      assert.equal(1200, computing:await())
    end)
  end
end)

describe("a task that replaces what it stands on", function()
  after_each(work.defaults)

  local function tamper()
    local text = getmetatable ""
    text.__index = function() return function() return "tampered" end end
    text.__add = function() return "tampered" end
    rawset(debug, "sethook", function() end)
    rawset(_G, "coroutine", nil)
    rawset(_G, "setmetatable", nil)
    rawset(_G, "error", function() end)
    rawset(_G, "pcall", function(fn, ...) return true, fn(...) end)
    rawset(_G, "require", nil)
  end

  it("does not escape its bounds", function()
    domains.set_bounds(1, 1)
    local bounds = { timeout = 0.05, memory = 8 << 20, name = "tampering" }
    local loop = rille.job(function()
      tamper()
      local list = {}
      while true do pcall(function() list = { #list } end) end
    end, bounds)
    assert.matches("job 'tampering' ran longer than its timeout", failure(loop))
    local bomb = rille.job(function()
      tamper()
      local list = {}
      while #list >= 0 do list[#list + 1] = { #list } end
    end, bounds)
    assert.matches("job 'tampering'", failure(bomb))
  end)

  it("harms nobody elsewhere", function()
    domains.set_bounds(1, 1)
    rille.detach(tamper)
    assert.equal(6, rille.detach(identity, 6)) -- the domain serves on,
    local task = rille.submit(rille.sleep, 60)
    rille.sleep(0.02)
    task:cancel "stopped"
    assert.equal("stopped", failure(task.await, task))
    assert.equal("A", ("a"):upper()) -- its caller's strings are what they were,
    domains.set_bounds(0, 0)
    work.await(function() return domains.stats().domains == 0 end)
    domains.set_bounds(1, 1)
    assert.equal("A", rille.detach(function() return ("a"):upper() end)) -- and a fresh domain's
  end)
end)
