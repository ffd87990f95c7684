-- Waits inside the user's own coroutines, metamethods, iterators and protected calls, and the
-- coroutine library itself, which is Rille's own.

local rille = require "rille"
local failure = require "spec.support.failure"

--- A generator that waits before each value.
local function counting(n)
  return coroutine.wrap(function()
    for i = 1, n do
      rille.sleep(0.005)
      coroutine.yield(i)
    end
  end)
end

--- Counts the turns that another fiber gets while `fn` runs; returns them and fn's first result.
local function turns_during(fn)
  local turns = 0
  local counter = rille.spawn(function()
    while true do
      turns = turns + 1
      rille.sleep(0)
    end
  end)
  local result = fn()
  counter:cancel()
  return turns, result
end

describe("a wait", function()
  describe("inside a generator", function()
    it("suspends the whole fiber and not only the generator", function()
      local got = {}
      for i in counting(3) do table.insert(got, i) end
      assert.same({ 1, 2, 3 }, got)
    end)

    it("lets other fibers run", function()
      local turns = turns_during(function()
        for _ in counting(3) do end -- luacheck: ignore 542 (only the waits matter)
      end)
      assert.is_true(turns > 3)
    end)

    it("keeps generators of different fibers apart", function()
      local function collect(factor)
        local got = {}
        for i in counting(4) do table.insert(got, i * factor) end
        return got
      end
      local ones, tens = rille.all(
        function() return collect(1) end, function() return collect(10) end)
      assert.same({ { 1, 2, 3, 4 }, { 10, 20, 30, 40 } }, { ones, tens })
    end)

    it("works in a generator that draws on another", function()
      local function doubled(source)
        return coroutine.wrap(function()
          for i in source do
            rille.sleep(0)
            coroutine.yield(2 * i)
          end
        end)
      end
      local got = {}
      for i in doubled(doubled(counting(3))) do table.insert(got, i) end
      assert.same({ 4, 8, 12 }, got)
    end)

    it("works in a coroutine that is resumed", function()
      local co = coroutine.create(function(a)
        rille.sleep(0.005)
        local b = coroutine.yield(a + 1)
        rille.sleep(0.005)
        return a + b
      end)
      assert.same({ true, 2 }, { coroutine.resume(co, 1) })
      assert.same({ true, 11 }, { coroutine.resume(co, 10) })
      assert.equal("dead", coroutine.status(co))
    end)

    it("awaits tasks there", function()
      local results = coroutine.wrap(function()
        for i = 1, 3 do coroutine.yield(rille.detach(function(n) return n * n end, i)) end
      end)
      assert.same({ 1, 4, 9 }, { results(), results(), results() })
    end)

    it("fails there when the fiber is cancelled, and closes the generator's variables", function()
      local closed = false
      local task = rille.spawn(function()
        for _ in coroutine.wrap(function()
          local guard <close> = setmetatable({}, { __close = function() closed = true end })
          rille.sleep(60)
          coroutine.yield(guard)
        end) do end -- luacheck: ignore 542 (never reached)
      end)
      rille.sleep(0)
      task:cancel "enough"
      assert.matches("enough", failure(task.await, task))
      assert.is_true(closed)
    end)

    it("is ended by a timeout around it", function()
      assert.matches("timed out", failure(rille.timeout, 0.02, function()
        for _ in counting(10000) do end -- luacheck: ignore 542 (only the waits matter)
      end))
    end)

    it("works a hundred coroutines deep", function()
      local function deep(level)
        if level == 0 then
          rille.sleep(0.005)
          return "bottom"
        end
        return coroutine.wrap(deep)(level - 1)
      end
      assert.equal("bottom", deep(100))
    end)

    it("works in a task's generator", function()
      local sum = rille.detach(function()
        local total = 0
        for i in coroutine.wrap(function()
          for i = 1, 3 do
            rille.sleep(0.005)
            coroutine.yield(i)
          end
        end) do total = total + i end
        return total
      end)
      assert.equal(6, sum)
    end)
  end)

  describe("under Lua's own calls", function()
    local function slow(value)
      rille.sleep(0.002)
      return value
    end

    it("passes through pcall", function()
      assert.same({ true, "value" }, { pcall(slow, "value") })
    end)

    it("passes through xpcall, whose handler sees a later error", function()
      local ok, text = xpcall(function()
        slow()
        error "late"
      end, function(problem) return "handled " .. problem end)
      assert.is_false(ok)
      assert.matches("^handled .*: late$", text)
    end)

    it("passes through an iterator", function()
      local got = {}
      for i in function(_, last) return slow(last < 3 and last + 1 or nil) end, nil, 0 do
        table.insert(got, i)
      end
      assert.same({ 1, 2, 3 }, got)
    end)

    it("passes through the closing value of a loop", function()
      local closed = false
      local closing = setmetatable({}, { __close = function() closed = slow(true) end })
      for _ in function(_, last) return not last or nil end, nil, nil, closing do
        assert.is_false(closed)
      end
      assert.is_true(closed)
    end)

    it("passes through __index and __newindex", function()
      local written
      local object = setmetatable({}, {
        __index = function(_, key) return slow(key .. "!") end,
        __newindex = function(_, key, value) written = slow(key .. "=" .. value) end,
      })
      object.name = "x"
      assert.equal("key!", object.key)
      assert.equal("name=x", written)
    end)

    it("passes through __call", function()
      local object = setmetatable({}, { __call = function(_, value) return slow(value) end })
      assert.equal(5, object(5))
    end)

    it("passes through arithmetic and comparison", function()
      local meta = {
        __add = function() return slow "sum" end,
        __unm = function() return slow "negated" end,
        __eq = function() return slow(true) end,
        __lt = function() return slow(true) end,
        __le = function() return slow(false) end,
      }
      local a, b = setmetatable({}, meta), setmetatable({}, meta)
      assert.same({ "sum", "negated", true, true, false }, { a + b, -a, a == b, a < b, a <= b })
    end)

    it("passes through __concat and __len", function()
      local object = setmetatable({}, {
        __concat = function(left) return slow(left .. "joined") end,
        __len = function() return slow(9) end,
      })
      assert.equal("joined", "" .. object)
      assert.equal(9, #object)
    end)

    it("passes through __close", function()
      local closed = false
      do
        local guard <close> = setmetatable({}, { __close = function() closed = slow(true) end })
        assert.is_table(guard)
      end
      assert.is_true(closed)
    end)

    it("passes through __close while an error is on its way", function()
      local closed = false
      local text = failure(function()
        local guard <close> = setmetatable({}, { __close = function() closed = slow(true) end })
        error("on its way with " .. type(guard))
      end)
      assert.matches("on its way with table", text)
      assert.is_true(closed)
    end)

    it("passes through dofile", function()
      local name = os.tmpname()
      local file <close> = assert(io.open(name, "w"))
      file:write "require('rille').sleep(0.002) return 'from the file'"
      file:flush()
      local result = dofile(name)
      os.remove(name)
      assert.equal("from the file", result)
    end)
  end)

  describe("where Lua cannot be suspended", function()
    local function stuck(fn) return failure(fn) end
    local function sleep() rille.sleep(0.001) end

    it("is refused under table.sort, which is named", function()
      local text = stuck(function() table.sort({ 2, 1 }, sleep) end)
      assert.matches("cannot wait in rille%.sleep: table%.sort is in the way", text)
    end)

    it("is refused under string.gsub, which is named", function()
      local text = stuck(function() string.gsub("abc", ".", sleep) end)
      assert.matches("cannot wait in rille%.sleep: string%.gsub is in the way", text)
    end)

    it("is refused under load's reader, which is named", function()
      local text
      load(function() text = failure(sleep) end)
      assert.matches("cannot wait in rille%.sleep: load is in the way", text)
    end)

    it("is refused under tostring, which is named", function()
      local text = stuck(function() tostring(setmetatable({}, { __tostring = sleep })) end)
      assert.matches("cannot wait in rille%.sleep: tostring is in the way", text)
    end)

    it("is refused while a module loads, and require is named", function()
      package.preload["spec.sleepy"] = sleep
      local text = stuck(function() require "spec.sleepy" end)
      package.preload["spec.sleepy"] = nil
      assert.matches("cannot wait in rille%.sleep: require is in the way", text)
    end)

    it("is refused in a finalizer", function()
      local text
      setmetatable({}, { __gc = function() text = failure(sleep) end })
      collectgarbage()
      assert.matches("cannot wait in rille%.sleep: .*__gc", text)
    end)

    it("is refused while coroutine.close closes a variable, and it is named", function()
      local co = coroutine.create(function()
        local guard <close> = setmetatable({}, { __close = sleep })
        coroutine.yield(guard)
      end)
      coroutine.resume(co)
      local ok, text = coroutine.close(co)
      assert.is_false(ok)
      assert.matches("cannot wait in rille%.sleep: coroutine%.close is in the way", text)
    end)

    it("is refused in a coroutine under table.sort, too", function()
      local text = stuck(function()
        table.sort({ 2, 1 }, function() coroutine.wrap(sleep)() end)
      end)
      assert.matches("table%.sort is in the way", text)
    end)

    it("names the call that wanted to wait", function()
      local text = stuck(function()
        table.sort({ 2, 1 }, function() rille.detach(function() end) end)
      end)
      assert.matches("cannot wait in rille%.detach: table%.sort is in the way", text)
    end)

    it("names the line that wanted to wait", function()
      assert.matches("coroutine_spec%.lua:%d+:", stuck(function() table.sort({ 2, 1 }, sleep) end))
    end)

    it("does no harm: the fiber goes on", function()
      pcall(table.sort, { 2, 1 }, sleep)
      local turns, result = turns_during(function()
        rille.sleep(0.01)
        return "fine"
      end)
      assert.is_true(turns > 1)
      assert.equal("fine", result)
    end)
  end)
end)

describe("a coroutine that waits", function()
  --- A coroutine that waits inside another fiber, and that fiber's task.
  local function waiting()
    local co = coroutine.create(function()
      rille.sleep(0.03)
      return "woke"
    end)
    local task = rille.spawn(function() return select(2, coroutine.resume(co)) end)
    rille.sleep(0)
    return co, task
  end

  it("is normal to others: it is neither running nor free to be resumed", function()
    local co, task = waiting()
    assert.equal("normal", coroutine.status(co))
    task:await()
  end)

  it("cannot be resumed by others", function()
    local co, task = waiting()
    local ok, problem = coroutine.resume(co)
    assert.is_false(ok)
    assert.matches("cannot resume non%-suspended coroutine", problem)
    assert.equal("woke", task:await())
  end)

  it("cannot be called by others when it is a generator", function()
    local generator = coroutine.wrap(function() rille.sleep(0.03) end)
    local task = rille.spawn(generator)
    rille.sleep(0)
    assert.matches("cannot resume non%-suspended coroutine", failure(generator))
    task:await()
  end)

  it("cannot be closed by others", function()
    local co, task = waiting()
    assert.matches("cannot close a normal coroutine", failure(coroutine.close, co))
    assert.equal("woke", task:await())
  end)

  it("can be resumed by another fiber once it has yielded", function()
    local co = coroutine.wrap(function()
      rille.sleep(0.005)
      coroutine.yield "first"
      rille.sleep(0.005)
      return "second"
    end)
    assert.equal("first", rille.spawn(co):await())
    assert.equal("second", rille.spawn(co):await())
  end)

  it("is dead when its fiber was cancelled", function()
    local co, task = waiting()
    task:cancel()
    pcall(task.await, task)
    assert.equal("dead", coroutine.status(co))
  end)
end)

describe("the coroutine library", function()
  it("refuses to yield from the script itself", function()
    assert.matches("outside a coroutine", failure(coroutine.yield, 1))
  end)

  it("refuses to yield from a fiber outside of any coroutine of its own", function()
    local task = rille.spawn(coroutine.yield, 1)
    assert.matches("outside a coroutine", failure(task.await, task))
  end)

  it("passes values in and out, nils among them", function()
    local co = coroutine.create(function(...)
      local got = table.pack(coroutine.yield(...))
      return got.n, table.unpack(got, 1, got.n)
    end)
    assert.same({ true, nil, 2, nil, n = 4 }, table.pack(coroutine.resume(co, nil, 2, nil)))
    assert.same({ true, 2, "a", nil, n = 4 }, table.pack(coroutine.resume(co, "a", nil)))
  end)

  it("returns false and the error from resume", function()
    local co = coroutine.create(function() error { code = 7 } end)
    local ok, problem = coroutine.resume(co)
    assert.is_false(ok)
    assert.same({ code = 7 }, problem)
  end)

  it("raises the error with its line from wrap", function()
    local generator = coroutine.wrap(function() error "broken" end)
    assert.matches("coroutine_spec%.lua:%d+: broken", failure(generator))
  end)

  it("raises an error that arose after a wait from wrap", function()
    local generator = coroutine.wrap(function()
      rille.sleep(0.002)
      error "broken late"
    end)
    assert.matches("coroutine_spec%.lua:%d+: broken late", failure(generator))
  end)

  it("returns an error that arose after a wait from resume", function()
    local co = coroutine.create(function()
      rille.sleep(0.002)
      error { code = 7 }
    end)
    local ok, problem = coroutine.resume(co)
    assert.is_false(ok)
    assert.same({ code = 7 }, problem)
  end)

  it("cannot resume the dead", function()
    local co = coroutine.create(function() end)
    coroutine.resume(co)
    assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
  end)

  it("tells the statuses apart", function()
    local outer, seen
    outer = coroutine.create(function()
      local inner = coroutine.create(function() seen = coroutine.status(outer) end)
      assert.equal("suspended", coroutine.status(inner))
      coroutine.resume(inner)
      assert.equal("dead", coroutine.status(inner))
      assert.equal("running", coroutine.status(outer))
    end)
    assert.is_true(coroutine.resume(outer))
    assert.equal("normal", seen)
  end)

  it("knows the running coroutine, also after a wait", function()
    local co
    co = coroutine.create(function()
      rille.sleep(0.002)
      return coroutine.running()
    end)
    local _, running, is_main = coroutine.resume(co)
    assert.equal(co, running)
    assert.is_false(is_main)
  end)

  it("says that a coroutine can yield", function()
    assert.is_true(coroutine.wrap(function() return coroutine.isyieldable() end)())
    assert.is_true(coroutine.isyieldable(coroutine.create(print)))
    assert.has_error(function() coroutine.isyieldable(5) end)
  end)

  it("closes a suspended coroutine's variables", function()
    local closed = false
    local co = coroutine.create(function()
      local guard <close> = setmetatable({}, { __close = function() closed = true end })
      coroutine.yield(guard)
    end)
    coroutine.resume(co)
    assert.is_true(coroutine.close(co))
    assert.is_true(closed)
    assert.equal("dead", coroutine.status(co))
  end)

  it("returns false and the error from close when a variable's closing fails", function()
    local co = coroutine.create(function()
      local guard <close> = setmetatable({}, { __close = function() error { code = 7 } end })
      coroutine.yield(guard)
    end)
    coroutine.resume(co)
    local ok, problem = coroutine.close(co)
    assert.is_false(ok)
    assert.same({ code = 7 }, problem)
  end)

  it("yields across pcall", function()
    local generator = coroutine.wrap(function()
      return pcall(function()
        coroutine.yield "inside"
        error { code = 7 }
      end)
    end)
    assert.equal("inside", generator())
    assert.same({ false, { code = 7 } }, { generator() })
  end)

  it("survives a hundred thousand coroutines that are left suspended", function()
    for _ = 1, 100000 do coroutine.wrap(function() coroutine.yield() end)() end
    collectgarbage()
    assert.equal("alive", coroutine.wrap(function() return "alive" end)())
  end)
end)
