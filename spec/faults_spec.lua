-- What brings other runtimes of this kind down, each as a test: faults of the ancestors and loads
-- beyond reason. Amounts that sanitizers could not bear are scaled (see spec/support/scale.lua).

local rille = require "rille"
local failure = require "spec.support.failure"
local scale = require "spec.support.scale"
local work = require "spec.support.work"

local domains = rille.domains
local spin = work.spin

--- Awaits all tasks and adds up their results.
local function sum_of(tasks)
  local sum = 0
  for _, task in ipairs(tasks) do sum = sum + task:await() end
  return sum
end

--- Runs `fn` while another fiber of the main domain sleeps a millisecond at a time; returns how
-- often it woke.
local function turns_during(fn)
  local turns, over = 0, false
  local ticker = rille.spawn(function()
    while not over do
      rille.sleep(0.001)
      turns = turns + 1
    end
  end)
  fn()
  over = true
  ticker:await()
  return turns
end

describe("the runtime survives", function()
  after_each(work.defaults)

  it("ten thousand nested detaches on one domain", function()
    domains.set_bounds(1, 1)
    local function nest(n)
      if n == 0 then return 0 end
      return 1 + rille.detach(nest, n - 1)
    end
    local depth = scale(10000, 1000)
    assert.equal(depth, rille.detach(nest, depth))
  end)

  it("an error at the bottom of a thousand nested detaches", function()
    domains.set_bounds(1, 1)
    local function nest(n)
      if n == 0 then error "the bottom" end
      return 1 + rille.detach(nest, n - 1)
    end
    assert.matches("the bottom\nstack traceback:", failure(rille.detach, nest, scale(1000, 100)))
  end)

  it("a million queued tasks", function()
    local count = scale(1000000)
    domains.set_bounds(1, 1)
    domains.set_queue_limit(count)
    local tasks = { rille.submit(spin, 0.1) }
    for i = 1, count do tasks[i] = rille.submit(function(n) return n end, i) end
    assert.equal(count * (count + 1) // 2, sum_of(tasks))
    assert.equal(0, domains.stats().queued)
  end)

  it("a hundred thousand fibers that wait for a full queue", function()
    local count = scale(100000)
    domains.set_bounds(1, 1)
    domains.set_queue_limit(1)
    local fibers = {}
    for i = 1, count do fibers[i] = rille.spawn(rille.detach, function(n) return n end, i) end
    assert.equal(count * (count + 1) // 2, sum_of(fibers))
  end)

  it("a hundred thousand tasks that sleep on one domain", function()
    local count = scale(100000)
    domains.set_bounds(1, 1)
    domains.set_queue_limit(count)
    local tasks = {}
    for i = 1, count do
      tasks[i] = rille.submit(function()
        rille.sleep(0.05)
        return 1
      end)
    end
    assert.equal(count, sum_of(tasks))
  end)

  it("the bounds going from 1 to 16 and back under load, with every task accounted for", function()
    local rounds, producers, each = scale(20, 2), 8, scale(2000, 100)
    local before = domains.stats()
    local resizer = rille.spawn(function()
      for _ = 1, rounds do
        for max = 1, 16 do
          domains.set_bounds(1, max)
          rille.sleep(0.001)
        end
        for max = 16, 1, -1 do
          domains.set_bounds(1, max)
          rille.sleep(0.001)
        end
      end
    end)
    local load = {}
    for producer = 1, producers do
      load[producer] = rille.spawn(function()
        local tasks = {}
        for i = 1, each do
          tasks[i] = rille.submit(function(n)
            if n % 3 == 0 then rille.sleep(0.001) end
            return n
          end, i)
          if i % 50 == 0 then rille.sleep(0.002) end
        end
        return sum_of(tasks)
      end)
    end
    assert.equal(producers * (each * (each + 1) // 2), sum_of(load))
    resizer:await()
    local after = domains.stats()
    assert.equal(producers * each, after.submitted - before.submitted)
    assert.equal(producers * each, after.finished - before.finished)
    work.await(function() return domains.stats().domains == 1 end)
  end)

  it("every domain calling run_in_main at once", function()
    domains.set_bounds(8, 8)
    local calls, tasks = scale(500, 20), {}
    for i = 1, 8 do
      tasks[i] = rille.submit(function()
        for call = 1, calls do
          local who, which = rille.run_in_main(function() return i, call end)
          if who ~= i or which ~= call then error "another caller's result" end
        end
        return 1
      end)
    end
    assert.equal(8, sum_of(tasks))
  end)

  it("every domain calling run_in_main with a body that detaches", function()
    domains.set_bounds(2, 2)
    local tasks = {}
    for i = 1, scale(200, 20) do
      tasks[i] = rille.submit(function()
        return rille.run_in_main(function()
          return rille.detach(function() return i end)
        end)
      end)
    end
    assert.equal(#tasks * (#tasks + 1) // 2, sum_of(tasks))
  end)

  it("many more detaches than domains and places in the queue: they wait, none fails", function()
    domains.set_bounds(1, 2)
    domains.set_queue_limit(1)
    local fibers = {}
    for i = 1, 200 do
      fibers[i] = rille.spawn(rille.detach, function()
        spin(0.0005)
        return 1
      end)
    end
    assert.equal(200, sum_of(fibers))
  end)

  it("a queue that may never hold more than its limit", function()
    domains.set_bounds(1, 1)
    domains.set_queue_limit(3)
    local highest = 0
    local fibers = {}
    for i = 1, 40 do
      fibers[i] = rille.spawn(rille.detach, function()
        spin(0.002)
        return 1
      end)
    end
    local watcher = rille.spawn(function()
      while true do
        highest = math.max(highest, domains.stats().queued)
        rille.sleep(0)
      end
    end)
    assert.equal(40, sum_of(fibers))
    watcher:cancel()
    assert.equal(3, highest)
  end)

  it("cancelling half of what is queued, waiting and running", function()
    domains.set_bounds(2, 2)
    local tasks, kept = {}, 0
    for i = 1, 400 do
      tasks[i] = rille.submit(function()
        if i % 2 == 0 then rille.sleep(0.01) else spin(0.0005) end
        return 1
      end)
    end
    for i = 1, 400, 2 do
      tasks[i]:cancel()
      if i % 20 == 1 then rille.sleep(0.001) end
    end
    for i, task in ipairs(tasks) do
      local ok, result = pcall(task.await, task)
      if i % 2 == 0 then assert.is_true(ok) end
      kept = kept + (ok and result or 0)
    end
    assert.is_true(kept >= 200)
    work.await(function()
      local stats = domains.stats()
      return stats.busy == 0 and stats.queued == 0 and stats.waiting == 0
    end)
  end)

  it("a task that would end the process: the task fails", function()
    assert.matches("os%.exit", failure(rille.detach, function() os.exit(9) end))
    assert.equal("alive", rille.detach(function() return "alive" end))
  end)

  it("a task that tampers with its own standard library", function()
    domains.set_bounds(1, 1)
    rille.detach(function()
      rawset(_G, "pairs", nil)
      rawset(table, "unpack", nil)
      rawset(string, "format", nil)
    end)
    assert.same({ 1, { 2 } }, { rille.detach(function(...) return ... end, 1, { 2 }) })
    domains.set_bounds(0, 0)
  end)

  it("a thousand timeouts that strike while their tasks come back", function()
    domains.set_bounds(1, 2)
    local came, late = 0, 0
    for _ = 1, scale(1000, 50) do
      local ok = pcall(rille.timeout, 0.001, rille.detach, spin, 0.001)
      if ok then came = came + 1 else late = late + 1 end
    end
    assert.equal(scale(1000, 50), came + late)
    assert.equal("fine", rille.detach(function() return "fine" end))
  end)

  it("large values in flight both ways at once", function()
    domains.set_bounds(2, 2)
    local text, tasks = ("x"):rep(1 << 20), {}
    for i = 1, 50 do
      tasks[i] = rille.submit(function(s) return s .. i end, text)
    end
    for i, task in ipairs(tasks) do assert.is_true(task:await() == text .. i) end
  end)
end)

describe("the loop is never held up", function()
  after_each(work.defaults)

  it("while every domain computes", function()
    domains.set_bounds(2, 2)
    local turns = turns_during(function()
      rille.all(rille.submit(spin, 0.3), rille.submit(spin, 0.3), rille.submit(spin, 0.3))
    end)
    assert.is_true(turns > 5)
  end)

  it("while a domain collects its garbage", function()
    domains.set_bounds(1, 1)
    local size = scale(1000000, 50000)
    local turns = turns_during(function()
      rille.detach(function()
        local heap = {}
        for i = 1, size do heap[i] = { i } end
        for _ = 1, 3 do collectgarbage() end
        return #heap
      end)
    end)
    assert.is_true(turns > 5)
  end)

  it("while a domain packs a large value that stays there", function()
    domains.set_bounds(2, 2)
    local size = scale(500000, 20000)
    local turns = turns_during(function()
      rille.detach(function()
        local heap = {}
        for i = 1, size do heap[i] = { i } end
        return rille.detach(function(list) return #list end, heap)
      end)
    end)
    assert.is_true(turns > 5)
  end)

  it("while callers wait for a full queue", function()
    domains.set_bounds(1, 1)
    domains.set_queue_limit(1)
    local turns = turns_during(function()
      local fibers = {}
      for i = 1, 10 do fibers[i] = rille.spawn(rille.detach, spin, 0.02) end
      for _, fiber in ipairs(fibers) do fiber:await() end
    end)
    assert.is_true(turns > 5)
  end)
end)
