-- Which errors are reported on standard error, and how.

local process = require "spec.support.process"

local function run(script)
  return process.run { script = [[local rille = require "rille" ]] .. script }
end

describe("an error that nobody awaits", function()
  it("of a fiber is reported with its traceback", function()
    local result = run [[
      local function unlucky() error "no luck" end
      rille.spawn(function() return (unlucky()) end)
      rille.sleep(0.05)
    ]]
    assert.matches("script%.lua:1: no luck\n", result.stderr)
    assert.matches("stack traceback:\n.*'unlucky'", result.stderr)
  end)

  it("of a fiber does not end the program", function()
    local result = run [[
      rille.spawn(error, "no luck")
      rille.sleep(0.05)
      print "still here"
    ]]
    assert.equal("still here\n", result.stdout)
    assert.equal(0, result.status)
  end)

  it("of a fiber that outlives the script is reported, too", function()
    local result = run [[
      rille.spawn(function()
        rille.sleep(0.05)
        error "after the script"
      end)
    ]]
    assert.matches("after the script", result.stderr)
  end)

  it("of a submitted task is reported with its traceback", function()
    local result = run [[
      rille.submit(function() error "in a task" end)
      rille.sleep(0.1)
    ]]
    assert.matches("in a task\n.*stack traceback:\n", result.stderr)
    assert.equal(0, result.status)
  end)

  it("of a fiber in a task is reported", function()
    local result = run [[
      rille.detach(function()
        rille.spawn(error, "deep down")
        rille.sleep(0.05)
      end)
    ]]
    assert.matches("deep down", result.stderr)
  end)

  it("is reported when it is a table", function()
    local result = run [[
      rille.spawn(error, setmetatable({}, { __tostring = function() return "speaking" end }))
      rille.sleep(0.05)
    ]]
    assert.matches("speaking", result.stderr)
  end)

  it("is reported once", function()
    local result = run [[
      rille.spawn(error, "no luck")
      rille.sleep(0.05)
      collectgarbage()
    ]]
    local _, count = result.stderr:gsub("no luck", "")
    assert.equal(1, count)
  end)
end)

describe("nothing is reported of an error", function()
  it("that was awaited", function()
    local result = run [[
      local task = rille.spawn(function()
        rille.sleep(0.02)
        error "no luck"
      end)
      print(pcall(task.await, task) == false)
    ]]
    assert.equal("true\n", result.stdout)
    assert.equal("", result.stderr)
  end)

  it("that detach brought back and the caller caught", function()
    local result = run [[
      print(pcall(rille.detach, error, "no luck") == false)
    ]]
    assert.equal("true\n", result.stdout)
    assert.equal("", result.stderr)
  end)

  it("that a scope raised", function()
    local result = run [[
      print(pcall(rille.scope, function(scope) scope:spawn(error, "no luck") end) == false)
    ]]
    assert.equal("true\n", result.stdout)
    assert.equal("", result.stderr)
  end)

  it("that all raised", function()
    local result = run [[
      local function unlucky() error "no luck" end
      print(pcall(rille.all, unlucky, unlucky) == false)
    ]]
    assert.equal("true\n", result.stdout)
    assert.equal("", result.stderr)
  end)

  it("by which a fiber was cancelled", function()
    local result = run [[
      local task = rille.spawn(rille.sleep, 60)
      rille.sleep(0)
      task:cancel()
      rille.sleep(0.02)
    ]]
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
  end)
end)

describe("the error of a task that ends the script", function()
  it("is reported with all its tracebacks", function()
    local result = run [[
      local function compute() error "no luck" end
      local function ask() rille.detach(compute) end
      ask()
    ]]
    assert.matches("no luck\nstack traceback:\n.*\ndetached at:\n.*'ask'", result.stderr)
    assert.equal(1, result.status)
  end)
end)

describe("a task that runs out of memory", function()
  --- Runs the script with 512 MiB of address space; sanitizers need far more for themselves.
  local function run_confined(script)
    local build = os.getenv "RILLE_BUILD"
    if build == "asan" or build == "tsan" then pending "sanitizers cannot be confined" end
    return process.run { script = script, before = "ulimit -v 524288 &&" }
  end

  local hoard = [[
    local rille = require "rille"
    rille.domains.set_bounds(1, 1)
    local function hoard()
      local all = {}
      while true do all[#all + 1] = ("x"):rep(1 << 20) .. #all end
    end
  ]]

  it("fails with an error at the detach", function()
    local result = run_confined(hoard .. "print(pcall(rille.detach, hoard))")
    assert.matches("^false\tnot enough memory", result.stdout)
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
  end)

  it("leaves its domain alive", function()
    local result = run_confined(hoard .. [[
      local before = rille.detach(rille.domain)
      for _ = 1, 2 do pcall(rille.detach, hoard) end
      print(rille.detach(rille.domain) == before, rille.domains.stats().domains)
    ]])
    assert.equal("true\t1\n", result.stdout)
    assert.equal("", result.stderr)
  end)

  it("because of many small tables fails in the same way", function()
    local result = run_confined [[
      local rille = require "rille"
      rille.domains.set_bounds(1, 1)
      print(pcall(rille.detach, function()
        local list = nil
        while true do list = { list } end
      end))
      print(rille.detach(function() return "alive" end))
    ]]
    assert.matches("^false\tnot enough memory.*\nalive\n$", result.stdout)
  end)
end)
