-- Answers that are sent while they are made, and trailers both ways: through app:inject, and over
-- sockets where it matters who is slow and who leaves.

local failure = require "spec.support.failure"
local http = require "rille.http"
local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local turns = require "spec.support.turns"
local work = require "spec.support.work"

local get, read_answer, read_head = raw_http.get, raw_http.read_answer, raw_http.read_head

--- The answer of an app with one route, for any method.
local function answer(handler, options)
  local app = http.app()
  app:any("/x", handler)
  options = options or {}
  options.path = "/x"
  return app:inject(options)
end

--- An app that listens: the server and its address.
local function listen(app, options)
  options = options or {}
  options.port = not options.address and 0 or nil
  local server = app:listen(options)
  return server, server:address()
end

--- An iterator over a list.
local function each(list)
  local at = 0
  return function()
    at = at + 1
    return list[at]
  end
end

describe("a handler that closes its server", function()
  for what, wait in pairs { ["before it waits"] = 0, ["and then waits"] = 0.01 } do
    it(what .. " still answers, and so does one that was pipelined before it", function()
      local app, server = http.app(), nil
      app:get("/first", function() return "first" end)
      app:get("/close", function()
        server:close()
        if wait > 0 then rille.sleep(wait) end
        return "bye"
      end)
      server = app:listen { port = 0 }
      local conn <close> = assert(net.connect(server:address(), { timeout = 20 }))
      conn:write(get "/first", get "/close")
      assert.equal("first", read_answer(conn).body)
      assert.equal("bye", read_answer(conn).body)
      assert.equal("", conn:read "all")
    end)
  end
end)

describe("a fiber that outlives its handler", function()
  it("cannot set the time of a handler that has ended, and so of the next one", function()
    local app, message = http.app(), nil
    app:post("/early", function(req) -- does not wait for the body
      rille.spawn(function()
        rille.sleep(0)
        message = failure(req.timeout, req, 0.01)
      end)
      return "early"
    end)
    app:get("/next", function()
      rille.sleep(0.1)
      return "in time"
    end)
    local server, address = listen(app)
    local conn <close> = assert(net.connect(address, { timeout = 20 }))
    conn:write(raw_http.post("/early", "a body", ""):sub(1, -2))
    assert.equal("early", read_answer(conn).body)
    work.await(function() return message end)
    assert.matches("req:timeout: the handler has ended", message)
    conn:write("y", get "/next")
    assert.equal("in time", read_answer(conn).body)
    server:close()
  end)
end)

describe("a handler that writes as fast as its client takes it", function()
  local function write_much(res)
    for _ = 1, 1000 do res:write "x" end
  end

  it("lets others have their turn", function()
    local count
    local got = answer(function(_, res) count = turns(write_much, res) end)
    assert.equal(("x"):rep(1000), got.body)
    assert.is_true(count > 3, count)
  end)

  it("does so when its client gets nothing of that", function()
    local count
    answer(function(_, res) count = turns(write_much, res) end, { method = "HEAD" })
    assert.is_true(count > 3, count)
  end)

  it("does so when it sends events", function()
    local app, count = http.app(), nil
    app:sse("/x", function(events)
      count = turns(function()
        for _ = 1, 1000 do events:send "x" end
      end)
    end)
    app:inject "/x"
    assert.is_true(count > 3, count)
  end)

  it("goes on where it cannot wait", function()
    local got = answer(function(_, res)
      rille.sleep(0)
      local text = ("x"):rep(1000):gsub("x", function(x) res:write(x) end)
      res:write(text)
    end)
    assert.equal(2000, #got.body)
  end)

  it("is not taken for one that computes", function()
    local app = http.app()
    app:get("/x", function(_, res)
      local till = rille.now() + 0.7
      while rille.now() < till do res:write "x" end
    end)
    local server <close> = setmetatable({ listen(app, { compute_timeout = 0.2 }) }, {
      __close = function(self) self[1]:close() end,
    })
    local conn <close> = assert(net.connect(server[2], { timeout = 20 }))
    conn:write(get "/x")
    assert.is_true(read_answer(conn).whole)
  end)
end)

describe("the time of a handler", function()
  -- What a server whose handlers have a second answers to these pieces of requests: statuses.
  local function statuses_of(...)
    local app = http.app()
    app:get("/slow", function() rille.sleep(0.4) return "slow" end)
    app:get("/never", function() rille.sleep(60) end)
    app:post("/ignore", function() return "ignored" end)
    local server = app:listen { port = 0, handler_timeout = 1, body_timeout = 60 }
    local conn <close> = assert(net.connect(server:address(), { timeout = 20 }))
    for _, piece in ipairs { ... } do
      conn:write(piece)
      rille.sleep(0.05)
    end
    local statuses = {}
    for status in (conn:read "all"):gmatch "HTTP/1%.1 (%d+)" do
      table.insert(statuses, tonumber(status))
    end
    server:close()
    return statuses
  end

  it("is its own when requests are pipelined", function()
    local slow, last = "GET /slow HTTP/1.1\r\nHost: x\r\n", "Connection: close\r\n\r\n"
    assert.same({ 200, 200, 200, 200 }, statuses_of((slow .. "\r\n"):rep(3) .. slow .. last))
  end)

  it("begins also behind a body that was passed over", function()
    local post = "POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
    assert.same({ 200, 503 }, statuses_of(post, "abcdeGET /never HTTP/1.1\r\nHost: x\r\n\r\n"))
  end)
end)

describe("res:stream", function()
  it("sends what a function writes, in chunks", function()
    local got = answer(function(_, res)
      res:stream(function(write)
        for i = 1, 3 do
          write(i, "\n")
          rille.sleep(0.01)
        end
      end, { type = "text/csv" })
    end)
    assert.equal(200, got.status)
    assert.equal("1\n2\n3\n", got.body)
    assert.equal("text/csv", got.headers["content-type"])
    assert.equal("chunked", got.headers["transfer-encoding"])
    assert.is_nil(got.headers["content-length"])
  end)

  it("is no text unless somebody says so", function()
    local function mime(set)
      return answer(function(_, res)
        if set then res.headers["Content-Type"] = set end
        res:stream(function(write) write "x" end)
      end).headers["content-type"]
    end
    assert.equal("application/octet-stream", mime())
    assert.equal("text/plain", mime "text/plain")
  end)

  it("sends a promised length without chunks", function()
    local got = answer(function(_, res)
      res:stream(function(write) write("abc", "def") end, { length = 6 })
    end)
    assert.equal("6", got.headers["content-length"])
    assert.is_nil(got.headers["transfer-encoding"])
    assert.equal("abcdef", got.body)
  end)

  it("cuts an answer that is not as long as promised", function()
    local function write(text)
      return answer(function(_, res)
        res:stream(function(put) put(text) end, { length = 6 })
      end).error
    end
    assert.equal("the answer was cut off", write "abc")
    assert.equal("the answer was cut off", write "abcdefghi")
    assert.is_nil(write "abcdef")
  end)

  it("passes a request's body on, however large, by length and in chunks", function()
    local function echo(_, res) res:stream(_) end
    local text = ("0123456789"):rep(200000)
    assert.equal(text, answer(echo, { body = text }).body)
    local pieces = {}
    for i = 1, 200 do pieces[i] = text:sub(i * 10000 - 9999, i * 10000) end
    assert.equal(text, answer(echo, { body = each(pieces) }).body)
    assert.equal("", answer(echo, { body = "" }).body)
    assert.equal("", answer(echo, { method = "POST" }).body)
  end)

  it("takes anything with a read, and cuts the answer when that fails", function()
    local pieces = each { "a", "b" }
    local function broken() return nil, "no such luck" end
    assert.equal("ab", answer(function(_, res) res:stream { read = pieces } end).body)
    assert.is_string(answer(function(_, res) res:stream { read = broken } end).error)
  end)

  it("does not ask the source for HEAD, 204 and 304", function()
    local asked = 0
    local function handler(status)
      return function(_, res)
        res.status = status
        res.headers["X-Seen"] = "yes"
        res:stream(function(write) asked = asked + 1 write "x" end)
      end
    end
    local head = answer(handler(200), { method = "HEAD" })
    assert.equal(200, head.status)
    assert.equal("yes", head.headers["x-seen"])
    assert.equal("", head.body)
    assert.equal(204, answer(handler(204)).status)
    assert.equal(304, answer(handler(304)).status)
    assert.equal(0, asked)
    assert.equal("6", answer(function(_, res)
      res:stream(function(write) write "abcdef" end, { length = 6 })
    end, { method = "HEAD" }).headers["content-length"])
  end)

  it("says what it does not take", function()
    local function message(...)
      local given, err = table.pack(...), nil
      answer(function(_, res)
        err = select(2, pcall(res.stream, res, table.unpack(given, 1, given.n)))
      end)
      return err
    end
    assert.matches("#1 to 'stream' %(function or reader expected, got nil%)", message())
    assert.matches("function or reader expected, got string", message "text")
    assert.matches("function or reader expected, got table", message {})
    assert.matches('unknown option "size"', message(print, { size = 1 }))
    assert.matches("whole number", message(print, { length = 1.5 }))
    assert.matches("out of range", message(print, { length = -1 }))
  end)

  it("works under middleware, which sees that the head is out", function()
    local app, seen = http.app(), nil
    app:use(function(_, res, next)
      res.headers["X-Before"] = "1"
      next()
      seen = { res.sent, res.body, pcall(function() res.headers["X-After"] = "1" end) }
    end)
    app:get("/x", function(_, res) res:stream(function(write) write "abc" end) end)
    local got = app:inject "/x"
    assert.equal("abc", got.body)
    assert.equal("1", got.headers["x-before"])
    assert.is_true(seen[1])
    assert.is_nil(seen[2])
    assert.is_false(seen[3])
    assert.matches("already sent", seen[4])
  end)

  it("cuts the connection when the source fails, and the next client is served", function()
    local app = http.app()
    app:get("/fail", function(_, res)
      res:stream(function(write)
        write "some"
        rille.sleep(0.01)
        error "boom"
      end)
    end)
    app:get("/", function() return "hello" end)
    local server, address = listen(app)
    local text = raw_http.exchange(address, get "/fail" .. get "/")
    assert.matches("4\r\nsome\r\n$", text)
    assert.equal(1, raw_http.occurrences(text, "HTTP/1%.1"))
    assert.matches("hello$", raw_http.exchange(address, get("/", "Connection: close\r\n")))
    server:close()
  end)

  it("speaks HTTP/1.0: the end of the connection ends the answer", function()
    local app = http.app()
    app:get("/", function(_, res)
      res.trailers["X-Sum"] = "1"
      res:stream(function(write) write "abc" rille.sleep(0.01) write "def" end)
    end)
    local server, address = listen(app)
    local text = raw_http.exchange(address, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert.matches("\r\n\r\nabcdef$", text)
    assert.matches("\r\nConnection: close\r\n", text)
    server:close()
  end)

  it("goes on with the connection afterwards", function()
    local app = http.app()
    app:get("/s", function(_, res) res:stream(function(write) write "abc" end) end)
    app:get("/", function() return "hello" end)
    local server, address = listen(app)
    local conn <close> = net.connect(address)
    conn:write(get "/s" .. get "/" .. get "/s")
    for _, body in ipairs { "abc", "hello", "abc" } do
      assert.equal(body, read_answer(conn).body)
    end
    server:close()
  end)
end)

describe("a slow reader", function()
  it("holds the source back, and gets everything", function()
    local app, written, total = http.app(), 0, 32
    local piece = ("x"):rep(1024 * 1024)
    app:get("/", function(_, res)
      res:stream(function(write)
        for i = 1, total do
          write(piece)
          written = i
        end
      end)
    end)
    local server, address = listen(app)
    local conn <close> = net.connect(address)
    conn:write(get("/", "Connection: close\r\n"))
    read_head(conn)
    local before
    work.await(function()
      local same = before == written
      before = written
      rille.sleep(0.1)
      return same
    end, 20)
    assert.is_true(written < total)
    local rest = conn:read "all"
    assert.equal(total * #piece, #rest - #rest:gsub("x", ""))
    assert.equal(total, written)
    server:close()
  end)

  it("is given up when it takes nothing, although there is ever more to send", function()
    local app, ended = http.app(), nil
    app:get("/", function(_, res)
      local closing <close> = setmetatable({}, { __close = function(_, err) ended = err end })
      assert(closing)
      res:stream(function(write)
        write(("x"):rep(320 * 1024))
        for _ = 1, 400 do
          write "."
          rille.sleep(0.05)
        end
      end)
    end)
    local path = os.tmpname()
    os.remove(path)
    local server, address = listen(app, { address = "unix:" .. path, send_timeout = 1 })
    local conn <close> = net.connect(address)
    conn:write(get "/")
    work.await(function() return ended end, 15)
    assert.matches("client has closed", ended)
    server:close()
  end)
end)

describe("a client that leaves", function()
  it("cancels the handler that streams to it", function()
    local app, ended = http.app(), nil
    app:get("/", function(_, res)
      local closing <close> = setmetatable({}, { __close = function(_, err) ended = err end })
      assert(closing)
      res:stream(function(write)
        while true do
          write "x"
          rille.sleep(0.01)
        end
      end)
    end)
    local server, address = listen(app)
    local conn = net.connect(address)
    conn:write(get "/")
    read_head(conn)
    conn:close()
    work.await(function() return ended end, 20)
    assert.matches("client has closed", ended)
    server:close()
  end)

  it("may do so at any point of an exchange, and the next one is served", function()
    local app = http.app()
    app:post("/x", function(req, res)
      res.trailers["X-Got"] = "1"
      res:stream(req)
    end)
    local server, address = listen(app)
    local request = raw_http.chunked("/x", "5\r\nhello\r\n5\r\nworld\r\n0\r\nX-Sent: 1\r\n\r\n")
    for size = 1, #request do
      local conn = net.connect(address)
      conn:write(request:sub(1, size))
      if size % 3 == 0 then rille.sleep(0.001) end
      conn:close()
    end
    for size = 1, 120 do
      local conn = net.connect(address)
      conn:write(request)
      conn:read(size)
      conn:close() -- with bytes unread: a reset
    end
    work.await(function() return server:connections() == 0 end, 20)
    local got = app:inject { path = "/x", body = "again" }
    assert.equal("again", got.body)
    server:close()
  end)

  it("finds that its handler goes on where cancelling is switched off", function()
    local app, path = http.app(), nil
    app:get("/here", function(req, res)
      pcall(res.stream, res, function(write) while true do write(("x"):rep(65536)) end end)
      rille.sleep(0.1)
      path = req.path .. " " .. req.headers["X-Mine"]
    end)
    app:get("/elsewhere", function() return "hello" end)
    local server, address = listen(app, { cancel = false })
    local conn = net.connect(address)
    conn:write(get("/here", "X-Mine: a\r\n"))
    conn:close()
    for _ = 1, 20 do
      raw_http.exchange(address, get("/elsewhere", "X-Mine: b\r\nConnection: close\r\n"))
    end
    work.await(function() return path end, 20)
    assert.equal("/here a", path)
    server:close()
  end)
end)

describe("trailers of an answer", function()
  it("follow a chunked body", function()
    local got = answer(function(_, res)
      res.trailers["X-Early"] = "1"
      res.headers["Trailer"] = "X-Sum"
      res:stream(function(write)
        write "abc"
        res.trailers["X-Sum"] = 3
        res.trailers["X-Gone"] = "x"
      end)
      res.trailers["x-gone"] = nil
      res.trailers["x-early"] = "2"
    end)
    assert.equal("abc", got.body)
    assert.same({ ["x-early"] = "2", ["x-sum"] = "3" }, got.trailers)
    assert.is_nil(got.headers["x-sum"])
  end)

  it("can be read back, and are gone with the next request", function()
    local app, seen = http.app(), {}
    app:get("/", function(_, res)
      table.insert(seen, tostring(res.trailers["x-sum"]))
      res.trailers["X-Sum"] = "1"
      table.insert(seen, res.trailers["x-sum"])
      res:write "x"
    end)
    local server, address = listen(app)
    raw_http.exchange(address, get "/" .. get("/", "Connection: close\r\n"))
    assert.same({ "nil", "1", "nil", "1" }, seen)
    server:close()
  end)

  it("are not sent where there are no chunks", function()
    local got = answer(function(_, res)
      res.trailers["X-Sum"] = "1"
      return "abc"
    end)
    assert.equal("abc", got.body)
    assert.is_nil(got.headers["x-sum"])
  end)

  it("split nothing, and are none of the fields that say how to read the message", function()
    local function message(name, value)
      local err
      answer(function(_, res)
        err = select(2, pcall(function() res.trailers[name] = value end))
      end)
      return err
    end
    assert.matches('bad trailer "X": its value has a CR', message("X", "a\r\nb"))
    assert.matches("has an LF", message("X", "a\nb"))
    assert.matches("has a NUL", message("X", "a\0b"))
    assert.matches("its name has a character", message("X\r\nY", "a"))
    assert.matches("its name is empty", message("", "a"))
    for _, name in ipairs { "Content-Length", "transfer-encoding", "Set-Cookie", "Host" } do
      assert.matches("belongs into the head", message(name, "a"))
    end
  end)
end)

describe("trailers of a request", function()
  local function send(handler, trailers)
    return answer(handler, { body = each { "abc", "def" }, trailers = trailers })
  end

  it("are there when the body was read, apart from the headers", function()
    local got = send(function(req)
      local body = req:body()
      return { body, req.trailers["x-sum"], req.trailers["X-SUM"], tostring(req.headers["X-Sum"]) }
    end, { ["X-Sum"] = "6" })
    assert.equal('["abcdef","6","6","nil"]', got.body)
  end)

  it("are an error before", function()
    local got = send(function(req)
      local ok, err = pcall(function() return req.trailers["X-Sum"] end)
      req:body()
      return { ok, err, req.trailers["X-Sum"] }
    end, { ["X-Sum"] = "6" })
    assert.matches('^%[false,".*follow the body, which was not read to its end.*","6"%]$', got.body)
  end)

  it("come in their order, repeated ones too", function()
    local got = send(function(req)
      repeat until not req:read()
      local list = {}
      for name, value in pairs(req.trailers) do table.insert(list, name .. "=" .. value) end
      return { list, req.trailers["x-a"], req.trailers "x-a" }
    end, { ["X-A"] = { "1", "2" } })
    assert.equal('[["X-A=1","X-A=2"],"1, 2",["1","2"]]', got.body)
  end)

  it("leave out what means something in a head", function()
    local got = send(function(req)
      req:body()
      local list = {}
      for name in pairs(req.trailers) do table.insert(list, name) end
      return { list, tostring(req.headers.Authorization), req.host }
    end, { Host = "evil", Authorization = "Basic x", ["Content-Length"] = "3", ["X-Ok"] = "1" })
    assert.equal('[["X-Ok"],"nil","localhost"]', got.body)
  end)

  it("are none where there was no body, or one of known length", function()
    local function none(req)
      req:body()
      return tostring(req.trailers["X-Sum"])
    end
    assert.equal("nil", answer(none).body)
    assert.equal("nil", answer(none, { body = "abc" }).body)
  end)

  it("cannot be changed", function()
    local got = send(function(req)
      req:body()
      req.trailers["X-Sum"] = "1"
    end)
    assert.equal(500, got.status)
  end)
end)
