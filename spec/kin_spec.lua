--- What a task has spawned is bounded as the task is, and what a scope holds ends with its time.

local rille = require "rille"
local failure = require "spec.support.failure"
local work = require "spec.support.work"

local domains = rille.domains
local forever = work.forever

local function spawn_forever()
  rille.spawn(forever)
  rille.sleep(math.huge)
end

local function all_forever()
  rille.all(forever, function() rille.sleep(math.huge) end)
end

--- Nothing runs any more on the one domain, which is the same.
local function calm()
  work.await(function() return domains.stats().busy == 0 end, 5)
  assert.equal(1, domains.stats().domains)
end

describe("what a task has spawned and computes", function()
  before_each(function() domains.set_bounds(1, 1) end)
  after_each(work.defaults)

  for name, fn in pairs { ["in a scope"] = all_forever, ["outside of any"] = spawn_forever } do
    it("is stopped with the task: " .. name, function()
      local task = rille.submit(fn)
      rille.sleep(0.05)
      task:cancel "enough"
      assert.matches("enough", failure(rille.timeout, 10, task.await, task))
      calm()
    end)

    it("is stopped when nobody waits for the task any more: " .. name, function()
      assert.matches("timed out", failure(rille.timeout, 0.05, rille.detach, fn))
      calm()
    end)

    it("is stopped at the deadline of the job: " .. name, function()
      local job = rille.job(fn, { name = "kin", deadline = 0.05 })
      assert.matches("job 'kin' was not done by its deadline", failure(rille.timeout, 10, job))
      calm()
    end)

    it("uses up the timeout of the job: " .. name, function()
      local job = rille.job(fn, { name = "kin", timeout = 0.05 })
      assert.matches("job 'kin' ran longer than its timeout", failure(rille.timeout, 10, job))
      calm()
    end)
  end

  for option in pairs { timeout = true, deadline = true } do
    it("keeps the limits of a task that has ended: " .. option, function()
      local job = rille.job(function()
        rille.spawn(function() rille.spawn(forever) end)
        return "done"
      end, { [option] = 0.05 })
      assert.equal("done", job())
      calm()
    end)
  end

  it("is stopped for the reason that was given, where the task awaits it", function()
    for _ = 1, 20 do
      local task = rille.submit(function() rille.spawn(forever):await() end)
      work.await(function() return task:status() == "running" end)
      rille.sleep(0.01)
      task:cancel "enough"
      assert.matches("^enough", failure(rille.timeout, 10, task.await, task))
      assert.equal("cancelled", task:status())
    end
  end)

  it("goes on when the task has ended and no limit says otherwise", function()
    local channel = rille.channel(1)
    rille.detach(function()
      rille.spawn(function()
        rille.sleep(0.02)
        channel:send "still here"
      end)
    end)
    assert.equal("still here", channel:receive(5))
  end)

  it("does not begin when the task is being stopped", function()
    local channel = rille.channel(1)
    local task = rille.submit(function()
      local _ <close> = setmetatable({}, {
        __close = function()
          rille.spawn(function()
            channel:send "begun"
            forever()
          end)
        end,
      })
      forever()
    end)
    rille.sleep(0.05)
    task:cancel()
    assert.is_false((pcall(task.await, task)))
    calm()
    assert.equal(0, #channel)
  end)

  it("waits no longer when the task is cancelled", function()
    local channel = rille.channel(1)
    local task = rille.submit(function()
      rille.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() channel:close() end })
        rille.sleep(math.huge)
      end)
      rille.sleep(math.huge)
    end)
    rille.sleep(0.05)
    task:cancel()
    assert.same({ nil, "closed" }, { channel:receive(5) })
  end)

  it("is on the bill of the task", function()
    local task = rille.submit(function()
      local over = rille.now() + 0.05
      rille.spawn(function() while rille.now() < over do end end):await()
    end)
    task:await()
    local cost = task:cost()
    assert.is_true(cost.run >= 0.04, tostring(cost.run))
    assert.is_true(cost.cpu > 0 and cost.cpu <= cost.run)
  end)

  it("leaves its caller the error where it cannot be stopped", function()
    local job = rille.job(function()
      rille.all(function() return (("a"):rep(600):find ".-.-b") end)
    end, { timeout = 0.05 })
    assert.matches("inside a C function", failure(rille.timeout, 10, job))
    work.await(function() return domains.stats().busy == 0 end)
  end)
end)

describe("a task that a task has detached", function()
  before_each(function() domains.set_bounds(2, 2) end)
  after_each(work.defaults)

  local function bomb()
    local list = {}
    while #list >= 0 do list[#list + 1] = {} end
  end

  it("has no higher limit of memory", function()
    local job = rille.job(function() rille.detach(bomb) end, { memory = 8 << 20 })
    local text = failure(rille.timeout, 20, job)
    assert.matches("what a job has detached: more than 8 MiB of memory", text)
  end)

  it("has no higher limit in a job that allows more", function()
    local inner = rille.job(bomb, { name = "inner", memory = 1 << 30 })
    local job = rille.job(function() inner() end, { memory = 8 << 20 })
    assert.matches("job 'inner': more than 8 MiB of memory", failure(rille.timeout, 20, job))
  end)

  it("has no longer timeout, at any depth", function()
    local job = rille.job(function()
      rille.detach(function() rille.detach(forever) end)
    end, { timeout = 0.05 })
    assert.matches("ran longer than its timeout of 0.05 s", failure(rille.timeout, 20, job))
    assert.equal(0, domains.stats().busy)
  end)

  it("has its limits in the main domain, too", function()
    local job = rille.job(function() rille.run_in_main(bomb) end, { memory = 8 << 20 })
    assert.matches("more than 8 MiB of memory", failure(rille.timeout, 20, job))
    local slow = rille.job(function() rille.run_in_main(forever) end, { timeout = 0.05 })
    assert.matches("ran longer than its timeout of 0.05 s", failure(rille.timeout, 20, slow))
  end)

  it("has no more instructions", function()
    local job = rille.job(function() rille.detach(forever) end, { instructions = 1000000 })
    assert.matches("more than 1000000 instructions", failure(rille.timeout, 20, job))
  end)
end)

describe("a fiber that computes", function()
  after_each(work.defaults)

  local cases = {
    all = function(fn) return rille.all(fn) end,
    ["all, beside one that waits"] = function(fn)
      return rille.all(function() rille.sleep(math.huge) end, fn)
    end,
    race = function(fn) return rille.race(fn, function() rille.sleep(math.huge) end) end,
    scope = function(fn) return rille.scope(function(scope) scope:spawn(fn) end) end,
    ["a scope in a scope"] = function(fn) return rille.all(function() return rille.all(fn) end) end,
  }
  for name, call in pairs(cases) do
    it("ends with the time of what it is part of: " .. name, function()
      assert.matches("timed out after 0.05 s", failure(rille.timeout, 0.05, call, forever))
    end)
  end

  it("ends with the time of the inner of two", function()
    local text
    rille.timeout(60, rille.all, function()
      text = failure(rille.timeout, 0.05, rille.all, forever)
    end)
    assert.matches("timed out after 0.05 s", text)
  end)

  it("ends so on a compute domain, too", function()
    local text = rille.detach(function()
      return select(2, pcall(rille.timeout, 0.05, rille.all, forever))
    end)
    assert.matches("timed out after 0.05 s", text)
  end)

  it("keeps its own error before that time", function()
    local text = failure(rille.timeout, 60, rille.all, function() error "its own" end)
    assert.matches("its own", text)
  end)

  it("of a scope from outside the timeout is not ended by that", function()
    local done = false
    rille.scope(function(scope)
      pcall(rille.timeout, 0.02, function()
        scope:spawn(function()
          work.spin(0.05)
          rille.sleep(0)
          done = true
        end)
        rille.sleep(math.huge)
      end)
    end)
    assert.is_true(done)
  end)
end)
