-- SIGINT and SIGTERM: what runs may finish within the grace period, then it is cancelled.

local process = require "spec.support.process"

--- Starts the script, sends it the signal once it has said "ready", and returns how it ended.
local function interrupted(signal, options)
  local child <close> = process.start(options)
  assert.equal("ready", child:line())
  child:signal(signal)
  return child:wait()
end

--- The script with a grace period that a spec can wait for.
local function impatient(script)
  return { "--grace", "0.2", "main.lua", files = { ["main.lua"] = script } }
end

local sleeper = [[
  local rille = require "rille"
  io.stdout:setvbuf "line"
  local guard <close> = setmetatable({}, { __close = function() print "closed" end })
  print "ready"
  rille.sleep(60)
  print "woke"
]]

describe("a signal", function()
  for name, status in pairs { TERM = 143, INT = 130 } do
    it(("SIG%s ends a waiting script with status %d"):format(name, status), function()
      local result = interrupted(name, impatient(sleeper))
      assert.equal(status, result.status)
    end)

    it(("SIG%s runs the script's to-be-closed variables"):format(name), function()
      local result = interrupted(name, impatient(sleeper))
      assert.equal("closed\n", result.stdout)
    end)
  end

  it("lets the script finish within the grace period", function()
    local result = interrupted("TERM", { script = [[
      local rille = require "rille"
      io.stdout:setvbuf "line"
      rille.set_grace(10)
      print "ready"
      rille.sleep(0.5)
      print "finished"
    ]] })
    assert.equal("finished\n", result.stdout)
    assert.equal(0, result.status)
  end)

  it("cancels a fiber that outlasts the grace period, and closes its variables", function()
    local result = interrupted("TERM", { script = [[
      local rille = require "rille"
      io.stdout:setvbuf "line"
      rille.set_grace(0.2)
      rille.spawn(function()
        local guard <close> = setmetatable({}, { __close = function() print "closed" end })
        print "ready"
        rille.sleep(60)
      end)
    ]] })
    assert.equal("closed\n", result.stdout)
  end)

  it("cannot be swallowed by pcall", function()
    local result = interrupted("TERM", { script = [[
      local rille = require "rille"
      io.stdout:setvbuf "line"
      rille.set_grace(0.1)
      print "ready"
      for _ = 1, 1000 do pcall(rille.sleep, 60) end
    ]] })
    assert.equal(143, result.status)
  end)

  it("stops a server whose script is over with status 0", function()
    local result = interrupted("TERM", { script = [[
      local rille = require "rille"
      io.stdout:setvbuf "line"
      rille.net.listen("tcp://127.0.0.1:0", function() end)
      print "ready"
    ]] })
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
  end)

  it("ends a script that waits for a task, and the task", function()
    local result = interrupted("TERM", impatient [[
      local rille = require "rille"
      io.stdout:setvbuf "line"
      rille.spawn(function() print "ready" end)
      rille.detach(rille.sleep, 60)
    ]])
    assert.equal(143, result.status)
  end)
end)
