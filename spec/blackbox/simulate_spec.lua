-- `rille --simulate SEED`: the same seed is the same run, another one another; time costs none.

local process = require "spec.support.process"
local scale = require "spec.support.scale"

local function simulate(seed, script)
  return process.run { "--simulate", tostring(seed), "main.lua", files = { ["main.lua"] = script } }
end

-- The address sanitizer warns of what it has been told about, with the number of the process.
local function schedule(seed, script)
  local files = { ["main.lua"] = script }
  local result = process.run { "--simulate", seed, "--schedule", "main.lua", files = files }
  result.stderr = result.stderr:gsub("==%d+==WARNING: ASan doesn't fully support[^\n]*\n", "")
  return result
end

-- Tasks that wait and compute, and tell in which order they have ended.
local race = [[
  local rille = require "rille"
  local function work(number)
    local rille = require "rille"
    local sum = 0
    for i = 1, math.random(200) do sum = sum + i end
    rille.sleep(math.random(3))
    rille.run_in_main(print, number, sum)
    return sum
  end
  local tasks = {}
  for number = 1, 8 do tasks[rille.submit(work, number)] = number end
  for task, number in pairs(tasks) do print("result", number, task, task:await()) end
  local words = {}
  for word in ("the order of keys in a table goes by hashes"):gmatch "%a+" do words[word] = true end
  for word in pairs(words) do print(word) end
  print(rille.now(), os.time(), os.clock(), os.date(), {})
]]

describe("a simulation", function()
  it("is the same run for the same seed, to the byte", function()
    for _, seed in ipairs { "0", "1", "0x10", "18446744073709551615" } do
      local first, second = schedule(seed, race), schedule(seed, race)
      assert.equal(0, first.status, first.stderr)
      assert.equal(first.stdout, second.stdout)
      assert.equal(first.stderr, second.stderr)
    end
  end)

  it("is another run for another seed", function()
    local seen, count = {}, 0
    for seed = 1, 10 do
      local output = simulate(seed, race).stdout
      assert.matches("result\t8", output)
      if not seen[output] then count = count + 1 end
      seen[output] = true
    end
    assert.equal(10, count)
  end)

  it("logs with --schedule when each domain runs", function()
    local result = schedule("7", [[require("rille").detach(require("rille").sleep, 3600)]])
    assert.matches("0%.%d%d%d%d%d%d%d%d%d domain 1 begins\n", result.stderr)
    assert.matches("\n *3600%.%d+ domain 1 goes on\n", result.stderr)
    assert.matches("main 1 rests\n", result.stderr)
    assert.equal("", result.stdout)
  end)

  it("logs nothing without", function()
    assert.not_matches("main 1", simulate(7, race).stderr)
  end)

  it("sleeps without taking time", function()
    local result = simulate(1, [[
      local rille = require "rille"
      local before, clock = rille.now(), os.time()
      rille.sleep(1e9)
      rille.detach(rille.sleep, 3600)
      print(rille.now() - before >= 1e9 + 3600, os.time() - clock >= 1000003600)
    ]])
    assert.equal("true\ttrue\n", result.stdout)
  end)

  it("leaves and ends code that computes", function()
    local result = simulate(1, [[
      local rille = require "rille"
      local function forever() while true do pcall(string.rep, "x") end end
      print(pcall(rille.timeout, 0.01, rille.detach, forever))
      print(pcall(rille.timeout, 0.01, forever))
      local task = rille.submit(forever)
      rille.sleep(0.01)
      print(task:cancel "enough", pcall(task.await, task))
      print(rille.detach(math.max, 1, 2))
    ]])
    assert.equal(0, result.status, result.stderr)
    local late = "false\t[^\t]-timed out after 0.01 s"
    assert.matches("^" .. late .. ".*\n" .. late, result.stdout)
    assert.matches("\ntrue\tfalse\tenough.*\n2\n$", result.stdout)
  end)

  it("has a math.random that the seed decides, another in each domain", function()
    local script = [[
      local rille = require "rille"
      print(math.random(1 << 40), rille.detach(math.random, 1 << 40))
    ]]
    local one, again, other = simulate(1, script), simulate(1, script), simulate(2, script)
    assert.equal(one.stdout, again.stdout)
    assert.not_equal(one.stdout, other.stdout)
    local here, there = one.stdout:match "^(%d+)\t(%d+)\n$"
    assert.not_equal(here, there)
  end)

  it("has no sockets", function()
    local result = simulate(1, [[
      print(select(2, pcall(require("rille.net").connect, "tcp://127.0.0.1:1")))
      print(select(2, pcall(require("rille.net").listen, "tcp://127.0.0.1:0", print)))
      local app = require("rille.http").app()
      print(select(2, pcall(app.listen, app, { port = 0 })))
      print(select(2, pcall(app.inject, app, { path = "/" })))
    ]])
    for _, name in ipairs { "rille.net.connect", "rille.net.listen", "app:listen", "app:inject" } do
      assert.matches(name .. ": there are no sockets in a simulation", result.stdout, 1, true)
    end
  end)

  it("tells the seed of a run that failed", function()
    local result = simulate(123456789, [[error "no"]])
    assert.matches("simulation: %-%-simulate 123456789 runs it again\n", result.stderr)
    assert.equal(1, result.status)
  end)

  it("ends waits for what can never come by an error, which names them", function()
    local result = simulate(5, [[
      local rille = require "rille"
      local channel = rille.channel()
      rille.submit(function() channel:receive() end)
      channel:send(1)
      channel:receive()
    ]])
    assert.matches("deadlock: every fiber waits", result.stderr)
    assert.matches("main.lua:5 waits in channel:receive", result.stderr)
    assert.equal(1, result.status)
  end)

  it("wants a number that is a seed, and one loop", function()
    for _, seed in ipairs { "", "x", "1x", "-1", "18446744073709551616" } do
      local result = simulate(seed, "print(1)")
      assert.matches("%-%-simulate wants a whole number", result.stderr)
      assert.equal(1, result.status)
    end
    local loops = process.run { "--simulate", "1", "--loops", "2", "-e", "print(1)" }
    assert.matches("one loop", loops.stderr)
    local alone = process.run { "--schedule", "-e", "print(1)" }
    assert.matches("%-%-schedule wants", alone.stderr)
  end)
end)

-- spec/simulated/ holds programs that assert what must hold in whatever order things happen. A
-- failure names its seed; `rille --simulate SEED spec/simulated/NAME.lua` runs it again.
describe("in every order", function()
  local SEEDS, AT_ONCE = scale(1000), 2
  local each = [[
    for name in $(seq $2 $4 $3); do
      timeout 60 "$0" --simulate $name "$1" >"$name.log" 2>&1 || {
        echo "--simulate $name $1: status $?"; head -20 "$name.log"; exit 1
      }
      rm "$name.log"
    done
  ]]

  -- Each of AT_ONCE shells takes every AT_ONCE-th seed.
  local function try(name)
    local path = process.root .. "/spec/simulated/" .. name .. ".lua"
    local children <close> = setmetatable({}, { __close = function(list)
      for _, child in ipairs(list) do child:__close() end
    end })
    for first = 1, AT_ONCE do
      children[first] = process.start {
        program = "sh", seconds = 300,
        "-c", each, process.program, path, tostring(first), tostring(SEEDS), tostring(AT_ONCE),
      }
    end
    for _, child in ipairs(children) do
      local result = child:wait()
      assert.equal("", result.stdout)
      assert.equal(0, result.status)
    end
  end

  for name, what in pairs {
    bounds = "runs each task once while the bounds change",
    cancel = "accounts for tasks that are cancelled at any point",
    channels = "delivers what is sent through channels",
    full = "ends each task in one way where the queue is full",
    home = "answers tasks that run at home and detach again",
    locks = "lets no more into locks than may be",
    select = "moves values once through selects that meet",
    times = "keeps times",
  } do
    it(what, function() try(name) end)
  end
end)
