-- Programs whose code does not come to its loop, or to its end: they are stopped from outside, and
-- end, all the same.

local process = require "spec.support.process"

local function run(script, options)
  options = options or {}
  options.script = script
  return process.run(options)
end

--- Sends the signal once the script has said "ready", as often as is said.
local function interrupted(script, signal, times)
  local child <close> = process.start { script = script }
  assert.equal("ready", child:line())
  for _ = 1, times or 1 do
    child:signal(signal)
    os.execute "sleep 0.3"
  end
  return child:wait()
end

local ready = [[
  print "ready"
  io.stdout:flush()
]]

describe("a script that computes for ever", function()
  for name, status in pairs { INT = 130, TERM = 143 } do
    it(("is ended by SIG%s"):format(name), function()
      local script = ready .. "local list = {} while true do list = { #list } end"
      assert.equal(status, interrupted(script, name).status)
    end)
  end

  it("is ended although it catches every error", function()
    local script = ready .. [[
      local function compute() local list = {} while true do list = { #list } end end
      while true do pcall(compute) end
    ]]
    assert.equal(130, interrupted(script, "INT").status)
  end)

  it("closes its variables then", function()
    local result = interrupted(ready .. [[
      local guard <close> = setmetatable({}, { __close = function() print "closed" end })
      local list = {}
      while true do list = { #list, guard } end
    ]], "INT")
    assert.same({ 130, "closed\n" }, { result.status, result.stdout })
  end)

  it("is ended inside a C function by the fourth signal", function()
    if os.getenv "RILLE_BUILD" == "tsan" then pending "this sanitizer delays signals" end
    local script = ready .. [[ ;("a"):rep(4000):find(".-.-b") ]]
    assert.equal(130, interrupted(script, "INT", 4).status)
  end)
end)

describe("a program that ends", function()
  local stuck = [[
    local rille = require "rille"
    rille.submit(function() return ("a"):rep(4000):find(".-.-b") end)
    rille.sleep(0.1)
  ]]

  it("does not wait for a task that is stuck in a C function, and says so", function()
    local result = run(stuck .. [[ os.exit(3) ]])
    assert.equal(3, result.status)
    assert.matches("inside C functions that do not return", result.stderr)
  end)

  it("writes what was printed before, then", function()
    local result = run(stuck .. [[ io.write "printed" os.exit(true) ]])
    assert.same({ 0, "printed" }, { result.status, result.stdout })
  end)

  it("waits for one that returns soon", function()
    local result = run [[
      local rille = require "rille"
      rille.submit(function() return ("a"):rep(300):find(".-.-b") end)
      rille.sleep(0.01)
      os.exit(3)
    ]]
    assert.same({ 3, "" }, { result.status, result.stderr })
  end)
end)

describe("a handler that holds up the loop", function()
  local holding = [[
    local rille = require "rille"
    rille.spawn(rille.sleep, 0.7)
    local function compute()
      local till, list = rille.now() + 0.5, {}
      while rille.now() < till do list = { #list } end
    end
    %s
    rille.spawn(compute)
  ]]

  it("is reported with its traceback and the time", function()
    local result = run(holding:format "")
    assert.equal(0, result.status)
    assert.matches("the loop has been held up for %d+ ms", result.stderr)
    assert.matches("script.lua:5: in function <script.lua:3>", result.stderr)
    assert.equal(1, select(2, result.stderr:gsub("held up", "")))
  end)

  it("is not reported when that is switched off", function()
    assert.equal("", run(holding:format "rille.domains.set_loop_guard(nil)").stderr)
  end)

  it("is not reported when nothing waits for the loop", function()
    local result = run [[
      local rille = require "rille"
      local till, list = rille.now() + 0.5, {}
      while rille.now() < till do list = { #list } end
    ]]
    assert.equal("", result.stderr)
  end)
end)
