--- Finalizers that do not end: whoever they run in, and where nobody runs, goes on.

local rille = require "rille"
local process = require "spec.support.process"
local work = require "spec.support.work"

local domains = rille.domains
local forever = work.forever

--- Leaves garbage behind whose finalizers nobody has asked for yet.
local function leave(finalizer, count)
  collectgarbage "stop"
  for _ = 1, count or 1 do setmetatable({}, { __gc = finalizer }) end
  collectgarbage "restart"
end

local function allocate()
  local list = {}
  for i = 1, 500000 do list[i % 100] = { i } end
  return #list > 0 and "done"
end

local endless = {
  ["computes"] = forever,
  ["catches every error"] = function() while true do pcall(forever) end end,
  ["has coroutines that do"] = function()
    while true do pcall(coroutine.wrap(function() pcall(forever) end)) end
  end,
  ["catches other errors on its way"] = function() while true do pcall(pcall(error) and 1) end end,
  ["has a variable that closes without end"] = function()
    local _ <close> = setmetatable({}, { __close = forever })
    forever()
  end,
}

describe("a finalizer that does not end", function()
  before_each(function()
    domains.set_bounds(1, 1)
    domains.set_cleanup_time(0.05)
  end)
  after_each(work.defaults)

  for kind, finalizer in pairs(endless) do
    it("and " .. kind .. " does not hold the next task", function()
      rille.detach(leave, finalizer, 2)
      assert.equal("done", rille.timeout(20, rille.detach, allocate))
    end)
  end

  it("costs its domain, however many there are of them", function()
    local number = rille.detach(rille.domain)
    rille.detach(leave, forever, 50)
    assert.equal("done", rille.timeout(30, rille.detach, allocate))
    assert.not_equal(number, rille.timeout(20, rille.detach, rille.domain))
  end)

  it("does not hold a domain between tasks that allocate nothing", function()
    rille.detach(leave, forever)
    for i = 1, 3000 do
      assert.equal(i, rille.timeout(20, rille.detach, function(n) return n end, i))
    end
  end)

  it("does not hold a main domain", function()
    local ran = 0
    leave(function() ran = ran + 1; forever() end)
    rille.timeout(20, function()
      while ran == 0 do allocate(); rille.sleep(0) end
    end)
    assert.equal(1, ran)
    assert.equal("done", allocate())
  end)

  it("is reported once", function()
    local result = process.run { seconds = 20, script = [[
      local rille = require "rille"
      rille.domains.set_cleanup_time(0.05)
      for _ = 1, 3 do setmetatable({}, { __gc = function() while true do (""):rep(1) end end }) end
    ]] }
    assert.equal(0, result.status)
    assert.matches("a finalizer %(__gc%) did not end, and was stopped: script.lua:3", result.stderr)
    assert.equal(1, select(2, result.stderr:gsub("did not end", "")))
  end)

  it("does not hold the end of the program, of whichever domain", function()
    local result = process.run { seconds = 20, script = [[
      local rille = require "rille"
      rille.domains.set_cleanup_time(0.05)
      local function forever() while true do pcall(("").rep, "", 1) end end
      local function keep() kept = setmetatable({}, { __gc = forever }) end
      rille.detach(keep)
      keep()
      print "over"
    ]] }
    assert.equal("over\n", result.stdout)
    assert.equal(0, result.status)
  end)
end)

--- With bounds that a busy machine does not exceed by its pauses.
describe("a finalizer that ends", function()
  before_each(function() domains.set_bounds(1, 1) end)
  after_each(work.defaults)

  it("runs to its end if it has no longer than cleaning up may take", function()
    domains.set_cleanup_time(2)
    local spin = work.spin
    rille.detach(leave, function() spin(0.6); _G.ended_so = true end)
    assert.is_true(rille.detach(function()
      collectgarbage()
      collectgarbage()
      return _G.ended_so
    end))
  end)

  it("is not taken for the one before, however many there are", function()
    local spin, count = work.spin, 800
    local ended = rille.detach(function()
      local ends = 0
      local meta = { __gc = function() spin(0.002); ends = ends + 1 end }
      for _ = 1, count do setmetatable({}, meta) end
      collectgarbage()
      return ends
    end)
    assert.equal(count, ended)
  end)
end)
