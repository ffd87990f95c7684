-- app:sse: server-sent events, through app:inject and over sockets.

local http = require "rille.http"
local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local work = require "spec.support.work"

local get, read_head = raw_http.get, raw_http.read_head

--- The answer to a handler of events.
local function answer(handler, options, request)
  local app = http.app()
  app:sse("/x", handler, options)
  request = request or {}
  request.path = "/x"
  return app:inject(request)
end

--- What a handler sends.
local function sent(handler, options)
  return answer(handler, options).body
end

local function listen(handler, options, sse_options)
  local app = http.app()
  app:sse("/x", handler, sse_options)
  options = options or {}
  options.port = 0
  local server = app:listen(options)
  return server, server:address()
end

describe("app:sse", function()
  it("answers as a stream of events that nobody keeps or collects", function()
    local got = answer(function(events) events:send "hello" end)
    assert.equal(200, got.status)
    assert.equal("text/event-stream", got.headers["content-type"])
    assert.equal("no-store", got.headers["cache-control"])
    assert.equal("no", got.headers["x-accel-buffering"])
    assert.equal("chunked", got.headers["transfer-encoding"])
    assert.equal("data: hello\n\n", got.body)
    assert.is_nil(got.error)
  end)

  it("sends data, event, id and retry", function()
    assert.equal("id: 7\nevent: tick\nretry: 1500\ndata: hello\n\n", sent(function(events)
      events:send { data = "hello", event = "tick", id = 7, retry = 1.5 }
    end))
    assert.equal("id: \nevent: tick\ndata: hello\n\n", sent(function(events)
      events:send("hello", { event = "tick", id = "" })
    end))
    assert.equal("retry: 0\n\n", sent(function(events) events:send { retry = 0 } end))
  end)

  it("sends text of several lines, whatever ends them", function()
    assert.equal("data: a\ndata: b\ndata: \ndata: c\ndata: d\n\n", sent(function(events)
      events:send "a\nb\n\nc\r\nd"
    end))
    assert.equal("data: \n\n", sent(function(events) events:send "" end))
    assert.equal("data: a\ndata: id: 1\ndata: \ndata: data: b\n\n", sent(function(events)
      events:send "a\rid: 1\r\rdata: b"
    end))
  end)

  it("sends tables as JSON, and numbers", function()
    assert.equal('data: {"n":1}\n\ndata: [1,2]\n\ndata: 42\n\n', sent(function(events)
      events:send { data = { n = 1 } }
      events:send({ 1, 2 }, {})
      events:send(42)
    end))
  end)

  it("says so when send is called with a dot", function()
    local ok, err
    sent(function(events) ok, err = pcall(events.send, "hello") end)
    assert.is_false(ok)
    assert.matches("events.send is a method: call it with a colon, events:send(...)", err, 1, true)
  end)

  it("lets nothing be slipped into the fields of one line", function()
    sent(function(events)
      for _, name in ipairs { "event", "id" } do
        for _, bad in ipairs { "a\nb", "a\rb", "a\0b", "\n" } do
          local ok, message = pcall(events.send, events, { data = "x", [name] = bad })
          assert.is_false(ok)
          assert.matches("must hold no CR, LF or NUL", message)
        end
      end
    end)
    assert.equal("data: y\n\n", sent(function(events)
      pcall(events.send, events, { data = "x", id = "1\ndata: z" })
      events:send "y"
    end))
  end)

  it("says what it does not send", function()
    local function message(...)
      local given, err = table.pack(...), nil
      sent(function(events)
        err = select(2, pcall(events.send, events, table.unpack(given, 1, given.n)))
      end)
      return err
    end
    assert.matches('unknown field "n"', message { n = 1 })
    assert.matches("data must be a string, not a boolean", message(true))
    assert.matches("event must be a string, not a table", message("x", { event = {} }))
    assert.matches("retry must be a number of seconds", message("x", { retry = "1" }))
    assert.matches("retry must be a number of seconds", message("x", { retry = -1 }))
    assert.matches("retry must be a number of seconds", message("x", { retry = 0 / 0 }))
  end)

  it("tells the handler what the client got last, and the request", function()
    local got = answer(function(events, req)
      events:send(tostring(events.last_id) .. " " .. req.method)
    end, nil, { headers = { ["Last-Event-ID"] = "42" } })
    assert.equal("data: 42 GET\n\n", got.body)
    assert.equal("data: nil\n\n", sent(function(events) events:send(tostring(events.last_id)) end))
  end)

  it("begins with what the client is to know about a loss", function()
    assert.equal("retry: 3000\n\ndata: x\n\n", sent(function(events)
      events:send "x"
    end, { retry = 3 }))
  end)

  it("sends comments while it is silent, and only then", function()
    local body = sent(function(events)
      events:send "a"
      rille.sleep(0.5)
      events:send "b"
    end, { heartbeat = 0.1 })
    local comments = body:match "^data: a\n\n([:\n]+)data: b\n\n$"
    assert.matches("^:\n\n", comments)
    assert.equal("data: a\n\ndata: b\n\n", sent(function(events)
      events:send "a"
      rille.sleep(0.1)
      events:send "b"
    end, { heartbeat = math.huge }))
  end)

  it("answers HEAD without asking the handler", function()
    local asked = false
    local got = answer(function() asked = true end, nil, { method = "HEAD" })
    assert.equal("text/event-stream", got.headers["content-type"])
    assert.equal("", got.body)
    assert.is_false(asked)
  end)

  it("is a route like any other, behind its middleware", function()
    local app = http.app()
    app:use(function(_, res, next)
      res.headers["X-Outer"] = "1"
      next()
    end)
    app:sse("/:who", function(req, res, next)
      if req.params.who ~= "ada" then return 204 end
      res.headers["X-Inner"] = "1"
      res.headers["Content-Length"] = 3 -- of no stream
      next()
    end, function(events, req) events:send(req.params.who) end, { heartbeat = 1 }):name "events"
    assert.equal("/ada", app:url("events", { who = "ada" }))
    local got = app:inject "/ada"
    assert.equal("data: ada\n\n", got.body)
    assert.equal("1", got.headers["x-outer"])
    assert.equal("1", got.headers["x-inner"])
    assert.equal(204, app:inject("/eve").status)
  end)

  it("cuts the connection when the handler fails", function()
    local got = answer(function(events)
      events:send "a"
      error "boom"
    end)
    assert.equal("the answer was cut off", got.error)
    assert.equal("data: a\n\n", got.body)
  end)

  it("says what is wrong with the route", function()
    local app = http.app()
    assert.has_error(function() app:sse "/x" end, "app:sse: a handler expected, got nil")
    assert.has_error(function() app:sse("/x", {}) end, "app:sse: a handler expected, got nil")
    local ok, message = pcall(app.sse, app, "/x", print, { heartbeats = 1 })
    assert.is_false(ok)
    assert.matches('unknown option "heartbeats"', message)
    assert.is_false(pcall(app.sse, app, "/x", print, { heartbeat = 0 }))
    assert.has_error(function() app:sse("/x", { retry = 1 }, print) end,
      "bad argument #2 to 'sse' (function expected, got table)")
    assert.has_error(function() app:sse(1, print) end,
      "bad argument #1 to 'sse' (string expected, got number)")
  end)

  it("says what is wrong with an event, at the line of the script", function()
    local function fault(send)
      local err
      answer(function(events) err = select(2, pcall(send, events)) end)
      local line = tonumber(err:match "^spec/http_sse_spec%.lua:(%d+): events:send: ")
      assert.equal(debug.getinfo(send, "S").linedefined, line, err)
      return err
    end
    assert.matches("there is nothing to send", fault(function(events) events:send() end))
    assert.matches("id must hold no CR", fault(function(events) events:send("", { id = "\n" }) end))
    assert.matches("data must be a string", fault(function(events) events:send(true) end))
    assert.matches('unknown field "x" %(a table to be sent as JSON is the field data: ',
      fault(function(events) events:send { x = 1 } end))
    assert.matches('unknown field "x"$', fault(function(events) events:send("", { x = 1 }) end))
  end)
end)

describe("a stream of events", function()
  it("reaches the client while the handler goes on", function()
    local go_on = false
    local server, address = listen(function(events)
      events:send "first"
      work.await(function() return go_on end)
      events:send "second"
    end)
    local conn <close> = net.connect(address, { timeout = 20 })
    conn:write(get("/x", "Connection: close\r\n"))
    local line
    repeat line = assert(conn:read "line") until line == "data: first"
    go_on = true
    assert.matches("data: second\n\n\r\n0\r\n\r\n$", conn:read "all")
    server:close()
  end)

  for when, wait in pairs {
    ["before it has waited"] = function() end,
    ["after it has waited"] = function() rille.sleep(0.01) end,
  } do
    it("ends when its own handler closes the server " .. when, function()
      local server, address, ended
      server, address = listen(function()
        local _ <close> = setmetatable({}, { __close = function(_, err) ended = err end })
        wait()
        server:close()
        rille.sleep(30)
      end)
      local conn <close> = net.connect(address, { timeout = 20 })
      conn:write(get "/x")
      conn:read "all"
      assert.matches("the server is closing", ended)
    end)
  end

  it("ends when it begins on a server that is closed", function()
    local app, ended = http.app(), nil
    local server
    app:sse("/x", function(_, _, nxt)
      server:close()
      return nxt()
    end, function()
      local _ <close> = setmetatable({}, { __close = function(_, err) ended = err end })
      rille.sleep(30)
    end)
    server = app:listen { port = 0 }
    local conn <close> = net.connect((server:address():gsub("http", "tcp")), { timeout = 20 })
    conn:write(get "/x")
    conn:read "all"
    assert.matches("the server is closing", ended)
  end)

  it("sends its head before there is any event", function()
    local server, address = listen(function() rille.sleep(30) end)
    local conn <close> = net.connect(address, { timeout = 20 })
    conn:write(get "/x")
    assert.equal(200, read_head(conn).status)
    server:close()
  end)

  for how, leave in pairs {
    ["closes"] = function(conn) conn:close() end,
    ["says that it sends no more, and is gone"] = function(conn)
      conn:shutdown()
      conn:close()
    end,
  } do
    it("ends its handler when the client " .. how .. ", though nothing is sent", function()
      local ended
      local server, address = listen(function()
        local closing <close> = setmetatable({}, { __close = function(_, err) ended = err end })
        assert(closing)
        rille.sleep(60)
      end)
      local conn = net.connect(address)
      conn:write(get "/x")
      read_head(conn)
      leave(conn)
      work.await(function() return ended end, 20)
      assert.matches("client has closed", ended)
      server:close()
    end)
  end

  it("goes on for a client that only sends no more", function()
    local server, address = listen(function(events)
      rille.sleep(2.5)
      events:send "still here"
    end)
    local conn <close> = net.connect(address, { timeout = 20 })
    conn:write(get("/x", "Connection: close\r\n"))
    conn:shutdown()
    assert.matches("data: still here\n\n\r\n0\r\n\r\n$", conn:read "all")
    server:close()
  end)

  it("is held back by a slow reader, and not cut by its own comments", function()
    local count = 0
    local server, address = listen(function(events)
      for i = 1, 400 do
        events:send(("x"):rep(65536))
        count = i
      end
    end, nil, { heartbeat = 0.05 })
    local conn <close> = net.connect(address)
    conn:write(get("/x", "Connection: close\r\n"))
    read_head(conn)
    local before
    work.await(function()
      local same = before == count
      before = count
      rille.sleep(0.2)
      return same
    end, 20)
    assert.is_true(count < 400)
    assert.equal(400, raw_http.occurrences(conn:read "all", "data: x"))
    server:close()
  end)

  it("reaches many clients at once, each at its own pace", function()
    local news = {}
    local server, address = listen(function(events)
      local seen = tonumber(events.last_id) or 0
      while seen < 3 do
        while seen < #news do
          seen = seen + 1
          events:send(news[seen], { id = seen })
        end
        rille.sleep(0.01)
      end
    end)
    local conns = {}
    for i = 1, 50 do
      conns[i] = net.connect(address, { timeout = 20 })
      conns[i]:write(get("/x", "Connection: close\r\nLast-Event-ID: " .. i % 2 .. "\r\n"))
    end
    work.await(function() return server:connections() == 50 end)
    for i = 1, 3 do
      rille.sleep(0.03)
      table.insert(news, "news " .. i)
    end
    for i, conn in ipairs(conns) do
      local text = conn:read "all"
      assert.equal(i % 2 == 0, text:find "data: news 1\n" ~= nil)
      assert.matches("id: 2\ndata: news 2\n\n", text)
      assert.matches("id: 3\ndata: news 3\n\n", text)
      conn:close()
    end
    server:close()
  end)

  it("leaves nothing behind when clients leave at any moment", function()
    local begun, ended = 0, 0
    local server, address = listen(function(events)
      local closing <close> = setmetatable({}, { __close = function() ended = ended + 1 end })
      begun = begun + 1
      assert(closing)
      while true do
        events:send "tick"
        rille.sleep(0.01)
      end
    end, nil, { heartbeat = 0.01 })
    for i = 1, 60 do
      local conn = net.connect(address)
      conn:write(get "/x")
      if i % 3 > 0 then conn:read(i * 5) end
      conn:close()
    end
    work.await(function() return server:connections() == 0 and ended == begun end, 20)
    assert.is_true(begun >= 40)
    server:close()
  end)
end)
