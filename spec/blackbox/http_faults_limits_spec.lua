-- Handlers at the limits of the machine: rows 52, 55 and 61 of the list of faults, a body that is
-- far larger than it looks, forms of very many parts, and a disk that is full.

local compress = require "rille.compress"
local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local scale = require "spec.support.scale"
local server = require "spec.support.server"

local get, read_answer = raw_http.get, raw_http.read_answer

local function ask(address, bytes)
  local conn <close> = assert(net.connect(address, { timeout = 30 }))
  conn:write(bytes)
  return read_answer(conn)
end

local FORM = "Content-Type: multipart/form-data; boundary=b\r\n"

local function path(text) return get(text, "Connection: close\r\n") end

--- The address sanitizer keeps 256 MiB of what was freed, which is not the server's doing.
local LITTLE_KEPT <const> = 'export ASAN_OPTIONS="$ASAN_OPTIONS:quarantine_size_mb=16" &&'

local site = [[
  local http, rille = require "rille.http", require "rille"
  local app = http.app()
  rille.domains.set_bounds(1, 1)
  rille.domains.set_queue_limit(1)
  rille.domains.set_slice(10) -- so that tasks come one after the other

  local function work_on()
    local list, till = {}, rille.now() + 0.2
    while rille.now() < till do list = { #list } end
    return "worked"
  end
  local work = rille.job(work_on, { on_full = "fail" })
  app:get("/work", function() return work() end)
  app:get("/patient", function(req)
    req:timeout(2)
    return rille.detach(work_on)
  end)
  app:get("/pattern", function() return tostring(("a"):rep(900):find ".-.-b") end)
  app:get("/exit", function() os.exit(3) end)
  app:get("/next", function() return "next" end)
  app:get("/sleep", function() rille.sleep(0.5) return "slept" end)
  app:group("/small", function(small)
    small:use(require "rille.http.decompress" { max_size = 100000 })
    small:post("/", function(req) return tostring(#req:body()) end)
  end)
  app:post("/parts", function(req)
    local count = 0
    local options = { max_parts = tonumber(req.query.most), directory = "." }
    for part in req:multipart(options) do count = count + #part:body() end
    return tostring(count)
  end)
  app:post("/saved", function(req)
    for part in req:multipart { directory = "." } do
      local path, err = part:save()
      if not path then return 507, err end
    end
    return "saved"
  end)
  print(app:listen { port = 0, compute_timeout = 0.1 }:address())
  io.stdout:flush()
]]

describe("a server", function()
  it("row 52: says when to try again what a full queue does not take", function()
    local self <close>, address = server.start { script = site }
    local clients, counts = {}, { [200] = 0, [503] = 0 }
    for i = 1, 20 do
      clients[i] = rille.spawn(ask, address, path "/work")
    end
    for _, client in ipairs(clients) do
      local answer = client:await()
      counts[answer.status] = (counts[answer.status] or 0) + 1
      if answer.status == 503 then
        assert.is_true(tonumber(answer.headers["retry-after"]) >= 1)
      end
    end
    assert.is_true(counts[503] > 0)
    assert.same({ 20 }, { counts[200] + counts[503] }, require "rille.json".encode(counts))
    assert.equal("next", ask(address, path "/next").body)
    assert.equal(0, server.stop(self).status)
  end)

  it("row 52: lets who waits for room in a full queue wait no longer than its time", function()
    local self <close>, address = server.start { script = site, before = LITTLE_KEPT }
    ask(address, path "/work") -- the compute domain is there
    local clients, counts = {}, { [200] = 0, [503] = 0 }
    for i = 1, 20 do
      clients[i] = rille.spawn(ask, address, path "/patient")
    end
    for _, client in ipairs(clients) do
      local status = client:await().status
      counts[status] = counts[status] + 1
    end
    assert.is_true(counts[200] > 0 and counts[503] > 0)
    assert.is_true(server.memory(self) < 400 * 1024 * 1024)
    assert.equal("worked", ask(address, path "/patient").body)
    assert.equal(0, server.stop(self).status)
  end)

  it("row 55: ends a handler when the C function returns that it was in", function()
    if os.getenv "RILLE_BUILD" == "tsan" then pending "this sanitizer delays signals" end
    local self <close>, address = server.start { script = site, seconds = 120 }
    assert.equal(503, ask(address, path "/pattern").status)
    assert.equal("next", ask(address, path "/next").body)
    local result = server.stop(self)
    assert.equal(0, result.status)
    assert.matches("error in the handler of GET /pattern.-server.lua:%d+:", result.stderr)
  end)

  it("row 61: ends in order when a handler calls os.exit", function()
    local self <close>, address = server.start { script = site }
    local slow = rille.spawn(ask, address, path "/sleep")
    rille.sleep(0.1)
    local conn <close> = assert(net.connect(address))
    conn:write(path "/exit")
    local answer = slow:await()
    assert.is_true(answer.status == 200 or answer.status == 503)
    assert.equal(3, self:wait().status)
  end)

  it("refuses a body that is a decompression bomb", function()
    local self <close>, address = server.start { script = site }
    local bomb = compress.encode(("\0"):rep(50000000), "gzip")
    local text = raw_http.post("/small/", bomb, "Content-Encoding: gzip\r\n")
    assert.equal(413, ask(address, text).status)
    assert.is_true(server.memory(self) < 400 * 1024 * 1024)
    assert.equal("next", ask(address, path "/next").body)
    assert.equal(0, server.stop(self).status)
  end)

  it("takes a form of a hundred thousand parts, or refuses it at its limit", function()
    local self <close>, address = server.start { script = site, seconds = 120 }
    local count, parts = scale(100000), {}
    for i = 1, count do
      parts[i] = ('--b\r\nContent-Disposition: form-data; name="n%d"\r\n\r\nx\r\n'):format(i)
    end
    local form, fields = table.concat(parts) .. "--b--\r\n", FORM
    local answer = ask(address, raw_http.post("/parts?most=" .. count, form, fields))
    assert.same({ 200, tostring(count) }, { answer.status, answer.body })
    form = table.concat(parts, nil, 1, math.min(count, 20000)) -- a connection lingers for that much
    assert.equal(413, ask(address, raw_http.post("/parts?most=1000", form, fields)).status)
    assert.is_true(server.memory(self) < 400 * 1024 * 1024)
    assert.equal("next", ask(address, path "/next").body)
    assert.equal(0, server.stop(self).status)
  end)

  it("row 67: says that a file cannot grow, and keeps serving", function()
    local self <close>, address = server.start { script = site, before = "ulimit -f 64;" }
    ask(address, path "/next")
    local descriptors = server.descriptors(self)
    for _ = 1, 3 do
      local form = '--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
        .. ("x"):rep(512 * 1024) .. "\r\n--b--\r\n"
      local answer = ask(address, raw_http.post("/saved", form, FORM))
      assert.equal(507, answer.status)
      assert.matches("EFBIG: file too large", answer.body)
      assert.equal("next", ask(address, path "/next").body)
    end
    server.await_descriptors(self, descriptors)
    assert.equal(0, server.stop(self).status)
  end)
end)
