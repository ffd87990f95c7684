-- `rille bench`: what it counts, of servers good and bad.

local process = require "spec.support.process"
local server = require "spec.support.server"

-- Answers each connection's requests with what the path asks for.
local SERVER = [[
  local net = require "rille.net"
  local ANSWERS = {
    ["/good"] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ["/empty"] = "HTTP/1.1 204 No Content\r\n\r\n",
    ["/chunks"] = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "5\r\nhello\r\n3;x=y\r\n!!!\r\n0\r\nTrailer: x\r\n\r\n",
    ["/close"] = "HTTP/1.1 503 No\r\nConnection: close\r\n\r\nto the end",
    ["/old"] = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ["/interim"] = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ["/cut"] = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
    ["/garbage"] = "SSH-2.0-OpenSSH\r\n",
    ["/nothing"] = "",
  }
  local CLOSES = { ["/close"] = true, ["/old"] = true, ["/cut"] = true, ["/nothing"] = true }
  local listener = net.listen("tcp://127.0.0.1:0", function(conn)
    for line in conn:lines() do
      local method, path = line:match "^(%u+) (%S+) HTTP/1.1$"
      local length, token = 0, nil
      for field in conn:lines() do
        if field == "" then break end
        length = tonumber(field:match "^Content%-Length: (%d+)") or length
        token = field:match "^X%-Token: (.*)" or token
      end
      local body = length > 0 and conn:read(length)
      if path == "/post" then
        local good = method == "POST" and body == "data" and token == "abc"
        path = good and "/good" or "/close"
      end
      if path == "/silent" then require("rille").sleep(30) end
      conn:write(ANSWERS[path])
      if method == "HEAD" then conn:shutdown() end
      if CLOSES[path] then return end
    end
  end)
  print((listener:address():gsub("^tcp", "http")))
  io.stdout:flush()
]]

describe("rille bench", function()
  local self, url

  setup(function() self, url = server.start { script = SERVER } end)
  teardown(function() server.stop(self) end)

  local function bench(path, ...)
    return process.run { "bench", "-d", "0.3", "-c", "3", url .. path, ... }
  end

  it("counts answers and tells rate and latencies", function()
    local result = bench "/good"
    local count = tonumber(result.stdout:match "^answers +(%d+)  in %d%.%d+ s\n")
    assert.is_true(count > 3)
    assert.matches("\nrate +%d+  a second, %d+%.%d KiB a second\n", result.stdout)
    local time = "[%d.]+ [mu]?s"
    assert.matches(("\nlatency +50%%%% %s, 90%%%% %s, 99%%%% %s, 99.9%%%% %s, most %s\n"):format(
      time, time, time, time, time), result.stdout)
    assert.equal(count, tonumber(result.stdout:match "\nstatus +(%d+)  200\n$"))
    assert.equal(0, result.status)
  end)

  it("reads answers of every form", function()
    local forms = {
      empty = 204, chunks = 201, close = 503, old = 200, interim = 200,
    }
    for path, status in pairs(forms) do
      local result = bench("/" .. path)
      local count = assert(result.stdout:match "^answers +(%d+)")
      assert.is_true(tonumber(count) > 3, path)
      assert.matches(("status +%s  %d\n$"):format(count, status), result.stdout)
      assert.equal(0, result.status)
    end
  end)

  it("sends a method, headers and a body", function()
    local result = bench("/post", "-m", "POST", "-H", "X-Token: abc", "-b", "data")
    assert.matches("status +%d+  200\n$", result.stdout)
  end)

  it("waits for no body behind HEAD", function()
    assert.matches("^answers +[1-9].*status +%d+  200\n", bench("/good", "-m", "HEAD").stdout)
  end)

  it("counts what goes wrong, and fails", function()
    local wrongs = {
      cut = "the answer was cut off", garbage = 'not HTTP: "SSH-2.0-OpenSSH"',
      nothing = "the connection was closed",
    }
    for path, wrong in pairs(wrongs) do
      local result = bench("/" .. path)
      assert.matches("^answers +0 ", result.stdout)
      assert.matches("error +[1-9]%d*  " .. wrong:gsub("%p", "%%%0") .. "\n", result.stdout)
      assert.equal(1, result.status)
    end
  end)

  it("says at once that nobody listens", function()
    local result = process.run { "bench", "-d", "1000", "http://127.0.0.1:1/", seconds = 20 }
    assert.equal("rille bench: cannot connect to tcp://127.0.0.1:1: connection refused\n",
      result.stderr)
    assert.equal("", result.stdout)
    assert.equal(1, result.status)
  end)

  it("ends in time beside a server that does not answer", function()
    local result = process.run { "bench", "-d", "0.2", url .. "/silent", seconds = 10 }
    assert.matches("^answers +0  in 0%.%d+ s\n", result.stdout)
  end)

  it("checks its arguments", function()
    local wrongs = {
      ["missing argument 'url'"] = {},
      ["'foo' is no URL such as http://127.0.0.1:8080/"] = { "foo" },
      ["'http://a b/' is no URL"] = { "http://a b/" },
      ["'http://a/b c' is no URL"] = { "http://a/b c" },
      ["https is not spoken, only http"] = { "https://localhost/" },
      ["--connections must be a whole number above 0, not '0'"] = { url, "-c", "0" },
      ["--threads must be a whole number above 0, not '1.5'"] = { url, "--threads", "1.5" },
      ["--duration must be a number of seconds above 0, not 'x'"] = { url, "-d", "x" },
      ["a header is 'Name: value', not 'a\r\nb: c'"] = { url, "-H", "a\r\nb: c" },
      ["a method is in capitals, not 'get'"] = { url, "-m", "get" },
    }
    for wrong, words in pairs(wrongs) do
      local result = process.run { "bench", table.unpack(words) }
      assert.matches("rille bench: " .. wrong, result.stderr, 1, true)
      assert.equal("", result.stdout)
      assert.equal(1, result.status)
    end
  end)
end)
