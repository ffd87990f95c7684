-- rille.metrics from outside: one sum over several loops and their compute domains, and what is
-- counted only once somebody asks.

local server = require "spec.support.server"
local work = require "spec.support.work"

local function get(url)
  local pipe = assert(io.popen("curl -s " .. url))
  local text = pipe:read "a"
  pipe:close()
  return text
end

--- The value of a sample, as it stands in the text; nil if it is not there.
local function value(text, sample)
  for line in text:gmatch "[^\n]+" do
    local name, number = line:match "^([^#].*) (%S+)$"
    if name == sample then return tonumber(number) end
  end
end

describe("metrics", function()
  it("are one sum over all loops", function()
    local self <close>, address = server.start {
      script = [[
        local rille, http = require "rille", require "rille.http"
        local hits = rille.metrics.counter { name = "hits_total", help = "x", labels = { "where" } }
        local app = http.app()
        app:metrics()
        app:get("/", function()
          hits:inc(1, { where = "loop" })
          rille.detach(function() hits:inc(1, { where = "task" }) end)
          return tostring(rille.loop())
        end)
        local server = http.serve { app = app, port = 0, loops = 3 }
        if server and rille.loop() == 1 then print(server:address()) io.stdout:flush() end
      ]],
    }
    local url, seen = "http://" .. address:match "//(.*)$", {}
    for _ = 1, 60 do seen[get(url .. "/")] = true end
    assert.is_truthy(next(seen))
    local text
    work.await(function() -- what another loop has counted last may come a moment later
      text = get(url .. "/metrics")
      return value(text, 'rille_http_requests_total{route="/",status="200"}') == 60
    end)
    assert.equal(60, value(text, 'hits_total{where="loop"}'))
    assert.equal(60, value(text, 'hits_total{where="task"}'))
    assert.equal(60, value(text, 'rille_http_request_duration_seconds_count{route="/"}'))
    assert.equal(3, value(text, "rille_loops"))
    for _, domain in ipairs { "main", "main-2", "main-3" } do
      assert.is_true(value(text, 'rille_lua_memory_bytes{domain="' .. domain .. '"}') > 0)
    end
    assert.equal(60, value(text, "rille_task_finished_total"))
    assert.equal(1, value(text, "rille_http_connections"))
    assert.equal(0, server.stop(self).status)
  end)

  it("count the connections of rille.net, both ways, and their bytes", function()
    local self <close>, address = server.start {
      script = [[
        local rille, http = require "rille", require "rille.http"
        local app = http.app()
        app:metrics()
        local echo = rille.net.listen("tcp://127.0.0.1:0", function(conn)
          conn:write(conn:read "line", ("x"):rep(1000000))
          conn:read "line"
        end)
        local conn = rille.net.connect(echo:address())
        conn:write "12345\n"
        assert(#conn:read(1000005) == 1000005)
        app:get("/leave", function() conn:close() return "left" end)
        print(app:listen { port = 0 }:address())
        io.stdout:flush()
      ]],
    }
    local url = "http://" .. address:match "//(.*)$"
    local text = get(url .. "/metrics")
    assert.equal(2, value(text, 'rille_net_connections{domain="main"}'))
    assert.equal(1000011, value(text, 'rille_net_received_bytes_total{domain="main"}'))
    assert.equal(1000011, value(text, 'rille_net_sent_bytes_total{domain="main"}'))
    assert.equal("left", get(url .. "/leave"))
    work.await(function()
      return value(get(url .. "/metrics"), 'rille_net_connections{domain="main"}') == 0
    end)
    assert.equal(0, server.stop(self).status)
  end)

  it("count from when they are asked for, connections that are open included", function()
    local self <close>, address = server.start {
      script = [[
        local rille, http = require "rille", require "rille.http"
        local app = http.app()
        app:get("/", function() return "x" end)
        app:get("/begin", function() return rille.metrics and "begun" end)
        app:get("/end", function() return rille.metrics.text() end)
        print(app:listen { port = 0 }:address())
        io.stdout:flush()
      ]],
    }
    local where = address:match "//(.*)$"
    local host, port = where:match "^(.*):(%d+)$"
    local pipe = assert(io.popen(([[exec bash -c '
      exec 3<>/dev/tcp/%s/%s
      printf "GET / HTTP/1.1\r\nHost: x\r\n\r\n" >&3
      curl -s %s/begin >/dev/null
      curl -s %s/end
      exec 3<&-']]):format(host, port, where, where)))
    local text = pipe:read "a"
    pipe:close()
    assert.is_nil(value(text, 'rille_http_requests_total{route="/",status="200"}'))
    assert.is_true(value(text, "rille_http_connections") >= 2)
    work.await(function()
      return value(get(where .. "/end"), "rille_http_connections") == 1
    end)
    assert.equal(0, server.stop(self).status)
  end)
end)
