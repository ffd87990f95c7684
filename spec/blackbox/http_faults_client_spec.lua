-- Clients that are slow, leave, or are too many: rows 42 to 52 of the list of bad inputs.

local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local resetting = require "spec.support.resetting"
local rille = require "rille"
local scale = require "spec.support.scale"
local server = require "spec.support.server"
local work = require "spec.support.work"

local exchange, get, post = raw_http.exchange, raw_http.get, raw_http.post
local read_answer, status_of = raw_http.read_answer, raw_http.status_of

local site = [[
  local http, rille = require "rille.http", require "rille"
  local app, running = http.app(), 0
  app:get("/next", function() return "next" end)
  app:get("/cpu", function() return tostring(os.clock()) end)
  app:get("/running", function() return tostring(running) end)
  app:get("/busy", function()
    local start = rille.now()
    while rille.now() - start < 2.5 do end
    return "busy"
  end)
  app:post("/echo", function(req) return req:body() end)
  app:get("/large", function() return ("x"):rep(8 * 1024 * 1024) end)
  app:get("/sleep/:n", function(req) rille.sleep(tonumber(req.params.n)) return "slept" end)
  app:post("/sum", function(req)
    local sum = 0
    for piece in req.read, req do sum = sum + #piece end
    return tostring(sum)
  end)
  local function counted(fn)
    return function(...)
      local guard <close> = setmetatable({}, { __close = function() running = running - 1 end })
      running = running + 1
      return fn(...), guard and nil
    end
  end
  app:get("/ever", counted(function() rille.sleep(1000) end))
  app:post("/ever", counted(function() rille.sleep(1000) end))
  app:get("/flood", counted(function(_, res)
    while true do res:write(("x"):rep(65536)) end
  end))
  app:get("/detach", counted(function()
    return tostring(rille.detach(function()
      local sum = 0
      for i = 1, 3000000 do sum = sum + i end
      return sum
    end))
  end))
  local options = load("return " .. (arg[1] or "{}"))()
  options.port = 0
  print(app:listen(options):address())
  io.stdout:flush()
]]

local function body_of(address, path)
  return (exchange(address, get(path, "Connection: close\r\n")):match "\r\n\r\n(.*)$")
end

--- Starts a server with those options of app:listen, in Lua, and waits for its end.
local function with(options, fn, before)
  local self <close>, address = server.start { script = site, argument = options, before = before }
  fn(address, self)
  work.await(function() return body_of(address, "/next") == "next" end)
  local result = server.stop(self)
  assert.equal(0, result.status)
  return result
end

--- Sends a byte now and then until the connection ends; what came back.
local function drip(address, head, bytes)
  local conn <close> = assert(net.connect(address, { timeout = 20 }))
  local text
  local task = rille.spawn(function() text = conn:read "all" end)
  conn:write(head)
  for byte in bytes:gmatch "." do
    if text or not conn:write(byte) then break end
    rille.sleep(0.1)
  end
  task:await()
  return text
end

describe("a slow client", function()
  it("row 43: that drips its head for ever is answered 408 at a deadline", function()
    with("{ head_timeout = 1 }", function(address)
      local text = drip(address, "GET /next HTTP/1.1\r\nX: ", ("x"):rep(100))
      assert.equal(408, status_of(text))
      assert.matches("\r\nConnection: close\r\n", text)
      assert.equal(408, status_of((exchange(address, "G"))))
      assert.equal(408, status_of((exchange(address, get "/next" .. "GET")):match "next(.*)$"))
    end)
  end)

  it("row 44: that drips its body is answered 408, by a deadline and by its rate", function()
    with("{ body_timeout = 1 }", function(address)
      local head = post("/echo", ("x"):rep(200)):sub(1, -201)
      assert.equal(408, status_of(drip(address, head, ("x"):rep(100))))
      local chunked = raw_http.chunked("/sum", "")
      assert.equal(408, status_of(drip(address, chunked, ("1\r\nx\r\n"):rep(20))))
    end)
  end)

  it("row 44: that is slow but steady is served", function()
    with("{ body_timeout = 1 }", function(address)
      local conn <close> = assert(net.connect(address, { timeout = 20 }))
      conn:write(post("/sum", ("x"):rep(10 * 20000)):sub(1, -200001))
      for _ = 1, 10 do
        conn:write(("x"):rep(20000))
        rille.sleep(0.3)
      end
      assert.equal("200000", read_answer(conn).body)
    end)
  end)

  it("row 45: that takes nothing suspends its writer, and is reset", function()
    with("{ send_timeout = 4 }", function(address, self)
      local conns = {}
      for i = 1, 4 do
        conns[i] = assert(net.connect(address))
        conns[i]:write(get(i % 2 == 0 and "/flood" or "/large", "Connection: close\r\n"))
      end
      work.await(function() return body_of(address, "/running") == "2" end)
      work.await(function() -- once the socket's buffers are full
        local cpu = server.processor_time(self)
        rille.sleep(0.5)
        return server.processor_time(self) - cpu < 0.25
      end)
      assert.equal("2", body_of(address, "/running"))
      work.await(function() return body_of(address, "/running") == "0" end)
      for _, conn in ipairs(conns) do
        repeat local piece = conn:read "some" until not piece
      end
    end)
  end)

  it("row 46: that asks for nothing is closed without a word", function()
    with("{ idle_timeout = 1 }", function(address)
      assert.same({ "" }, { exchange(address, "") })
      local conn <close> = assert(net.connect(address, { timeout = 20 }))
      conn:write(get "/next")
      assert.equal("next", read_answer(conn).body)
      assert.same({}, { conn:read() })
    end)
  end)
end)

describe("clients of a server whose loop is held up", function()
  it("are not late with what arrives meanwhile", function()
    local options = "{ idle_timeout = 1, head_timeout = 1, body_timeout = 1 }"
    local request, body = get "/next", post("/echo", "0123456789")
    with(options, function(address)
      local function connect(text)
        local conn = assert(net.connect(address, { timeout = 20 }))
        conn:write(text)
        return conn
      end
      local idle <close> = connect(request)
      assert.equal("next", read_answer(idle).body)
      local head <close> = connect(request:sub(1, 20))
      local part <close> = connect(body:sub(1, -6))
      rille.sleep(0.2)
      local busy <close> = connect(get "/busy")
      rille.sleep(0.2)
      idle:write(request)
      head:write(request:sub(21))
      part:write(body:sub(-5))
      assert.equal("next", read_answer(idle).body)
      assert.equal("next", read_answer(head).body)
      assert.equal("0123456789", read_answer(part).body)
      assert.equal("busy", read_answer(busy).body)
    end)
  end)
end)

describe("a client that leaves", function()
  it("row 47: with a reset at any point of an exchange leaves nothing behind", function()
    with("{}", function(address, self)
      body_of(address, "/next")
      local count, steps = server.descriptors(self), {}
      local chunks = "3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"
      for _, text in ipairs {
        get "/next" .. get "/next", post("/echo", "abcde"), raw_http.chunked("/sum", chunks),
      } do
        for i = 0, #text do table.insert(steps, { text:sub(1, i) }) end
      end
      for i = 1, 150, 3 do table.insert(steps, { get "/next" .. get "/next", i }) end
      for _, path in ipairs { "/large", "/flood" } do
        for i = 0, 16 do table.insert(steps, { get(path), i * i * 1000 }) end
      end
      for _ = 1, 10 do
        table.insert(steps, { get "/ever" })
        table.insert(steps, { get "/detach" })
        table.insert(steps, { post("/echo", "abcde", "Expect: 100-continue\r\n"):sub(1, -6), 25 })
      end
      resetting(address, steps)
      server.await_descriptors(self, count)
      work.await(function() return body_of(address, "/running") == "0" end)
    end)
  end)

  it("row 47: in order, while its handler waits, cancels that", function()
    with("{}", function(address)
      for _, path in ipairs { "/ever", "/flood", "/detach" } do
        local conn <close> = assert(net.connect(address))
        conn:write(get(path))
        work.await(function() return body_of(address, "/running") ~= "0" end)
        conn:close()
        work.await(function() return body_of(address, "/running") == "0" end)
      end
    end)
  end)

  it("row 47: in order, is noticed in a moment", function()
    with("{}", function(address)
      local soonest = math.huge
      for _ = 1, 3 do
        local conn <close> = assert(net.connect(address))
        conn:write(get "/ever")
        work.await(function() return body_of(address, "/running") ~= "0" end)
        local start = rille.now()
        conn:close()
        work.await(function() return body_of(address, "/running") == "0" end)
        soonest = math.min(soonest, rille.now() - start)
      end
      assert.is_true(soonest < 0.9, soonest) -- what else looks for it comes once a second
    end)
  end)

  it("row 47: behind more than is read ahead of its handler, cancels that", function()
    with("{}", function(address)
      local size = 96 * 1024 -- which the sockets hold: its end is there, too
      local behind = {
        post("/ever", ("x"):rep(size)), get("/ever") .. get("/next"):rep(size // #get "/next"),
      }
      for _, bytes in ipairs(behind) do
        local conn <close> = assert(net.connect(address))
        conn:write(bytes)
        work.await(function() return body_of(address, "/running") == "1" end)
        conn:close()
        work.await(function() return body_of(address, "/running") == "0" end)
      end
    end)
  end)

  it("row 47: leaves a handler to its end where the server says so", function()
    with("{ cancel = false, handler_timeout = 2 }", function(address)
      local conn <close> = assert(net.connect(address))
      conn:write(get "/ever")
      work.await(function() return body_of(address, "/running") == "1" end)
      conn:shutdown()
      rille.sleep(1.5)
      assert.equal("1", body_of(address, "/running"))
      assert.equal(503, read_answer(conn).status) -- and is asked nothing before
    end)
  end)

  it("row 48: with its half, after a whole request, is answered", function()
    with("{}", function(address)
      for _, seconds in ipairs { "0", "0.05", "2.5" } do
        local conn <close> = assert(net.connect(address, { timeout = 20 }))
        conn:write(get "/next", get("/sleep/" .. seconds))
        conn:shutdown()
        assert.equal("next", read_answer(conn).body)
        local answer = read_answer(conn)
        if seconds == "2.5" then
          assert.equal(102, answer.status)
          answer = read_answer(conn)
        end
        assert.equal("slept", answer.body)
        assert.is_nil(conn:read())
      end
      local old <close> = assert(net.connect(address, { timeout = 20 }))
      old:write "GET /sleep/2.5 HTTP/1.0\r\n\r\n"
      old:shutdown()
      assert.equal("slept", read_answer(old).body)
    end)
  end)

  it("row 48: with its half does not make its handler's time longer", function()
    with("{ handler_timeout = 1 }", function(address)
      local conn <close> = assert(net.connect(address, { timeout = 20 }))
      conn:write(get "/ever")
      conn:shutdown()
      local answer = read_answer(conn)
      if answer.status == 102 then answer = read_answer(conn) end
      assert.equal(503, answer.status)
    end)
  end)
end)

describe("many clients", function()
  it("row 49: that connect and close, and that reset, leave no descriptors behind", function()
    with("{}", function(address, self)
      body_of(address, "/next")
      local count, steps = server.descriptors(self), {}
      for _ = 1, scale(10000) do net.connect(address):close() end
      for i = 1, scale(3000) do steps[i] = { i % 2 == 0 and "" or get "/ever" } end
      resetting(address, steps)
      server.await_descriptors(self, count)
    end)
  end)

  it("row 50: more than there are descriptors wait without cost, and are served", function()
    local result = with("{}", function(address, self)
      local first <close> = assert(net.connect(address, { timeout = 20 }))
      local conns = {}
      for i = 1, 100 do
        conns[i] = assert(net.connect(address, { timeout = 20 }))
        conns[i]:write(get "/next")
      end
      rille.sleep(0.3)
      local before = server.processor_time(self)
      rille.sleep(1)
      assert.is_true(server.processor_time(self) - before < 0.1)
      first:close()
      for _, conn in ipairs(conns) do
        assert.equal("next", read_answer(conn).body)
        conn:close()
      end
      rille.sleep(0.3)
    end, "ulimit -n 64;")
    local paused = "accepting on [^\n]+ pauses: too many open files\n"
    assert.matches("^" .. paused .. "accepting on [^\n]+ goes on\n", result.stderr)
  end)

  it("row 51: above the limit are told to come again, whatever they have sent", function()
    with("{ max_connections = 2 }", function(address)
      local one <close> = assert(net.connect(address))
      local two <close> = assert(net.connect(address))
      one:write(get "/next")
      two:write(get "/next")
      read_answer(one)
      read_answer(two)
      for _ = 1, 20 do
        local text, err = exchange(address, post("/echo", ("x"):rep(10000)))
        assert.is_nil(err)
        assert.equal(503, status_of(text))
        assert.matches("\r\nRetry%-After: ", text)
      end
      one:close()
    end)
  end)

  it("row 51: are served request by request up to the limit of those", function()
    with("{ max_requests = 2 }", function(address)
      local conn <close> = assert(net.connect(address, { timeout = 20 }))
      conn:write(get("/next"):rep(3))
      assert.is_nil(read_answer(conn).headers.connection)
      assert.equal("close", read_answer(conn).headers.connection)
      assert.is_nil(read_answer(conn))
    end)
  end)
end)
