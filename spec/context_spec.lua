-- rille.context: what is inherited by what, what nobody else sees, deadlines, mistakes.

local rille = require "rille"
local failure = require "spec.support.failure"
local http = require "rille.http"
local json = require "rille.json"
local process = require "spec.support.process"
local work = require "spec.support.work"

local context = rille.context

local function fails(pattern, fn)
  assert.matches(pattern, failure(fn))
end

local function copy()
  local all = {}
  for key, value in pairs(require("rille").context) do all[key] = value end
  return all
end

--- Runs fn in a fiber of its own, whose context begins empty.
local function fresh(fn)
  return rille.spawn(fn):await()
end

describe("rille.context", function()
  after_each(work.defaults)

  it("holds strings of the fiber", function()
    fresh(function()
      assert.is_nil(context.user)
      assert.same({}, copy())
      context.user = "ada"
      context[""] = "\0\1"
      context.user = "grace"
      assert.same({ user = "grace", [""] = "\0\1" }, copy())
      context[""] = nil
      context.nothing = nil
      assert.same({ user = "grace" }, copy())
      context.user = nil
      assert.same({}, copy())
    end)
  end)

  it("is inherited by spawned fibers, and changes are seen by nobody else", function()
    fresh(function()
      context.a = "1"
      local child = rille.spawn(function()
        local before = copy()
        context.a, context.b = "2", "new"
        rille.sleep(0.001)
        return before, copy(), fresh(copy)
      end)
      context.a = "3"
      local before, after, grandchild = child:await()
      assert.same({ a = "1" }, before)
      assert.same({ a = "2", b = "new" }, after)
      assert.same(after, grandchild)
      assert.same({ a = "3" }, copy())
    end)
  end)

  it("is inherited by tasks, tasks of tasks, and calls in the main domain", function()
    fresh(function()
      context.a = "1"
      local seen = rille.detach(function()
        local inner = require "rille"
        local first = inner.context.a
        inner.context.b = "2"
        return {
          first,
          inner.detach(copy),
          inner.submit(copy):await(),
          inner.run_in_main(copy),
          inner.spawn(copy):await(),
        }
      end)
      local both = { a = "1", b = "2" }
      assert.same({ "1", both, both, both, both }, seen)
      assert.same({ a = "1" }, copy())
      local task = rille.submit(copy)
      context.a = "later"
      assert.same({ a = "1" }, task:await())
    end)
  end)

  it("leaves nothing behind in the domain that a task ran in", function()
    work.defaults()
    rille.domains.set_bounds(1, 1)
    fresh(function()
      context.secret = "x"
      rille.detach(function() require("rille").context.more = "y" end)
    end)
    for _ = 1, 20 do assert.same({}, fresh(function() return rille.detach(copy) end)) end
  end)

  it("is of the fiber, not of a coroutine", function()
    fresh(function()
      coroutine.wrap(function() context.a = "1" end)()
      assert.equal("1", context.a)
    end)
  end)

  it("can be captured by what is detached", function()
    fresh(function()
      context.a = "1"
      assert.equal("1", rille.detach(function() return context.a end))
    end)
  end)

  it("is shared by many at once", function()
    fresh(function()
      context.a = ("x"):rep(1000)
      local tasks = {}
      for i = 1, 200 do
        tasks[i] = rille.submit(function()
          local inner = require "rille"
          inner.context.own = tostring(i)
          return #inner.context.a, inner.detach(copy).own
        end)
      end
      for i, task in ipairs(tasks) do assert.same({ 1000, tostring(i) }, { task:await() }) end
    end)
  end)

  it("names what is wrong", function()
    fresh(function()
      fails("context%.n: the value must be a string.*got a number", function() context.n = 1 end)
      fails("context%.t: the value must be a string.*got a table", function() context.t = {} end)
      fails("a key must be a string, got a number", function() context[1] = "x" end)
      fails("context%.deadline cannot be set", function() context.deadline = "1" end)
      fails("context%.big: too much for a context", function() context.big = ("x"):rep(8190) end)
      for i = 1, 64 do context["k" .. i] = "v" end
      fails("context%.more: too much for a context", function() context.more = "v" end)
      context.k1 = "changed"
      assert.equal("changed", context.k1)
      assert.is_nil(context[{}])
    end)
  end)
end)

describe("a deadline", function()
  after_each(work.defaults)

  it("is read as text, and inherited by what a task starts", function()
    local nested = rille.job(function()
      local inner = require "rille"
      return tonumber(inner.context.deadline)
    end, { name = "nested", deadline = 1000 })
    local outer = rille.job(function()
      local inner = require "rille"
      local function read() return tonumber(require("rille").context.deadline) end
      return { read(), inner.detach(read), nested(), inner.spawn(read):await(),
        inner.run_in_main(read), inner.spawn(inner.detach, read):await() }
    end, { name = "outer", deadline = 100 })
    local began = rille.now()
    local seen = outer()
    assert.is_true(seen[1] >= began + 99 and seen[1] <= rille.now() + 101)
    for i = 2, 6 do assert.equal(seen[1], seen[i]) end
    assert.is_nil(context.deadline)
    assert.is_true(nested() > seen[1])
  end)

  it("of a nested job may be the earlier one", function()
    local nested = rille.job(function() return tonumber(require("rille").context.deadline) end,
      { deadline = 10 })
    local outer = rille.job(function()
      return tonumber(require("rille").context.deadline), nested()
    end, { deadline = 1000 })
    local first, second = outer()
    assert.is_true(second < first)
  end)

  it("ends the task that a task has started and nobody awaits", function()
    rille.domains.set_bounds(2, 2)
    local outer = rille.job(function()
      return require("rille").submit(function()
        local list = {}
        while true do list = { #list } end
      end):await()
    end, { name = "outer", deadline = 0.2 })
    fails("deadline", outer)
    work.await(function() return rille.domains.stats().busy == 0 end)
  end)

  it("that has passed lets nothing begin", function()
    rille.domains.set_bounds(1, 1)
    rille.domains.set_slice(math.huge)
    local outer = rille.job(function()
      local inner = require "rille"
      local task = inner.submit(function() return 1 end)
      local till = inner.now() + 0.3
      while inner.now() < till do end -- the only domain: the task is queued for too long
      return task
    end, { name = "late", deadline = 0.1 })
    local other = rille.submit(work.spin, 0.01)
    fails("deadline", outer)
    other:await()
    work.await(function() return rille.domains.stats().queued == 0 end)
  end)
end)

describe("the context of a request", function()
  after_each(work.defaults)

  local function answer(handler)
    local app = http.app()
    app:get("/", handler)
    return app:inject { path = "/" }
  end

  it("has its id, for all that the handler starts", function()
    local got = answer(function()
      local ids = { context.request_id, context.request_id }
      ids[3] = rille.detach(function() return require("rille").context.request_id end)
      ids[4] = rille.spawn(function() return context.request_id end):await()
      return ids
    end)
    assert.equal(200, got.status)
    local ids = json.decode(got.body)
    assert.matches("^%x+%-%x+$", ids[1])
    for i = 2, 4 do assert.equal(ids[1], ids[i]) end
  end)

  it("is another for each, and can be replaced", function()
    local function id() return context.request_id end
    assert.not_equal(answer(id).body, answer(id).body)
    assert.equal("mine", answer(function()
      context.request_id = "mine"
      return rille.detach(function() return require("rille").context.request_id end)
    end).body)
  end)

  it("begins anew, whoever injects it", function()
    fresh(function()
      context.request_id, context.mine = "outer", "x"
      local function both() return { context.request_id, context.mine } end
      local got = json.decode(answer(both).body)
      assert.matches("^%x+%-%x+$", got[1])
      assert.is_nil(got[2])
      assert.equal("outer", context.request_id)
    end)
  end)

  it("is inherited before it is read", function()
    local got = json.decode(answer(function()
      local inside = rille.detach(function() return require("rille").context.request_id end)
      return { inside, context.request_id }
    end).body)
    assert.is_string(got[1])
    assert.equal(got[1], got[2])
  end)

  it("stands beside the errors of its tasks in the log", function()
    local result = process.run { script = [[
      local rille = require "rille"
      local app = rille.http.app()
      app:get("/", function()
        rille.context.request_id = "r-17"
        rille.submit(function() error "lost one" end)
        rille.spawn(function() error "lost two" end)
        return "ok"
      end)
      app:inject { path = "/" }
      rille.sleep(0.05)
    ]] }
    assert.matches("nobody awaits %(request r%-17%): [^\n]*lost one", result.stderr)
    assert.matches("nobody awaits %(request r%-17%): [^\n]*lost two", result.stderr)
  end)
end)
