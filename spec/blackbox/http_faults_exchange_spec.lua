-- Faults in the course of an exchange: rows 6, 19, 23 and 32 to 42 of the list of bad inputs.

local fault_rows = require "spec.support.fault_rows"
local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local server = require "spec.support.server"
local work = require "spec.support.work"

local exchange, get, post = raw_http.exchange, raw_http.get, raw_http.post
local read_answer, status_of = raw_http.read_answer, raw_http.status_of

local script = [[
  local http, rille = require "rille.http", require "rille"
  local app, running = http.app(), 0
  local function counted(fn)
    return function(...)
      local guard <close> = setmetatable({}, { __close = function() running = running - 1 end })
      running = running + 1
      return fn(...), guard and nil
    end
  end
  app:get("/next", function() return "next" end)
  app:get("/n/:n", function(req) return req.params.n end)
  app:post("/echo", function(req) return req:body() end)
  app:post("/ignore", function() return "ignored" end)
  app:post("/later", function(req) rille.sleep(0.1) return req:body() end)
  app:post("/caught", function(req) return 200, tostring(pcall(req.body, req)) end)
  app:get("/empty", function() return 204 end)
  app:get("/unchanged", function(_, res) res.headers["ETag"] = '"x"' return 304 end)
  app:get("/body/:status", function(req) return tonumber(req.params.status), "some" end)
  app:get("/pieces/:status", function(req, res)
    res.status = tonumber(req.params.status)
    res:write "some"
    res:write "more"
  end)
  app:get("/page", function() return ("x"):rep(20000) end)
  app:get("/promise/:n", function(req, res)
    res.headers["Content-Length"] = req.params.n
    res:write "some"
    res:write "more"
  end)
  app:get("/fail", function() error "before the head" end)
  app:get("/fail/later", function(_, res)
    res:write "some"
    rille.sleep(0.01)
    error "after the head"
  end)
  app:get("/never", counted(function() rille.sleep(1000) end))
  app:get("/stubborn", counted(function() while true do pcall(rille.sleep, 1000) end end))
  app:get("/running", function() return tostring(running) end)
  app:post("/pieces", counted(function(req) for _ in req.read, req do end end))
  print(app:listen { port = 0, head_timeout = 60 }:address())
  print(app:listen { port = 0, handler_timeout = 1 }:address())
  io.stdout:flush()
]]

describe("an exchange", function()
  local impatient -- the address of the server whose handlers have little time
  local site = fault_rows.serve(function()
    local process, address = server.start { script = script }
    impatient = process:line()
    return process, address
  end, { log = "GET /promise/6.*Content%-Length" })

  local function connect()
    return assert(net.connect(site.address, { timeout = 20 }))
  end

  local function check_next(conn)
    conn:write(get "/next")
    assert.equal("next", read_answer(conn).body)
  end

  after_each(function()
    local conn <close> = connect()
    check_next(conn)
  end)

  it("row 6: names the methods of a route that has not the one that is asked for", function()
    for request, allowed in pairs {
      ["POST /next"] = "GET, HEAD, OPTIONS", ["GET /echo"] = "POST, OPTIONS",
    } do
      local conn <close> = connect()
      conn:write(request, " HTTP/1.1\r\nHost: x\r\n\r\n")
      local answer = read_answer(conn)
      assert.same({ 405, allowed }, { answer.status, answer.headers.allow })
    end
  end)

  it("row 19: waits at each proper prefix of a request, and answers the whole", function()
    local text = post("/echo", "abcde", "X-Name: value\r\n")
    local conns = {}
    for i = 1, #text - 1 do
      conns[i] = connect()
      conns[i]:write(text:sub(1, i))
    end
    rille.sleep(0.2)
    for i, conn in ipairs(conns) do
      conn:set_timeout(0.001)
      assert.equal("timeout", (select(2, conn:read "some")))
      conn:set_timeout(20)
      conn:write(text:sub(i + 1))
      assert.equal("abcde", read_answer(conn).body)
      conn:close()
    end
  end)

  it("row 19: is the same when every byte comes by itself", function()
    local chunks = "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: z\r\n\r\n"
    local text = get "/n/1" .. post("/echo", "abc") .. raw_http.chunked("/echo", chunks)
    local conn <close> = connect()
    for i = 1, #text do
      conn:write(text:sub(i, i))
      rille.sleep(0.0005)
    end
    for _, body in ipairs { "1", "abc", "abcde" } do
      assert.equal(body, read_answer(conn).body)
    end
    check_next(conn)
  end)

  it("row 23: takes no memory for a length that is only announced", function()
    local conns, before = {}, server.memory(site.process)
    for i = 1, 20 do
      conns[i] = connect()
      conns[i]:write "POST /pieces HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"
    end
    local conn <close> = connect()
    local running
    repeat
      conn:write(get "/running")
      running = read_answer(conn).body
    until running == "20"
    assert.is_true(server.memory(site.process) - before < 64 * 1024 * 1024)
    for i = 1, 20 do conns[i]:close() end
  end)

  it("row 32: a body cut short is an error for its handler, and 400", function()
    for _, text in ipairs {
      post("/echo", "abcde"):sub(1, -2), raw_http.chunked("/echo", "5\r\nabcde\r\n"),
      raw_http.chunked("/echo", "5\r\nab"), raw_http.chunked("/echo", "5\r\nabcde\r\n0\r\n"),
    } do
      local conn <close> = connect()
      conn:write(text)
      conn:shutdown()
      assert.equal(400, read_answer(conn).status)
      assert.is_nil(conn:read())
    end
    local conn <close> = connect()
    conn:write(post("/caught", "abcde"):sub(1, -2))
    conn:shutdown()
    local answer = read_answer(conn)
    assert.equal("close", answer.headers.connection)
    assert.matches("^false", answer.body)
  end)

  it("row 33: passes over a body that its handler leaves, or closes after the answer", function()
    local conn <close> = connect()
    conn:write(post("/ignore", ("x"):rep(60 * 1024)))
    assert.equal("ignored", read_answer(conn).body)
    check_next(conn)
    conn:write(raw_http.chunked("/ignore", ("1000\r\n" .. ("x"):rep(4096) .. "\r\n"):rep(10)
      .. "0\r\n\r\n"))
    assert.equal("ignored", read_answer(conn).body)
    check_next(conn)
    conn:write(post("/ignore", ("x"):rep(1024 * 1024)))
    local answer = read_answer(conn)
    assert.equal("ignored", answer.body)
    assert.equal("close", answer.headers.connection)
    local rest, err = conn:read "all"
    assert.equal("", rest, err)
  end)

  it("row 33: closes when what a handler left of chunks is malformed", function()
    local text, err = exchange(site.address, raw_http.chunked("/ignore", "x\r\n") .. get "/next")
    assert.is_nil(err)
    assert.matches("ignored$", text)
  end)

  it("row 34: answers a thousand requests of one write in order to a slow client", function()
    local requests = {}
    for i = 1, 1000 do requests[i] = get("/n/" .. i) end
    local conn <close> = connect()
    conn:write(table.concat(requests))
    rille.sleep(0.2)
    for i = 1, 1000 do assert.equal(tostring(i), read_answer(conn).body) end
  end)

  it("row 34: stops reading requests while their answers are not taken", function()
    local conn <close> = connect()
    local request = get("/page", ("X-Name: %s\r\n"):format(("x"):rep(8000)))
    local most, written = 64 * 1024 * 1024 // #request, 0
    rille.spawn(function()
      while written < most and conn:write(request) do written = written + 1 end
    end)
    local before
    repeat
      before = written
      rille.sleep(0.5)
    until written == before and written >= 100
    assert.is_true(written < most)
    for _ = 1, 100 do assert.equal(20000, #read_answer(conn).body) end
  end)

  it("row 34: keeps the order when slow handlers are among fast ones", function()
    local conn <close> = connect()
    conn:write(get "/n/1", post("/later", "two"), get "/n/3", post("/later", "four"), get "/n/5")
    for _, body in ipairs { "1", "two", "3", "four", "5" } do
      assert.equal(body, read_answer(conn).body)
    end
  end)

  it("row 35: ignores what comes behind a request that closes", function()
    local text, err = exchange(site.address, get("/n/1", "Connection: close\r\n") .. get "/next")
    assert.is_nil(err)
    assert.equal(1, raw_http.occurrences(text, "HTTP/1%.1 %d"))
    assert.matches("\r\n\r\n1$", text)
  end)

  it("row 36: asks for the body when its handler reads, or gives the final answer", function()
    local head = "POST %s HTTP/1.%d\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n" ..
      "Connection: close\r\n\r\n"
    local conn <close> = connect()
    conn:write(head:format("/echo", 1))
    assert.equal(100, read_answer(conn).status)
    conn:write "abc"
    assert.equal("abc", read_answer(conn).body)
    local other <close> = connect()
    other:write(head:format("/ignore", 1))
    assert.equal("ignored", read_answer(other).body)
    assert.is_nil(other:read())
    local old <close> = connect()
    old:write(head:format("/echo", 0))
    rille.sleep(0.2) -- it would be asked by now
    old:write "abc"
    assert.equal(200, read_answer(old).status)
    local bodyless = exchange(site.address, get("/next", "Connection: close\r\nExpect: 200-ok\r\n"))
    assert.equal(417, status_of(bodyless))
  end)

  it("row 37: ignores an upgrade to what it does not speak", function()
    local conn <close> = connect()
    for _, fields in ipairs {
      "Connection: Upgrade\r\nUpgrade: tls/1.3\r\n", "Upgrade: websocket\r\n",
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n",
    } do
      conn:write(get("/next", fields))
      local answer = read_answer(conn)
      assert.equal(200, answer.status)
      assert.is_nil(answer.headers.upgrade)
      check_next(conn)
    end
    local text = "GET /next HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert.equal(200, status_of((exchange(site.address, text))))
  end)

  it("row 38: sends neither body nor chunks with HEAD, 204 and 304", function()
    local conn <close> = connect()
    for _, path in ipairs { "/next", "/page", "/pieces/200", "/pieces/404", "/empty" } do
      conn:write("HEAD ", path, " HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.is_true(read_answer(conn, true).status < 500)
      check_next(conn)
    end
    for _, path in ipairs {
      "/empty", "/unchanged", "/body/204", "/body/304", "/pieces/204", "/pieces/304",
    } do
      conn:write(get(path))
      local answer = read_answer(conn)
      assert.is_true(answer.status == 204 or answer.status == 304)
      assert.is_nil(answer.headers["transfer-encoding"])
      if answer.status == 204 then assert.is_nil(answer.headers["content-length"]) end
      check_next(conn)
    end
  end)

  it("row 40: cuts what is more than its Content-Length, and closes what is less", function()
    local conn <close> = connect()
    conn:write(get "/promise/8")
    assert.equal("somemore", read_answer(conn).body)
    check_next(conn)
    assert.matches("\r\n\r\nsome$", (exchange(site.address, get "/promise/6" .. get "/next")))
    assert.matches("\r\n\r\nsomemore$", (exchange(site.address, get "/promise/9" .. get "/next")))
    local less = exchange(site.address, get("/promise/3", "Connection: close\r\n"))
    assert.equal(500, status_of(less))
  end)

  it("row 41: an error is a 500; after the head it is the end, without a last chunk", function()
    local conn <close> = connect()
    conn:write(get "/fail")
    assert.equal(500, read_answer(conn).status)
    check_next(conn)
    local text = exchange(site.address, get "/fail/later" .. get "/next")
    assert.matches("\r\n\r\n4\r\nsome\r\n$", text)
    local old = exchange(site.address, "GET /fail/later HTTP/1.0\r\n\r\n")
    assert.matches("\r\n\r\nsome$", old)
  end)

  it("row 42: a handler that never answers is ended with 503", function()
    for _, path in ipairs { "/never", "/stubborn" } do
      local text, err = exchange(impatient, get(path) .. get "/next")
      assert.is_nil(err, path)
      assert.equal(503, status_of(text))
      assert.equal(1, raw_http.occurrences(text, "HTTP/1%.1"))
    end
    local conn <close> = connect()
    work.await(function()
      conn:write(get "/running")
      return read_answer(conn).body == "0"
    end)
  end)
end)
