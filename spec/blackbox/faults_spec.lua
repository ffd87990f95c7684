-- Ends of the program with tasks queued, running and inside run_in_main: it ends, in time, with the
-- right status, and neither crashes nor hangs.

local process = require "spec.support.process"

--- A program with two domains that compute, five tasks queued behind them, and one task inside
-- run_in_main; `ending` is what the script does then.
local function busy(ending)
  return [[
    local rille = require "rille"
    io.stdout:setvbuf "line"
    rille.set_grace(0.2)
    rille.domains.set_bounds(2, 2)
    local function spin(seconds)
      local till = rille.now() + seconds
      while rille.now() < till do end
    end
    rille.submit(function()
      rille.run_in_main(function()
        local guard <close> = setmetatable({}, { __close = function() print "closed" end })
        print "inside"
        rille.sleep(60)
      end)
    end)
    rille.sleep(0.05)
    for _ = 1, 7 do rille.submit(spin, 0.3) end
    rille.sleep(0.02)
    assert(rille.domains.stats().queued > 0)
  ]] .. ending
end

describe("with tasks queued, running and inside run_in_main", function()
  it("os.exit ends the program with its status", function()
    local result = process.run { script = busy "os.exit(3)", seconds = 20 }
    assert.equal(3, result.status)
    assert.equal("", result.stderr)
  end)

  it("an error of the script ends the program with status 1", function()
    local result = process.run { script = busy "error 'the script fails'", seconds = 20 }
    assert.equal(1, result.status)
    assert.matches("the script fails\n.*stack traceback:", result.stderr)
  end)

  it("SIGTERM ends the program after the grace period, and closes what is open", function()
    local child <close> = process.start {
      script = busy "print 'ready' rille.sleep(60)",
      seconds = 20,
    }
    assert.equal("inside", child:line())
    assert.equal("ready", child:line())
    child:signal "TERM"
    local result = child:wait()
    assert.equal("closed\n", result.stdout)
    assert.equal(143, result.status)
  end)

  it("the end of the script lets what is left finish", function()
    local result = process.run { script = [[
      local rille = require "rille"
      rille.domains.set_bounds(1, 1)
      for i = 1, 5 do
        rille.submit(function()
          rille.sleep(0.02)
          rille.run_in_main(function() io.write(i, " ") end)
        end)
      end
    ]] }
    assert.equal("1 2 3 4 5 ", result.stdout)
    assert.equal(0, result.status)
  end)

  it("os.exit ends a task that computes without end", function()
    local result = process.run { script = [[
      local rille = require "rille"
      rille.submit(function()
        while true do
          pcall(function() while true do string.rep("x", 100) end end)
        end
      end)
      rille.sleep(0.05)
      os.exit(3)
    ]], seconds = 20 }
    assert.equal(3, result.status)
    assert.equal("", result.stderr)
  end)

  it("an error of the script ends a task that computes without end", function()
    local result = process.run { script = [[
      local rille = require "rille"
      rille.set_grace(0.1)
      rille.submit(function() while true do string.rep("x", 100) end end)
      rille.sleep(0.05)
      error "the script fails"
    ]], seconds = 20 }
    assert.equal(1, result.status)
    assert.matches("the script fails", result.stderr)
  end)

  it("SIGTERM ends a task that computes without end", function()
    local child <close> = process.start { script = [[
      local rille = require "rille"
      io.stdout:setvbuf "line"
      rille.spawn(function() print "ready" end)
      rille.detach(function() while true do string.rep("x", 100) end end)
    ]], seconds = 20 }
    assert.equal("ready", child:line())
    child:signal "TERM"
    assert.equal(143, child:wait().status)
  end)

  it("os.exit in run_in_main's body ends the program with its status", function()
    local result = process.run { script = [[
      local rille = require "rille"
      rille.detach(function() rille.run_in_main(os.exit, 6) end)
    ]], seconds = 20 }
    assert.equal(6, result.status)
  end)
end)

describe("a task", function()
  it("cannot end the program, also where it is a fiber of the main domain", function()
    local result = process.run { script = [[
      local rille = require "rille"
      rille.domains.set_bounds(0, 0)
      print(pcall(rille.detach, os.exit, 9) == false)
      print "alive"
    ]] }
    assert.equal("true\nalive\n", result.stdout)
    assert.equal(0, result.status)
  end)
end)

describe("without memory for all domains, the program", function()
  --- Runs 128 tasks on up to 64 domains in 256 MiB of address space, which is enough for a few.
  local function run_confined()
    local build = os.getenv "RILLE_BUILD"
    if build == "asan" or build == "tsan" then pending "sanitizers cannot be confined" end
    return process.run { script = [[
      local rille = require "rille"
      rille.domains.set_bounds(0, 64)
      local tasks = {}
      for i = 1, 128 do
        tasks[i] = rille.submit(function()
          local till = rille.now() + 0.005
          while rille.now() < till do end
          return 1
        end)
      end
      local done, short = 0, 0
      for _, task in ipairs(tasks) do
        local ok, result = pcall(task.await, task)
        if ok then done = done + result end
        if not ok and result:find "not enough memory" then short = short + 1 end
        if not ok and result:find "no compute domain could be started" then short = short + 1 end
      end
      print(done + short, done > 0)
    ]], before = "ulimit -v 262144 &&" }
  end

  -- Domains that open at once may leave each other no memory, or none for a task, which says so.
  it("goes on with those that it has", function()
    local result = run_confined()
    assert.equal("128\ttrue\n", result.stdout)
    assert.equal(0, result.status)
  end)

  it("says so, but not with every task", function()
    local _, lines = run_confined().stderr:gsub("cannot %a+ a compute domain[^\n]*\n", "")
    assert.is_true(lines >= 1 and lines < 20)
  end)
end)

describe("at its end, the program", function()
  it("has closed the variables of tasks that wait", function()
    local result = process.run { script = [[
      local rille = require "rille"
      rille.submit(function()
        local guard <close> = setmetatable({}, { __close = function() io.write "closed" end })
        rille.sleep(60)
      end)
      rille.sleep(0.05)
      os.exit(0)
    ]], seconds = 20 }
    assert.equal("closed", result.stdout)
    assert.equal(0, result.status)
  end)

  it("refuses to detach, and says so", function()
    local result = process.run { script = [[
      local rille = require "rille"
      held = setmetatable({}, { __gc = function() print(pcall(rille.submit, print)) end })
      os.exit(0)
    ]], seconds = 20 }
    assert.matches("^false\t", result.stdout)
    assert.equal(0, result.status)
  end)

  it("ends a hundred times in a row without a trace", function()
    local script = [[
      local rille = require "rille"
      for _ = 1, 5 do rille.submit(function() return rille.domain() end) end
      if arg[1] == "wait" then rille.sleep(0) end
      os.exit(0)
    ]]
    local count = require("spec.support.scale")(100, 10)
    for i = 1, count do
      local result = process.run { script = script, i % 2 == 0 and "wait" or "at once" }
      assert.same({ 0, "", "" }, { result.status, result.stdout, result.stderr })
    end
  end)

  it("still serves when standard output is closed", function()
    local result = process.run {
      "-c", "exec " .. process.program .. " main.lua >&-",
      program = "sh",
      files = { ["main.lua"] = [[
        local rille = require "rille"
        print(rille.detach(function() return 1 end))
        io.stderr:write "served"
      ]] },
    }
    assert.equal("served", result.stderr)
  end)

  it("still serves when what standard output goes to is full", function()
    local result = process.run {
      "-c", "exec " .. process.program .. " main.lua >/dev/full",
      program = "sh",
      files = { ["main.lua"] = [[
        local rille = require "rille"
        print(rille.detach(function() return 1 end))
        io.stdout:flush()
        io.stderr:write "served"
      ]] },
    }
    assert.equal("served", result.stderr)
    assert.equal(0, result.status)
  end)
end)
