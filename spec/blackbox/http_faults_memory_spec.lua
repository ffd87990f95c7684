-- Memory that runs out: rows 55 and 56 of the list of faults, as clients see them.
--
-- Row 57, where the n-th allocation fails, for every n and for ever after, is spec/c/
-- http_faults_test.c and http_stream_faults_test.c: a whole server, whose clients are on sockets of
-- their own threads. From outside the program no single allocation of it can be made to fail, since
-- its malloc is linked into it; the last test here takes the address space away instead.

local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local server = require "spec.support.server"

local site = [[
  local http, rille = require "rille.http", require "rille"
  local app, ways = http.app(), {}
  if arg[1] then rille.domains.set_memory_limit(tonumber(arg[1])) end
  rille.domains.set_bounds(1, 1)

  local function megabyte() return ("x"):rep(1024):rep(1024) end -- in two steps of few copies

  local function hoard()
    local all = {}
    while true do all[#all + 1] = megabyte() .. #all end
  end
  local function chain()
    local list
    while true do list = { list } end
  end

  ways.strings = hoard
  ways.tables = chain
  function ways.rep() return #("x"):rep(1000000000) end
  function ways.concat()
    local pieces = {}
    for i = 1, 1000000 do pieces[i] = i end
    while true do pieces[1] = table.concat(pieces, "0123456789") end
  end
  function ways.gsub() return #megabyte():gsub("x", ("y"):rep(1000)) end
  function ways.closures()
    local kept = {}
    while true do kept[#kept + 1] = function() return kept end end
  end
  function ways.coroutines()
    local kept = {}
    while true do
      kept[#kept + 1] = coroutine.wrap(function() coroutine.yield() end)
      kept[#kept]()
    end
  end
  function ways.in_coroutine() coroutine.wrap(hoard)() end
  function ways.in_fiber() rille.spawn(hoard):await() end
  function ways.in_pcall() pcall(hoard) chain() end
  function ways.streamed(_, res)
    res:write "begun"
    hoard()
  end
  function ways.task() rille.detach(hoard) end

  app:get("/next", function() return "next" end)
  app:get("/usable", function()
    local list = {}
    for i = 1, 16 do list[i] = megabyte() .. i end
    return rille.detach(function() return "usable" end)
  end)
  app:get("/way/:way", function(req, res) return ways[req.params.way](req, res) or "done" end)
  print(app:listen { port = 0, compute_timeout = 60 }:address())
  io.stdout:flush()
]]

local WAYS = {
  "strings", "tables", "rep", "concat", "gsub", "closures", "coroutines", "in_coroutine",
  "in_fiber", "in_pcall", "task",
}

local function ask(address, path)
  local conn <close> = assert(net.connect(address, { timeout = 60 }))
  conn:write(raw_http.get(path, "Connection: close\r\n"))
  return raw_http.read_answer(conn)
end

describe("with a limit of memory, a handler that allocates without end", function()
  local self, address, descriptors

  setup(function()
    self, address = server.start { script = site, argument = tostring(64 << 20), seconds = 240 }
    ask(address, "/usable")
    descriptors = server.descriptors(self)
  end)

  teardown(function()
    server.await_descriptors(self, descriptors)
    local result = server.stop(self)
    assert.equal(0, result.status)
    assert.matches("error in the handler of GET /way/rep.-more than 64 MiB of memory.-"
      .. "stack traceback:", result.stderr)
  end)

  for _, way in ipairs(WAYS) do
    it(("row 56: %s -> 500, and its state serves on"):format(way:gsub("_", " ")), function()
      for _ = 1, 2 do
        assert.equal(500, ask(address, "/way/" .. way).status)
        assert.equal("usable", ask(address, "/usable").body)
      end
    end)
  end

  it("row 56: cuts an answer that was begun, and its state serves on", function()
    local text = raw_http.exchange(address, raw_http.get "/way/streamed")
    assert.equal(200, raw_http.status_of(text))
    assert.matches("\r\n\r\n5\r\nbegun\r\n$", text)
    assert.equal("usable", ask(address, "/usable").body)
  end)

  it("row 56: fails alone, while others wait for their answers", function()
    local clients = {}
    for i = 1, 8 do
      clients[i] = rille.spawn(ask, address, i % 2 == 0 and "/way/strings" or "/next")
    end
    for i, client in ipairs(clients) do
      assert.equal(i % 2 == 0 and 500 or 200, client:await().status)
    end
    assert.equal("usable", ask(address, "/usable").body)
  end)
end)

describe("without memory from the system, a handler", function()
  it("row 56: gets an error, 500, and its state serves on", function()
    local build = os.getenv "RILLE_BUILD"
    if build == "asan" or build == "tsan" then pending "sanitizers cannot be confined" end
    local self <close>, address = server.start {
      script = site, before = "ulimit -v 786432 &&", seconds = 240,
    }
    for _, way in ipairs(WAYS) do
      local answer = ask(address, "/way/" .. way)
      assert.same({ way, 500 }, { way, answer and answer.status })
      assert.equal("usable", ask(address, "/usable").body)
    end
    local result = server.stop(self)
    assert.equal(0, result.status)
    assert.matches("the handler of GET /way/strings [^\n]*: not enough memory", result.stderr)
  end)
end)
