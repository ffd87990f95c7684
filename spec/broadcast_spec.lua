-- domains.broadcast, on_start, on_stop: every domain runs it, in order, those that start later too.

local rille = require "rille"
local failure = require "spec.support.failure"
local process = require "spec.support.process"
local work = require "spec.support.work"

local domains = rille.domains

local function fails(pattern, fn)
  assert.matches(pattern, failure(fn))
end

--- Exactly `count` domains, all there.
local function start(count)
  domains.set_bounds(count, count)
  work.await(function()
    local now = domains.stats()
    return now.domains == count and now.idle == count
  end)
end

--- No domain is left.
local function clear()
  domains.set_idle_time(0)
  domains.set_bounds(0, 8)
  work.await(function() return domains.stats().domains == 0 end)
end

--- What fn returns in each of the domains, all of which must be there.
local function in_each(count, fn)
  local results, tasks = {}, {}
  for i = 1, count do
    tasks[i] = rille.submit(function()
      local inner = require "rille"
      local till = inner.now() + 0.05
      while inner.now() < till do end -- so that no domain takes two
      return inner.domain(), fn()
    end)
  end
  for _, task in ipairs(tasks) do
    local number, result = task:await()
    results[number] = result
  end
  return results
end

--- Runs a program of its own: what is broadcast there stays there.
local function run(script)
  local prelude = [[
    local rille = require "rille"
    local domains = rille.domains
    local work = {}
    function work.await(condition)
      local till = rille.now() + 20
      while not condition() do
        if rille.now() > till then error("the condition did not come true", 2) end
        rille.sleep(0.005)
      end
    end
    local function start(count)
      domains.set_bounds(count, count)
      work.await(function() return domains.stats().idle == count end)
    end
    local function clear()
      domains.set_idle_time(0)
      domains.set_bounds(0, 8)
      work.await(function() return domains.stats().domains == 0 end)
      domains.set_idle_time(5)
    end
  ]]
  local result = process.run { script = prelude .. script }
  assert.equal(0, result.status, result.stderr)
  return result
end

describe("domains.broadcast", function()
  before_each(clear)
  after_each(work.defaults)

  it("runs on every domain, once, before it returns", function()
    start(3)
    local key = "broadcast_once"
    domains.broadcast(function(name, by) _G[name] = (rawget(_G, name) or 0) + by end, key, 2)
    local seen = in_each(3, function() return rawget(_G, key) end)
    for _, value in pairs(seen) do assert.equal(2, value) end
    assert.is_nil(rawget(_G, key))
  end)

  it("is replayed, in order, by domains that start later, before a task", function()
    local key = "broadcast_order"
    for i = 1, 5 do
      domains.broadcast(function(name, n) _G[name] = (rawget(_G, name) or "") .. n end, key, i)
    end
    start(2)
    for _, value in pairs(in_each(2, function() return rawget(_G, key) end)) do
      assert.equal("12345", value)
    end
    domains.broadcast(function(name) _G[name] = rawget(_G, name) .. "6" end, key)
    clear()
    assert.equal("123456", rille.detach(function() return rawget(_G, key) end))
  end)

  it("gives each domain a copy of its own", function()
    start(2)
    local shared = { count = 0 }
    local key = "broadcast_copy"
    domains.broadcast(function(list)
      shared.count = shared.count + 1
      list[1] = require("rille").domain()
      _G[key] = { shared.count, list[1], #list[2] }
    end, { 0, ("x"):rep(100000) })
    local seen = in_each(2, function() return rawget(_G, key) end)
    for number, value in pairs(seen) do assert.same({ 1, number, 100000 }, value) end
    assert.equal(0, shared.count)
  end)

  it("keeps long strings after their owner has forgotten them", function()
    local key = "broadcast_long"
    domains.broadcast(function(text) _G[key] = #text .. text:sub(1, 3) end, ("abc"):rep(50000))
    collectgarbage()
    assert.equal("150000abc", rille.detach(function() return rawget(_G, key) end))
  end)

  it("may wait there, and is waited for before a task begins", function()
    local key = "broadcast_wait"
    domains.broadcast(function()
      require("rille").sleep(0.05)
      _G[key] = require("rille").run_in_main(function() return require("rille").domain() end)
    end)
    assert.equal("main", rille.detach(function() return rawget(_G, key) end))
  end)

  it("works from a compute domain", function()
    start(2)
    local key = "broadcast_from_task"
    rille.detach(function()
      require("rille").domains.broadcast(function() _G[key] = true end)
      assert(rawget(_G, key))
    end)
    local seen = in_each(2, function() return rawget(_G, key) end)
    for _, value in pairs(seen) do assert.is_true(value) end
  end)

  it("reaches a domain that computes, between two slices", function()
    start(1)
    local busy = rille.submit(work.forever)
    work.await(function() return busy:status() == "running" end)
    domains.broadcast(function() end)
    assert.equal("running", busy:status())
    busy:cancel()
  end)

  it("raises the error with the domain's number and both tracebacks", function()
    start(1)
    local problem = failure(domains.broadcast, function() error "no config" end)
    assert.matches("domain 1: spec/broadcast_spec%.lua:%d+: no config", problem)
    assert.matches("stack traceback:.*broadcast at:.*broadcast_spec", problem)
  end)

  it("says in how many domains it failed, and leaves out what failed in all", function()
    start(2)
    fails("2 domains of 2 failed; domain %d: ", function()
      domains.broadcast(function()
        error { "a table" }
      end)
    end)
    clear()
    assert.equal(1, rille.detach(function() return 1 end)) -- nothing is in its log: see below
  end)

  it("goes on when its caller is cancelled", function()
    start(1)
    local key = "broadcast_cancelled"
    local caller = rille.spawn(function()
      domains.broadcast(function()
        require("rille").sleep(0.05)
        _G[key] = true
      end)
    end)
    rille.sleep(0.01)
    caller:cancel "enough"
    fails("enough", function() caller:await() end)
    work.await(function() return rille.detach(function() return rawget(_G, key) end) end)
  end)

  it("calls the function here while there are to be no domains", function()
    domains.set_bounds(0, 0)
    local key = "broadcast_main"
    domains.broadcast(function(value) _G[key] = value end, 7)
    assert.equal(7, rawget(_G, key))
    _G[key] = nil
    domains.set_bounds(0, 1)
    assert.equal(7, rille.detach(function() return rawget(_G, key) end))
  end)

  it("keeps one order in all domains, whoever calls while others start and end", function()
    domains.set_idle_time(0)
    domains.set_bounds(0, 4)
    local key = "broadcast_storm"
    local count = 30
    local fibers = {}
    for i = 1, count do
      fibers[i] = rille.spawn(function()
        rille.detach(function() return 1 end)
        domains.broadcast(function(n) _G[key] = (rawget(_G, key) or "") .. n .. " " end, i)
        rille.detach(function() return 1 end)
      end)
    end
    for _, fiber in ipairs(fibers) do fiber:await() end
    clear()
    start(3)
    local first
    for _, value in pairs(in_each(3, function() return rawget(_G, key) end)) do
      first = first or value
      assert.equal(first, value)
    end
    assert.equal(count, select(2, first:gsub(" ", "")))
  end)

  it("names what is wrong", function()
    start(1)
    fails("function expected, got nil", function() domains.broadcast(nil) end)
    fails("function expected", function() domains.on_stop "x" end)
    fails("function expected", domains.on_start)
    local thread = coroutine.create(print)
    fails("argument 2.*cannot", function() domains.broadcast(print, 1, thread) end)
    fails("a function that is broadcast cannot broadcast", function()
      domains.broadcast(function()
        require("rille").domains.broadcast(function() end)
      end)
    end)
  end)
end)

describe("a domain", function()
  it("that starts runs what is for its start, and others do not", function()
    local result = run [[
      start(1)
      domains.on_start(function(a) print("start " .. rille.domain() .. " " .. a) end, "x")
      print(rille.detach(function() return "task" end))
      clear()
      print(rille.detach(function() return "task" end))
    ]]
    assert.equal("task\nstart 1 x\ntask\n", result.stdout)
  end)

  it("that ends runs what is for its end, the last first", function()
    local result = run [[
      domains.on_stop(function() print "one" end)
      start(1)
      domains.on_stop(function(a) print("two " .. a) end, "x")
      clear()
      print "clear"
      rille.detach(function() end)
    ]]
    assert.equal("two x\none\nclear\ntwo x\none\n", result.stdout)
  end)

  it("that cannot run what was broadcast says so, and serves", function()
    local result = run [[
      domains.broadcast(function() error "no luck" end)
      domains.on_start(function() error "nor here" end)
      print(rille.detach(function() return "task" end))
    ]]
    assert.equal("task\n", result.stdout)
    assert.matches("%(domain 1%): script%.lua:%d+: no luck", result.stderr)
    assert.matches("%(domain 1%): script%.lua:%d+: nor here", result.stderr)
  end)

  it("that starts does not run what failed everywhere", function()
    local result = run [[
      start(2)
      print((pcall(domains.broadcast, function() error "no luck" end)))
      clear()
      rille.detach(function() end)
    ]]
    assert.equal("false\n", result.stdout)
    assert.equal("", result.stderr)
  end)

  it("that ends stops what does not", function()
    local result = run [[
      domains.set_cleanup_time(0.1)
      domains.on_stop(function() print "the others" end)
      domains.on_stop(function() while true do pcall(function() local _ = {} end) end end)
      rille.detach(function() end)
    ]]
    assert.equal("the others\n", result.stdout)
    assert.matches("on_stop %(domain 1%): script%.lua:%d+: the time for the end", result.stderr)
  end)

  it("that ends does not wait for what would wait, or starts something", function()
    local result = run [[
      domains.on_stop(function() rille.sleep(60) end)
      domains.on_stop(function() rille.detach(function() end) end)
      domains.on_stop(function() rille.submit(function() end) end)
      domains.on_stop(function() rille.spawn(function() end) end)
      rille.detach(function() end)
    ]]
    assert.matches("on_stop cannot wait", result.stderr)
    assert.equal(4, select(2, result.stderr:gsub("error in a function of domains.on_stop", "")))
  end)

  it("of several loops hears all of them", function()
    local result = process.run {
      "--loops", "3", "main.lua",
      files = { ["main.lua"] = [[
        local rille = require "rille"
        rille.domains.broadcast(function(n) _G["loop" .. n] = true end, rille.loop())
        local all = rille.detach(function(n) return rawget(_G, "loop" .. n) end, rille.loop())
        print(all)
      ]] },
    }
    assert.equal(0, result.status, result.stderr)
    assert.equal("true\ntrue\ntrue\n", result.stdout)
  end)

  it("ends with the program while it runs what was broadcast", function()
    local result = run [[
      domains.broadcast(function() rille.sleep(60) end)
      rille.submit(function() end)
      rille.sleep(0.05)
      os.exit(0)
    ]]
    assert.equal(0, result.status)
  end)
end)
