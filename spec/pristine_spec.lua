-- What a task may do to the libraries of its domain, and what the next one finds.

local domains = require "rille.domains"
local failure = require "spec.support.failure"
local rille = require "rille"
local work = require "spec.support.work"

local function tamper()
  local text = getmetatable ""
  text.__index = function() return function() return "tampered" end end
  text.__add = function() return "tampered" end
  debug.setmetatable(0, { __index = function() return "tampered" end })
  debug.setmetatable(print, { __index = text })
  -- luacheck: push ignore 122
  string.format, math.floor, table.concat = print, nil, 3
  -- luacheck: pop
  rawset(debug, "sethook", function() end)
  rawset(io, "open", nil)
  rawset(require "rille", "sleep", nil)
  getmetatable(_G).__index, getmetatable(_G).__newindex = print, print
  getmetatable(require "rille").__index = print
  setmetatable(_G, nil)
  for _, name in ipairs { "coroutine", "setmetatable", "require" } do rawset(_G, name, nil) end
  rawset(_G, "error", function() end)
  rawset(_G, "pcall", function(fn, ...) return true, fn(...) end)
end

--- What does not work as it should, by name.
local function faults()
  local found = {}
  local function try(name, fn)
    local ok, fine = pcall(fn)
    if not (ok and fine) then found[#found + 1] = name end
  end
  try("strings", function() return ("a"):upper() == "A" and ("%d"):format(3) == "3" end)
  try("sums", function() return not pcall(function() return "x" + 1 end) end)
  try("numbers", function() return not pcall(function() return (5).x end) end)
  try("functions", function() return debug.getmetatable(print) == nil end)
  try("math", function() return math.floor(2.5) == 2 end)
  try("tables", function() return table.concat { 1, 2 } == "12" end)
  try("pcall", function() return select("#", pcall(error, "x")) == 2 and not pcall(error, "x") end)
  try("coroutines", function() return coroutine.wrap(function() return 1 end)() == 1 end)
  try("metatables", function() return getmetatable(setmetatable({}, { 1 }))[1] == 1 end)
  try("require", function() return require "rille".sleep ~= nil end)
  try("modules", function() return type(require "rille".all) == "function" end)
  try("files", function() return type(io.open) == "function" end)
  try("globals", function()
    local ok, message = pcall(function() return nowhere end) -- luacheck: ignore
    return not ok and message:find "is not defined in compute domain"
  end)
  return table.concat(found, ", ")
end

--- One that has loaded none of Rille's modules yet.
local function new_domain()
  domains.set_bounds(0, 0)
  work.await(function() return domains.stats().domains == 0 end)
  domains.set_bounds(1, 1)
end

describe("the libraries of a compute domain", function()
  after_each(work.defaults)
  before_each(function() domains.set_bounds(1, 1) end)

  it("are what they were after a task that has changed them", function()
    assert.equal("", rille.detach(faults))
    rille.detach(tamper)
    assert.equal("", rille.detach(faults))
  end)

  it("are so while that task waits", function()
    local task = rille.submit(function(spoil, sleep)
      spoil()
      sleep(1000)
    end, tamper, rille.sleep)
    work.await(function() return domains.stats().waiting == 1 end)
    assert.equal("", rille.detach(faults))
    task:cancel()
  end)

  it("are so when it is stopped, and when it fails", function()
    local loop = rille.job(function(spoil)
      spoil()
      local list = {}
      while true do list = { #list } end
    end, { name = "loop", timeout = 0.05 })
    failure(loop, tamper)
    assert.equal("", rille.detach(faults))
    assert.matches("on purpose", failure(rille.detach, function()
      pcall = nil -- luacheck: ignore
      error "on purpose"
    end))
    assert.equal("", rille.detach(faults))
  end)

  it("are so when another fiber of the task, or a coroutine, has changed them", function()
    rille.detach(function(spoil)
      rille.spawn(spoil):await()
    end, tamper)
    assert.equal("", rille.detach(faults))
    rille.detach(function(spoil) coroutine.wrap(spoil)() end, tamper)
    assert.equal("", rille.detach(faults))
  end)

  it("are so when a function that is known by name has changed them", function()
    rille.detach(rawset, _G, "pcall", 5)
    assert.equal("", rille.detach(faults))
  end)

  it("are so when a metamethod has changed them", function()
    local operand = setmetatable({}, { __add = function() pcall = nil end }) -- luacheck: ignore
    rille.detach(function(a) return a + 1 end, operand)
    assert.equal("", rille.detach(faults))
  end)

  it("are so when what a task has left in a global has changed them", function()
    rille.detach(function()
      trap = setmetatable({}, { __index = function() pcall = nil end }) -- luacheck: ignore
    end)
    rille.detach(function() return trap.x end) -- luacheck: ignore
    rille.detach(function() trap = nil end) -- luacheck: ignore
    assert.equal("", rille.detach(faults))
  end)

  it("are so when a finalizer has changed them", function()
    rille.detach(function(spoil)
      setmetatable({}, { __gc = spoil })
      collectgarbage()
    end, tamper)
    assert.equal("", rille.detach(faults))
  end)

  it("are so when a task has put others in the place of modules", function()
    rille.detach(function()
      package.loaded.string = { format = print }
      package.loaded["rille.json"] = {}
      package.loaded["rille.net"] = nil
      require "rille.net".connect = print
    end)
    assert.equal("3", rille.detach(function() return require "string".format("%d", 3) end))
    assert.equal("[1]", rille.detach(function() return require "rille.json".encode { 1 } end))
    assert.equal(rille.detach(function()
      return tostring(require "rille.net".connect)
    end), rille.detach(function()
      package.loaded["rille.net"] = nil
      return tostring(require "rille.net".connect)
    end))
  end)

  it("are so in what comes on its first use", function()
    new_domain()
    rille.detach(function()
      require "rille.flow".all = print
      package.loaded["rille.log"] = { info = 5 }
      return rille.all, rille.log
    end)
    rille.detach(function() rille.race, rille.scope = nil, print end)
    assert.same({ 1, 2 }, rille.detach(function()
      return rille.all { function() return 1 end, function() return 2 end }
    end))
    assert.equal("functionfunction", rille.detach(function()
      return type(rille.race) .. type(rille.log.info)
    end))
    rille.detach(function() rille.all, rille.domains = nil, 5 end)
    assert.equal("function1", rille.detach(function()
      return type(rille.all) .. rille.domains.get_bounds()
    end))
  end)

  it("are so for a module of Rille's that comes later", function()
    new_domain()
    rille.detach(function()
      package.loaded["rille.core"] = setmetatable({}, { __index = function() return print end })
      require "rille.flow"
    end)
    assert.same({ 1 }, rille.detach(function()
      return rille.all { function() return 1 end }
    end))
  end)

  it("grow no more when a module is loaded again and again", function()
    local function again(count)
      for _ = 1, count do
        rille.detach(function()
          package.loaded["rille.net"] = nil
          require "rille.net"
        end)
      end
      return rille.detach(function()
        collectgarbage()
        return collectgarbage "count"
      end)
    end
    local before = again(20)
    assert.is_true(again(100) < before + 20)
  end)

  it("keep what a task has added", function()
    rille.detach(function() kept = 1 end) -- luacheck: ignore
    rille.detach(function() string.kept = 5 end) -- luacheck: ignore
    assert.same({ 1, 5 }, rille.detach(function()
      return { rawget(_G, "kept"), string.kept } -- luacheck: ignore
    end))
    rille.detach(tamper)
    assert.equal(1, rille.detach(function() return rawget(_G, "kept") end))
    assert.equal("", rille.detach(faults))
  end)

  it("keep what the domain itself has changed when it was prepared", function()
    domains.broadcast(function()
      local floor = math.floor
      math.floor = function(x) return floor(x) + 100 end -- luacheck: ignore
    end)
    rille.detach(tamper)
    assert.equal(102, rille.detach(function() return math.floor(2.5) end))
    domains.broadcast(function()
      math.floor = function(x) return x // 1 | 0 end -- luacheck: ignore
    end)
    assert.equal("", rille.detach(faults))
  end)

  it("do not lose what they have when there are many globals", function()
    for i = 1, 200 do
      rille.detach(function(name)
        _G[name] = name
        pcall = nil -- luacheck: ignore
      end, "global" .. i)
    end
    assert.equal("", rille.detach(faults))
  end)
end)
