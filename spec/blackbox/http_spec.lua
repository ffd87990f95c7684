-- HTTP as clients see it: raw bytes on sockets, right and wrong ones, against the real server.

local net = require "rille.net"
local process = require "spec.support.process"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local scale = require "spec.support.scale"
local server = require "spec.support.server"
local work = require "spec.support.work"

local exchange, get, post = raw_http.exchange, raw_http.get, raw_http.post
local occurrences, status_of = raw_http.occurrences, raw_http.status_of
local read_answer, stop = raw_http.read_answer, server.stop

local function start(options)
  return server.start { path = "spec/blackbox/http_site.lua", argument = options }
end

describe("an HTTP connection", function()
  local self, address

  setup(function() self, address = start() end)
  teardown(function()
    assert.equal(0, stop(self).status)
  end)

  it("serves request after request", function()
    local conn <close> = net.connect(address)
    for i = 1, 5 do
      conn:write(get("/n/" .. i))
      local answer = read_answer(conn)
      assert.equal(200, answer.status)
      assert.equal(tostring(i), answer.body)
      assert.is_nil(answer.headers.connection)
      assert.matches("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$", answer.headers.date)
    end
  end)

  it("answers pipelined requests in order, also when some of them wait", function()
    local conn <close> = net.connect(address)
    local count, requests = scale(1000), {}
    for i = 1, count do
      local slow = i % 100 == 50
      table.insert(requests, slow and get "/sleep/0.01" or get("/n/" .. i))
    end
    conn:write(table.concat(requests))
    for i = 1, count do
      assert.equal(i % 100 == 50 and "slept" or tostring(i), read_answer(conn).body)
    end
  end)

  it("goes on after an answer that is large, but taken by the client at once", function()
    local conn <close> = net.connect(address, { timeout = 20 })
    local body = ("x"):rep(100 * 1024)
    conn:write(post("/echo", body), get "/n/1", post("/echo", body), get "/n/2")
    for _, expected in ipairs { body, "1", body, "2" } do
      assert.equal(expected, read_answer(conn).body)
    end
  end)

  it("answers bodies, by length and in chunks, between other requests", function()
    local chunked = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" ..
      "3\r\nabc\r\n2;a=b\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    local conn <close> = net.connect(address)
    conn:write(get "/", post("/echo", "one"), chunked, post("/ignore", "two"), get "/n/9")
    for _, body in ipairs { "hello", "one", "abcde", "ignored", "9" } do
      assert.equal(body, read_answer(conn).body)
    end
  end)

  it("gives the same answer when every byte comes by itself", function()
    local conn <close> = net.connect(address)
    local text = get "/n/1" .. post("/echo", "abc") .. get "/n/2"
    for i = 1, #text do
      conn:write(text:sub(i, i))
      rille.sleep(0.0005)
    end
    assert.equal("1", read_answer(conn).body)
    assert.equal("abc", read_answer(conn).body)
    assert.equal("2", read_answer(conn).body)
  end)

  it("closes when the client says so, or speaks 1.0", function()
    local text = exchange(address, get("/", "Connection: close\r\n") .. get "/n/1")
    assert.equal(1, occurrences(text, "HTTP/1%.1"))
    assert.matches("\r\nConnection: close\r\n", text)
    assert.matches("hello$", exchange(address, "GET / HTTP/1.0\r\n\r\n"))
    local conn <close> = net.connect(address)
    conn:write "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    assert.equal("keep-alive", read_answer(conn).headers.connection)
    conn:write(get "/n/2")
    assert.equal("2", read_answer(conn).body)
  end)

  it("answers bad requests with their status, and closes", function()
    local long = ("x"):rep(20000)
    local cases = {
      { 400, "GET / HTTP/1.1\r\n\r\n" },
      { 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" },
      { 400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n" },
      { 400, "GET / http/1.1\r\nHost: x\r\n\r\n" },
      { 505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n" },
      { 501, "BREW / HTTP/1.1\r\nHost: x\r\n\r\n" },
      { 501, "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" },
      { 414, "GET /" .. long .. " HTTP/1.1\r\nHost: x\r\n\r\n" },
      { 431, get("/", "X: " .. long .. "\r\n") },
      { 431, get("/", ("X: y\r\n"):rep(101)) },
      { 400, get("/", " folded: x\r\n") },
      { 400, get("/", "A: b\rc\r\n") },
      { 400, "GET / HTTP/1.1\nHost: x\n\n" },
      { 400, get("/", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") },
      { 400, get("/", "Content-Length: +5\r\n") },
      { 501, get("/", "Transfer-Encoding: gzip\r\n") },
      { 413, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n" },
      { 417, get("/", "Expect: something\r\n") },
      { 400, "\22\3\1\2\0\1\0\1\252\3\3" .. ("\0"):rep(200) },
      { 400, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5x\r\n" },
    }
    for _, case in ipairs(cases) do
      local text = exchange(address, case[2])
      assert.equal(case[1], status_of(text), case[2]:sub(1, 100))
      assert.matches("\r\nConnection: close\r\n", text)
    end
  end)

  it("does not lose the answer to a bad request when more comes behind it", function()
    for _ = 1, 20 do
      local text = exchange(address, "GET / HTTP/9.9\r\nHost: x\r\n\r\n" .. ("x"):rep(100000))
      assert.equal(505, status_of(text))
    end
  end)

  it("asks for the body only when the handler does", function()
    local conn <close> = net.connect(address)
    local head = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    conn:write(head:format "/echo")
    assert.equal(100, read_answer(conn).status)
    conn:write "abc"
    assert.equal("abc", read_answer(conn).body)
    conn:write(head:format "/ignore")
    assert.equal("close", read_answer(conn).headers.connection)
    conn:close()
    local again <close> = net.connect(address)
    again:write(head:format "/echo", "abc")
    assert.equal(200, read_answer(again).status)
  end)

  it("answers 400 to a body that is cut short, and 413 to chunks over the limit", function()
    local conn <close> = net.connect(address)
    conn:write "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
    conn:shutdown()
    assert.equal(400, read_answer(conn).status)
    local chunk = "10000\r\n" .. ("x"):rep(65536) .. "\r\n"
    local text = exchange(address, "POST /echo HTTP/1.1\r\nHost: x\r\n" ..
      "Transfer-Encoding: chunked\r\n\r\n" .. chunk:rep(17) .. "0\r\n\r\n")
    assert.equal(413, status_of(text))
    local upload = exchange(address, "POST /pieces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" ..
      "Transfer-Encoding: chunked\r\n\r\n" .. chunk:rep(33) .. "0\r\n\r\n")
    assert.matches(tostring(33 * 65536) .. "$", upload)
  end)

  it("has no body for HEAD", function()
    local conn <close> = net.connect(address)
    conn:write("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n",
      get "/")
    assert.equal("5", read_answer(conn, true).headers["content-length"])
    assert.equal(200, read_answer(conn, true).status)
    assert.equal("hello", read_answer(conn).body)
  end)

  it("writes chunks in 1.1 and until the end in 1.0", function()
    local conn <close> = net.connect(address)
    conn:write(get "/stream")
    assert.equal("chunked", raw_http.read_head(conn).headers["transfer-encoding"])
    local chunks = "8\r\npiece 1\n\r\n8\r\npiece 2\n\r\n8\r\npiece 3\n\r\n0\r\n\r\n"
    assert.equal(chunks, conn:read(#chunks))
    conn:write(get "/")
    assert.equal("hello", read_answer(conn).body)
    local old = exchange(address, "GET /stream HTTP/1.0\r\n\r\n")
    assert.matches("\r\n\r\npiece 1\npiece 2\npiece 3\n$", old)
  end)

  it("cuts the connection when a handler fails in the middle of its answer", function()
    local text = exchange(address, get "/fail")
    assert.matches("4\r\nsome\r\n$", text)
  end)

  it("answers a client that has closed its half, though it takes a while", function()
    for _, seconds in ipairs { "0", "0.1", "2.5" } do
      local conn <close> = net.connect(address)
      conn:write(get("/sleep/" .. seconds))
      conn:shutdown()
      local answer = read_answer(conn)
      if answer.status == 102 then answer = read_answer(conn) end
      assert.equal("slept", answer.body)
    end
  end)

  it("sends a large answer to a slow reader whole", function()
    local conn <close> = net.connect(address)
    conn:write(get "/large", get "/n/1")
    rille.sleep(0.1)
    local answer = read_answer(conn)
    assert.equal(8 * 1024 * 1024, #answer.body)
    assert.equal("1", read_answer(conn).body)
  end)

  it("cancels the handler of a client that leaves", function()
    local conn = net.connect(address)
    conn:write(get "/ever")
    rille.sleep(0.05)
    conn:close()
    assert.matches("^ended: false .*the client has closed the connection$", self:line())
    local flooded = net.connect(address)
    flooded:write(get "/flood")
    flooded:read(100000)
    flooded:close()
    assert.matches("^ended: false .*the client has closed the connection$", self:line())
    assert.equal("hello", exchange(address, get("/", "Connection: close\r\n")):match "hello$")
  end)

  it("outlives clients that leave at any point", function()
    local text = get "/n/1" .. post("/echo", "abc") .. get "/stream"
    for i = 1, #text, 3 do
      local conn <close> = net.connect(address)
      conn:write(text:sub(1, i))
    end
    assert.equal(200, status_of(exchange(address, get("/", "Connection: close\r\n"))))
  end)
end)

describe("the limits of an HTTP server", function()
  local function with(options, fn)
    local self <close>, address = start(options)
    fn(address, self)
    return stop(self)
  end

  it("end a head that does not come, a body that does not, a handler that does not end", function()
    local options = "{ head_timeout = 1, body_timeout = 1, handler_timeout = 1 }"
    local result = with(options, function(address)
      local begin = rille.now()
      assert.equal(408, status_of(exchange(address, "GET / HT")))
      assert.equal(408, status_of(exchange(address, post("/echo", "abc"):sub(1, -2))))
      assert.equal(503, status_of(exchange(address, get "/sleep/30")))
      assert.is_true(rille.now() - begin < 15)
    end)
    assert.equal(0, result.status)
  end)

  it("close idle connections and those that take nothing", function()
    with("{ idle_timeout = 1, send_timeout = 1 }", function(address, self)
      local idle <close> = net.connect(address)
      local slow <close> = net.connect(address)
      slow:write(get "/flood")
      assert.is_nil(idle:read())
      assert.matches("^ended: false .*the client has closed the connection$", self:line())
    end)
  end)

  -- Takes some of an endless answer every 0.1 s, so often; the error that ended that.
  local function sip(conn, size, times)
    conn:write(get "/flood")
    for _ = 1, times do
      local piece, err = conn:read(size)
      if not piece then return err or "the end" end
      rille.sleep(0.1)
    end
  end

  -- Whether the system still holds bytes of connections that the server has closed.
  local function is_held(address)
    local row = ("^ *%%d+: %%x+:%04X %%x+:%%x+ 04 "):format(address:match ":(%d+)$")
    for line in io.lines "/proc/net/tcp" do
      if line:find(row) then return true end
    end
    return false
  end

  it("reset a client that takes little now and then, which leaves nothing behind", function()
    with("{ send_timeout = 1 }", function(address, self)
      local count = server.descriptors(self)
      local conn <close> = net.connect(address, { timeout = 20 })
      local sipping = rille.spawn(sip, conn, 100, 1000)
      work.await(function() return server.descriptors(self) > count end)
      server.await_descriptors(self, count)
      assert.is_false(is_held(address))
      sipping:cancel()
    end)
  end)

  -- The system tells the server of room when a whole segment of the loopback has been read, 64 KiB:
  -- with less at a time, some reads late on a busy machine look like none.
  it("bear with one that is slow but steady", function()
    with("{ send_timeout = 2 }", function(address)
      local conn <close> = net.connect(address, { timeout = 20 })
      assert.is_nil(sip(conn, 100000, 70))
    end)
  end)

  it("turn clients away, and count requests", function()
    with("{ max_connections = 2, max_requests = 2 }", function(address)
      local one <close> = net.connect(address)
      local two <close> = net.connect(address)
      one:write(get "/")
      two:write(get "/")
      assert.equal("hello", read_answer(one).body)
      assert.equal("hello", read_answer(two).body)
      local three = exchange(address, "")
      assert.equal(503, status_of(three))
      assert.matches("\r\nRetry%-After: ", three)
      one:write(get "/", get "/")
      assert.equal("close", read_answer(one).headers.connection)
      assert.is_nil(read_answer(one))
    end)
  end)

  it("turn clients away that hold too many connections", function()
    with("{ connections_per_address = 2 }", function(address)
      local one <close> = net.connect(address)
      local two <close> = net.connect(address)
      one:write(get "/")
      two:write(get "/")
      assert.equal("hello", read_answer(one).body)
      assert.equal("hello", read_answer(two).body)
      local three = exchange(address, "")
      assert.equal(503, status_of(three))
      assert.matches("\r\nRetry%-After: ", three)
      two:close()
      work.await(function()
        local four <close> = net.connect(address)
        four:write(get "/")
        return read_answer(four).status == 200
      end, 20)
    end)
  end)

  it("do not count connections from a proxy on the same machine unless told to", function()
    with("{ max_connections = 12 }", function(address)
      local conns = {}
      for i = 1, 12 do
        conns[i] = net.connect(address)
        conns[i]:write(get "/")
        assert.equal(200, read_answer(conns[i]).status)
      end
      for _, conn in ipairs(conns) do conn:close() end
    end)
    local path = os.tmpname()
    os.remove(path)
    local options = ("{ address = %q, connections_per_address = 1 }"):format("unix:" .. path)
    with(options, function(address)
      local one <close> = net.connect(address)
      local two <close> = net.connect(address)
      one:write(get "/")
      two:write(get "/")
      assert.equal(200, read_answer(one).status)
      assert.equal(200, read_answer(two).status)
    end)
  end)

  it("may show errors to those who develop", function()
    with("{ development = true }", function(address)
      local conn <close> = net.connect(address)
      conn:write(get "/n/1", get "/sleep/x")
      assert.equal("1", read_answer(conn).body)
      local page = read_answer(conn).body
      assert.matches("stack traceback", page)
      assert.matches("\n\nrequest %x+%-%x+\n$", page)
    end)
  end)
end)

describe("the end of an HTTP server", function()
  it("finishes what was begun, and closes what is idle at once", function()
    local self, address = start()
    local idle <close> = net.connect(address)
    local busy <close> = net.connect(address)
    idle:write(get "/")
    read_answer(idle)
    busy:write(get "/sleep/2")
    rille.sleep(0.1)
    local slow = rille.spawn(read_answer, busy)
    self:signal "TERM"
    assert.is_nil(idle:read())
    assert.equal("running", slow:status())
    local answer = slow:await()
    assert.equal("slept", answer.body)
    assert.equal("close", answer.headers.connection)
    local result = self:wait()
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
  end)

  it("ends streams of events without waiting for them", function()
    local site = { path = "spec/blackbox/http_site.lua", grace = 1000 }
    local self <close>, address = server.start(site)
    local conn <close> = net.connect(address)
    conn:write(get "/events")
    assert.equal("HTTP/1.1 200 OK", conn:read())
    local result = stop(self)
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
  end)

  it("cancels what does not end in time", function()
    local self <close>, address = start()
    local conn <close> = net.connect(address)
    local other <close> = net.connect(address)
    conn:write(get "/ever")
    other:write(get "/drip")
    assert.equal("HTTP/1.1 200 OK", other:read())
    self:signal "TERM"
    self:signal "TERM"
    local result = self:wait()
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
  end)

  it("is told when the port is taken", function()
    local self <close>, address = start()
    local result = process.run {
      process.root .. "/spec/blackbox/http_site.lua", ("{ address = %q }"):format(address),
    }
    assert.equal(1, result.status)
    assert.matches("cannot listen on " .. address:gsub("%p", "%%%0"), result.stderr)
    stop(self)
  end)

  it("is connected to from inside by a script that has required nothing else", function()
    local result = process.run { script = [[
      local app = require("rille.http").app()
      app:get("/", function() return "inside" end)
      local conn <close> = app:listen({ port = 0 }):connect()
      conn:write "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
      print(conn:read "all")
      os.exit()]] }
    assert.equal("", result.stderr)
    assert.matches("^HTTP/1.1 200 OK\r\n.*inside\n$", result.stdout)
  end)

  it("serves a Unix socket, and removes it", function()
    local path = os.tmpname()
    os.remove(path)
    local self <close> = start(("{ address = %q }"):format("unix:" .. path))
    local text = exchange("unix:" .. path, get("/", "Connection: close\r\n"))
    assert.matches("hello$", text)
    stop(self)
    assert.is_nil(io.open(path))
  end)

  it("has its descriptors back after clients that reset or say nothing", function()
    local self <close>, address = start()
    exchange(address, get("/", "Connection: close\r\n"))
    local count = server.descriptors(self)
    for i = 1, scale(500) do
      local conn <close> = net.connect(address)
      if i % 2 == 0 then conn:write(get "/sleep/0.01") end
    end
    server.await_descriptors(self, count)
    stop(self)
  end)
end)
