-- The end of a server, and what happens around its process: rows 64 to 67 of the list of faults.

local net = require "rille.net"
local process = require "spec.support.process"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local server = require "spec.support.server"
local work = require "spec.support.work"

local get, post = raw_http.get, raw_http.post
local read_answer = raw_http.read_answer

local site = [[
  local http, rille = require "rille.http", require "rille"
  local app = http.app()
  app:get("/next", function() return "next" end)
  app:get("/ever", function() rille.sleep(1000) end)
  app:get("/busy", function()
    print "busy" io.stdout:flush()
    local till = rille.now() + 1
    while rille.now() < till do end
    return "busy"
  end)
  app:get("/sleep/:n", function(req) rille.sleep(tonumber(req.params.n)) return "slept" end)
  app:post("/echo", function(req) return req:body() end)
  app:post("/ignore", function() return "ignored" end)
  app:get("/detach", function()
    rille.sleep(0.3)
    return rille.detach(function() return "detached" end)
  end)
  app:get("/fail", function() error "it fails" end)
  local options = load("return " .. (arg[1] or "{ port = 0 }"))()
  print(app:listen(options):address())
  io.stdout:flush()
]]

local function start(options)
  options = options or {}
  options.script = site
  return server.start(options)
end

local function connect(address)
  return assert(net.connect(address, { timeout = 20 }))
end

--- Whether a server answers there.
local function serves(address)
  local conn <close> = net.connect(address)
  return conn and conn:write(get("/next", "Connection: close\r\n"))
    and raw_http.status_of(conn:read "all") == 200
end

describe("a stop", function()
  it("row 64: is not held up by half a head, a body that nobody reads, idle clients", function()
    local self <close>, address = start { grace = 1000 }
    local half, idle, unread = connect(address), connect(address), connect(address)
    half:write(get("/next"):sub(1, -2))
    unread:write(post("/ignore", ("x"):rep(60000)):sub(1, -10))
    assert.equal("ignored", read_answer(unread).body)
    idle:write(get "/next")
    assert.equal("next", read_answer(idle).body)
    self:signal "TERM"
    for _, conn in ipairs { half, idle, unread } do
      assert.is_nil(conn:read())
      conn:close()
    end
    assert.equal(0, self:wait().status)
  end)

  it("row 64: answers every request that has reached the machine", function()
    local self, address = start()
    local idle, conns = connect(address), {}
    idle:write(get "/next")
    assert.equal("next", read_answer(idle).body)
    local busy = connect(address)
    busy:write(get "/busy")
    assert.equal("busy", self:line()) -- and now the loop looks at nobody for a second
    idle:write(get "/next")
    for i = 1, 100 do
      conns[i] = connect(address)
      conns[i]:write(i % 2 == 0 and get "/sleep/0.1" or post("/echo", "abc"))
    end
    self:signal "TERM"
    assert.equal("busy", read_answer(busy).body)
    assert.equal("next", read_answer(idle).body)
    for i, conn in ipairs(conns) do
      local answer = read_answer(conn)
      assert.equal(i % 2 == 0 and "slept" or "abc", answer.body)
      assert.equal("close", answer.headers.connection)
      conn:close()
    end
    busy:close()
    idle:close()
    assert.equal(0, self:wait().status)
  end)

  it("row 64: under load loses no request that was begun", function()
    local self, address = start()
    local clients, answers = {}, 0
    local function ask(client)
      local conn <close> = net.connect(address, { timeout = 20 })
      client.sent = conn and conn:write(get("/sleep/0.005", "Connection: close\r\n"))
      local answer = client.sent and read_answer(conn)
      client.sent = false
      if answer then answers = answers + 1 end
      return answer
    end
    for i = 1, 20 do
      clients[i] = { sent = false }
      rille.spawn(function()
        local answer
        repeat answer = ask(clients[i]) until not answer or clients[i].begun
        clients[i].answer = answer
      end)
    end
    work.await(function() return answers > 100 end)
    repeat rille.sleep(0.001) until clients[1].sent
    for _, client in ipairs(clients) do client.begun = client.sent end
    self:signal "TERM"
    for _, client in ipairs(clients) do
      if client.begun then
        work.await(function() return client.answer ~= nil end)
        assert.equal("slept", client.answer.body)
      end
    end
    assert.equal(0, self:wait().status)
  end)

  it("row 63: lets handlers that were begun start tasks", function()
    local self, address = start()
    local conn <close> = connect(address)
    conn:write(get "/detach")
    rille.sleep(0.1)
    self:signal "TERM"
    assert.equal("detached", read_answer(conn).body)
    assert.equal(0, self:wait().status)
  end)

  it("row 64: ends what is left when its time is over, and at once by a second signal", function()
    for _, grace in ipairs { 0.2, 1000 } do
      local self, address = start { grace = grace }
      local conn <close> = connect(address)
      conn:write(get "/ever")
      rille.sleep(0.1)
      self:signal "TERM"
      if grace == 1000 then
        work.await(function() return not net.connect(address) end)
        self:signal "TERM"
      end
      assert.equal(0, self:wait().status)
      assert.equal(503, read_answer(conn).status)
    end
  end)
end)

describe("a server's process", function()
  it("row 65: may be killed under a supervisor, which has the port again at once", function()
    local _, address = start()
    server.stop(_)
    local self <close> = process.start {
      program = "sh", "-c", [[
        while :; do "$0" server.lua "$1" & echo $!; wait $!; done
      ]], process.program, ("{ address = %q }"):format(address),
      files = { ["server.lua"] = site },
    }
    local pids = {}
    for i = 1, 3 do
      repeat pids[i] = tonumber((self:line())) until pids[i]
      work.await(function() return serves(address) end, 20)
      local conn <close> = connect(address)
      conn:write(get "/ever")
      if i < 3 then os.execute("kill -KILL " .. pids[i]) end
    end
    self:signal "KILL"
    os.execute(("kill -KILL %d 2>/dev/null"):format(pids[3]))
  end)

  it("row 66: ends with a line that says which port is taken, or what is wrong", function()
    local self <close>, address = start()
    local taken = process.run {
      "server.lua", ("{ address = %q }"):format(address), files = { ["server.lua"] = site },
    }
    assert.equal(1, taken.status)
    assert.matches("cannot listen on " .. address:gsub("%p", "%%%0") .. ": address already in use",
      taken.stderr)
    local bad = process.run { script = "local http = = 1" }
    assert.equal(1, bad.status)
    assert.matches("^rille: [^\n]*script.lua:1: [^\n]+\n$", bad.stderr)
    local unknown = process.run { "server.lua", "{ prot = 0 }", files = { ["server.lua"] = site } }
    assert.equal(1, unknown.status)
    assert.matches('unknown option "prot"', unknown.stderr, 1, true)
    assert.equal(0, server.stop(self).status)
  end)

  it("row 67: keeps serving when its log cannot be written", function()
    for _, log in ipairs { "exec 2>&-;", "exec 2>/dev/full;" } do
      local self <close>, address = server.start {
        script = site:gsub('print%b() io%.stdout', 'print "busy" io.stdout'),
        before = log,
      }
      for _ = 1, 10 do
        local conn <close> = connect(address)
        conn:write(get "/fail")
        assert.equal(500, read_answer(conn).status)
        conn:write(get "/next")
        assert.equal("next", read_answer(conn).body)
      end
      assert.equal(0, server.stop(self).status)
    end
  end)

  it("row 67: keeps serving when nobody reads its output", function()
    local self <close> = process.start {
      program = "sh", "-c", [[
        mkfifo pipe; "$0" server.lua >pipe & echo $!; head -n 1 <pipe; wait $!; echo $?
      ]], process.program, files = { ["server.lua"] = site },
    }
    local pid, address = self:line(), self:line()
    local conn <close> = connect(address)
    conn:write(get "/busy") -- prints
    assert.equal("busy", read_answer(conn).body)
    conn:write(get "/next")
    assert.equal("next", read_answer(conn).body)
    os.execute("kill " .. pid)
    assert.equal("0", self:line())
  end)
end)
