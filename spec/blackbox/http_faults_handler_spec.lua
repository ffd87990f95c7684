-- Handlers that go wrong: rows 53 to 63 of the list of faults, as their clients see them.

local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local server = require "spec.support.server"

local get, read_answer = raw_http.get, raw_http.read_answer

local site = [[
  local http, rille = require "rille.http", require "rille"
  local app, ways = http.app(), {}

  -- It allocates on its way: under the thread sanitizer nothing else is ever interrupted.
  local function forever()
    local list = {}
    while true do list = { #list } end
  end
  local function stubborn() while true do pcall(forever) end end

  -- 54: tasks
  function ways.stuck_task() return tostring(pcall(rille.timeout, 0.1, rille.detach, forever)) end
  function ways.stubborn_task()
    return tostring(pcall(rille.timeout, 0.1, rille.detach, stubborn))
  end

  -- 53: without end
  function ways.loop() forever() end
  function ways.loop_in_pcall() stubborn() end
  function ways.loop_in_coroutine()
    coroutine.wrap(function() coroutine.wrap(stubborn)() end)()
  end
  function ways.loop_in_finalizer()
    setmetatable({}, { __gc = forever })
    collectgarbage()
    forever()
  end
  function ways.loop_in_fiber() rille.spawn(forever):await() end
  function ways.loop_later() rille.sleep(0.01) forever() end
  function ways.loop_timed(req) req:timeout(0.1) forever() end

  -- 58: depth
  function ways.recursion()
    local function deeper(n) return 1 + deeper(n + 1) end
    return deeper(1)
  end
  function ways.parentheses() return assert(load("return " .. ("("):rep(200000))) end
  function ways.gsub()
    local function deeper(text) return (text:gsub(".", deeper)) end
    return deeper "x"
  end
  function ways.index()
    local chain = {}
    for _ = 1, 200000 do chain = setmetatable({}, { __index = chain }) end
    return chain.x
  end

  -- 59: errors that are no strings
  function ways.error_nil() error(nil) end
  function ways.error_table() error {} end
  function ways.error_tostring()
    error(setmetatable({}, { __tostring = function() error "in __tostring" end }))
  end
  function ways.error_status() error(setmetatable({}, { __index = error })) end
  function ways.gc()
    setmetatable({}, { __gc = function() error "in __gc" end })
    collectgarbage()
    error "after"
  end
  function ways.close()
    local guard <close> = setmetatable({}, { __close = function() error "in __close" end })
    error(guard and "before")
  end

  -- 60: waits where Lua cannot
  function ways.sort() table.sort({ 3, 2, 1 }, function() rille.sleep(0.01) end) end
  function ways.gsub_wait() ("x"):gsub("x", function() rille.sleep(0.01) end) end
  function ways.yield() coroutine.yield() end

  -- 61: what is refused, and what holds up the loop because it is asked to
  function ways.binary() return assert(load("\27Lua" .. ("x"):rep(100), "x", "t")) end
  function ways.own_binary() return load(string.dump(function() return "own" end))() end
  function ways.read() return tostring(io.read "a") end
  function ways.execute() return tostring(os.execute "sleep 0.2") end
  function ways.popen()
    local pipe <close> = io.popen "echo popen"
    return pipe:read "l"
  end

  -- 62, 63: what leaves for other domains
  function ways.detach_captured()
    local n, list = 1, { 2 }
    local function add(m)
      n, list[1] = n + m, 0
      return n
    end
    return ("%d %d %d"):format(rille.detach(add, 1), n, list[1])
  end
  function ways.detach_function_of_c() return rille.detach(string.rep, "x", 3) end
  function ways.detach_cycle()
    local ring = { 1 }
    ring.ring = ring
    local back = rille.detach(function(given) return given end, ring)
    return tostring(back.ring == back and back ~= ring and back[1] == 1)
  end
  function ways.detach_large(req)
    req:timeout(20)
    local text = ("x"):rep(100 << 20)
    return tostring(rille.detach(function(given) return #given end, text) == #text)
  end
  function ways.detach_nan()
    local back = rille.detach(function(given) return given end, { 0 / 0 })
    return tostring(back[1] ~= back[1])
  end
  function ways.detach_class()
    local class = setmetatable({}, { __index = { name = "class" } })
    return rille.detach(function(given) return given.name end, class)
  end
  function ways.detach_in_detach()
    return rille.detach(function()
      local rille = require "rille"
      return rille.detach(function() return "deep" end)
    end)
  end
  function ways.detach_file() rille.detach(print, io.tmpfile()) end
  function ways.detach_request(req) rille.detach(print, req) end
  function ways.detach_socket()
    local listener <close> = rille.net.listen("tcp://127.0.0.1:0", function() end)
    rille.detach(print, listener)
  end
  function ways.detach_coroutine() rille.detach(print, coroutine.create(print)) end
  function ways.task_exits() rille.detach(function() os.exit(3) end) end

  app:get("/next", function() return "next" end)
  app:get("/way/:way", function(req) return ways[req.params.way](req) or "done" end)
  print(app:listen { port = 0, handler_timeout = 1 }:address())
  io.stdout:flush()
]]

describe("a handler", function()
  local self, address

  setup(function()
    self, address = server.start { script = site, grace = 0.5 }
  end)

  teardown(function()
    assert.equal(0, server.stop(self).status)
  end)

  local function ask(path)
    local conn <close> = assert(net.connect(address, { timeout = 20 }))
    conn:write(get(path, "Connection: close\r\n"))
    return read_answer(conn)
  end

  local rows = {
    { 53, "loop", 503 }, { 53, "loop_in_pcall", 503 }, { 53, "loop_in_coroutine", 503 },
    { 53, "loop_in_finalizer", 503 }, { 53, "loop_in_fiber", 500 }, { 53, "loop_later", 503 },
    { 53, "loop_timed", 503 },
    { 58, "recursion", 500 }, { 58, "parentheses", 500 }, { 58, "gsub", 500 },
    { 58, "index", 500 }, { 59, "error_nil", 500 }, { 59, "error_table", 500 },
    { 59, "error_tostring", 500 }, { 59, "error_status", 500 }, { 59, "gc", 500 },
    { 59, "close", 500 }, { 60, "sort", 500 }, { 60, "gsub_wait", 500 }, { 60, "yield", 500 },
    { 61, "binary", 500 }, { 61, "own_binary", 200, "own" }, { 61, "read", 200, "" },
    { 61, "execute", 200, "true" }, { 61, "popen", 200, "popen" },
    { 62, "detach_captured", 200, "2 1 2" }, { 62, "detach_function_of_c", 200, "xxx" },
    { 62, "detach_cycle", 200, "true" }, { 62, "detach_large", 200, "true" },
    { 62, "detach_nan", 200, "true" }, { 62, "detach_class", 200, "class" },
    { 62, "detach_file", 500 }, { 62, "detach_request", 500 },
    { 63, "detach_in_detach", 200, "deep" }, { 62, "detach_socket", 500 },
    { 62, "detach_coroutine", 500 }, { 63, "task_exits", 500 },
    { 54, "stuck_task", 200, "false" }, { 54, "stubborn_task", 200, "false" },
  }
  for _, row in ipairs(rows) do
    local number, way, status, body = table.unpack(row)
    it(("row %d: %s -> %d"):format(number, (way:gsub("_", " ")), status), function()
      local answer = ask("/way/" .. way)
      assert.equal(status, answer.status)
      if body then assert.equal(body, answer.body) end
      assert.equal("next", ask("/next").body)
    end)
  end

  it("that fails keeps its text from the client, who gets a number to tell", function()
    local answer = ask "/way/recursion"
    assert.matches("^Internal Server Error\nrequest [%x-]+\n$", answer.body)
  end)

  it("that computes does not delay what other clients asked for beyond its time", function()
    local slow = rille.spawn(function() return ask("/way/loop").status end)
    assert.equal("next", ask("/next").body)
    assert.equal(503, slow:await())
  end)
end)
