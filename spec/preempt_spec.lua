--- Running work that is stopped and bounded, wherever its code is.

local rille = require "rille"
local failure = require "spec.support.failure"
local scale = require "spec.support.scale"
local work = require "spec.support.work"

local domains = rille.domains
local tsan = os.getenv "RILLE_BUILD" == "tsan"
local forever = work.forever

--- Runs `fn` on the one domain, cancels it while it computes, and checks that the domain goes on.
local function stopped(fn, ...)
  local task = rille.submit(fn, ...)
  rille.sleep(0.05)
  assert.equal("running", task:status())
  task:cancel "enough"
  assert.matches("enough", failure(rille.timeout, 10, task.await, task))
  assert.equal("cancelled", task:status())
  local domain = rille.detach(rille.domain)
  assert.equal(1, domains.stats().domains)
  return domain
end

describe("a task that computes", function()
  before_each(function() domains.set_bounds(1, 1) end)
  after_each(function()
    work.defaults()
    work.await(function() return domains.stats().busy == 0 end)
  end)

  describe("is stopped", function()
    it("under protected calls without end", function()
      stopped(function() while true do pcall(forever) end end)
    end)

    it("under protected calls that return at once", function()
      local function brief() return { 1 } end
      stopped(function() while true do pcall(brief) end end)
    end)

    it("under xpcall, whose handler sees the error", function()
      stopped(function()
        while true do xpcall(forever, function(e) return { e } end) end
      end)
    end)

    it("in a coroutine inside coroutines", function()
      stopped(function()
        local function nest(depth)
          if depth == 0 then forever() end
          while true do coroutine.resume(coroutine.create(nest), depth - 1) end
        end
        nest(20)
      end)
    end)

    it("under coroutine.wrap and coroutine.close", function()
      stopped(function()
        while true do
          pcall(coroutine.wrap(forever))
          local co = coroutine.create(function()
            local _ <close> = setmetatable({}, { __close = forever })
            coroutine.yield()
          end)
          coroutine.resume(co)
          coroutine.close(co)
        end
      end)
    end)

    it("in a generator that is resumed again and again", function()
      stopped(function()
        local co = coroutine.wrap(function() while true do coroutine.yield { 1 } end end)
        while true do co() end
      end)
    end)

    for _, event in ipairs { "__index", "__add", "__concat", "__eq", "__lt", "__len", "__call" } do
      it("in a metamethod: " .. event, function()
        stopped(function(name)
          local function endless()
            local list = {}
            while true do list = { #list } end
          end
          local meta = { [name] = endless }
          local one, other = setmetatable({}, meta), setmetatable({}, meta)
          local uses = {
            __index = function() return one.x end, __add = function() return one + other end,
            __concat = function() return one .. other end,
            __eq = function() return one == other end, __lt = function() return one < other end,
            __len = function() return #one end, __call = function() return one() end,
          }
          while true do pcall(uses[name]) end
        end, event)
      end)
    end

    it("in a to-be-closed variable of a function that returned", function()
      stopped(function()
        local _ <close> = setmetatable({}, { __close = forever })
      end)
    end)

    it("in a finalizer", function()
      stopped(function()
        setmetatable({}, { __gc = forever })
        while true do collectgarbage() end
      end)
    end)

    it("in a finalizer that catches every error", function()
      stopped(function()
        setmetatable({}, { __gc = function() while true do pcall(forever) end end })
        while true do collectgarbage() end
      end)
    end)

    it("in its own debug hook", function()
      stopped(function()
        debug.sethook(forever, "", 100)
        forever()
      end)
    end)

    it("in a callback from a C function", function()
      stopped(function()
        while true do pcall(table.sort, { 3, 2, 1 }, forever) end
      end)
      stopped(function()
        while true do pcall(string.gsub, "text", ".", forever) end
      end)
    end)

    it("in a reader of load, and after load has caught the error", function()
      stopped(function() while true do load(function() forever() end) end end)
      stopped(function() while true do load(function() return "x = 1 " end) end end)
    end)

    it("in an iterator of for", function()
      stopped(function()
        while true do
          pcall(function() for _ in forever do print "never" end end)
        end
      end)
    end)

    it("with its own debug hook set", function()
      stopped(function()
        debug.sethook(function() end, "l")
        while true do pcall(forever) end
      end)
    end)

    it("when it sets debug hooks all the time", function()
      stopped(function()
        while true do
          debug.sethook(function() end, "", 1)
          local _ = {}
          debug.sethook()
        end
      end)
    end)

    it("when it has replaced what it stands on", function()
      stopped(function()
        local pcall, resume, sethook = pcall, coroutine.resume, debug.sethook
        local _ <close> = setmetatable({}, { __close = function()
          rawset(_G, "pcall", pcall)
          rawset(coroutine, "resume", resume)
          rawset(debug, "sethook", sethook)
        end })
        rawset(debug, "sethook", nil)
        rawset(coroutine, "resume", nil)
        rawset(_G, "pcall", function(...)
          local ok = pcall(...)
          return ok
        end)
        while true do _G.pcall(forever) end
      end)
    end)

    it("below calls that are nested as deep as Lua allows", function()
      stopped(function()
        local function nest(depth)
          if depth == 0 then forever() end
          return 1 + nest(depth - 1)
        end
        nest(150000)
      end)
    end)

    it("in code that never allocates", function()
      if tsan then pending "this sanitizer delays signals" end
      stopped(function() while true do pcall(function() while true do end end) end end)
    end)

    it("by a timeout around the detach", function()
      assert.matches("timed out", failure(rille.timeout, 0.05, rille.detach, forever))
      assert.equal(1, rille.detach(rille.domain))
    end)

    it("by a timeout of its own, of which no pcall inside catches the error", function()
      local passed, text = rille.detach(function()
        local caught = false
        local ok, err = pcall(rille.timeout, 0.05, function()
          pcall(forever)
          caught = true
        end)
        return caught or ok, err
      end)
      assert.is_false(passed)
      assert.matches("timed out after 0.05 s", text)
    end)

    it("between timeouts of its own, and told why", function()
      stopped(function()
        while true do pcall(rille.timeout, 0.001, forever) end
      end)
    end)

    it("by the end of a race", function()
      assert.equal("first", rille.race(
        function() return rille.detach(forever) end,
        function()
          rille.sleep(0.05)
          return "first"
        end))
    end)

    it("by the failure of its scope", function()
      assert.matches("over", failure(rille.scope, function(scope)
        scope:spawn(function() rille.detach(forever) end)
        rille.sleep(0.05)
        error "over"
      end))
    end)
  end)

  describe("that is stopped", function()
    it("closes its variables, the last first", function()
      local task = rille.submit(function()
        local closed = {}
        local function closing(fn) return setmetatable({}, { __close = fn }) end
        local _ <close> = closing(function()
          rawset(_G, "rille_spec_closed", table.concat(closed, " "))
        end)
        local _ <close> = closing(function() table.insert(closed, "a") end)
        local _ <close> = closing(function() table.insert(closed, "b") end)
        while true do pcall(forever) end
      end)
      rille.sleep(0.05)
      task:cancel()
      pcall(task.await, task)
      assert.equal("b a", rille.detach(function() return rawget(_G, "rille_spec_closed") end))
    end)

    it("gets the time for it, computing", function()
      local task = rille.submit(function()
        local _ <close> = setmetatable({}, { __close = function()
          work.spin(0.2)
          rawset(_G, "rille_spec_closed", "after a while")
        end })
        forever()
      end)
      rille.sleep(0.05)
      task:cancel()
      pcall(task.await, task)
      assert.equal("after a while", rille.detach(function()
        return rawget(_G, "rille_spec_closed")
      end))
    end)

    it("does not get more time than is set", function()
      domains.set_cleanup_time(0.05)
      stopped(function()
        local _ <close> = setmetatable({}, { __close = function()
          while true do pcall(forever) end
        end })
        forever()
      end)
    end)

    it("does not get more for its message handler", function()
      domains.set_cleanup_time(0.02)
      stopped(function()
        xpcall(forever, forever)
      end)
    end)

    it("is stopped in the end although it caught the error of a wait", function()
      domains.set_cleanup_time(0.05)
      stopped(function()
        pcall(require "rille".sleep, 60)
        while true do pcall(forever) end
      end)
    end)

    it("may handle the error of a wait", function()
      local task = rille.submit(function()
        local _, err = pcall(require "rille".sleep, 60)
        rawset(_G, "rille_spec_closed", err)
        error(err, 0)
      end)
      rille.sleep(0.05)
      task:cancel "my reason"
      pcall(task.await, task)
      local seen = rille.detach(function() return rawget(_G, "rille_spec_closed") end)
      assert.matches("my reason", seen)
    end)
  end)

  describe("under a limit", function()
    it("is stopped when it has run for its timeout, which names the job and the time", function()
      local job = rille.job(forever, { name = "endless", timeout = 0.05 })
      local text = failure(job)
      assert.matches("job 'endless' ran longer than its timeout of 0.05 s", text)
      assert.matches("detached at", text)
      assert.equal(1, rille.detach(rille.domain))
    end)

    it("fails, and is not cancelled", function()
      local task = rille.job(forever, { timeout = 0.05 }):submit()
      failure(task.await, task)
      assert.equal("failed", task:status())
    end)

    it("has its waits left out", function()
      local job = rille.job(function(nap)
        for _ = 1, 10 do require "rille".sleep(nap) end
        return "done"
      end, { timeout = 0.1 })
      assert.equal("done", job(0.03))
    end)

    it("has the runs between its waits added up", function()
      local job = rille.job(function()
        while true do
          work.spin(0.02)
          require "rille".sleep(0.001)
        end
      end, { timeout = 0.1 })
      assert.matches("ran longer than its timeout of 0.1 s", failure(job))
    end)

    it("is stopped at its deadline while it computes", function()
      local job = rille.job(forever, { name = "late", deadline = 0.4 })
      assert.matches("job 'late' was not done by its deadline, 0.4 s after the call", failure(job))
    end)

    it("is stopped at its deadline while it waits", function()
      local job = rille.job(rille.sleep, { name = "late", deadline = 0.4 })
      assert.matches("job 'late' was not done by its deadline", failure(job, 60))
    end)

    it("cannot catch that", function()
      local job = rille.job(function()
        while true do pcall(forever) end
      end, { timeout = 0.05 })
      assert.matches("ran longer", failure(job))
    end)

    it("fails although it returns in time after the error of a wait", function()
      local job = rille.job(function()
        pcall(require "rille".sleep, 60)
        return "done"
      end, { deadline = 0.05 })
      assert.matches("deadline", failure(job))
    end)

    it("leaves others on the domain alone", function()
      local other = rille.submit(function()
        require "rille".sleep(0.2)
        return "unharmed"
      end)
      failure(rille.job(forever, { timeout = 0.05 }))
      assert.equal("unharmed", other:await())
    end)
  end)
end)

describe("a task stuck in a C function", function()
  -- About a second on a machine of today: no hook fires inside.
  local function stuck(n) return ("a"):rep(n):find(".-.-b") end
  local size = os.getenv "RILLE_BUILD" == "debug" and 900 or 600

  before_each(function() domains.set_bounds(1, 1) end)
  after_each(function()
    work.await(function() return domains.stats().busy == 0 end, 60)
    work.defaults()
  end)

  it("leaves its caller the error, and its place to a fresh domain", function()
    local job = rille.job(stuck, { name = "backtrack", timeout = 0.05 })
    local before = rille.detach(rille.domain)
    local text = failure(job, size)
    assert.matches("job 'backtrack' ran longer than its timeout", text)
    assert.matches("detached at", text)
    assert.not_equal(before, rille.detach(rille.domain))
  end)

  it("fails when it was submitted, too", function()
    local task = rille.job(stuck, { deadline = 0.05 }):submit(size)
    assert.matches("deadline", failure(task.await, task))
    assert.equal("failed", task:status())
  end)

  it("is cancelled for those who await it", function()
    local task = rille.submit(stuck, size)
    rille.sleep(0.05)
    task:cancel "enough"
    assert.matches("enough", failure(task.await, task))
    assert.equal("cancelled", task:status())
    assert.equal("on", rille.detach(function() return "on" end))
  end)

  it("goes when it returns, and its domain with it", function()
    local task = rille.submit(stuck, size)
    rille.sleep(0.02)
    task:cancel()
    pcall(task.await, task)
    rille.detach(function() end)
    work.await(function() return domains.stats().domains == 1 end, 60)
  end)

  it("lets what else waits on its domain go on when it returns", function()
    local other = rille.submit(function()
      require "rille".sleep(0.05)
      return "went on"
    end)
    rille.sleep(0.01)
    failure(rille.job(stuck, { timeout = 0.05 }), size)
    assert.equal("went on", other:await())
  end)
end)

describe("a fiber of the main domain that computes", function()
  after_each(work.defaults)

  it("is stopped by a timeout, whatever it catches", function()
    local text = failure(rille.timeout, 0.05, function()
      while true do pcall(forever) end
    end)
    assert.matches("timed out after 0.05 s", text)
  end)

  it("goes on after a timeout that it was stopped by", function()
    pcall(rille.timeout, 0.05, forever)
    local ok, err = pcall(error, "mine", 0)
    assert.same({ false, "mine" }, { ok, err })
    rille.sleep(0.001)
  end)

  it("is stopped by the timeout inside a timeout", function()
    assert.equal("outer goes on", rille.timeout(60, function()
      assert.matches("0.05 s", failure(rille.timeout, 0.05, forever))
      return "outer goes on"
    end))
  end)

  it("is stopped by the timeout around a timeout", function()
    assert.matches("0.05 s", failure(rille.timeout, 0.05, rille.timeout, 60, forever))
  end)

  it("closes its variables after a timeout", function()
    local closed
    pcall(rille.timeout, 0.05, function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      forever()
    end)
    assert.is_true(closed)
  end)

  it("is ended by the loop guard if one is set", function()
    domains.set_loop_guard(math.huge, 0.05)
    local task = rille.spawn(forever)
    local text = failure(task.await, task)
    assert.matches("held up the loop for more than 0.05 s", text)
  end)

  it("has settings that are checked", function()
    assert.has_error(function() domains.set_loop_guard(-1) end)
    assert.has_error(function() domains.set_loop_guard(1, "soon") end)
    assert.has_error(function() domains.set_cleanup_time(-1) end)
  end)
end)

describe("tasks that are cancelled, limited and sliced at random", function()
  after_each(work.defaults)

  local function compute(n)
    local list = {}
    for i = 1, n do list = { #list, i } end
    return n
  end

  local function submit()
    local kind = math.random(4)
    if kind == 1 then return rille.submit(rille.sleep, math.random() * 0.003) end
    if kind > 2 then return rille.submit(compute, math.random(20000)) end
    -- The handle of the job is garbage at once.
    return rille.job(compute, { timeout = math.random() * 0.005 + 1e-4 }):submit(math.random(40000))
  end

  it("are accounted for exactly once each", function()
    domains.set_bounds(2, 2)
    domains.set_slice(0.0003)
    local before, total = domains.stats(), 0
    for _ = 1, scale(100) do
      local tasks = {}
      for i = 1, 50 do tasks[i] = submit() end
      for _ = 1, 25 do
        if math.random(3) == 1 then rille.sleep(0) end
        tasks[math.random(50)]:cancel()
      end
      for _, task in ipairs(tasks) do
        pcall(task.await, task)
        assert.is_true(({ done = true, failed = true, cancelled = true })[task:status()])
        total = total + 1
      end
    end
    local after = domains.stats()
    local ended = 0
    for _, key in ipairs { "finished", "failed", "cancelled" } do
      ended = ended + after[key] - before[key]
    end
    assert.same({ total, total }, { after.submitted - before.submitted, ended })
  end)
end)
