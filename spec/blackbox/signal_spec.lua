-- SIGINT and SIGTERM: listening stops, handlers may finish within the grace period, and what still
-- runs then is cancelled. A script that only waits has nothing to finish: it is cancelled at once.
-- SIGHUP is the end of a terminal, where there is one.

local process = require "spec.support.process"

--- Starts the script, sends it the signal once it has said "ready", and returns how it ended.
local function interrupted(signal, options)
  local child <close> = process.start(options)
  assert.equal("ready", child:line())
  child:signal(signal)
  return child:wait()
end

local sleeper = [[
  local rille = require "rille"
  io.stdout:setvbuf "line"
  local guard <close> = setmetatable({}, { __close = function() print "closed" end })
  print "ready"
  rille.sleep(60)
  print "woke"
]]

--- A server whose handler sleeps; a client fiber is connected to it.
local function serving(seconds, grace)
  return ([[
    local rille = require "rille"
    io.stdout:setvbuf "line"
    rille.set_grace(%g)
    local listener = rille.net.listen("tcp://127.0.0.1:0", function()
      local guard <close> = setmetatable({}, { __close = function() print "closed" end })
      print "ready"
      rille.sleep(%g)
      print "finished"
    end)
    rille.spawn(function()
      local conn = rille.net.connect(listener:address())
      conn:read "all"
    end)
  ]]):format(grace, seconds)
end

describe("a signal", function()
  for name, status in pairs { TERM = 143, INT = 130 } do
    it(("SIG%s ends a waiting script with status %d"):format(name, status), function()
      assert.equal(status, interrupted(name, { script = sleeper }).status)
    end)

    it(("SIG%s runs the script's to-be-closed variables"):format(name), function()
      assert.equal("closed\n", interrupted(name, { script = sleeper }).stdout)
    end)
  end

  it("reports no error of the script that it ends", function()
    assert.equal("", interrupted("TERM", { script = sleeper }).stderr)
  end)

  it("lets a handler finish within the grace period", function()
    local result = interrupted("TERM", { script = serving(0.5, 20) })
    assert.equal("finished\nclosed\n", result.stdout)
    assert.equal(0, result.status)
  end)

  it("cancels a handler that outlasts the grace period, and closes its variables", function()
    local result = interrupted("TERM", { script = serving(60, 0.2) })
    assert.equal("closed\n", result.stdout)
    assert.equal(0, result.status)
  end)

  it("takes the grace period from the command line, too", function()
    local result = interrupted("TERM", {
      "--grace", "0.2", "main.lua",
      files = { ["main.lua"] = serving(60, 1000):gsub("rille%.set_grace%b()", "") },
    })
    assert.equal("closed\n", result.stdout)
    assert.equal(0, result.status)
  end)

  it("ends the program at once when it comes a second time", function()
    local child <close> = process.start { script = serving(60, 1000) }
    assert.equal("ready", child:line())
    child:signal "TERM"
    os.execute "sleep 0.3"
    child:signal "TERM"
    local result = child:wait()
    assert.equal("closed\n", result.stdout)
    assert.equal(0, result.status)
  end)

  it("the fourth time leaves what does not end, but for what was logged", function()
    if os.getenv "RILLE_BUILD" == "tsan" then pending "this sanitizer delays signals" end
    local fifo, lines = os.tmpname(), 2000
    os.remove(fifo)
    assert(os.execute("mkfifo " .. fifo))
    local reader <close> = assert(io.popen(("exec bash -c 'exec 3<>%s; echo up; "
      .. "while IFS= read -r -t 3 line <&3; do n=$((n + 1)); done; echo $n'"):format(fifo)))
    assert.equal("up", reader:read "l") -- it reads more slowly than the script logs
    local child <close> = process.start { script = ([[
      local log = require "rille.log"
      assert(log.open(%q))
      for i = 1, %d do log.info("line", { i = i, filler = ("x"):rep(50) }) end
      print "ready"
      io.stdout:flush()
      ;("a"):rep(3000):find(".-.-.-b") -- a C function, for long
    ]]):format(fifo, lines) }
    assert.equal("ready", child:line())
    for _ = 1, 4 do
      child:signal "INT"
      os.execute "sleep 0.05"
    end
    assert.equal(130, child:wait().status)
    assert.equal(tostring(lines), reader:read "l")
    os.remove(fifo)
  end)

  it("stops listening at once", function()
    local child <close> = process.start { script = [[
      local rille = require "rille"
      io.stdout:setvbuf "line"
      local listener
      listener = rille.net.listen("tcp://127.0.0.1:0", function()
        print "ready"
        rille.sleep(0.5)
        print(select(2, rille.net.connect(listener:address())))
      end)
      rille.spawn(function() rille.net.connect(listener:address()):read "all" end)
    ]] }
    assert.equal("ready", child:line())
    child:signal "TERM"
    assert.matches("connection refused", child:wait().stdout)
  end)

  it("cancels the fibers that run beside the script, and closes their variables", function()
    local result = interrupted("TERM", { script = [[
      local rille = require "rille"
      io.stdout:setvbuf "line"
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
    local result = interrupted("TERM", { script = [[
      local rille = require "rille"
      io.stdout:setvbuf "line"
      rille.spawn(function() print "ready" end)
      rille.detach(rille.sleep, 60)
    ]] })
    assert.equal(143, result.status)
  end)
end)

describe("SIGHUP", function()
  local server = [[
    local rille = require "rille"
    io.stdout:setvbuf "line"
    local stat <close> = io.open "/proc/self/stat"
    print((stat:read "n"))
    local listener = rille.net.listen("tcp://127.0.0.1:0", function(conn)
      conn:write "served\n"
    end)
    print(listener:address())
  ]]

  local function start(command)
    command.files = { ["server.lua"] = server }
    local child = process.start(command)
    local pid = child:line():match "%d+"
    return child, pid, child:line():match "%S+"
  end

  local function serves(address)
    local conn <close> = require("rille.net").connect(address)
    return conn and conn:read() == "served"
  end

  it("is logged without a terminal, and the server goes on", function()
    local child <close>, pid, address = start {
      program = "setsid", "-w", process.program, "server.lua",
    }
    for _ = 1, 2 do
      os.execute("kill -HUP " .. pid)
      assert.is_true(serves(address))
    end
    os.execute("kill -TERM " .. pid)
    local result = child:wait()
    assert.equal(0, result.status)
    assert.matches("^rille: SIGHUP: the script goes on as it was loaded; [^\n]+\n", result.stderr)
  end)

  it("stays ignored where it is", function()
    local child <close>, pid, address = start {
      program = "sh", "-c", "trap '' HUP; exec " .. process.program .. " server.lua",
    }
    os.execute("kill -HUP " .. pid)
    assert.is_true(serves(address))
    os.execute("kill -TERM " .. pid)
    local result = child:wait()
    assert.same({ 0, "" }, { result.status, result.stderr })
  end)

  it("stops a server in order whose terminal is gone", function()
    if not os.execute "command -v script >/dev/null" then pending "needs script(1)" end
    local child <close>, pid, address = start {
      program = "script", "-qec", process.program .. " server.lua </dev/null", "/dev/null",
    }
    assert.is_true(serves(address))
    os.execute("kill -HUP " .. pid)
    assert.equal(0, child:wait().status)
  end)
end)
