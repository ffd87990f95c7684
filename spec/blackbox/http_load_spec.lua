-- Under the load of wrk, and of the benchmark of HTTP itself, in each build: every answer is right,
-- the sanitizers report nothing, and nothing is left in the end. How fast it is does not matter.

local folders = require "spec.support.folder"
local process = require "spec.support.process"
local raw_http = require "spec.support.raw_http"
local server = require "spec.support.server"

local has_wrk = os.execute "command -v wrk >/dev/null"

local site = [[
  local http, rille = require "rille.http", require "rille"
  local app = http.app()
  local function square(n) return n * n end
  app:get("/", function() return "Hello, World!" end)
  app:get("/sleep", function() rille.sleep(0.001) return "slept" end)
  app:get("/detach", function() return tostring(rille.detach(square, 12)) end)
  app:get("/pieces", function(_, res)
    for i = 1, 10 do res:write("piece ", i, "\n") end
  end)
  app:static("/static", arg[1])
  print(app:listen { port = 0 }:address())
  io.stdout:flush()
]]

--- Loads a path for a second; what wrk said, as a table.
local function load_with_wrk(address, path)
  local result = process.run {
    program = "wrk", "-t1", "-c32", "-d1s", "--latency",
    "-s", process.root .. "/bench/contestants/http_wrk.lua",
    "http://" .. address:match "//(.*)" .. path,
  }
  local said = {}
  for key, value in result.stdout:gmatch "([%w_]+) (%d+)\n" do said[key] = tonumber(value) end
  return said
end

describe("a loaded server", function()
  if not has_wrk then
    pending "needs wrk"
    return
  end

  local folder, self, address, count

  setup(function()
    folder = folders.new { page = ("x"):rep(64 * 1024) }
    self, address = server.start { script = site, argument = folder.path }
    raw_http.exchange(address, raw_http.get("/", "Connection: close\r\n"))
    raw_http.exchange(address, raw_http.get("/detach", "Connection: close\r\n"))
  end)

  teardown(function()
    local result = server.stop(self)
    folder:remove()
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
  end)

  before_each(function() count = server.descriptors(self) end)

  for _, case in ipairs {
    { "text", "/" }, { "a file", "/static/page" }, { "handlers that wait", "/sleep" },
    { "tasks", "/detach" }, { "pieces", "/pieces" },
  } do
    it("answers all requests for " .. case[1], function()
      local said = load_with_wrk(address, case[2])
      assert.is_true(said.requests > 0)
      assert.equal(0, said.errors)
      server.await_descriptors(self, count)
    end)
  end
end)

describe("bench/http --load", function()
  local needs = [[lua5.4 -e 'require "luv"' && taskset -c 0 true && taskset -c 1 true]]
  if not (has_wrk and os.execute(needs .. " 2>/dev/null")) then
    pending "needs wrk, lua5.4, lua-luv and the first two cores"
    return
  end

  it("finds nothing wrong with this build", function()
    local result = process.run {
      program = "lua5.4", "bench/http", "--load", directory = process.root, seconds = 100,
      before = ("export RILLE_PROGRAM=%s;"):format(process.program),
    }
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
    assert.equal(6, select(2, result.stdout:gsub(": all %l+\n", "")))
  end)
end)
