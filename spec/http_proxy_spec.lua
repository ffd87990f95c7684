-- Trusted proxies: whose word about a client is taken, and what is made of it.

local csrf = require "rille.http.csrf"
local failure = require "spec.support.failure"
local http = require "rille.http"
local net = require "rille.net"
local rate_limit = require "rille.http.rate_limit"
local rille = require "rille"

local TRUST = { "127.0.0.1", "10.0.0.0/8", "2001:db8::/32" }

--- An app that answers with "remote scheme host".
local function telling()
  local app = http.app()
  app:get("/", function(req) return ("%s %s %s"):format(req.remote, req.scheme, req.host) end)
  app:get("/users/:id", function(req) return app:url("user", { id = 7 }, req) end):name "user"
  app:host("inner.example"):get("/", function() return "the inner host" end)
  return app
end

--- What the app answers to a request with those headers from `remote`, which is trusted.
local function tell(headers, options)
  options = options or {}
  local header = headers.Forwarded and "Forwarded" or nil
  return telling():inject({
    path = options.path, headers = headers, remote = options.remote or "10.0.0.1:5000",
    trust = options.trust or TRUST, trust_header = options.trust_header or header,
  }).body
end

local PROXY = "10.0.0.1:5000 http localhost"

describe("a trusted proxy", function()
  it("tells its client's address, scheme and host", function()
    assert.equal("192.0.2.7:0 https example.com:8443", tell {
      ["X-Forwarded-For"] = "192.0.2.7", ["X-Forwarded-Proto"] = "https",
      ["X-Forwarded-Host"] = "example.com:8443",
    })
    assert.equal("[2001:dbf::1]:81 https example.com", tell {
      Forwarded = 'for="[2001:dbf::1]:81";proto=https;host=example.com',
    })
  end)

  it("need not tell all of that", function()
    assert.equal("192.0.2.7:0 http localhost", tell { ["X-Forwarded-For"] = "192.0.2.7" })
    assert.equal("10.0.0.1:5000 https localhost", tell { ["X-Forwarded-Proto"] = "HTTPS" })
    assert.equal("10.0.0.1:5000 http a.b", tell { ["X-Forwarded-Host"] = "a.b" })
    assert.equal("10.0.0.1:5000 https a.b", tell { Forwarded = "proto=wss;host=a.b" })
    assert.equal(PROXY, tell {})
  end)

  it("may come from any address of a range, and of IPv6", function()
    for _, remote in ipairs { "10.255.0.1", "127.0.0.1", "2001:db8:1::2" } do
      local seen = tell({ ["X-Forwarded-For"] = "192.0.2.7" }, { remote = remote })
      assert.equal("192.0.2.7:0 http localhost", seen)
    end
  end)

  it("is one of the list only", function()
    local headers = {
      ["X-Forwarded-For"] = "192.0.2.7", ["X-Forwarded-Proto"] = "https",
      ["X-Forwarded-Host"] = "a.b", Forwarded = "for=192.0.2.8;proto=https;host=a.b",
    }
    for _, header in ipairs { "X-Forwarded-For", "Forwarded" } do
      local options = { remote = "11.0.0.1:80", trust_header = header }
      assert.equal("11.0.0.1:80 http localhost", tell(headers, options))
    end
    assert.equal("10.0.0.1:0 http localhost", telling():inject {
      headers = headers, remote = "10.0.0.1",
    }.body)
  end)

  it("speaks in the words that were agreed on, and in no others", function()
    assert.equal(PROXY, tell({ Forwarded = "for=192.0.2.7" }, { trust_header = "X-Forwarded-For" }))
    assert.equal(PROXY, tell({ ["X-Forwarded-For"] = "192.0.2.7" }, { trust_header = "Forwarded" }))
  end)
end)

describe("a chain of proxies", function()
  it("is followed from right to left, as far as they are trusted", function()
    local lists = {
      ["192.0.2.7"] = "192.0.2.7",
      ["192.0.2.7, 10.0.0.2"] = "192.0.2.7",
      ["1.1.1.1, 192.0.2.7, 10.0.0.2, 10.0.0.3"] = "192.0.2.7",
      ["1.1.1.1, 10.9.9.9, 192.0.2.7"] = "192.0.2.7",
      ["10.0.0.5, 10.0.0.4"] = "10.0.0.5", -- all are trusted: the outermost
    }
    for list, client in pairs(lists) do
      assert.equal(client .. ":0 http localhost", tell { ["X-Forwarded-For"] = list })
      local elements = list:gsub("[^, ]+", "for=%0")
      assert.equal(client .. ":0 http localhost", tell { Forwarded = elements })
    end
  end)

  it("may be told in several lines", function()
    local lines = { "1.1.1.1", "192.0.2.7", "10.0.0.2" }
    assert.equal("192.0.2.7:0 http localhost", tell { ["X-Forwarded-For"] = lines })
  end)

  it("ends at whom a proxy does not name", function()
    local list = "1.1.1.1, unknown, 10.0.0.2"
    assert.equal("10.0.0.2:0 http localhost", tell { ["X-Forwarded-For"] = list })
    local elements = "for=1.1.1.1, for=_x;proto=https"
    assert.equal("10.0.0.1:5000 https localhost", tell { Forwarded = elements })
  end)

  it("tells scheme and host at the place of the address", function()
    local function at(schemes, hosts)
      return tell {
        ["X-Forwarded-For"] = "1.1.1.1, 192.0.2.7, 10.0.0.2",
        ["X-Forwarded-Proto"] = schemes, ["X-Forwarded-Host"] = hosts,
      }
    end
    assert.equal("192.0.2.7:0 https b", at("http, https, http", "a, b, c"))
    assert.equal("192.0.2.7:0 https b", at("https", "b")) -- only the outermost has said it
    assert.equal("192.0.2.7:0 https b", at("https, http", "b, c"))
    assert.equal("192.0.2.7:0 https b", tell {
      Forwarded = "for=1.1.1.1;host=a, for=192.0.2.7;host=b;proto=https, for=10.0.0.2;host=c",
    })
    assert.equal("192.0.2.7:0 https c", tell {
      Forwarded = "for=1.1.1.1;host=a, for=192.0.2.7, for=10.0.0.2;host=c;proto=https",
    })
  end)
end)

describe("what proxies say", function()
  it("is not believed beyond them, whatever stands there", function()
    for _, junk in ipairs { "junk", '"', 'for="', "", "127.0.0.1", '\\"', '";', "unknown" } do
      local seen = tell { ["X-Forwarded-For"] = junk .. ", 192.0.2.7" }
      assert.equal("192.0.2.7:0 http localhost", seen)
      assert.equal("192.0.2.7:0 http localhost", tell { Forwarded = junk .. ", for=192.0.2.7" })
    end
  end)

  it("is ignored as a field that is malformed", function()
    local lists = { "", "localhost", "1.1.1.1, 300.0.0.1", "192.0.2.7,", "[::1", "1.1.1.1:x" }
    for _, list in ipairs(lists) do
      local seen = tell { ["X-Forwarded-For"] = list, ["X-Forwarded-Proto"] = "https" }
      assert.equal("10.0.0.1:5000 https localhost", seen)
    end
    assert.equal("192.0.2.7:0 http localhost", tell {
      ["X-Forwarded-For"] = "192.0.2.7", ["X-Forwarded-Proto"] = "gopher",
      ["X-Forwarded-Host"] = "a/b",
    })
    local bad = "for=192.0.2.7, for=10.0.0.2;proto=https;host=a;host=b"
    assert.equal(PROXY, tell { Forwarded = bad })
    assert.equal(PROXY, tell { Forwarded = "for=192.0.2.7;x, for=10.0.0.2;proto=https;host=a" })
  end)

  it("decides which host's routes are taken", function()
    assert.equal("the inner host", tell { ["X-Forwarded-Host"] = "Inner.Example:80" })
  end)

  it("is in whole URLs", function()
    local function url(headers) return tell(headers, { path = "/users/1" }) end
    assert.equal("http://localhost/users/7", url {})
    local said = { ["X-Forwarded-Proto"] = "https", ["X-Forwarded-Host"] = "example.com:8443" }
    assert.equal("https://example.com:8443/users/7", url(said))
    assert.equal("/users/7", telling():url("user", { id = 7 }))
    local app = telling()
    assert.matches("bad argument #3 to 'url' %(request expected, got table%)",
      failure(app.url, app, "user", { id = 7 }, {}))
  end)

  it("is what csrf compares origins with", function()
    local app = http.app()
    app:use(csrf())
    app:post("/", function() return "sent" end)
    local function post(origin)
      return app:inject {
        method = "POST", remote = "10.0.0.1", trust = TRUST,
        headers = { Origin = origin, ["X-Forwarded-Host"] = "example.com" },
      }.status
    end
    assert.equal(200, post "https://example.com")
    assert.equal(403, post "https://localhost")
  end)

  it("tells clients apart for rate limits", function()
    local app = http.app()
    app:use(rate_limit { rate = 0.001, burst = 1 })
    app:get("/", function() return "fine" end)
    local function get(client)
      return app:inject {
        remote = "10.0.0.1", trust = TRUST, headers = { ["X-Forwarded-For"] = client },
      }.status
    end
    assert.same({ 200, 200, 429 }, { get "192.0.2.7", get "192.0.2.8", get "192.0.2.7" })
  end)

  it("holds for its request only, and as long as that", function()
    local app = http.app()
    app:get("/", function(req)
      rille.sleep(0.01) -- its head is kept
      return ("%s %s %s\n"):format(req.remote:gsub(":[1-9]%d*$", ""), req.scheme, req.host)
    end)
    local server <close> = setmetatable({ app:listen { port = 0, trust = "127.0.0.1" } }, {
      __close = function(self) self[1]:close() end,
    })
    local conn <close> = assert(net.connect(server[1]:address()))
    conn:write("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n",
      "X-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    local bodies = {}
    for line in conn:lines() do
      if line:find "^[%d.:]+ http" then table.insert(bodies, line) end
    end
    assert.same({ "192.0.2.7:0 https b", "127.0.0.1 http a" }, bodies)
  end)

  it("is taken from a Unix socket if that is trusted", function()
    for _, case in ipairs { { "unix", "192.0.2.7:0" }, { "127.0.0.1", "" } } do
      local path = os.tmpname() .. ".sock"
      local app = http.app()
      app:get("/", function(req) return req.remote end)
      local server = app:listen { address = "unix:" .. path, trust = { case[1] } }
      local conn <close> = assert(net.connect(server:address()))
      conn:write("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n",
        "Connection: close\r\n\r\n")
      assert.equal(case[2], (conn:read "all"):match "\r\n\r\n(.*)$")
      server:close()
    end
  end)
end)

describe("the option trust", function()
  local function message_of(options)
    options.port = 0
    local app = http.app()
    return failure(function() app:listen(options) end)
  end

  it("names what is wrong in it", function()
    local cases = {
      { { trust = { "10.0.0.1/8" } }, 'app:listen: option "trust": 10.0.0.1/8: bits are set' },
      { { trust = { "::1", "localhost" } }, 'option "trust": localhost: it is no IP address' },
      { { trust = "10.0.0.0/33" }, 'option "trust": 10.0.0.0/33: the slash must be followed by' },
      { { trust = { false } }, 'option "trust": false: it is no string' },
      { { trust = true }, 'option "trust": a list of addresses expected, got true' },
      { { trust = {}, trust_header = "Via" }, '"X-Forwarded-For" or "Forwarded" expected' },
      { { trust_header = "Forwarded" }, '"trust_header" means nothing without "trust"' },
    }
    for _, case in ipairs(cases) do
      local message = message_of(case[1])
      assert.is_truthy(message:find(case[2], 1, true), message)
      assert.matches("^spec/http_proxy_spec.lua:%d+: ", message)
    end
  end)
end)
