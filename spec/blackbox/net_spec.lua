-- Sockets under faults, on the real server: resets, exhausted descriptors, failing handlers.

local net = require "rille.net"
local process = require "spec.support.process"
local raw_http = require "spec.support.raw_http"
local resetting = require "spec.support.resetting"
local rille = require "rille"
local scale = require "spec.support.scale"
local server = require "spec.support.server"

--- An echo server. "boom" fails in its handler, "cpu" tells the processor time used so far.
local echo = [[
  local net = require "rille.net"
  local listener = assert(net.listen(arg[1] or "tcp://127.0.0.1:0", function(conn)
    for line in conn:lines() do
      if line == "boom" then error "boom in the handler" end
      conn:write(line == "cpu" and os.clock() or line, "\n")
    end
  end))
  print(listener:address())
  io.stdout:flush()
]]

--- Starts a server; its end does not wait long for handlers that go on.
local function start(options)
  options = options or {}
  return server.start {
    script = options.script or echo, argument = options.argument, before = options.before,
    grace = 0.5,
  }
end

local occurrences, stop = raw_http.occurrences, server.stop

local function ask(conn, line)
  assert(conn:write(line, "\n"))
  return conn:read()
end

describe("a server", function()
  it("outlives clients that send half a line and reset", function()
    local self, address = start()
    local conn <close> = net.connect(address)
    assert.equal("before", ask(conn, "before"))
    local count, steps = server.descriptors(self), {}
    for i = 1, scale(1000) do steps[i] = { "half a line" } end
    resetting(address, steps)
    assert.equal("after", ask(conn, "after"))
    server.await_descriptors(self, count)
    conn:close()
    local result = stop(self)
    assert.equal(0, result.status)
    local log = result.stderr
    local resets = occurrences(log, "error in a connection's handler: [^\n]*ECONNRESET")
    assert.equal(occurrences(log, "error in"), resets)
  end)

  it("has its descriptors back after two thousand clients", function()
    local self, address = start()
    local conn <close> = net.connect(address)
    ask(conn, "first")
    local count = server.descriptors(self)
    for _ = 1, scale(2000) do
      local _ <close> = assert(net.connect(address))
    end
    server.await_descriptors(self, count)
    assert.equal("last", ask(conn, "last"))
    assert.equal("", stop(self).stderr)
  end)

  it("logs the error of one handler with its traceback, and serves the others", function()
    local self, address = start()
    local good <close> = net.connect(address)
    local bad <close> = net.connect(address)
    ask(good, "x")
    assert.is_nil((ask(bad, "boom")))
    assert.equal("still here", ask(good, "still here"))
    local result = stop(self)
    assert.matches("^error in a connection's handler: server%.lua:%d+: boom in the handler\n" ..
      "stack traceback:\n", result.stderr)
    assert.equal(0, result.status)
  end)

  it("is not killed by writing to a client that is gone", function()
    local self, address = start {
      script = [[
        local net, rille = require "rille.net", require "rille"
        local listener = net.listen("tcp://127.0.0.1:0", function(conn)
          local message
          repeat
            local done
            done, message = conn:write(("x"):rep(1000))
            rille.sleep(0.001)
          until not done
          print(message)
          io.stdout:flush()
        end)
        print(listener:address())
        io.stdout:flush()
      ]],
    }
    net.connect(address):close()
    assert.matches("^E%u+: ", self:line())
    assert.equal("", stop(self).stderr)
  end)

  it("pauses when descriptors run out, without using the processor, and recovers", function()
    local self, address = start { before = "ulimit -n 64;" }
    local first <close> = net.connect(address)
    ask(first, "x")
    local conns = {}
    for i = 1, 100 do
      conns[i] = assert(net.connect(address))
      conns[i]:write(i, "\n")
    end
    rille.sleep(0.3)
    local before = tonumber(ask(first, "cpu"))
    rille.sleep(1)
    assert.is_true(tonumber(ask(first, "cpu")) - before < 0.05)

    for i = 1, 60 do conns[i]:close() end
    for i = 61, 100 do assert.equal(tostring(i), conns[i]:read()) end
    for i = 61, 100 do conns[i]:close() end
    rille.sleep(0.3) -- it may have been full once more after the last client, and looks each 0.1 s
    local log = stop(self).stderr
    assert.matches("^accepting on tcp://127%.0%.0%.1:%d+ pauses: too many open files\n" ..
      "accepting on tcp://127%.0%.0%.1:%d+ goes on\n$", log)
  end)

  it("replaces the socket file of a server that was killed", function()
    local path = os.tmpname()
    os.remove(path)
    local killed = start { argument = "unix:" .. path }
    killed:signal "KILL"
    killed:wait()
    local self, address = start { argument = "unix:" .. path }
    assert.equal("unix:" .. path, address)
    local conn <close> = assert(net.connect(address))
    assert.equal("alive", ask(conn, "alive"))
    conn:close()
    assert.equal("", stop(self).stderr)
    assert.is_nil(io.open(path))
  end)

  it("lets handlers finish after SIGTERM, but accepts nobody", function()
    local self, address = start {
      script = [[
        local net, rille = require "rille.net", require "rille"
        local listener = net.listen("tcp://127.0.0.1:0", function(conn)
          conn:write "begun\n"
          rille.sleep(0.3)
          conn:write "finished\n"
        end)
        print(listener:address())
        io.stdout:flush()
      ]],
    }
    local conn <close> = net.connect(address)
    assert.equal("begun", conn:read())
    self:signal "TERM"
    rille.sleep(0.1)
    assert.is_nil((net.connect(address)))
    assert.equal("finished", conn:read())
    assert.equal(0, self:wait().status)
  end)

  it("ends its handlers ten seconds after SIGTERM, if it was not told when", function()
    local child <close> = process.start { seconds = 40, script = [[
      local rille = require "rille"
      local listener = rille.net.listen("tcp://127.0.0.1:0", function(conn)
        local open <close> = setmetatable({}, { __close = function() print "closed" end })
        conn:write "begun\n"
        conn:read()
      end)
      print(listener:address())
      io.stdout:flush()
    ]] }
    local conn <close> = net.connect(child:line())
    assert.equal("begun", conn:read())
    local asked = rille.now()
    child:signal "TERM"
    local result = child:wait()
    local seconds = rille.now() - asked
    assert.equal("closed\n", result.stdout)
    assert.equal(0, result.status)
    assert.is_true(seconds > 9.9 and seconds < 20, seconds)
  end)

  it("keeps as many who are not accepted yet as its backlog, and lets others wait", function()
    --- How many of ten get a connection while the server's loop is held up, and how many later.
    local function connected(backlog)
      local child <close> = process.start { tostring(backlog), script = [[
        local net = require "rille.net"
        local listener = net.listen("tcp://127.0.0.1:0", function(conn) conn:read() end,
          { backlog = tonumber(arg[1]) })
        print(listener:address())
        io.stdout:flush()
        os.execute "sleep 2"
      ]] }
      local address, attempts, count = child:line(), {}, 0
      for i = 1, 10 do
        attempts[i] = rille.spawn(function()
          local conn = assert(rille.timeout(20, net.connect, address))
          count = count + 1
          return conn
        end)
      end
      rille.sleep(1)
      local soon = count
      for _, attempt in ipairs(attempts) do attempt:await():close() end
      return soon, count
    end
    assert.same({ 10, 10 }, { connected(20) })
    local soon, later = connected(3)
    assert.is_true(soon >= 3 and soon < 6, soon) -- the kernel keeps one more
    assert.equal(10, later)
  end)

  it("ends with its connections open when the script fails", function()
    local self, address = start {
      script = echo .. [[
        require("rille").sleep(0.3)
        error "the script fails"
      ]],
    }
    local conn <close> = net.connect(address)
    assert.equal("x", ask(conn, "x"))
    local result = self:wait()
    assert.equal(1, result.status)
    assert.matches("the script fails\nstack traceback:", result.stderr)
  end)
end)
