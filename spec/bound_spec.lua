--- What a task may take: memory and instructions, of its own and of its domain.

local rille = require "rille"
local failure = require "spec.support.failure"
local work = require "spec.support.work"

local domains = rille.domains
local MIB = 1 << 20

--- Detaches `fn`, which is to die of its limit; returns the error and the task.
local function death(fn, options, ...)
  options.name = "bomb"
  local task = rille.job(fn, options):submit(...)
  local text = failure(task.await, task)
  assert.equal("failed", task:status())
  return text, task
end

--- The same for 8 MiB of memory.
local function burst(fn, ...)
  local text, task = death(fn, { memory = 8 * MIB }, ...)
  assert.matches("job 'bomb': more than 8 MiB of memory %(its option memory%)", text)
  assert.matches("awaited at:", text)
  return text, task
end

local function fill()
  local list = {}
  while #list >= 0 do list[#list + 1] = { #list } end
end

--- Bytes of a value that stays: tables, one for each 100 bytes or so.
local function hold(bytes)
  local list = {}
  for i = 1, bytes // 100 do list[i] = { i, i } end
  return list
end

local function churn(bytes)
  for i = 1, bytes // 72 do local _ = { i } end
end

describe("a job with a limit of memory", function()
  before_each(function()
    domains.set_bounds(1, 1)
    rille.detach(function() rawset(_G, "mark", true) end)
  end)
  after_each(work.defaults)

  --- The one domain is still there, in good order.
  local function intact()
    assert.is_true(rille.detach(function() return rawget(_G, "mark") end))
    assert.equal(1, domains.stats().domains)
  end

  describe("dies of", function()
    it("a string that is too long, and says where", function()
      assert.matches("bound_spec.lua:%d+: job", burst(function() return #("x"):rep(1e9) end))
      intact()
    end)

    it("a string that doubles", function()
      burst(function()
        local text = "x"
        while true do text = text .. text end
      end)
      intact()
    end)

    it("a list without end", function()
      assert.matches("stack traceback:\n\t[^\n]*bound_spec.lua:%d+: in", burst(function()
        local list = {}
        for i = 1, math.huge do list[i] = i end
        return list
      end))
      intact()
    end)

    it("many small objects", function()
      local text, task = burst(function()
        local chain
        while true do chain = { chain } end
      end)
      assert.matches("stack traceback:\n\t[^\n]*bound_spec.lua:%d+: in", text)
      local peak = task:cost().peak_bytes
      assert.is_true(peak >= 8 * MIB and peak < 9 * MIB)
      intact()
    end)

    it("pieces that are put together", function()
      burst(function()
        local list = {}
        for i = 1, 20000 do list[i] = i end
        while true do
          local text = table.concat(list, " ")
          for i = 1, #list do list[i] = text end
        end
      end)
      intact()
    end)

    it("a format, a substitution, a packing", function()
      burst(function()
        local text = ("x"):rep(3e6)
        return #("%s%s%s"):format(text, text, text)
      end)
      burst(function() return ("x"):rep(1e6):gsub("x", ("x"):rep(1000)) end)
      burst(function()
        local text = ("x"):rep(3e6)
        return #string.pack("s4s4s4", text, text, text)
      end)
      intact()
    end)

    it("coroutines", function()
      burst(function()
        local list = {}
        while true do list[#list + 1] = coroutine.create(print) end
      end)
      burst(function() coroutine.wrap(fill)() end)
      intact()
    end)

    it("a recursion, and stays within the stack's limit", function()
      burst(function()
        local function deep(n) return { n, deep(n + 1) } end
        local list = {}
        while true do list[#list + 1] = select(2, pcall(deep, 1)) .. #list end
      end)
      intact()
    end)

    it("finalizers that allocate", function()
      burst(function()
        local list = {}
        local meta = { __gc = function() list[#list + 1] = { {}, {} } end }
        while #list >= 0 do setmetatable({}, meta) end
      end)
      intact()
    end)

    it("fibers that it spawns", function()
      burst(function() rille.spawn(fill):await() end)
      burst(function()
        rille.spawn(function() pcall(fill) end)
        rille.sleep(1e6)
      end)
      intact()
    end)

    it("growth over many waits", function()
      local text, task = burst(function()
        local list = {}
        while true do
          list[#list + 1] = hold(MIB)
          rille.sleep(0)
        end
      end)
      assert.matches("bound_spec.lua:%d+: in", text)
      assert.is_true(task:cost().peak_bytes < 9 * MIB)
      intact()
    end)

    it("arguments that are too large", function()
      burst(function(list) return #list end, hold(20 * MIB))
      burst(function(text) return #text end, ("x"):rep(10 * MIB))
      intact()
      assert.equal("caught", rille.detach(function() return pcall(error) or "caught" end))
    end)
  end)

  describe("counts what it has sent and nobody has received", function()
    it("into a channel that takes any number", function()
      local channel = rille.channel(math.huge)
      burst(function(to) for i = 1, 1000 do to:send(("x"):rep(100000) .. i) end end, channel)
      assert.is_true(#channel > 0 and #channel < 90)
      intact()
    end)

    it("into a channel of its own, by values that are small, under pcall", function()
      burst(function()
        local own = rille.channel(math.huge)
        while true do pcall(own.send, own, 1) end
      end)
      intact()
    end)

    it("and no longer what has been received", function()
      local channel = rille.channel(10)
      local task = rille.job(function(to)
        for i = 1, 200 do to:send(("x"):rep(100000) .. i) end
        return "sent"
      end, { memory = 4 * MIB }):submit(channel)
      for _ = 1, 200 do channel:receive() end
      assert.equal("sent", task:await())
    end)

    it("also when what it has sent outlives it", function()
      local channel = rille.channel(math.huge)
      rille.job(function(to) to:send(("x"):rep(100000)) end, { memory = 4 * MIB })(channel)
      collectgarbage()
      assert.equal(100000, #channel:receive())
    end)
  end)

  describe("cannot catch its end", function()
    it("by pcall, again and again", function()
      burst(function() while true do pcall(string.rep, "x", 1e9) end end)
      intact()
    end)

    it("by pcall around small objects", function()
      burst(function()
        local list = {}
        local function add() while true do list[#list + 1] = {} end end
        while true do pcall(add) end
      end)
      intact()
    end)

    it("by xpcall, nor by a handler that allocates", function()
      burst(function() while true do xpcall(fill, function() fill() end) end end)
      intact()
    end)

    it("by a coroutine, by load, by coroutine.close", function()
      burst(function()
        while true do coroutine.resume(coroutine.create(fill)) end
      end)
      burst(function()
        while true do load(function() return ("x"):rep(1e9) end) end
      end)
      burst(function()
        while true do
          local co = coroutine.create(function()
            local _ <close> = setmetatable({}, { __close = fill })
            coroutine.yield()
          end)
          coroutine.resume(co)
          coroutine.close(co)
        end
      end)
      intact()
    end)

    it("and return as if nothing had been", function()
      burst(function()
        pcall(string.rep, "x", 1e9)
        return "fine"
      end)
      burst(function()
        local list = {}
        pcall(function() for i = 1, 1e7 do list[i] = { i } end end)
        return #list
      end)
    end)
  end)

  it("runs its closing variables, which may allocate a little", function()
    burst(function(name)
      local _ <close> = setmetatable({}, { __close = function()
        rawset(_G, name, #table.concat({ ("x"):rep(1000), "y" }))
      end })
      fill()
    end, "closed")
    assert.equal(1001, rille.detach(function() return rawget(_G, "closed") end))
    burst(function(name)
      local _ <close> = setmetatable({}, { __close = function()
        for i = 1, 1000 do rawset(_G, name, i) end
      end })
      return #("x"):rep(1e9)
    end, "closed too")
    assert.equal(1000, rille.detach(function() return rawget(_G, "closed too") end))
  end)

  it("ends when closing variables allocate without end", function()
    domains.set_cleanup_time(0.1)
    burst(function()
      local _ <close> = setmetatable({}, { __close = function() pcall(fill) fill() end })
      fill()
    end)
    intact()
  end)

  it("may make garbage of many times as much", function()
    local job = rille.job(function()
      churn(100 * MIB)
      return "done"
    end, { memory = 2 * MIB })
    assert.equal("done", job())
  end)

  it("may make long strings that become garbage", function()
    local job = rille.job(function()
      local total = 0
      for i = 1, 60 do total = total + #("0123456789abcdef"):rep(MIB // 8) + i end
      return total
    end, { memory = 6 * MIB })
    assert.equal(60 * 2 * MIB + 1830, job())
  end)

  it("holds what it needs below its limit", function()
    local job = rille.job(function() return #hold(6 * MIB) end, { memory = 8 * MIB })
    for _ = 1, 5 do assert.equal(6 * MIB // 100, job()) end
  end)

  it("does not harm a task that waits on the same domain", function()
    local beside = rille.submit(function()
      local list = hold(4 * MIB)
      rille.sleep(0.05)
      for i = 1, #list do assert(list[i][1] == i) end
      return #list
    end)
    burst(fill)
    assert.equal(4 * MIB // 100, beside:await())
    intact()
  end)

  it("is charged its own memory only, whoever collects it", function()
    local function fluctuate(list, rounds, bytes)
      for _ = 1, rounds do
        churn(bytes)
        rille.sleep(0)
      end
      return #list
    end
    local busy = rille.job(function() return fluctuate({}, 60, MIB) end, { memory = 2 * MIB })
    local large = rille.job(function() return fluctuate(hold(6 * MIB), 60, 4096) end,
      { memory = 8 * MIB })
    local growing = rille.job(function()
      local list = {}
      while true do
        list[#list + 1] = hold(MIB // 4)
        rille.sleep(0)
      end
    end, { memory = 8 * MIB, name = "growing" })
    local tasks = { busy:submit(), large:submit(), growing:submit() }
    assert.matches("'growing': more than 8 MiB", failure(tasks[3].await, tasks[3]))
    assert.is_true(tasks[3]:cost().peak_bytes < 9 * MIB)
    assert.equal(0, tasks[1]:await())
    assert.equal(6 * MIB // 100, tasks[2]:await())
  end)

  it("keeps its limit in slices beside others", function()
    domains.set_slice(0.001)
    local beside = rille.submit(function()
      work.spin(0.1)
      return "done"
    end)
    burst(function()
      local list = {}
      while #list >= 0 do
        for i = 1, 100 do list[#list + 1] = { i } end
        churn(10000)
      end
    end)
    assert.equal("done", beside:await())
  end)

  it("leaves a domain that is replaced if it cannot be cleaned", function()
    death(function()
      local hoard = {}
      rawset(_G, "hoard", hoard)
      while true do hoard[#hoard + 1] = { #hoard } end
    end, { memory = 32 * MIB })
    assert.is_nil(rille.detach(function() return rawget(_G, "hoard") end))
    work.await(function() return domains.stats().domains == 1 end)
  end)

  it("leaves the tasks of such a domain alone", function()
    local beside = rille.submit(function()
      rille.sleep(0.3)
      return #rawget(_G, "hoard") > 0
    end)
    death(function()
      local hoard = {}
      rawset(_G, "hoard", hoard)
      while true do hoard[#hoard + 1] = { #hoard } end
    end, { memory = 32 * MIB })
    assert.is_nil(rille.detach(function() return rawget(_G, "hoard") end))
    assert.is_true(beside:await())
  end)

  it("dies on the main domain, too, when there are no others", function()
    domains.set_bounds(0, 0)
    burst(fill)
    burst(function() return #("x"):rep(1e9) end)
    assert.equal(1, rille.detach(function() return 1 end))
  end)

  it("is known where its handle goes", function()
    local inner = rille.job(fill, { memory = 8 * MIB, name = "inner" })
    domains.set_bounds(2, 2)
    local ok, text = rille.detach(function()
      local ok, problem = pcall(inner)
      return ok, problem
    end)
    assert.is_false(ok)
    assert.matches("job 'inner': more than 8 MiB", text)
  end)

  it("refuses what is no number of bytes", function()
    for _, value in ipairs { 0, -1, 1.5, "64M", false } do
      assert.matches("option 'memory' must be an integer of at least 1",
        failure(rille.job, fill, { memory = value }))
    end
  end)
end)

describe("the memory limit of domains", function()
  before_each(function() domains.set_bounds(1, 1) end)
  after_each(function()
    domains.set_memory_limit(nil)
    work.defaults()
    collectgarbage()
  end)

  local named = "more than 64 MiB of memory %(rille.domains.set_memory_limit%)"

  it("ends the task that crosses it", function()
    domains.set_memory_limit(64 * MIB)
    assert.matches(named, failure(rille.detach, function() return #("x"):rep(1e9) end))
    assert.matches(named, failure(rille.detach, function()
      while true do pcall(fill) end
    end))
    assert.equal(1, rille.detach(function() return 1 end))
  end)

  it("gives code of a main domain an error that it may catch", function()
    domains.set_memory_limit(64 * MIB)
    for _ = 1, 3 do
      assert.matches("bound_spec.lua:%d+: a domain: " .. named, failure(fill))
      assert.matches(named, failure(string.rep, "x", 1e9))
      collectgarbage()
    end
    assert.equal("x", ("x"):rep(1))
  end)

  it("bounds results where they arrive", function()
    domains.set_memory_limit(64 * MIB)
    local function long() return ("0123456789abcdef"):rep(33 * MIB // 16) end
    local kept = rille.detach(long)
    assert.matches(named, failure(function()
      local more = rille.detach(long)
      return #more
    end))
    assert.equal(33 * MIB, #kept)
  end)

  it("can be lifted again", function()
    domains.set_memory_limit(4 * MIB)
    domains.set_memory_limit(nil)
    assert.equal(1e7, rille.detach(function() return #("x"):rep(1e7) end) // 1)
  end)

  it("refuses what is no limit", function()
    assert.matches("at least 4 MiB, got 1000 bytes", failure(domains.set_memory_limit, 1000))
    assert.matches("at least 4 MiB, got %-1 bytes", failure(domains.set_memory_limit, -1))
    assert.matches("number expected, got string", failure(domains.set_memory_limit, "64 MiB"))
  end)
end)

describe("a job with a limit of instructions", function()
  before_each(function() domains.set_bounds(1, 1) end)
  after_each(work.defaults)

  local function exhausted(fn, ...)
    local text, task = death(fn, { instructions = 100000 }, ...)
    assert.matches("job 'bomb': more than 100000 instructions %(its option instructions%)", text)
    return text, task
  end

  it("dies of a loop", function()
    local text, task = exhausted(function() while true do end end)
    assert.matches("stack traceback:\n\t[^\n]*bound_spec.lua:%d+: in", text)
    local count = task:cost().instructions
    assert.is_true(count > 100000 and count < 101000)
  end)

  it("dies under pcall and in coroutines", function()
    exhausted(function() while true do pcall(work.forever) end end)
    exhausted(function() while true do coroutine.wrap(work.forever)() end end)
    exhausted(function()
      while true do coroutine.wrap(function() for _ = 1, 10 do local _ = {} end end)() end
    end)
  end)

  it("dies in fibers that it spawns, and between waits", function()
    exhausted(function()
      rille.spawn(work.forever)
      rille.sleep(1e6)
    end)
    exhausted(function()
      while true do
        for _ = 1, 100 do local _ = {} end
        rille.sleep(0)
      end
    end)
  end)

  it("ends well below it", function()
    local task = rille.job(function()
      local sum = 0
      for i = 1, 10000 do sum = sum + i end
      return sum
    end, { instructions = 100000 }):submit()
    assert.equal(50005000, task:await())
    local count = task:cost().instructions
    assert.is_true(count > 15000 and count < 50000)
  end)

  it("keeps its limit in slices", function()
    domains.set_slice(0.001)
    local beside = rille.submit(work.spin, 0.1)
    local _, task = death(function() while true do end end, { instructions = 3000000 })
    assert.is_true(task:cost().instructions < 3001000)
    beside:await()
  end)

  it("cannot take the hook off", function()
    for _, set in ipairs { function() debug.sethook() end,
      function() debug.sethook(coroutine.create(print), print, "l") end } do
      assert.matches("no hook can be set here: this task has the option instructions",
        failure(rille.job(set, { instructions = 1000 })))
    end
  end)

  it("does not count for the next task", function()
    exhausted(work.forever)
    assert.equal(1000000, rille.detach(function()
      local count = 0
      for _ = 1, 1000000 do count = count + 1 end
      return count
    end))
    assert.is_nil(rille.detach(function() return (debug.gethook()) end))
  end)

  it("refuses what is no number of them", function()
    for _, value in ipairs { 0, -1, 1.5, "many" } do
      assert.matches("option 'instructions' must be an integer of at least 1",
        failure(rille.job, fill, { instructions = value }))
    end
  end)
end)

describe("the cost of a task without limits", function()
  after_each(work.defaults)

  it("tells its peak roughly, and no instructions", function()
    local task = rille.submit(function() return #hold(4 * MIB) end)
    task:await()
    local cost = task:cost()
    assert.is_true(cost.peak_bytes > 3 * MIB and cost.peak_bytes < 16 * MIB)
    assert.is_nil(cost.instructions)
  end)
end)
