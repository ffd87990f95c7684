-- req:upgrade: a handler that takes its connection over, and upgrades that nobody takes.

local http = require "rille.http"
local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local work = require "spec.support.work"

local get, read_answer, read_head = raw_http.get, raw_http.read_answer, raw_http.read_head

local ASKED = "Connection: Upgrade\r\nUpgrade: echo\r\n"

local function echo(req)
  local conn, message = req:upgrade "echo"
  if not conn then return 426, message end
  for line in conn:lines() do
    if line == "quit" then return end
    conn:write(line, "\n")
  end
end

--- A server with one route for any method, and one that says hello; and its address.
local function listen(handler, options)
  local app = http.app()
  app:any("/x", handler)
  app:get("/", function() return "hello" end)
  options = options or {}
  options.port = not options.address and 0 or nil
  local server = app:listen(options)
  return server, server:address()
end

local function connect(address)
  return assert(net.connect(address, { timeout = 20 }))
end

describe("req:upgrade", function()
  it("hands the connection over, with all that was sent behind the request", function()
    local server, address = listen(echo)
    local conn <close> = connect(address)
    conn:write(get("/x", ASKED), "one\ntw")
    local head = read_head(conn)
    assert.equal(101, head.status)
    assert.equal("Upgrade", head.headers.connection)
    assert.equal("echo", head.headers.upgrade)
    assert.is_nil(head.headers["content-length"])
    assert.is_nil(head.headers["transfer-encoding"])
    assert.equal("one", conn:read "line")
    conn:write "o\nthree\n"
    assert.equal("two", conn:read "line")
    assert.equal("three", conn:read "line")
    conn:write "quit\n"
    assert.equal("", conn:read "all")
    server:close()
  end)

  it("works after a wait as well, and over a Unix socket", function()
    local path = os.tmpname()
    os.remove(path)
    local server, address = listen(function(req)
      rille.sleep(0.05)
      return echo(req)
    end, { address = "unix:" .. path })
    local conn <close> = connect(address)
    conn:write(get("/x", ASKED))
    rille.sleep(0.01)
    conn:write "early\n"
    assert.equal(101, read_head(conn).status)
    assert.equal("early", conn:read "line")
    server:close()
  end)

  it("leaves the request as it was", function()
    local server, address = listen(function(req)
      local conn = assert(req:upgrade "echo")
      rille.sleep(0.05)
      conn:write(req.path, " ", req.headers["X-Mine"], " ", req.query.a, "\n")
    end)
    local conn <close> = connect(address)
    conn:write(get("/x?a=1", ASKED .. "X-Mine: yes\r\n"))
    read_head(conn)
    for _ = 1, 10 do raw_http.exchange(address, get("/", "Connection: close\r\nX-Mine: no\r\n")) end
    assert.equal("/x yes 1", conn:read "line")
    server:close()
  end)

  it("comes after the answers to what was asked before", function()
    local server, address = listen(echo)
    local conn <close> = connect(address)
    conn:write(get "/" .. get "/" .. get("/x", ASKED) .. "one\n")
    assert.equal("hello", read_answer(conn).body)
    assert.equal("hello", read_answer(conn).body)
    assert.equal(101, read_head(conn).status)
    assert.equal("one", conn:read "line")
    server:close()
  end)

  it("carries much that is sent at once, both ways", function()
    local server, address = listen(function(req)
      local conn = assert(req:upgrade "echo")
      repeat
        local piece = conn:read "some"
        if piece then conn:write(piece) end
      until not piece
    end)
    local text = ("0123456789"):rep(100000)
    local conn <close> = connect(address)
    local sending = rille.spawn(function()
      conn:write(get("/x", ASKED), text)
      conn:shutdown()
    end)
    read_head(conn)
    assert.is_true(conn:read "all" == text)
    sending:await()
    server:close()
  end)

  it("sends the headers that were set, once", function()
    local server, address = listen(function(req, res)
      res.headers["Sec-WebSocket-Accept"] = "abc"
      res.headers["Upgrade"] = "something"
      res.headers["Content-Length"] = 5
      req:upgrade "echo"
    end)
    local text = raw_http.exchange(address, get("/x", ASKED))
    assert.matches("\r\nSec%-WebSocket%-Accept: abc\r\n", text)
    assert.equal(1, raw_http.occurrences(text, "Upgrade: "))
    assert.is_nil(text:find "Content%-Length")
    assert.matches("\r\n\r\n$", text)
    server:close()
  end)

  it("knows the protocol among several, in any case", function()
    local server, address = listen(echo)
    for _, fields in ipairs {
      "Connection: Upgrade\r\nUpgrade: h2c, ECHO\r\n",
      "connection: keep-alive, upgrade\r\nupgrade: other\r\nupgrade: Echo\r\n",
    } do
      local conn <close> = connect(address)
      conn:write(get("/x", fields))
      assert.equal(101, read_head(conn).status)
    end
    server:close()
  end)

  it("says that the client has not asked for it: any other answer may follow", function()
    local server, address = listen(echo)
    for _, fields in ipairs {
      "", "Upgrade: echo\r\n", "Connection: Upgrade\r\n",
      "Connection: Upgrade\r\nUpgrade: echo2\r\n", "Connection: Upgrade\r\nUpgrade: ech\r\n",
    } do
      local conn <close> = connect(address)
      conn:write(get("/x", fields), get "/")
      local got = read_answer(conn)
      assert.equal(426, got.status)
      assert.equal('the client has not asked for "echo"', got.body)
      assert.equal("hello", read_answer(conn).body)
    end
    local old = raw_http.exchange(address, "GET /x HTTP/1.0\r\n" .. ASKED .. "\r\n")
    assert.equal(426, raw_http.status_of(old))
    server:close()
  end)

  it("lets nothing be slipped into the head", function()
    local server, address = listen(function(req)
      for _, name in ipairs { "echo\0\r\nX: y", "echo\r\nX: y", "echo, other", "" } do
        local conn = req:upgrade(name)
        if conn then return end
      end
      return "refused"
    end)
    local conn <close> = connect(address)
    conn:write(get("/x", ASKED))
    assert.equal("refused", read_answer(conn).body)
    server:close()
  end)

  it("wants the body to be read first", function()
    local server, address = listen(function(req)
      local ok, message = pcall(req.upgrade, req, "echo")
      assert.is_false(ok)
      assert.matches("the body of the request must be read first", message)
      local body = req:body()
      local conn = assert(req:upgrade "echo")
      conn:write(body, " ", conn:read "line", "\n")
    end)
    local conn <close> = connect(address)
    conn:write(raw_http.post("/x", "body", ASKED), "more\n")
    assert.equal(101, read_head(conn).status)
    assert.equal("body more", conn:read "line")
    server:close()
  end)

  it("is too late after the head, and ends what res can do", function()
    local messages = {}
    local server, address = listen(function(req, res)
      if req.query.late then
        res:write "x"
        messages.late = select(2, pcall(req.upgrade, req, "echo"))
        return
      end
      local conn = assert(req:upgrade "echo")
      messages.twice = select(2, pcall(req.upgrade, req, "echo"))
      messages.write = select(2, pcall(res.write, res, "x"))
      messages.header = select(2, pcall(function() res.headers.X = "y" end))
      conn:write "done\n"
    end)
    raw_http.exchange(address, get("/x?late=1", ASKED .. "Connection: close\r\n"))
    assert.matches("already sent", messages.late)
    assert.matches("\r\n\r\ndone\n$", raw_http.exchange(address, get("/x", ASKED)))
    assert.matches("already sent", messages.twice)
    assert.matches("the answer is complete", messages.write)
    assert.matches("already sent", messages.header)
    server:close()
  end)

  it("works under middleware", function()
    local app, seen = http.app(), nil
    app:use(function(_, res, next)
      next()
      seen = { res.status, res.sent }
    end)
    app:get("/x", echo)
    local server = app:listen { port = 0 }
    local text = raw_http.exchange(server:address(), get("/x", ASKED) .. "one\nquit\n")
    assert.matches("^HTTP/1.1 101 Switching Protocols\r\n", text)
    assert.matches("\r\n\r\none\n$", text)
    assert.same({ 101, true }, seen)
    server:close()
  end)
end)

describe("a connection that was taken over", function()
  it("is closed with its handler, also by an error, and others are served", function()
    local server, address = listen(function(req)
      local conn = assert(req:upgrade "echo")
      conn:write "before\n"
      error "boom"
    end)
    assert.matches("\r\n\r\nbefore\n$", raw_http.exchange(address, get("/x", ASKED)))
    assert.matches("hello$", raw_http.exchange(address, get("/", "Connection: close\r\n")))
    work.await(function() return server:connections() == 0 end)
    server:close()
  end)

  it("is closed for a handler that keeps it", function()
    local kept
    local server, address = listen(function(req) kept = assert(req:upgrade "echo") end)
    raw_http.exchange(address, get("/x", ASKED))
    assert.same({ nil, "connection is closed" }, { kept:read "line" })
    assert.is_nil(kept:write "x")
    server:close()
  end)

  it("tells its handler that the client has left", function()
    local ended
    local server, address = listen(function(req)
      local conn = assert(req:upgrade "echo")
      local line = conn:read "line"
      ended = line == nil
    end)
    local conn = connect(address)
    conn:write(get("/x", ASKED))
    read_head(conn)
    conn:close()
    work.await(function() return ended ~= nil end)
    assert.is_true(ended)
    work.await(function() return server:connections() == 0 end)
    server:close()
  end)

  it("counts among the server's connections", function()
    local server, address = listen(echo, { max_connections = 2 })
    local conns = {}
    for i = 1, 2 do
      conns[i] = connect(address)
      conns[i]:write(get("/x", ASKED))
      assert.equal(101, read_head(conns[i]).status)
    end
    assert.equal(2, server:connections())
    assert.equal(503, raw_http.status_of(raw_http.exchange(address, get "/")))
    for i = 1, 2 do conns[i]:close() end
    work.await(function() return server:connections() == 0 end)
    assert.matches("hello$", raw_http.exchange(address, get("/", "Connection: close\r\n")))
    server:close()
  end)

  it("outlives the server, until its handler is over", function()
    local server, address = listen(echo)
    local conn <close> = connect(address)
    conn:write(get("/x", ASKED))
    read_head(conn)
    server:close()
    rille.sleep(0.01)
    conn:write "still\n"
    assert.equal("still", conn:read "line")
  end)

  it("has no time but its own", function()
    local ended
    local server, address = listen(function(req)
      req:timeout(0.1)
      local conn = assert(req:upgrade "echo")
      ended = table.pack(pcall(conn.read, conn, "line"))
      error(ended[2], 0)
    end)
    local conn <close> = connect(address)
    conn:write(get("/x", ASKED))
    read_head(conn)
    assert.equal("", conn:read "all")
    assert.is_false(ended[1])
    assert.matches("the handler's time is over", ended[2])
    server:close()
  end)

  it("leaves nothing behind, whenever the client leaves", function()
    local server, address = listen(echo)
    local request = get("/x", ASKED) .. "one\ntwo\n"
    for size = 1, #request, 3 do
      local conn = connect(address)
      conn:write(request:sub(1, size))
      if size % 2 == 0 then rille.sleep(0.001) end
      conn:close()
    end
    for size = 1, 60, 3 do
      local conn = connect(address)
      conn:write(request)
      conn:read(size)
      conn:close() -- with bytes unread: a reset
    end
    work.await(function() return server:connections() == 0 end, 20)
    assert.matches("hello$", raw_http.exchange(address, get("/", "Connection: close\r\n")))
    server:close()
  end)
end)

describe("an Upgrade that nobody takes", function()
  it("is ordinary HTTP", function()
    local server, address = listen(function(req) return req:body() end)
    local conn <close> = connect(address)
    conn:write(get("/", ASKED), raw_http.post("/x", "abc", ASKED), get "/")
    for _, body in ipairs { "hello", "abc", "hello" } do
      local got = read_answer(conn)
      assert.equal(200, got.status)
      assert.equal(body, got.body)
      assert.is_nil(got.headers.upgrade)
    end
    server:close()
  end)

  it("is no way past the rules for methods and targets", function()
    local server, address = listen(echo)
    for _, request in ipairs {
      "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n" .. ASKED .. "\r\n",
      "TRACE /x HTTP/1.1\r\nHost: x\r\n" .. ASKED .. "\r\n",
      "GET example.com:443 HTTP/1.1\r\nHost: x\r\n" .. ASKED .. "\r\n",
    } do
      local status = raw_http.status_of(raw_http.exchange(address, request))
      assert.is_true(status == 400 or status == 405 or status == 501)
    end
    server:close()
  end)
end)
