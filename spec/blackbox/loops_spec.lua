-- rille --loops N: N main domains that run the script, share its ports and one pool of compute
-- domains, and end as one program.

local net = require "rille.net"
local process = require "spec.support.process"
local rille = require "rille"

local LOOPS = 3
local PATIENCE = 60 -- connections that the kernel may deal to the same loop by chance

local function start(script, ...)
  return process.start {
    "--loops", LOOPS, "main.lua", ..., files = { ["main.lua"] = script }, seconds = 60,
  }
end

local function run(script, ...)
  return start(script, ...):wait()
end

--- The lines of a text, sorted: loops print in any order.
local function sorted(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do table.insert(lines, line) end
  table.sort(lines)
  return lines
end

--- The next n lines of a child, sorted.
local function lines(child, n)
  local text = {}
  for _ = 1, n do table.insert(text, child:line() or error "the program has ended") end
  return sorted(table.concat(text, "\n"))
end

--- Each loop prints where it listens, and tells every client its number.
local greeter = [[
  local rille = require "rille"
  local url = arg[1]
  local listener = assert(rille.net.listen(url, function(conn)
    conn:write(rille.loop(), "\n")
  end))
  print(listener:address())
  io.stdout:flush()
]]

--- Asks until every loop has answered: how often each has.
local function census(url)
  local seen, count = {}, 0
  for _ = 1, PATIENCE * LOOPS do
    local conn <close> = assert(net.connect(url))
    local who = assert(conn:read())
    if not seen[who] then count = count + 1 end
    seen[who] = (seen[who] or 0) + 1
    if count == LOOPS then break end
  end
  return seen, count
end

describe("--loops", function()
  it("runs the script that often, each with its number", function()
    local result = run [[print(require "rille".loop())]]
    assert.same({ "1\t3", "2\t3", "3\t3" }, sorted(result.stdout))
    assert.equal(0, result.status)
  end)

  it("gives each its own globals and the same arguments", function()
    local result = run([[
      assert(not seen)
      seen = true
      print(arg[0], arg[1], ..., require "rille".domain())
    ]], "hello")
    local line = "main.lua\thello\thello\tmain"
    assert.same({ line, line, line }, sorted(result.stdout))
  end)

  it("runs what comes from the command line or standard input as often", function()
    local text = process.run { "--loops", "2", "-e", [[print "text"]] }
    assert.equal("text\ntext\n", text.stdout)
    local input = process.run { "--loops", "2", "-", input = [[print "input"]] }
    assert.equal("input\ninput\n", input.stdout)
  end)

  it("ends when the last one has nothing left to do", function()
    local result = run [[
      local rille = require "rille"
      rille.sleep(rille.loop() * 0.1)
      print(rille.loop())
    ]]
    assert.equal("1\t3\n2\t3\n3\t3\n", result.stdout)
    assert.equal(0, result.status)
  end)

  for _, wrong in ipairs { "0", "-1", "many", "", "2x", "1025" } do
    it(("refuses %q"):format(wrong), function()
      local result = process.run { "--loops", wrong, "-e", "print(1)" }
      assert.equal(1, result.status)
      assert.truthy(result.stderr:find("--loops wants a number from 1 to 1024, or auto", 1, true))
    end)
  end

  it("takes auto for one a core", function()
    local result = process.run {
      "--loops", "auto", "-e", [[
        local rille = require "rille"
        assert(select(2, rille.loop()) == rille.domains.recommended())
        print "ran"
      ]],
    }
    assert.truthy(result.stdout:find "^ran\n")
    assert.equal(0, result.status)
  end)

  it("lets no line that is printed be torn", function()
    local result = run [[
      for i = 1, 300 do print(("x"):rep(50), ("y"):rep(50), i) end
    ]]
    local count = 0
    for line in result.stdout:gmatch "[^\n]*\n" do
      assert.truthy(line:find "^x+\ty+\t%d+\n$")
      count = count + 1
    end
    assert.equal(900, count)
  end)
end)

describe("loops that listen", function()
  it("share the port that the kernel gave to the first", function()
    local child <close> = start(greeter, "tcp://127.0.0.1:0")
    local urls = lines(child, LOOPS)
    assert.equal(urls[1], urls[LOOPS])
    local _, count = census(urls[1])
    assert.equal(LOOPS, count)
  end)

  it("share IPv6 ports as well", function()
    local child <close> = start(greeter, "tcp://[::1]:0")
    local _, count = census(lines(child, LOOPS)[1])
    assert.equal(LOOPS, count)
  end)

  it("pair their listeners at port 0 in the order in which each makes them", function()
    local result = run [[
      local rille = require "rille"
      rille.sleep((3 - rille.loop()) * 0.05)
      local ports = {}
      local listeners = {}
      for i = 1, 3 do
        listeners[i] = assert(rille.net.listen("tcp://127.0.0.1:0", print))
        ports[i] = listeners[i]:port()
      end
      assert(ports[1] ~= ports[2] and ports[2] ~= ports[3])
      rille.sleep(0.5)
      for i = 1, 3 do listeners[i]:close() end
      print(table.concat(ports, " "))
    ]]
    local found = sorted(result.stdout)
    assert.equal(LOOPS, #found)
    assert.equal(found[1], found[LOOPS])
  end)

  it("have a port for themselves where they say so", function()
    local result = run [[
      local rille = require "rille"
      local listener = assert(rille.net.listen("tcp://127.0.0.1:0", print, { shared = false }))
      rille.sleep(0.3)
      print(listener:port())
      listener:close()
    ]]
    local found = sorted(result.stdout)
    assert.equal(LOOPS, #found)
    assert.are_not.equal(found[1], found[2])
    assert.are_not.equal(found[2], found[3])
  end)

  it("share a Unix socket, whose file goes with the last of them", function()
    local child <close> = start([[
      local rille = require "rille"
      local count = 0
      local listener
      listener = assert(rille.net.listen("unix:app.sock", function(conn)
        conn:write(rille.loop(), "\n")
        if conn:read() == "close" then listener:close() end
      end))
      print "ready"
      io.stdout:flush()
    ]])
    lines(child, LOOPS)
    local path = child.home .. "/app.sock"
    local closed = {}
    for i = 1, LOOPS do
      assert.truthy(net.connect("unix:" .. path), "after " .. i - 1 .. " have closed")
      local conn <close> = assert(net.connect("unix:" .. path))
      local who = conn:read()
      assert.falsy(closed[who])
      closed[who] = true
      conn:write "close\n"
      conn:read "all"
    end
    assert.falsy(net.connect("unix:" .. path))
    assert.falsy(io.open(path))
  end)

  it("may not listen twice at one address", function()
    local result = run [[
      local rille = require "rille"
      local one = assert(rille.net.listen("tcp://127.0.0.1:0", print))
      local two, err = rille.net.listen(one:address(), print)
      assert(not two)
      print((err:gsub("%d+$", "")))
      rille.sleep(0.2)
      one:close()
    ]]
    for _, line in ipairs(sorted(result.stdout)) do
      assert.truthy(line:find "address already in use$")
    end
    assert.equal(0, result.status)
  end)

  it("may close and listen again at the same address", function()
    local result = run [[
      local rille = require "rille"
      local one = assert(rille.net.listen("tcp://127.0.0.1:0", print))
      local url = one:address()
      for _ = 1, 20 do
        one:close()
        rille.sleep(0)
        one = assert(rille.net.listen(url, print))
      end
      one:close()
      print "done"
    ]]
    assert.equal("done\ndone\ndone\n", result.stdout)
  end)

  it("cannot have a port that another program shares among its loops", function()
    local child <close> = start(greeter, "tcp://127.0.0.1:0")
    local url = lines(child, LOOPS)[1]
    local result = run(greeter, url)
    assert.equal(1, result.status)
    local _, reports = result.stderr:gsub("address already in use", "")
    assert.equal(1, reports)
  end)
end)

describe("http.serve", function()
  local site = [[
    local http, rille = require "rille.http", require "rille"
    local app = http.app()
    app:get("/", function() return { loop = rille.loop(), args = #arg } end)
    app:get("/held", function() rille.sleep(0.5) return "held" end)
    local options = load("return " .. (arg[1] or "{}"))()
    options.app, options.port = app, options.port or 0
    print(http.serve(options):address())
    io.stdout:flush()
  ]]

  local function get(url, path)
    local conn <close> = assert(net.connect(url))
    conn:write("GET ", path, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return conn:read "all" or "nothing"
  end

  --- The loops that answer.
  local function answering(url)
    local seen, count = {}, 0
    for _ = 1, PATIENCE * LOOPS do
      local who = get(url, "/"):match '"loop":(%d)'
      if not seen[who] then count = count + 1 end
      seen[who] = true
      if count == LOOPS then break end
    end
    return count
  end

  it("starts as many loops as it is told, with the same arguments", function()
    local child <close> = process.start {
      "main.lua", "{ loops = 3 }", files = { ["main.lua"] = site }, seconds = 60,
    }
    local urls = lines(child, LOOPS)
    assert.equal(urls[1], urls[LOOPS])
    assert.equal(LOOPS, answering(urls[1]))
    assert.truthy(get(urls[1], "/"):find('"args":1', 1, true))
    child:signal "TERM"
    assert.equal(0, child:wait().status)
  end)

  it("works for scripts from the command line, too", function()
    local text = 'arg[1] = "{ loops = 3 }"\n' .. site
    local child <close> = process.start { "-e", text, seconds = 60 }
    assert.equal(LOOPS, answering(lines(child, LOOPS)[1]))
  end)

  it("starts none on top of those that --loops has started", function()
    local child <close> = start(site, "{ loops = 2 }")
    local url = lines(child, LOOPS)[1]
    assert.equal(LOOPS, answering(url))
  end)

  it("just serves without loops", function()
    local child <close> = process.start { "main.lua", files = { ["main.lua"] = site } }
    assert.truthy(get(child:line(), "/"):find('"loop":1', 1, true))
  end)

  it("says what is wrong with its options", function()
    local wrong = {
      ["{ loops = 0 }"] = 'option "loops"', ["{ loops = '2' }"] = 'option "loops"',
      ["{ loops = 1.5 }"] = 'option "loops"', ["{ lops = 2 }"] = 'unknown option "lops"',
    }
    for options, text in pairs(wrong) do
      local result = process.run { "main.lua", options, files = { ["main.lua"] = site } }
      assert.equal(1, result.status)
      assert.truthy(result.stderr:find(text, 1, true))
    end
  end)

  it("counts the connections of an address over all loops", function()
    local child <close> = start(site, "{ connections_per_address = 2 }")
    local url = lines(child, LOOPS)[1]
    local one <close> = assert(net.connect(url))
    local two <close> = assert(net.connect(url))
    for _, conn in ipairs { one, two } do
      conn:write "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
      assert.equal("HTTP/1.1 200 OK", conn:read())
    end
    for _ = 1, 10 do
      local more <close> = assert(net.connect(url))
      assert.equal("HTTP/1.1 503 Service Unavailable", more:read())
    end
  end)

  it("loses no request that was begun when the program is stopped", function()
    local child <close> = start(site)
    local url = lines(child, LOOPS)[1]
    local conns = {}
    for i = 1, 12 do
      conns[i] = assert(net.connect(url))
      conns[i]:write "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
      conns[i]:read()
      conns[i]:write "GET /held HTTP/1.1\r\nHost: x\r\n\r\n"
    end
    rille.sleep(0.2)
    child:signal "TERM"
    for _, conn in ipairs(conns) do assert.truthy(conn:read("all"):find "held$") end
    assert.equal(0, child:wait().status)
  end)
end)

describe("tasks of loops", function()
  it("come back to the loop that detached them, as does run_in_main", function()
    local result = run [[
      local rille = require "rille"
      here = rille.loop()
      local function ask()
        return (rille.loop()), rille.run_in_main(function() return here, rille.domain() end)
      end
      for _ = 1, 50 do
        local inside, main, domain = rille.detach(ask)
        assert(inside == here and main == here and domain == "main")
        local nested = rille.detach(function()
          return rille.detach(function() return rille.run_in_main(function() return here end) end)
        end)
        assert(nested == here)
      end
      print "right"
    ]]
    assert.equal("right\nright\nright\n", result.stdout)
  end)

  it("run at the loop that detached them when the pool is empty", function()
    local result = run [[
      local rille = require "rille"
      rille.domains.set_bounds(0, 0)
      rille.sleep(0.05)
      here = rille.loop()
      assert(rille.detach(function() return here end) == here)
      print "right"
    ]]
    assert.equal("right\nright\nright\n", result.stdout)
  end)

  it("share one pool, its bounds and its figures", function()
    local result = run [[
      local rille = require "rille"
      if rille.loop() == 1 then rille.domains.set_bounds(0, 2) end
      rille.sleep(0.2)
      assert(select(2, rille.domains.get_bounds()) == 2)
      local seen = {}
      local function where() rille.sleep(0.001) return rille.domain() end
      local tasks = {}
      for i = 1, 40 do tasks[i] = rille.submit(where) end
      for _, task in ipairs(tasks) do seen[task:await()] = true end
      for number in pairs(seen) do assert(number == 1 or number == 2) end
      rille.sleep(0.5)
      local stats = rille.domains.stats()
      print(stats.finished, stats.domains <= 2)
    ]]
    assert.same({ "120\ttrue", "120\ttrue", "120\ttrue" }, sorted(result.stdout))
  end)
end)

describe("the end of several loops", function()
  it("comes for all with the first script that fails, with one report", function()
    local result = run [[
      local rille = require "rille"
      if rille.loop() == 2 then rille.sleep(0.1) error "broken" end
      local guard <close> = setmetatable({}, { __close = function() print "closed" end })
      rille.sleep(60)
    ]]
    assert.equal(1, result.status)
    assert.equal("closed\nclosed\n", result.stdout)
    local _, reports = result.stderr:gsub("broken", "")
    assert.equal(1, reports)
  end)

  it("is reported once when every script fails", function()
    local result = run [[error "broken"]]
    assert.equal(1, result.status)
    local _, reports = result.stderr:gsub("main.lua:1: broken", "")
    assert.equal(1, reports)
  end)

  it("reports a script that waits for nothing", function()
    local result = run [[
      local rille = require "rille"
      if rille.loop() < 3 then return end
      local task
      task = rille.spawn(function() rille.sleep(0.01) other:await() end)
      other = rille.spawn(function() task:await() end)
      task:await()
    ]]
    assert.equal(1, result.status)
    assert.truthy(result.stderr:find "deadlock")
  end)

  for number = 1, LOOPS do
    it(("comes with os.exit in loop %d"):format(number), function()
      local result = run(([[
        local rille = require "rille"
        if rille.loop() == %d then rille.sleep(0.05) os.exit(7) end
        rille.net.listen("tcp://127.0.0.1:0", print)
        rille.sleep(60)
      ]]):format(number))
      assert.equal(7, result.status)
      assert.equal("", result.stderr)
    end)
  end

  it("waits for the handlers of all when a signal comes", function()
    local child <close> = start([[
      local rille = require "rille"
      rille.set_grace(30)
      io.stdout:setvbuf "line"
      local listener = assert(rille.net.listen("tcp://127.0.0.1:0", function(conn)
        print(rille.loop())
        rille.sleep(0.3 * rille.loop())
        conn:write("finished ", (rille.loop()), "\n")
      end))
      print(listener:address())
    ]])
    local url = lines(child, LOOPS)[1]
    local conns, answers, seen = {}, {}, {}
    while #conns < 12 do
      conns[#conns + 1] = assert(net.connect(url))
      seen[child:line()] = true
    end
    child:signal "TERM"
    for _, conn in ipairs(conns) do table.insert(answers, conn:read() or "nothing") end
    for _, answer in ipairs(answers) do assert.truthy(answer:find "^finished") end
    assert.truthy(next(seen, next(seen)), "more than one loop had clients")
    assert.equal(0, child:wait().status)
  end)

  it("is 128 + the signal when it ends a script", function()
    local child <close> = start [[
      local rille = require "rille"
      print "ready"
      io.stdout:flush()
      if rille.loop() == 2 then rille.sleep(60) end
      if rille.loop() == 1 then rille.net.listen("tcp://127.0.0.1:0", print) end
    ]]
    lines(child, LOOPS)
    child:signal "INT"
    assert.equal(130, child:wait().status)
  end)

  it("does not hang while tasks of all compute, wait and call back", function()
    local child <close> = start [[
      local rille = require "rille"
      for _ = 1, 20 do
        rille.submit(function() while true do rille.now() end end)
        rille.submit(function() rille.sleep(60) end)
        rille.submit(function()
          while true do rille.run_in_main(function() rille.sleep(0.001) end) end
        end)
      end
      rille.net.listen("tcp://127.0.0.1:0", print)
      print "ready"
      io.stdout:flush()
    ]]
    lines(child, LOOPS)
    child:signal "TERM"
    local result = child:wait()
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
  end)

  --- A script whose given loop computes for ever; the others listen.
  local function busy(number, rest)
    return ([[
      local rille = require "rille"
      if rille.loop() == %d then
        rille.spawn(function() while true do pcall(rille.now) end end)
      end
      rille.net.listen("tcp://127.0.0.1:0", print)
      print "ready"
      io.stdout:flush()
      %s
    ]]):format(number, rest or "")
  end

  it("comes also for a loop that computes for ever, when the grace is over", function()
    local child <close> = start("require 'rille'.set_grace(0.3)\n" .. busy(2))
    lines(child, LOOPS)
    child:signal "TERM"
    assert.equal(0, child:wait().status)
  end)

  it("comes with os.exit in one while another computes for ever", function()
    for number = 1, LOOPS do
      local rest = ("if rille.loop() == %d then rille.sleep(0.1) os.exit(9) end")
        :format(number % LOOPS + 1)
      assert.equal(9, run(busy(number, rest)).status)
    end
  end)

  it("does not lose a loop that is still starting when the first one ends", function()
    for _ = 1, 10 do
      local result = run [[
        local rille = require "rille"
        if rille.loop() == 1 then os.exit(3) end
        rille.detach(function() rille.sleep(60) end)
      ]]
      assert.equal(3, result.status)
      assert.equal("", result.stderr)
    end
  end)
end)
