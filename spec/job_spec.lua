-- rille.job: options, the order in which tasks begin, limits, deadlines, forecasts, costs.

local rille = require "rille"
local failure = require "spec.support.failure"
local http = require "rille.http"
local scale = require "spec.support.scale"
local work = require "spec.support.work"

local domains = rille.domains
local spin = work.spin

local function echo(...) return ... end

--- One domain, and a task that keeps it until it is cancelled; before, some short ones, so that
-- the pool does not expect long waits.
local function block()
  domains.set_bounds(1, 1)
  domains.set_slice(math.huge)
  for _ = 1, 60 do rille.detach(echo) end
  local blocker = rille.submit(work.forever)
  work.await(function() return blocker:status() == "running" end)
  return blocker
end

--- Submits tasks to jobs while the only domain is taken, and returns the order in which they ran:
-- `list` has a job and a name for each. A job's function must return its argument.
local function order_of(list)
  local blocker = block()
  local order, fibers = {}, {}
  for i, item in ipairs(list) do
    local job, name = item[1], item[2]
    fibers[i] = rille.spawn(function() table.insert(order, (job(name))) end)
    rille.sleep(0)
  end
  blocker:cancel()
  for _, fiber in ipairs(fibers) do fiber:await() end
  return table.concat(order, " ")
end

--- The error of a task, which must fail.
local function refusal(fn, ...)
  local ok, problem = pcall(fn, ...)
  assert.is_false(ok)
  return problem
end

local function figures(name)
  return domains.stats().jobs[name]
end

describe("a job", function()
  after_each(work.defaults)

  it("detaches when it is called", function()
    local job = rille.job(function(...) return rille.domain(), ... end)
    local results = table.pack(job(1, nil))
    assert.equal("integer", math.type(results[1]))
    assert.same({ 1, nil, n = 3 }, { results[2], results[3], n = results.n })
  end)

  it("submits", function()
    local task = rille.job(echo):submit("a", "b")
    assert.same({ "a", "b" }, { task:await() })
    assert.equal("done", task:status())
  end)

  it("brings errors with where they were detached", function()
    local job = rille.job(function() error "in the task" end)
    local text = failure(job)
    assert.matches("job_spec%.lua:%d+: in the task\nstack traceback:.*\ndetached at:", text)
  end)

  it("copies what its function captures with each task", function()
    local count = 0
    local job = rille.job(function()
      count = count + 1
      return count
    end)
    assert.equal(1, job())
    count = 5
    assert.equal(6, job())
    assert.equal(5, count)
  end)

  it("says its name", function()
    assert.equal("job 'resize'", tostring(rille.job(echo, { name = "resize" })))
    assert.matches("job '.*job_spec%.lua:%d+'", tostring(rille.job(echo)))
  end)

  it("does not see its options change", function()
    local options = { name = "before" }
    local job = rille.job(echo, options)
    options.name, options.deadline = "after", 1e-9
    assert.equal("job 'before'", tostring(job))
    assert.equal(1, job(1))
  end)

  it("works on other domains, and is the same there", function()
    domains.set_bounds(4, 4)
    local job = rille.job(function(n)
      spin(0.002)
      return n
    end, { name = "shared", max_running = 1 })
    local sum = 0
    local tasks = {}
    for i = 1, 10 do
      tasks[i] = rille.submit(function()
        local inner = job:submit(i)
        return inner:await() + job(i)
      end)
    end
    for _, task in ipairs(tasks) do sum = sum + task:await() end
    assert.equal(110, sum)
    assert.equal(20, figures("shared").finished)
  end)

  it("ends a task that runs longer than its timeout", function()
    local job = rille.job(work.forever, { timeout = 0.05 })
    assert.matches("0%.05", failure(job))
    assert.equal(1, rille.detach(echo, 1))
  end)
end)

describe("the options of a job", function()
  it("are optional", function()
    assert.equal(1, rille.job(echo)(1))
    assert.equal(1, rille.job(echo, nil)(1))
    assert.equal(1, rille.job(echo, {})(1))
  end)

  it("must be known", function()
    local text = failure(rille.job, echo, { nmae = "x" })
    assert.matches("rille.job: unknown option 'nmae'", text, 1, true)
    assert.matches("max_running", text, 1, true)
    assert.matches("a key that is a number", failure(rille.job, echo, { "name" }))
  end)

  it("must belong to a function", function()
    assert.matches("a function and a table of options, got table and no value",
      failure(rille.job, {}))
    assert.matches("got function and string", failure(rille.job, echo, "high"))
    assert.matches("got no value", failure(rille.job))
  end)

  local wrong = {
    name = { 1, {}, "a\0b" }, key = { 1, true }, priority = { "urgent", 1, "HIGH", "" },
    timeout = { 0, -1, "1", 0 / 0, math.huge }, deadline = { 0, -1, {}, 2e9 },
    max_running = { 0, 1.5, -1, "2", 2 ^ 40 }, on_full = { "drop", 1, false },
  }
  for option, values in pairs(wrong) do
    it("have values: " .. option, function()
      for _, value in ipairs(values) do
        local text = failure(rille.job, echo, { [option] = value })
        assert.matches("rille.job: option '" .. option .. "' must be", text, 1, true)
      end
    end)
  end
end)

describe("tasks of jobs begin", function()
  after_each(work.defaults)

  it("by priority, in order within one", function()
    local high = rille.job(echo, { priority = "high" })
    local low = rille.job(echo, { priority = "low" })
    local plain = function(...) return rille.detach(echo, ...) end
    assert.equal("h1 h2 p1 p2 l1 l2", order_of {
      { low, "l1" }, { plain, "p1" }, { high, "h1" },
      { low, "l2" }, { high, "h2" }, { plain, "p2" },
    })
  end)

  it("with the earliest deadline first", function()
    local soon = rille.job(echo, { deadline = 30 })
    local later = rille.job(echo, { deadline = 60 })
    local free = rille.job(echo) -- due after a second
    assert.equal("f1 s1 s2 l1 l2", order_of {
      { later, "l1" }, { soon, "s1" }, { later, "l2" }, { soon, "s2" }, { free, "f1" },
    })
  end)

  it("by turns between keys", function()
    local a = rille.job(echo, { key = "a" })
    local b = rille.job(echo, { key = "b" })
    local b_too = rille.job(function(name) return name .. "!" end, { key = "b" })
    assert.equal("a1 b1 a2 b2! a3 a4", order_of {
      { a, "a1" }, { a, "a2" }, { a, "a3" }, { a, "a4" }, { b, "b1" }, { b_too, "b2" },
    })
  end)

  it("not between the slices of more urgent ones", function()
    domains.set_bounds(1, 1)
    local high = rille.job(work.forever, { priority = "high" }):submit()
    work.await(function() return high:status() == "running" end)
    local low = rille.job(echo, { priority = "low" }):submit("low")
    assert.equal("plain", rille.job(echo, { priority = "high" })("plain"))
    rille.sleep(0.1)
    assert.equal("queued", low:status())
    high:cancel()
    assert.equal("low", low:await())
  end)

  it("urgently even when the queue is full", function()
    domains.set_queue_limit(1)
    local high = rille.job(echo, { priority = "high" })
    local low = rille.job(echo, { priority = "low" })
    assert.equal("h1 l1 l2 l3", order_of {
      { low, "l1" }, { low, "l2" }, { low, "l3" }, { high, "h1" },
    })
  end)

  it("at the latest when they have waited long, under a stream of urgent ones", function()
    domains.set_bounds(1, 1)
    local high = rille.job(spin, { priority = "high" })
    local low = rille.job(echo, { priority = "low" })
    local streams, over = {}, false
    for i = 1, 4 do
      streams[i] = rille.spawn(function()
        while not over do high(0.005) end
      end)
    end
    rille.sleep(0.05)
    assert.equal(1, rille.timeout(30, low, 1))
    over = true
    for _, stream in ipairs(streams) do stream:await() end
  end)
end)

describe("max_running", function()
  after_each(work.defaults)

  it("bounds the tasks of a job that have begun", function()
    domains.set_bounds(4, 4)
    local running, most = 0, 0
    _G.job_spec_step = function(by)
      running = running + by
      most = math.max(most, running)
    end
    local job = rille.job(function()
      rille.run_in_main(function() _G.job_spec_step(1) end)
      rille.sleep(0.002)
      rille.run_in_main(function() _G.job_spec_step(-1) end)
    end, { max_running = 3 })
    local fibers = {}
    for i = 1, 30 do fibers[i] = rille.spawn(function() job() end) end
    for _, fiber in ipairs(fibers) do fiber:await() end
    _G.job_spec_step = nil
    assert.equal(3, most)
    assert.equal(0, running)
  end)

  it("lets others pass", function()
    domains.set_bounds(2, 2)
    local job = rille.job(work.forever, { max_running = 1, priority = "high" })
    local first, second = job:submit(), job:submit()
    work.await(function() return first:status() == "running" end)
    assert.equal(1, rille.detach(echo, 1))
    assert.equal("queued", second:status())
    first:cancel()
    work.await(function() return second:status() == "running" end)
    second:cancel()
    pcall(second.await, second)
  end)

  it("holds on the main domain too", function()
    domains.set_bounds(0, 0)
    local running, most = 0, 0
    _G.job_spec_step = function(by)
      running = running + by
      most = math.max(most, running)
    end
    local job = rille.job(function()
      _G.job_spec_step(1)
      rille.sleep(0.001)
      _G.job_spec_step(-1)
    end, { max_running = 2 })
    local fibers = {}
    for i = 1, 10 do fibers[i] = rille.spawn(function() job() end) end
    for _, fiber in ipairs(fibers) do fiber:await() end
    _G.job_spec_step = nil
    assert.equal(2, most)
  end)

  it("is given back by tasks that fail, are cancelled, or never begin", function()
    domains.set_bounds(2, 2)
    local job = rille.job(function(how)
      if how == "fail" then error "as told" end
      if how == "stay" then work.forever() end
      return how
    end, { max_running = 1 })
    for _ = 1, scale(20, 5) do
      local stay, fail, never = job:submit "stay", job:submit "fail", job:submit "never"
      never:cancel()
      stay:cancel()
      pcall(stay.await, stay)
      assert.matches("as told", failure(fail.await, fail))
      assert.equal("fine", job "fine")
    end
  end)

  it("holds while the bounds change", function()
    local job = rille.job(echo, { max_running = 2 })
    local fibers = {}
    for i = 1, 200 do
      fibers[i] = rille.spawn(function() return job(i) end)
      if i % 20 == 0 then domains.set_bounds(0, i // 20 % 3) end
      if i % 7 == 0 then rille.sleep(0) end
    end
    for i, fiber in ipairs(fibers) do assert.equal(i, fiber:await()) end
  end)
end)

describe("a full queue", function()
  after_each(work.defaults)

  it("lets a job wait", function()
    local job = rille.job(echo, { on_full = "wait" })
    local blocker = block()
    domains.set_queue_limit(1)
    local fibers = {}
    for i = 1, 5 do fibers[i] = rille.spawn(function() return job(i) end) end
    rille.sleep(0.01)
    blocker:cancel()
    for i, fiber in ipairs(fibers) do assert.equal(i, fiber:await()) end
  end)

  it("fails a job at once, with the forecast", function()
    local job = rille.job(echo, { name = "impatient", on_full = "fail" })
    local blocker = block()
    domains.set_queue_limit(1)
    local queued = rille.submit(echo, 1)
    local problem = refusal(job, 1)
    assert.equal("full", problem.reason)
    assert.equal("impatient", problem.job)
    assert.equal("number", type(problem.wait))
    assert.equal("number", type(problem.retry_after))
    assert.matches("task of job 'impatient': the queue is full", tostring(problem), 1, true)
    assert.equal("full", refusal(job.submit, job, 1).reason)
    blocker:cancel()
    assert.equal(1, queued:await())
    assert.equal(2, figures("impatient").refused)
  end)

  it("drops the oldest task of the job, of no other", function()
    local job = rille.job(echo, { name = "newest", on_full = "drop_oldest" })
    local blocker = block()
    domains.set_queue_limit(3)
    local other = rille.submit(echo, "other")
    local tasks = {}
    for i = 1, 5 do tasks[i] = job:submit(i) end
    for i = 1, 3 do
      local problem = refusal(tasks[i].await, tasks[i])
      assert.equal("dropped", problem.reason)
      assert.matches("a newer one took its place", tostring(problem))
    end
    blocker:cancel()
    assert.same({ 4, 5 }, { tasks[4]:await(), tasks[5]:await() })
    assert.equal("other", other:await())
    assert.equal(3, figures("newest").dropped)
  end)

  it("fails a job that may drop, and has nothing to drop", function()
    local job = rille.job(echo, { on_full = "drop_oldest" })
    local blocker = block()
    domains.set_queue_limit(1)
    local other = rille.submit(echo, "other")
    assert.equal("full", refusal(job, 1).reason)
    blocker:cancel()
    assert.equal("other", other:await())
  end)

  it("tells a fiber whose detached task was dropped", function()
    local job = rille.job(echo, { on_full = "drop_oldest" })
    local blocker = block()
    domains.set_queue_limit(1)
    local caller = rille.spawn(function() return refusal(job, "old").reason end)
    rille.sleep(0)
    local task = job:submit "new"
    assert.equal("dropped", caller:await())
    blocker:cancel()
    assert.equal("new", task:await())
  end)
end)

describe("a deadline", function()
  after_each(work.defaults)

  it("does not disturb what is in time", function()
    assert.equal(1, rille.job(echo, { deadline = 30 })(1))
  end)

  it("drops what is still queued after it, unrun", function()
    _G.job_spec_ran = false
    local job = rille.job(function()
      rille.run_in_main(function() _G.job_spec_ran = true end)
    end, { name = "late", deadline = 0.02 })
    local blocker = block()
    local task = job:submit()
    local problem = refusal(task.await, task)
    assert.equal("running", blocker:status())
    blocker:cancel()
    assert.equal("expired", problem.reason)
    assert.equal("late", problem.job)
    assert.equal(0.02, problem.deadline)
    assert.matches("queued until it was too late for its deadline", tostring(problem))
    rille.detach(echo)
    assert.is_false(_G.job_spec_ran)
    _G.job_spec_ran = nil
    assert.equal(1, figures("late").dropped)
  end)

  it("tells who waits for room, too", function()
    local job = rille.job(echo, { deadline = 0.02 })
    local blocker = block()
    domains.set_queue_limit(1)
    local queued = rille.submit(echo, "queued")
    local caller = rille.spawn(function()
      local task = job:submit(1)
      return refusal(task.await, task).reason
    end)
    rille.sleep(0.05)
    blocker:cancel()
    assert.equal("expired", caller:await())
    assert.equal("queued", queued:await())
  end)

  it("refuses at once what would be late", function()
    local job = rille.job(spin, { name = "hopeless", deadline = 0.2 })
    job(0.05)
    job(0.05)
    local blocker = block()
    local tasks, problem = {}, nil
    repeat
      local ok, task = pcall(job.submit, job, 0.05)
      if ok then table.insert(tasks, task) else problem = task end
    until problem or #tasks > 100
    assert.equal("overloaded", problem.reason)
    assert.is_true(problem.wait > 0 and problem.retry_after > 0)
    assert.is_true(#tasks >= 2 and #tasks <= 5)
    assert.matches("overloaded: it would not be over by its deadline; retry after [%d.]+ s",
      tostring(problem))
    for _, task in ipairs(tasks) do task:cancel() end
    blocker:cancel()
    assert.is_true(figures("hopeless").refused >= 1)
  end)

  it("does not refuse for ever what was slow once", function()
    local job = rille.job(function(seconds, ...)
      spin(seconds)
      return ...
    end, { deadline = 0.2 })
    pcall(job, 0.3)
    assert.equal("in time", job(0.001, "in time"))
  end)
end)

describe("the error of a refused task", function()
  after_each(work.defaults)

  it("crosses domains as what it is", function()
    local job = rille.job(echo, { name = "nested", on_full = "fail" })
    local blocker = block()
    domains.set_queue_limit(1)
    local queued = rille.submit(function() error(select(2, pcall(error, "x")), 0) end)
    local mine = refusal(job)
    queued:cancel()
    blocker:cancel()
    local other = refusal(rille.detach, function() error(mine) end)
    assert.equal("full", other.reason)
    assert.equal(tostring(mine), tostring(other))
    assert.equal(getmetatable(mine), getmetatable(other))
  end)

  it("is 503 with Retry-After over HTTP", function()
    local job = rille.job(echo, { on_full = "fail" })
    local app = http.app()
    app:get("/", function() return job "fine" end)
    app:get("/later", function() error { retry_after = 2.1 } end)
    app:get("/odd", function() error { retry_after = -math.huge } end)
    local blocker = block()
    domains.set_queue_limit(1)
    local queued = rille.submit(echo)
    local answer = app:inject { path = "/" }
    assert.equal(503, answer.status)
    assert.equal("1", answer.headers["retry-after"])
    blocker:cancel()
    queued:await()
    assert.equal("fine", app:inject({ path = "/" }).body)
    assert.equal("3", app:inject({ path = "/later" }).headers["retry-after"])
    assert.equal("1", app:inject({ path = "/odd" }).headers["retry-after"])
  end)
end)

--- Computes so many steps: on a busy machine a time may go by without the processor.
local function burn(steps)
  for _ = 1, steps do end
end

describe("the cost of a task", function()
  after_each(work.defaults)

  it("is known when it has ended", function()
    local task = rille.submit(function()
      spin(0.02)
      rille.sleep(0.5)
    end)
    assert.is_nil(task:cost())
    task:await()
    local cost = task:cost()
    assert.is_true(cost.run >= 0.02 and cost.run < 0.5)
    assert.is_true(cost.wait >= 0)
    assert.equal("integer", math.type(cost.domain))
  end)

  it("counts the bytes that were packed", function()
    local task = rille.submit(function(list) return #list end, { 1, 2, 3 })
    task:await()
    local more = rille.submit(function(list) return list end, { 1, 2, 3, 4, 5, 6 })
    more:await()
    assert.is_true(more:cost().bytes_in > task:cost().bytes_in)
    assert.is_true(more:cost().bytes_out > task:cost().bytes_out)
  end)

  it("names the main domain, or none for what never began", function()
    domains.set_bounds(0, 0)
    local at_main = rille.submit(echo)
    at_main:await()
    assert.equal("main", at_main:cost().domain)
    local blocker = block()
    local never = rille.submit(echo)
    never:cancel()
    assert.is_nil(never:cost().domain)
    assert.equal(0, never:cost().run)
    blocker:cancel()
  end)

  it("leaves out of the processor's seconds what was spent without one", function()
    local blocked = rille.submit(function() os.execute("sleep 0.3") end)
    blocked:await()
    local cost = blocked:cost()
    assert.is_true(cost.run >= 0.3)
    assert.is_true(cost.cpu > 0 and cost.cpu < cost.run / 2)
  end)

  it("has seconds of the processor after a wait, too", function()
    local task = rille.submit(function()
      rille.sleep(0.2) -- meanwhile the ticker falls asleep
      os.execute("sleep 0.2")
      burn(10000000)
    end)
    task:await()
    local cost = task:cost()
    assert.is_true(cost.cpu > 0.005 and cost.cpu < cost.run - 0.1)
  end)

  it("takes a short run for as much of the processor's time", function()
    local task = rille.submit(echo)
    task:await()
    local cost = task:cost()
    assert.is_true(cost.run > 0 and cost.cpu <= cost.run)
  end)

  it("is not that of a fiber", function()
    local fiber = rille.spawn(echo)
    fiber:await()
    assert.is_nil(fiber:cost())
  end)

  it("is summed by the name of the job", function()
    domains.set_bounds(1, 1)
    local job = rille.job(function(n)
      burn(500000)
      if n % 3 == 0 then error "every third" end
      return n
    end, { name = "summed" })
    local again = rille.job(echo, { name = "summed" })
    for i = 1, 6 do pcall(job, i) end
    again(1)
    local got = figures "summed"
    assert.same({ 7, 5, 2, 0, 0, 0 }, {
      got.count, got.finished, got.failed, got.cancelled, got.dropped, got.refused,
    })
    assert.is_true(got.run >= 0.0005 and got.wait >= 0 and got.expected > 0)
    assert.is_true(got.bytes_in > 0 and got.bytes_out > 0)
    assert.is_true(got.cpu > 0 and got.cpu <= got.run)
    assert.equal(0, got.instructions)
    local counted = rille.job(function(n)
      for _ = 1, n do end
      return ("x"):rep(n)
    end, { name = "summed", instructions = 10000000, memory = 10 << 20 })
    counted(200000)
    counted(100)
    got = figures "summed"
    assert.is_true(got.instructions >= 200000 and got.peak_bytes >= 200000)
  end)
end)

describe("every task is accounted for once", function()
  after_each(work.defaults)

  it("under a storm of jobs of all kinds, cancelled at any point", function()
    domains.set_bounds(1, 3)
    domains.set_queue_limit(20)
    local function act(seconds, sleeps)
      spin(seconds)
      if sleeps then rille.sleep(0.001) end
      return 1
    end
    local jobs = {}
    for i = 1, 12 do
      jobs[i] = rille.job(act, {
        name = "storm", key = ({ "a", "b" })[i % 3], max_running = ({ 1, 2 })[i % 4],
        priority = ({ "high", "normal", "low" })[i % 3 + 1],
        deadline = ({ 0.01, 5 })[i % 3], on_full = ({ "fail", "drop_oldest", "wait" })[i % 3 + 1],
      })
    end
    local ended, fibers, total = 0, {}, scale(4000, 200)
    for lane = 1, 20 do
      fibers[lane] = rille.spawn(function()
        for i = 1, total // 20 do
          local job = jobs[(lane + i) % #jobs + 1]
          local ok, task = pcall(job.submit, job, i % 5 * 0.0002, i % 2 == 0)
          if ok and i % 3 == 0 then task:cancel() end
          if ok then pcall(task.await, task) end
          ended = ended + 1
        end
      end)
    end
    for _, fiber in ipairs(fibers) do fiber:await() end
    assert.equal(total, ended)
    local got = figures "storm"
    assert.equal(total, got.count)
    assert.equal(total, got.finished + got.failed + got.cancelled + got.dropped + got.refused)
    assert.equal(0, domains.stats().queued)
  end)
end)

describe("the names of jobs", function()
  it("are where their functions are defined, or what functions in C are called", function()
    local line = debug.getinfo(1, "l").currentline
    assert.equal(4, rille.job(function() return 4 end)())
    assert.is_table(figures(("spec/job_spec.lua:%d"):format(line + 1)))
    assert.equal("xx", rille.job(string.rep)("x", 2))
    assert.is_table(figures "string.rep")
    assert.is_nil(figures "[C]:-1")
  end)

  it("are kept apart up to a thousand", function()
    for i = 1, 1100 do rille.job(echo, { name = "many " .. i }) end
    local last = rille.job(echo, { name = "one too many" })
    assert.equal(1, last(1))
    local count = 0
    for _ in pairs(domains.stats().jobs) do count = count + 1 end
    assert.equal(1001, count)
    assert.is_true(figures("(other jobs)").count >= 1)
  end)
end)
