-- Errors of tasks: what reaches the caller, with which tracebacks, and that the domain lives on.

local rille = require "rille"
local failure = require "spec.support.failure"
local work = require "spec.support.work"

local domains = rille.domains

--- The line of the caller.
local function here() return debug.getinfo(2, "l").currentline end

--- Fails unless the same domain, and no other, still runs tasks.
local function assert_lives_on(number)
  assert.equal(number, rille.detach(rille.domain))
  assert.equal(1, domains.stats().domains)
end

describe("an error in a task", function()
  local number

  before_each(function()
    domains.set_bounds(1, 1)
    work.await(function() return domains.stats().domains == 1 end)
    number = rille.detach(rille.domain)
  end)

  after_each(work.defaults)

  describe("that is a string", function()
    it("is raised by detach with the line where it arose", function()
      local line = here() + 1
      local text = failure(rille.detach, function() error "no luck" end)
      assert.matches(("^[^\n]*errors_spec%%.lua:%d: no luck\n"):format(line), text)
    end)

    it("has the task's traceback", function()
      local text = failure(rille.detach, function()
        local function deep_inside() error "no luck" end
        local function on_the_way() deep_inside() return 1 end
        return (on_the_way())
      end)
      local own = text:match "\nstack traceback:\n(.-)\ndetached at:\n"
      assert.matches("'deep_inside'", own)
      assert.matches("'on_the_way'", own)
    end)

    it("has the caller's traceback after the task's, with the line of the detach", function()
      local line
      local function caller()
        line = here() + 1
        rille.detach(function() error "no luck" end)
      end
      local text = failure(function() return (caller()) end)
      local calling = text:match "\nstack traceback:\n.-\ndetached at:\n(.*)"
      assert.matches(("errors_spec%%.lua:%d: in .*'caller'"):format(line), calling)
    end)

    it("has the traceback of each task on its way", function()
      local text = failure(rille.detach, function()
        local function middle() rille.detach(function() error "innermost" end) end
        middle()
      end)
      local _, count = text:gsub("\ndetached at:\n", "")
      assert.equal(2, count)
      assert.matches("detached at:\n.*'middle'.*\ndetached at:\n", text)
    end)

    it("names the line of a runtime error, not only of error()", function()
      local text = failure(rille.detach, function(value) return value.field.missing end, {})
      assert.matches("errors_spec%.lua:%d+: attempt to index a nil value %(field 'field'%)", text)
    end)

    it("has no position when its level is 0", function()
      local text = failure(rille.detach, function() error("bare", 0) end)
      assert.matches("^bare\nstack traceback:", text)
    end)

    it("can be caught in the task, and then is not the caller's", function()
      local ok, problem = rille.detach(function() return pcall(error, "caught") end)
      assert.is_false(ok)
      assert.equal("caught", problem)
    end)

    it("has where it was awaited, when it was submitted", function()
      local task = rille.submit(function() error "no luck" end)
      local function wait_for_it() task:await() end
      assert.matches("no luck\nstack traceback:\n.*\nawaited at:\n.*'wait_for_it'",
        failure(function() return (wait_for_it()) end))
    end)

    it("keeps every byte", function()
      local _, problem = pcall(rille.detach, function() error("a\0b\255", 0) end)
      assert.equal("a\0b\255\n", problem:sub(1, 5))
    end)
  end)

  describe("that is not a string", function()
    it("arrives as an equal table", function()
      local _, problem = pcall(rille.detach, function() error { code = 7, list = { 1, 2 } } end)
      assert.same({ code = 7, list = { 1, 2 } }, problem)
    end)

    it("arrives with its metatable", function()
      local _, problem = pcall(rille.detach, function()
        error(setmetatable({ code = 7 }, {
          __tostring = function(self) return "code " .. self.code end,
        }))
      end)
      assert.equal("code 7", tostring(problem))
    end)

    it("arrives as the number, boolean or nil that it is", function()
      assert.same({ false, 7 }, { pcall(rille.detach, error, 7) })
      assert.same({ false, false }, { pcall(rille.detach, error, false) })
      assert.same({ false, nil, n = 2 }, table.pack(pcall(rille.detach, error, nil)))
    end)

    it("arrives as text when it cannot cross", function()
      local text = failure(rille.detach, function() error(coroutine.create(print)) end)
      assert.matches("thread", text)
      assert_lives_on(number)
    end)

    it("arrives from a submitted task as it is", function()
      local task = rille.submit(error, { code = 7 })
      local _, problem = pcall(task.await, task)
      assert.same({ code = 7 }, problem)
    end)

    it("may have a __tostring that fails", function()
      local ok = pcall(rille.detach, function()
        error(setmetatable({}, { __tostring = function() error "worse" end }))
      end)
      assert.is_false(ok)
      assert_lives_on(number)
    end)
  end)

  describe("for want of something", function()
    it("is a stack overflow's, and the domain lives on", function()
      local text = failure(rille.detach, function()
        local function down(n) return 1 + down(n + 1) end
        return down(1)
      end)
      assert.matches("stack overflow", text)
      assert_lives_on(number)
    end)

    it("is a C stack overflow's, and the domain lives on", function()
      local text = failure(rille.detach, function()
        local function down() return (("x"):gsub(".", down)) end
        return down()
      end)
      assert.matches("C stack overflow", text)
      assert_lives_on(number)
    end)

    it("is that of protected calls without end, and the domain lives on", function()
      local ok = rille.detach(function()
        local function down() return (pcall(down)) end
        return down()
      end)
      assert.is_boolean(ok)
      assert_lives_on(number)
    end)

    it("is that of coroutines without end, and the domain lives on", function()
      local text = failure(rille.detach, function()
        local function down() return coroutine.wrap(down)() end
        return down()
      end)
      assert.matches("C stack overflow", text)
      assert_lives_on(number)
    end)

    it("is that of a message handler which fails too, and the domain lives on", function()
      local ok = rille.detach(function()
        return (xpcall(error, function() error "in the handler" end, "no luck"))
      end)
      assert.is_false(ok)
      assert_lives_on(number)
    end)
  end)

  describe("while closing", function()
    it("a variable reaches the caller", function()
      local text = failure(rille.detach, function()
        local guard <close> = setmetatable({}, { __close = function() error "in close" end })
        return guard ~= nil
      end)
      assert.matches("errors_spec%.lua:%d+: in close\nstack traceback:", text)
      assert_lives_on(number)
    end)

    it("a variable takes the place of the error that closes it", function()
      local text = failure(rille.detach, function()
        local guard <close> = setmetatable({}, {
          __close = function(_, problem) error("instead of " .. problem, 0) end,
        })
        error(guard and "the first", 0)
      end)
      assert.matches("^instead of the first", text)
      assert_lives_on(number)
    end)

    it("an object that is collected is not the task's", function()
      local result = rille.detach(function()
        setmetatable({}, { __gc = function() error "in gc" end })
        collectgarbage()
        return "unharmed"
      end)
      assert.equal("unharmed", result)
      assert_lives_on(number)
    end)

    it("a variable of a cancelled task does no harm to its domain", function()
      local task = rille.submit(function()
        local guard <close> = setmetatable({}, { __close = function() error "in close" end })
        rille.sleep(60)
        return guard
      end)
      rille.sleep(0.03)
      task:cancel()
      pcall(task.await, task)
      assert_lives_on(number)
    end)
  end)

  describe("of the result", function()
    it("is raised by detach when the result cannot cross", function()
      local text = failure(rille.detach, function() return 1, coroutine.create(print) end)
      assert.matches("result 2", text)
      assert.matches("is a coroutine and cannot leave its domain", text)
      assert_lives_on(number)
    end)

    it("leaves a task failed", function()
      local task = rille.submit(function() return coroutine.create(print) end)
      pcall(task.await, task)
      assert.equal("failed", task:status())
    end)
  end)

  it("leaves other tasks of its domain alone", function()
    local sleeping = rille.submit(function()
      rille.sleep(0.05)
      return "unharmed"
    end)
    rille.sleep(0.01)
    pcall(rille.detach, function() error "no luck" end)
    assert.equal("unharmed", sleeping:await())
  end)

  it("does not fill the domain's stack when it happens a thousand times", function()
    for _ = 1, 1000 do pcall(rille.detach, error, "no luck") end
    assert_lives_on(number)
  end)
end)
