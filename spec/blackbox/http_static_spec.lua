-- Files over real sockets: large ones, clients that are slow or leave, files that change meanwhile.

local fault_rows = require "spec.support.fault_rows"
local folders = require "spec.support.folder"
local net = require "rille.net"
local process = require "spec.support.process"
local raw_http = require "spec.support.raw_http"
local resetting = require "spec.support.resetting"
local server = require "spec.support.server"

local exchange, get, read_answer = raw_http.exchange, raw_http.get, raw_http.read_answer

local SIZE = 32 * 1024 * 1024 -- more than sockets hold
local MEDIUM = 64 * 1024

local site = [[
  local http, rille = require "rille.http", require "rille"
  local options = load("return " .. (arg[1] or "{}"))()
  local app = http.app()
  app:get("/", function() return "hello" end)
  app:static("/s", options.folder, { fresh = options.fresh })
  app:group("/m", function(group)
    group:use(function(_, _, next) next() rille.sleep(0.01) end)
    group:static("/s", options.folder)
  end)
  app:get("/file/*path", function(req, res)
    return res:file(req.params.path, { root = options.folder })
  end)
  print(app:listen { port = 0, send_timeout = options.send_timeout }:address())
  io.stdout:flush()
]]

--- Bytes of which each piece tells where it is from.
local function content(size)
  local lines = {}
  for i = 1, size // 16 do lines[i] = ("%015d\n"):format(i) end
  return table.concat(lines)
end

local folder, large, medium

local function start(options, before)
  return server.start {
    script = site, before = before,
    argument = ("{ folder = %q, %s }"):format(folder.path, options or ""),
  }
end

setup(function()
  large, medium = content(SIZE), content(MEDIUM)
  folder = folders.new { large = large, medium = medium, small = "small", ["a/index.html"] = "a" }
end)

teardown(function() folder:remove() end)

describe("files over a socket", function()
  local warm = { get("/", "Connection: close\r\n") }
  for _, name in ipairs { "/s/large", "/s/medium", "/m/s/large", "/m/s/medium" } do
    table.insert(warm, get(name, "Connection: close\r\nRange: bytes=0-0\r\n")) -- into the cache
  end
  local served = fault_rows.serve(start, { warm = warm })

  local function connect()
    return assert(net.connect(served.address, { timeout = 20 }))
  end

  local function check_serving(conn)
    conn:write(get "/")
    assert.equal("hello", read_answer(conn).body)
  end

  it("arrive whole, one after another, on one connection", function()
    local conn <close> = connect()
    for _, path in ipairs { "/s/large", "/s/small", "/m/s/large", "/s/medium", "/file/large" } do
      conn:write(get(path))
      local got = read_answer(conn)
      local wanted = path:find "large" and large or path:find "medium" and medium or "small"
      assert.is_true(got.body == wanted, path)
    end
    check_serving(conn)
  end)

  it("come in the order of pipelined requests, whoever answers them", function()
    local conn <close> = connect()
    local paths = {
      "/s/small", "/", "/s/large", "/", "/m/s/medium", "/s/small", "/m/s/large", "/s/none", "/s/a",
      "/s/medium", "/file/medium", "/",
    }
    local sizes = {
      5, 5, SIZE, 5, MEDIUM, 5, SIZE, #"Not Found\n", 0, MEDIUM, MEDIUM, 5,
    }
    local bytes = {}
    for i, path in ipairs(paths) do bytes[i] = get(path) end
    conn:write(table.concat(bytes))
    for i, size in ipairs(sizes) do assert.equal(size, #read_answer(conn).body, paths[i]) end
  end)

  it("are not sent to HEAD", function()
    local conn <close> = connect()
    for _, path in ipairs { "/s/large", "/m/s/large", "/file/large", "/s/small" } do
      conn:write((get(path):gsub("^GET", "HEAD")))
      local got = read_answer(conn, true)
      assert.equal(path:find "small" and "5" or tostring(SIZE), got.headers["content-length"])
    end
    check_serving(conn)
  end)

  it("end the connection where the client asks for it, or speaks HTTP/1.0", function()
    local text = exchange(served.address, get("/s/medium", "Connection: close\r\n"))
    assert.matches("\r\nConnection: close\r\n", text)
    assert.equal(medium, text:match "\r\n\r\n(.*)$")
    text = exchange(served.address, "GET /s/medium HTTP/1.0\r\n\r\n")
    assert.equal(medium, text:match "\r\n\r\n(.*)$")
  end)

  it("come in ranges, of which several go between head and head", function()
    local conn <close> = connect()
    conn:write(get("/s/large", "Range: bytes=16-31,20000000-29999999,-16\r\n"), get "/s/small")
    local got = read_answer(conn)
    assert.equal(206, got.status)
    assert.truthy(got.body:find(large:sub(17, 32), 1, true))
    assert.truthy(got.body:find(large:sub(20000001, 30000000), 1, true))
    assert.truthy(got.body:find(large:sub(-16), 1, true))
    assert.equal("small", read_answer(conn).body)
  end)

  it("arrive at a client that has said that it sends no more", function()
    local conn <close> = connect()
    conn:write(get "/s/large")
    conn:shutdown()
    assert.is_true(read_answer(conn).body == large)
  end)

  it("arrive although the request has a body, which is passed over", function()
    local conn <close> = connect()
    conn:write "GET /s/large HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234"
    local head = raw_http.read_head(conn)
    conn:write "56789"
    assert.is_true(conn:read(tonumber(head.headers["content-length"])) == large)
    check_serving(conn)
  end)

  it("are given up when the client leaves in the midst", function()
    for _, path in ipairs { "/s/large", "/m/s/large", "/file/large" } do
      resetting(served.address, { { get(path), 1000 }, { get(path), 5000000 }, { get(path) } })
      local conn <close> = connect()
      conn:write(get(path))
      conn:read(100000)
    end
    local conn <close> = connect()
    check_serving(conn)
  end)

  it("stay inside their directory, however a path is spelt", function()
    folder:write("../" .. folder.path:match "[^/]+$" .. ".secret", "secret")
    local name = folder.path:match "[^/]+$" .. ".secret"
    for _, up in ipairs {
      "/s/../", "/s/..%2f", "/s/%2e%2e/", "/s/%2e%2e%2f", "/s/a/../../", "/s//../", "/s/..\\",
      "/s/..%5c", "/s/%c0%ae%c0%ae/", "/s/a/%2e%2e/%2e%2e/", "/s/a%2f..%2f..%2f", "/s/%252e%252e/",
      "/s/%2E%2E/", "/s/%2e%2E%2F", "/s/.%2e/", "/s/%2e./", "/s/....//", "/s/..;/", "/s/..%00/",
      "/s/%2e%2e%5c", "/s/%5c..%5c", "/s/..%c0%af", "/s/..%c1%9c", "/s/%e0%80%ae%e0%80%ae/",
      "/s/%f0%80%80%ae%f0%80%80%ae/", "/s/%u002e%u002e/", "/s/%ef%bc%8e%ef%bc%8e/", "/s/..%252f",
      "/s/%25252e%25252e/", "/s/..%3f/", "/s/..%0d%0a/", "/s/./../", "/s/.//../", "/s/%2f..%2f",
      "/s/%2e%2e/%2e%2e/s/../../", "/s//" .. folder.path .. "/../", "/../", "/%2e%2e/",
      "/m/s/../", "/m/s/%2e%2e%2f", "/file/../", "/file/%2e%2e%2f", "/file/..%5c", "/file/%2ftmp/",
      "/file/%2f" .. folder.path:sub(2) .. "/../", "/file/..%c0%af", "/file/%252e%252e%252f",
    } do
      for _, tail in ipairs { "", "%00", "%00.html", "/", "?x=/../" } do
        local text = exchange(served.address, get(up .. name .. tail, "Connection: close\r\n"))
        local status = raw_http.status_of(text)
        assert.is_true(status == 404 or status == 400, up .. tail)
        assert.is_nil(text:match "\r\n\r\nsecret")
      end
    end
    os.remove(folder:at("../" .. name))
  end)
end)

describe("a file", function()
  local self

  after_each(function()
    getmetatable(self).__close(self)
  end)

  --- Starts the server: a connection that has read the head of the answer and nothing more, the
  -- length of its body, and the address.
  local function begin(options, name)
    local address
    self, address = start(options)
    local conn = assert(net.connect(address, { timeout = 20 }))
    conn:write(get("/s/" .. name))
    local head = raw_http.read_head(conn)
    assert.equal(200, head.status)
    return conn, tonumber(head.headers["content-length"]), address
  end

  it("that is replaced while it is sent arrives as it was", function()
    folder:write("replaced", large)
    local conn <close>, length = begin("fresh = 0", "replaced")
    folder:write("other", ("x"):rep(1000))
    assert(os.rename(folder:at "other", folder:at "replaced"))
    assert.is_true(conn:read(length) == large)
    conn:write(get "/s/replaced")
    assert.equal(1000, #read_answer(conn).body)
    assert.equal(0, server.stop(self).status)
  end)

  it("that is removed while it is sent arrives, and is gone then", function()
    folder:write("removed", large)
    local conn <close>, length = begin("fresh = 0", "removed")
    os.remove(folder:at "removed")
    assert.is_true(conn:read(length) == large)
    conn:write(get "/s/removed")
    assert.equal(404, read_answer(conn).status)
    assert.equal(0, server.stop(self).status)
  end)

  it("that becomes shorter while it is sent is cut off, which is logged", function()
    folder:write("cut", large)
    local conn <close>, length, address = begin("", "cut")
    process.run { program = "truncate", "-s", "1000", folder:at "cut" }
    local parts, size = {}, 0
    repeat
      local part = conn:read "some"
      size = size + #(part or "")
      table.insert(parts, part)
    until not part
    assert.is_true(size < length)
    assert.equal(200, raw_http.status_of(exchange(address, get("/", "Connection: close\r\n"))))
    local result = server.stop(self)
    assert.equal(0, result.status)
    assert.matches("cannot send the file for /s/cut: it became shorter meanwhile\n", result.stderr)
  end)

  it("is given up when the client takes nothing for too long", function()
    local conn <close>, _, address = begin("send_timeout = 1", "large")
    server.await_descriptors(self, server.descriptors(self) - 1)
    assert.is_true(#(conn:read "all" or "") < SIZE)
    assert.equal(200, raw_http.status_of(exchange(address, get("/", "Connection: close\r\n"))))
    assert.equal(0, server.stop(self).status)
  end)

  it("is sent to its end although the server is told to stop", function()
    local conn <close>, length, address = begin("", "large")
    self:signal "TERM"
    repeat -- until it no longer listens
      local other <close> = net.connect(address, { timeout = 1 })
    until not other
    assert.is_true(conn:read(length) == large)
    assert.is_nil(conn:read "some")
    assert.equal(0, self:wait().status)
  end)

  it("is 503 while there are no descriptors, and served when there are", function()
    local address
    self, address = start("", "ulimit -n 40 &&")
    local conn <close> = assert(net.connect(address, { timeout = 20 }))
    conn:write(get "/")
    assert.equal(200, read_answer(conn).status)
    local others = {}
    for i = 1, 60 do others[i] = net.connect(address, { timeout = 20 }) end
    conn:write(get "/")
    assert.equal(200, read_answer(conn).status)
    for _ = 1, 3 do
      conn:write(get "/s/large")
      local got = read_answer(conn)
      assert.same({ 503, "Service Unavailable\n" }, { got.status, got.body })
    end
    for _, other in ipairs(others) do other:close() end
    local status
    repeat
      conn:write((get "/s/large":gsub("^GET", "HEAD")))
      status = read_answer(conn, true).status
    until status == 200
    local result = server.stop(self)
    assert.equal(0, result.status)
    assert.matches("cannot open the file for /s/large: too many open files\n", result.stderr)
  end)
end)
