-- Domains: detached and submitted tasks, calls back into the main domain, bounds, the queue and its
-- limit, statistics.

local rille = require "rille"
local failure = require "spec.support.failure"
local work = require "spec.support.work"

local domains = rille.domains
local spin = work.spin

--- Keeps a domain computing and then says which it was.
local function spin_and_tell(seconds)
  spin(seconds)
  return rille.domain()
end

--- Submits `count` of these and returns the tasks.
local function submit_many(count, fn, ...)
  local tasks = {}
  for i = 1, count do tasks[i] = rille.submit(fn, ...) end
  return tasks
end

--- Sleeps, and says how many tasks of its domain did so since it began, itself among them.
local function sleep_and_count()
  local here = package.loaded
  here.asleep = (here.asleep or 0) + 1
  rille.sleep(0.05)
  local count = here.asleep
  here.asleep = nil
  return count or 0
end

--- Submits `count` tasks that sleep; the most of them that slept at the same time on one domain.
local function most_at_once(count)
  local most = 0
  for _, task in ipairs(submit_many(count, sleep_and_count)) do
    most = math.max(most, task:await())
  end
  return most
end

--- The set of the tasks' results, and its size.
local function distinct(tasks)
  local set, size = {}, 0
  for _, task in ipairs(tasks) do
    local result = task:await()
    if not set[result] then set[result], size = true, size + 1 end
  end
  return set, size
end

--- Waits until all domains have nothing to do.
local function settle()
  work.await(function()
    local stats = domains.stats()
    return stats.busy == 0 and stats.queued == 0 and stats.waiting == 0
  end)
end

describe("detach", function()
  after_each(work.defaults)

  it("runs the function on another domain", function()
    domains.set_bounds(0, 1)
    assert.equal("integer", math.type(rille.detach(rille.domain)))
    assert.equal("main", rille.domain())
  end)

  it("passes the arguments and returns the results, nils among them", function()
    local results = table.pack(rille.detach(function(...) return ... end, nil, 2, nil))
    assert.same({ nil, 2, nil, n = 3 }, results)
  end)

  it("suspends its fiber and not the loop", function()
    domains.set_bounds(0, 1)
    local turns = 0
    local task = rille.spawn(rille.detach, spin, 0.1)
    while task:status() == "running" do
      turns = turns + 1
      rille.sleep(0.002)
    end
    assert.is_true(turns > 5)
  end)

  it("computes on several domains at the same time", function()
    domains.set_bounds(2, 2)
    local _, count = distinct { rille.submit(spin_and_tell, 0.1), rille.submit(spin_and_tell, 0.1) }
    assert.equal(2, count)
  end)

  it("runs tasks in the order of the calls on a single domain", function()
    domains.set_bounds(1, 1)
    local trace, fibers = {}, {}
    for i = 1, 20 do
      fibers[i] = rille.spawn(function()
        table.insert(trace, (rille.detach(function() return i end)))
      end)
    end
    for _, fiber in ipairs(fibers) do fiber:await() end
    for i = 1, 20 do assert.equal(i, trace[i]) end
  end)

  it("may be called in a task", function()
    local outer, inner = rille.detach(function(n)
      return rille.domain(), rille.detach(function() return n + 1 end)
    end, 41)
    assert.equal("integer", math.type(outer))
    assert.equal(42, inner)
  end)

  it("may be called in a task when there is one domain only", function()
    domains.set_bounds(1, 1)
    assert.equal("inner", rille.detach(function()
      return rille.detach(function() return "inner" end)
    end))
  end)

  it("frees its domain for others while the task waits", function()
    domains.set_bounds(1, 1)
    assert.is_true(most_at_once(20) > 1)
  end)

  it("gives a task the fibers of its own domain", function()
    assert.same({ 1, 4, 9 }, { rille.detach(function()
      local function square(n)
        return function()
          rille.sleep(0.002)
          return n * n
        end
      end
      return rille.all(square(1), square(2), square(3))
    end) })
  end)

  it("lets a spawned fiber of a task live on its domain", function()
    local outer, inner = rille.detach(function()
      return rille.domain(), rille.spawn(rille.domain):await()
    end)
    assert.equal(outer, inner)
  end)

  it("needs a function", function()
    assert.matches("bad argument #1 to '[%w.]*detach'", failure(rille.detach, "text"))
  end)

  it("lets a task read and set the bounds", function()
    assert.same({ 1, 3 }, { rille.detach(function()
      rille.domains.set_bounds(1, 3)
      return rille.domains.get_bounds()
    end) })
    assert.same({ 1, 3 }, { domains.get_bounds() })
  end)

  it("leaves the main domain's globals alone", function()
    rille.detach(function() rille_spec_global = "set in a task" end) -- luacheck: ignore 111
    assert.is_nil(rawget(_G, "rille_spec_global"))
  end)
end)

describe("a submitted task", function()
  after_each(work.defaults)

  it("gives its results when it is awaited", function()
    local task = rille.submit(function(...) return ... end, nil, 2, nil)
    assert.same({ nil, 2, nil, n = 3 }, table.pack(task:await()))
  end)

  it("gives its results again", function()
    local task = rille.submit(function() return { 1 } end)
    task:await()
    assert.same({ 1 }, task:await())
  end)

  it("does not make its submitter wait", function()
    domains.set_bounds(0, 1)
    local task = rille.submit(work.forever)
    assert.not_equal("done", task:status())
    task:cancel()
  end)

  it("raises its error when it is awaited", function()
    local task = rille.submit(function() error "no luck" end)
    assert.matches("domains_spec%.lua:%d+: no luck", failure(task.await, task))
    assert.equal("failed", task:status())
  end)

  it("is queued until a domain takes it", function()
    domains.set_bounds(1, 1)
    local first, second = rille.submit(spin, 0.1), rille.submit(function() end)
    assert.equal("queued", second:status())
    first:await()
    second:await()
    assert.equal("done", second:status())
  end)

  it("is running while a domain runs it", function()
    domains.set_bounds(1, 1)
    local task = rille.submit(spin, 0.2)
    rille.sleep(0.1)
    assert.equal("running", task:status())
    task:await()
  end)

  it("is running while it waits on its domain", function()
    local task = rille.submit(rille.sleep, 0.2)
    rille.sleep(0.1)
    assert.equal("running", task:status())
    task:await()
  end)

  describe("when cancelled", function()
    it("never runs if it was queued", function()
      domains.set_bounds(1, 1)
      local ran = false
      local first = rille.submit(spin, 0.1)
      local second = rille.submit(function() rille.run_in_main(function() ran = true end) end)
      assert.is_true(second:cancel())
      first:await()
      rille.detach(function() end)
      assert.is_false(ran)
      assert.equal("cancelled", second:status())
    end)

    it("raises the reason where it is awaited", function()
      domains.set_bounds(1, 1)
      local first, second = rille.submit(spin, 0.05), rille.submit(function() end)
      second:cancel "no longer wanted"
      assert.matches("no longer wanted", failure(second.await, second))
      first:await()
    end)

    it("fails at its wait if it has begun", function()
      local task = rille.submit(rille.sleep, 60)
      rille.sleep(0.05)
      assert.is_true(task:cancel())
      local took = work.time(pcall, task.await, task)
      assert.is_true(took < 5)
      assert.equal("cancelled", task:status())
    end)

    it("is interrupted if it computes, and its domain goes on", function()
      domains.set_bounds(1, 1)
      local task = rille.submit(work.forever)
      rille.sleep(0.05)
      assert.is_true(task:cancel "enough")
      assert.matches("enough", failure(task.await, task))
      assert.equal("free", rille.detach(function() return "free" end))
    end)

    it("is interrupted in a loop that does nothing", function()
      if os.getenv "RILLE_BUILD" == "tsan" then pending "this sanitizer delays signals" end
      domains.set_bounds(1, 1)
      local task = rille.submit(function() while true do end end)
      rille.sleep(0.05)
      task:cancel "enough"
      assert.matches("enough", failure(task.await, task))
      assert.equal("free", rille.detach(function() return "free" end))
    end)

    it("is interrupted even if it catches every error", function()
      domains.set_bounds(1, 1)
      local task = rille.submit(function()
        while true do pcall(work.forever) end
      end)
      rille.sleep(0.05)
      task:cancel "enough"
      assert.matches("enough", failure(task.await, task))
      assert.equal("free", rille.detach(function() return "free" end))
    end)

    it("closes its variables on its domain", function()
      domains.set_bounds(1, 1)
      local task = rille.submit(function()
        local guard <close> = setmetatable({}, {
          __close = function() rawset(_G, "rille_spec_closed", rille.domain()) end,
        })
        rille.sleep(60)
        return guard
      end)
      rille.sleep(0.05)
      task:cancel()
      pcall(task.await, task)
      work.await(function()
        return rille.detach(function() return rawget(_G, "rille_spec_closed") == rille.domain() end)
      end)
    end)

    it("stops waiting for the tasks that it detached itself", function()
      domains.set_bounds(2, 2)
      local task = rille.submit(function() rille.detach(rille.sleep, 60) end)
      rille.sleep(0.05)
      task:cancel()
      pcall(task.await, task)
      settle()
    end)

    it("cannot be cancelled after its end", function()
      local task = rille.submit(function() return "done" end)
      task:await()
      assert.is_false(task:cancel())
      assert.equal("done", task:await())
    end)
  end)

  it("is cancelled with the fiber that detached it", function()
    local fiber = rille.spawn(rille.detach, rille.sleep, 60)
    rille.sleep(0.05)
    fiber:cancel()
    pcall(fiber.await, fiber)
    settle()
  end)
end)

describe("run_in_main", function()
  after_each(work.defaults)

  it("runs the function on the main domain", function()
    assert.equal("main", rille.detach(function() return rille.run_in_main(rille.domain) end))
  end)

  it("passes the arguments and returns the results, nils among them", function()
    local results = table.pack(rille.detach(function(...)
      return rille.run_in_main(function(...) return ... end, ...)
    end, nil, 2, nil))
    assert.same({ nil, 2, nil, n = 3 }, results)
  end)

  it("sees the main domain's globals", function()
    rawset(_G, "rille_spec_counter", 0)
    rille.detach(function()
      for _ = 1, 3 do
        rille.run_in_main(function()
          rawset(_G, "rille_spec_counter", rawget(_G, "rille_spec_counter") + 1)
        end)
      end
    end)
    assert.equal(3, rawget(_G, "rille_spec_counter"))
    rawset(_G, "rille_spec_counter", nil)
  end)

  it("waits for its result, and its body may sleep", function()
    local took = rille.detach(function()
      local before = rille.now()
      rille.run_in_main(rille.sleep, 0.05)
      return rille.now() - before
    end)
    assert.is_true(took >= 0.05)
  end)

  it("does not stop the main domain while its body sleeps", function()
    local task = rille.submit(function() rille.run_in_main(rille.sleep, 0.1) end)
    local turns = 0
    while task:status() ~= "done" do
      turns = turns + 1
      rille.sleep(0.002)
    end
    assert.is_true(turns > 5)
  end)

  it("may have a body that detaches, with one domain only", function()
    domains.set_bounds(1, 1)
    assert.equal("from the task in main", rille.detach(function()
      return rille.run_in_main(function()
        return rille.detach(function() return "from the task in main" end)
      end)
    end))
  end)

  it("raises its body's error in the task, with both tracebacks", function()
    local text = failure(rille.detach, function()
      rille.run_in_main(function() error "in main" end)
    end)
    assert.matches("domains_spec%.lua:%d+: in main\nstack traceback:", text)
    assert.matches("\nrun in main at:\n.*\ndetached at:\n", text)
  end)

  it("raises an error that is not a string as it is", function()
    assert.same({ false, { code = 7 } }, { rille.detach(function()
      return pcall(rille.run_in_main, function() error { code = 7 } end)
    end) })
  end)

  it("works in a nested task", function()
    assert.equal("main", rille.detach(function()
      return rille.detach(function() return rille.run_in_main(rille.domain) end)
    end))
  end)

  it("gives each of many callers its own result", function()
    domains.set_bounds(2, 4)
    local tasks = {}
    for i = 1, 100 do
      tasks[i] = rille.submit(function()
        return rille.run_in_main(function()
          rille.sleep(i % 7 * 0.001)
          return i
        end)
      end)
    end
    for i, task in ipairs(tasks) do assert.equal(i, task:await()) end
  end)

  it("has its body cancelled with the task", function()
    local task = rille.submit(function()
      rille.run_in_main(function()
        local guard <close> = setmetatable({}, {
          __close = function() rawset(_G, "rille_spec_closed", true) end,
        })
        rille.sleep(60)
        return guard
      end)
    end)
    rille.sleep(0.05)
    task:cancel()
    work.await(function() return rawget(_G, "rille_spec_closed") end)
    rawset(_G, "rille_spec_closed", nil)
  end)
end)

describe("the bounds", function()
  after_each(work.defaults)

  it("are what was set", function()
    domains.set_bounds(1, 3)
    assert.same({ 1, 3 }, { domains.get_bounds() })
  end)

  it("refuse a minimum below 0", function()
    assert.matches("bad argument #1", failure(domains.set_bounds, -1, 2))
  end)

  it("refuse a maximum below the minimum", function()
    assert.matches("bad argument #2", failure(domains.set_bounds, 2, 1))
  end)

  it("refuse what is not a whole number", function()
    assert.matches("bad argument #1", failure(domains.set_bounds, 0.5, 2))
    assert.matches("bad argument #2", failure(domains.set_bounds, 0, "many"))
  end)

  it("stay what they were when they are refused", function()
    domains.set_bounds(1, 2)
    pcall(domains.set_bounds, 3, 2)
    assert.same({ 1, 2 }, { domains.get_bounds() })
  end)

  it("keep the minimum started without any task", function()
    domains.set_bounds(2, 4)
    work.await(function() return domains.stats().domains == 2 end)
  end)

  it("start domains on demand up to the maximum and not beyond", function()
    domains.set_idle_time(0.01)
    domains.set_bounds(0, 3)
    work.await(function() return domains.stats().domains == 0 end)
    domains.set_idle_time(5)
    local _, count = distinct(submit_many(12, spin_and_tell, 0.03))
    assert.equal(3, count)
    assert.equal(3, domains.stats().domains)
  end)

  it("start no domain while nothing is detached", function()
    domains.set_idle_time(0.01)
    domains.set_bounds(0, 2)
    work.await(function() return domains.stats().domains == 0 end)
    rille.sleep(0.03)
    assert.equal(0, domains.stats().domains)
  end)

  it("end domains above the minimum after the idle time", function()
    domains.set_bounds(0, 3)
    domains.set_idle_time(0.02)
    for _, task in ipairs(submit_many(3, spin, 0.02)) do task:await() end
    work.await(function() return domains.stats().domains == 0 end)
    domains.set_bounds(1, 3)
    for _, task in ipairs(submit_many(3, spin, 0.02)) do task:await() end
    work.await(function() return domains.stats().domains == 1 end)
    rille.sleep(0.06)
    assert.equal(1, domains.stats().domains)
  end)

  it("do not end a domain whose task waits longer than the idle time", function()
    domains.set_bounds(0, 1)
    domains.set_idle_time(0.02)
    assert.equal("awake", rille.detach(function()
      rille.sleep(0.15)
      return "awake"
    end))
  end)

  it("let tasks run again after all domains have ended", function()
    domains.set_bounds(0, 1)
    domains.set_idle_time(0.01)
    rille.detach(function() end)
    work.await(function() return domains.stats().domains == 0 end)
    assert.equal("again", rille.detach(function() return "again" end))
  end)

  it("start a domain while the only one computes in a task that had waited", function()
    domains.set_bounds(0, 2)
    local gate = rille.submit(function()
      require("rille").sleep(0.05)
      local list, till = {}, os.time() + 20
      while os.time() < till do list = { #list } end
    end)
    work.await(function() return domains.stats().waiting == 1 end)
    rille.sleep(0.2)
    local took = work.time(rille.detach, function() end)
    gate:cancel()
    assert.is_true(took < 10)
  end)

  it("start a domain for what was taken for short, and is not", function()
    domains.set_bounds(0, 4)
    for _, task in ipairs(submit_many(200, rille.domain)) do task:await() end
    local long = submit_many(3, os.execute, "sleep 1") -- which nothing can interrupt
    assert.is_number(rille.detach(rille.domain))
    for _, task in ipairs(long) do assert.equal("running", task:status()) end
    for _, task in ipairs(long) do assert.is_true(task:await()) end
  end)

  describe("raised", function()
    it("start queued work at once", function()
      domains.set_bounds(1, 1)
      domains.set_slice(math.huge)
      local first = rille.submit(spin, 0.5)
      local second = rille.submit(function() return "second" end)
      rille.sleep(0.02)
      assert.equal("queued", second:status())
      domains.set_bounds(1, 2)
      assert.equal("second", second:await())
      assert.equal("running", first:status())
      first:await()
    end)

    it("from 0 start domains for the tasks to come", function()
      domains.set_bounds(0, 0)
      assert.equal("main", rille.detach(rille.domain))
      domains.set_bounds(0, 1)
      assert.equal("integer", math.type(rille.detach(rille.domain)))
    end)
  end)

  describe("lowered", function()
    it("retire domains down to the new maximum", function()
      domains.set_bounds(4, 4)
      work.await(function() return domains.stats().domains == 4 end)
      domains.set_bounds(0, 1)
      work.await(function() return domains.stats().domains <= 1 end)
    end)

    it("let busy domains finish what they run", function()
      domains.set_bounds(3, 3)
      local tasks = submit_many(3, function()
        spin(0.1)
        return "finished"
      end)
      rille.sleep(0.03)
      domains.set_bounds(1, 1)
      for _, task in ipairs(tasks) do assert.equal("finished", task:await()) end
      work.await(function() return domains.stats().domains == 1 end)
    end)

    it("let tasks that wait on a domain finish there", function()
      domains.set_bounds(3, 3)
      local tasks = submit_many(30, function()
        local before = rille.domain()
        rille.sleep(0.1)
        return before == rille.domain()
      end)
      rille.sleep(0.03)
      domains.set_bounds(1, 1)
      for _, task in ipairs(tasks) do assert.is_true(task:await()) end
      work.await(function() return domains.stats().domains == 1 end)
    end)

    it("strand no queued task", function()
      domains.set_bounds(4, 4)
      local tasks = submit_many(100, function()
        spin(0.001)
        return 1
      end)
      domains.set_bounds(1, 1)
      local sum = 0
      for _, task in ipairs(tasks) do sum = sum + task:await() end
      assert.equal(100, sum)
    end)

    it("never fall below the new minimum", function()
      domains.set_bounds(6, 6)
      local tasks = submit_many(6, spin, 0.03)
      domains.set_bounds(2, 2)
      for _, task in ipairs(tasks) do task:await() end
      for _ = 1, 20 do
        assert.is_true(domains.stats().domains >= 2)
        rille.sleep(0.002)
      end
      work.await(function() return domains.stats().domains == 2 end)
    end)

    it("to 0 run what is queued on the main domain", function()
      domains.set_bounds(1, 1)
      local first = rille.submit(spin, 0.1)
      local queued = submit_many(5, rille.domain)
      domains.set_bounds(0, 0)
      first:await()
      local set = distinct(queued)
      for domain in pairs(set) do assert.equal("main", domain) end
    end)
  end)

  describe("of 0", function()
    it("run tasks as fibers of the main domain", function()
      domains.set_bounds(0, 0)
      assert.equal("main", rille.detach(rille.domain))
    end)

    it("let tasks wait next to each other", function()
      domains.set_bounds(0, 0)
      assert.is_true(most_at_once(10) > 1)
    end)

    it("bring errors with where they were detached", function()
      domains.set_bounds(0, 0)
      local text = failure(rille.detach, function() error "at home" end)
      assert.matches("domains_spec%.lua:%d+: at home\nstack traceback:.*\ndetached at:", text)
    end)

    it("let tasks call run_in_main and detach", function()
      domains.set_bounds(0, 0)
      assert.same({ "main", 42 }, { rille.detach(function()
        return rille.run_in_main(rille.domain), rille.detach(function() return 42 end)
      end) })
    end)

    it("still copy the values", function()
      domains.set_bounds(0, 0)
      local list = { 1 }
      rille.detach(function(own) own[1] = 2 end, list)
      assert.same({ 1 }, list)
    end)
  end)
end)

describe("the queue limit", function()
  after_each(work.defaults)

  it("is what was set", function()
    domains.set_queue_limit(7)
    assert.equal(7, domains.get_queue_limit())
  end)

  it("refuses a negative number", function()
    assert.matches("bad argument #1", failure(domains.set_queue_limit, -1))
  end)

  local occupant -- holds the only domain until await_all

  --- Fills the only domain and a queue of two, and detaches ten more tasks; returns the fibers and
  -- the order in which they ran.
  local function crowd()
    domains.set_bounds(1, 1)
    domains.set_slice(math.huge)
    domains.set_queue_limit(2)
    occupant = rille.submit(work.forever)
    work.await(function() return domains.stats().queued == 0 end)
    local order, fibers = {}, {}
    for i = 1, 12 do
      fibers[i] = rille.spawn(function()
        table.insert(order, (rille.detach(function() return i end)))
      end)
    end
    work.await(function() return domains.stats().held == 10 end)
    return fibers, order
  end

  local function await_all(fibers)
    occupant:cancel()
    for _, fiber in ipairs(fibers) do fiber:await() end
  end

  it("makes detach wait when the queue is full", function()
    local fibers = crowd()
    local stats = domains.stats()
    assert.same({ 2, 10 }, { stats.queued, stats.held })
    await_all(fibers)
  end)

  it("lets those who wait in in their order", function()
    local fibers, order = crowd()
    await_all(fibers)
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, order)
  end)

  it("does not stop the loop when the queue is full", function()
    local fibers = crowd()
    for _ = 1, 3 do rille.sleep(0.001) end
    assert.is_true(domains.stats().held > 0)
    await_all(fibers)
  end)

  it("lets one who waits be cancelled", function()
    local fibers, order = crowd()
    fibers[7]:cancel()
    pcall(fibers[7].await, fibers[7])
    table.remove(fibers, 7)
    await_all(fibers)
    assert.same({ 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12 }, order)
  end)

  it("lets those who wait in when it is raised", function()
    local fibers = crowd()
    domains.set_queue_limit(100)
    work.await(function() return domains.stats().held == 0 end)
    await_all(fibers)
  end)

  it("holds for tasks that detach, without a deadlock", function()
    domains.set_bounds(1, 1)
    domains.set_queue_limit(1)
    local fibers = {}
    for i = 1, 20 do
      fibers[i] = rille.spawn(rille.detach, function()
        return rille.detach(function() return i end)
      end)
    end
    for i, fiber in ipairs(fibers) do assert.equal(i, fiber:await()) end
  end)
end)

describe("the statistics", function()
  after_each(work.defaults)

  it("count the domains, and those that are busy and idle", function()
    domains.set_bounds(2, 2)
    work.await(function() return domains.stats().idle == 2 end)
    local task = rille.submit(work.forever)
    work.await(function() return domains.stats().busy == 1 end)
    local stats = domains.stats()
    assert.same({ 2, 1, 1 }, { stats.domains, stats.busy, stats.idle })
    task:cancel()
  end)

  it("count the queued tasks", function()
    domains.set_bounds(1, 1)
    domains.set_slice(math.huge)
    local tasks = submit_many(5, work.forever)
    work.await(function() return domains.stats().queued == 4 end)
    for _, task in ipairs(tasks) do task:cancel() end
    for _, task in ipairs(tasks) do pcall(task.await, task) end
    assert.equal(0, domains.stats().queued)
  end)

  it("count the tasks that wait", function()
    local tasks = submit_many(3, rille.sleep, 1000)
    work.await(function() return domains.stats().waiting == 3 end)
    for _, task in ipairs(tasks) do task:cancel() end
    for _, task in ipairs(tasks) do pcall(task.await, task) end
    assert.equal(0, domains.stats().waiting)
  end)

  it("count what was submitted and finished", function()
    local before = domains.stats()
    for _ = 1, 5 do rille.detach(function() end) end
    local after = domains.stats()
    assert.equal(5, after.submitted - before.submitted)
    assert.equal(5, after.finished - before.finished)
  end)

  it("count what failed", function()
    local before = domains.stats().failed
    for _ = 1, 3 do pcall(rille.detach, function() error "no luck" end) end
    assert.equal(3, domains.stats().failed - before)
  end)

  it("count what was cancelled", function()
    local before = domains.stats().cancelled
    local task = rille.submit(rille.sleep, 60)
    rille.sleep(0.03)
    task:cancel()
    work.await(function() return domains.stats().cancelled - before == 1 end)
  end)

  it("account for every task", function()
    local before = domains.stats()
    local tasks = submit_many(20, function() end)
    for i = 1, 5 do tasks[20 + i] = rille.submit(error, "no luck") end
    for _, task in ipairs(tasks) do pcall(task.await, task) end
    local after = domains.stats()
    local function grown(name) return after[name] - before[name] end
    assert.equal(25, grown "submitted")
    assert.equal(25, grown "finished" + grown "failed" + grown "cancelled")
  end)

  it("measure how long tasks run", function()
    local before = domains.stats().run.count
    for _ = 1, 3 do rille.detach(spin, 0.02) end
    local run = domains.stats().run
    assert.equal(3, run.count - before)
    assert.is_true(run.max >= 0.02)
  end)

  it("measure how long tasks wait in the queue", function()
    domains.set_bounds(1, 1)
    local tasks = submit_many(3, spin, 0.03)
    for _, task in ipairs(tasks) do task:await() end
    assert.is_true(domains.stats().wait.max >= 0.05)
  end)

  it("give quantiles that do not fall", function()
    for _ = 1, 10 do rille.detach(function() end) end
    for _, name in ipairs { "wait", "run" } do
      local times = domains.stats()[name]
      assert.is_true(times.p50 <= times.p90 and times.p90 <= times.p99)
      assert.is_true(times.p99 <= times.max)
      assert.is_true(times.mean > 0 and times.mean <= times.max)
    end
  end)
end)

describe("the recommended number of domains", function()
  it("is a positive whole number", function()
    assert.equal("integer", math.type(domains.recommended()))
    assert.is_true(domains.recommended() >= 1)
  end)
end)
