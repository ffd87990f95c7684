-- rille.http through app:inject: routes, what handlers get and return, middleware.

local failure = require "spec.support.failure"
local http = require "rille.http"
local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"

local function respond(text)
  return function() return text end
end

--- The answer of an app with one route.
local function answer(handler, options)
  local app = http.app()
  app:any("/x", handler)
  options = options or {}
  options.path = options.path or "/x"
  return app:inject(options)
end

describe("a handler", function()
  it("returns a string as text", function()
    local got = answer(respond "hello")
    assert.equal(200, got.status)
    assert.equal("hello", got.body)
    assert.equal("text/plain; charset=utf-8", got.headers["content-type"])
    assert.equal("5", got.headers["content-length"])
  end)

  it("returns a table as JSON", function()
    local got = answer(function() return { n = 42 } end)
    assert.equal('{"n":42}', got.body)
    assert.equal("application/json", got.headers["content-type"])
  end)

  it("returns JSON of every kind, and of numbers all digits", function()
    local function json(value) return answer(function() return { value } end).body end
    assert.equal("[2880067194370816120]", json(2880067194370816120))
    assert.equal("[0.1]", json(0.1))
    assert.equal("[0.30000000000000004]", json(0.1 + 0.2))
    assert.equal("[42]", json(42.0))
    assert.equal("[-1e+300]", json(-1e300))
    assert.equal('[[true,false,[{}],{"a":[1,2]}]]', json { true, false, { {} }, { a = { 1, 2 } } })
    assert.equal('["\\"\\\\/\\n\\u0000\\u001f\127ä"]', json "\"\\/\n\0\31\127ä")
    assert.equal('[{"7":1}]', json { [7] = 1 })
    assert.equal('[{"1":1,"x":2}]', (json({ 1, x = 2 }):gsub('"x":2,"1":1', '"1":1,"x":2')))
    local cycle = {}
    cycle[1] = cycle
    for _, wrong in ipairs { cycle, 0 / 0, math.huge, { [true] = 1 } } do
      assert.equal(500, answer(function() return { wrong } end).status)
    end
  end)

  it("returns a status and a body", function()
    local got = answer(function() return 201, { ok = true } end)
    assert.equal(201, got.status)
    assert.equal('{"ok":true}', got.body)
    assert.equal(418, answer(function() return 418 end).status)
  end)

  it("returns nothing: 204, without a length", function()
    local got = answer(function() end)
    assert.equal(204, got.status)
    assert.equal("", got.body)
    assert.is_nil(got.headers["content-length"])
  end)

  it("may wait anywhere, and detach", function()
    local got = answer(function()
      rille.sleep(0.01)
      return { sum = rille.detach(function(a, b) return a + b end, 40, 2) }
    end)
    assert.equal('{"sum":42}', got.body)
  end)

  it("answers 500 with the request's id when it fails, and serves on", function()
    local app, id = http.app(), nil
    app:get("/x", function(req)
      id = req.id
      error "no such luck"
    end)
    local got = app:inject "/x"
    assert.equal(500, got.status)
    assert.equal("Internal Server Error\nrequest " .. id .. "\n", got.body)
    assert.equal(500, app:inject("/x").status)
  end)

  it("answers 500 for what is no answer", function()
    for _, wrong in ipairs { 99, 1000, 100.5, true, print } do
      assert.equal(500, answer(function() return wrong end).status)
    end
    assert.equal(500, answer(function() return 200, print end).status)
    assert.equal(500, answer(function() return { print } end).status)
  end)

  it("raises an answer", function()
    local got = answer(function() error(http.error(403, "not for you")) end)
    assert.equal(403, got.status)
    assert.equal("not for you", got.body)
  end)
end)

describe("a request", function()
  it("says what was asked for", function()
    local got = answer(function(req)
      return table.concat({
        req.method, req.path, req.target, req.query_string, req.host, req.version,
      }, " ")
    end, { path = "/x?a=1", headers = { Host = "example.com" } })
    assert.equal("GET /x /x?a=1 a=1 example.com 1.1", got.body)
  end)

  it("has its query, decoded, with repeated names", function()
    local got = answer(function(req)
      local names = {}
      for name, value in pairs(req.query) do table.insert(names, name .. "=" .. value) end
      return { req.query.a, req.query("a"), tostring(req.query.none), names }
    end, { path = "/x?a=1+2&b=%C3%A4&a=3" })
    assert.equal('["1 2",["1 2","3"],"nil",["a=1 2","b=ä","a=3"]]', got.body)
  end)

  it("answers 400 to a query that cannot be decoded, when it is asked for", function()
    assert.equal(200, answer(respond "ok", { path = "/x?a=%zz" }).status)
    assert.equal(400, answer(function(req) return req.query.a end, { path = "/x?a=%zz" }).status)
  end)

  it("has its body, and its connection goes on, whatever its query is", function()
    local app = http.app()
    app:post("/x", function(req)
      local ok = pcall(function() return req.query.a end)
      return tostring(ok) .. " " .. req:body()
    end)
    app:get("/y", function(req) return req.query.a end)
    local server <close> = setmetatable({ app:listen { port = 0 } }, {
      __close = function(self) self[1]:close() end,
    })
    local conn <close> = assert(net.connect(server[1]:address(), { timeout = 10 }))
    conn:write(raw_http.get "/y?a=%", raw_http.post("/x?a=%", "abc"), raw_http.get "/y?a=b")
    assert.equal(400, raw_http.read_answer(conn).status)
    assert.equal("false abc", raw_http.read_answer(conn).body)
    assert.equal("b", raw_http.read_answer(conn).body)
  end)

  it("has its headers in any case, repeated ones joined and in order", function()
    local got = answer(function(req)
      return { req.headers["X-MANY"], req.headers("x-many"), tostring(req.headers.none) }
    end, { headers = { ["x-Many"] = { "1", "2" } } })
    assert.equal('["1, 2",["1","2"],"nil"]', got.body)
  end)

  it("has its cookies", function()
    local got = answer(function(req) return req.cookies.b .. req.cookies.a end,
      { headers = { Cookie = "a=1; b=2" } })
    assert.equal("21", got.body)
  end)

  it("has its parameters, decoded, as integers where the route says so", function()
    local app = http.app()
    app:get("/a/:name/:n{int}/*rest", function(req)
      return { req.params.name, math.type(req.params.n), req.params.n, req.params.rest }
    end)
    assert.equal('["x/y z","integer",7,"p/q"]', app:inject("/a/x%2Fy%20z/7/p/q").body)
  end)

  it("carries what a script sets", function()
    local got = answer(function(req)
      req.user = "ann"
      assert(req.nothing == nil)
      return req.user
    end)
    assert.equal("ann", got.body)
    assert.equal(500, answer(function(req) req.method = "PUT" end).status)
    assert.equal(500, answer(function(req) req.headers.a = "b" end).status)
  end)

  it("fails clearly when it is used after its end, also when others are served", function()
    local kept, view
    local app = http.app()
    app:get("/keep", function(req)
      kept, view = req, req.headers
      return "kept"
    end)
    app:get("/try", function()
      assert(not pcall(function() return view.host end))
      return failure(function() return kept.path end)
    end)
    app:inject "/keep"
    assert.matches("the request has ended", app:inject("/try").body)
    assert.equal("request (ended)", tostring(kept))
  end)

  it("has its body, whole, in pieces, or decoded", function()
    assert.equal("abc", answer(function(req) return req:body() end, { body = "abc" }).body)
    assert.equal("0", answer(function(req) return tostring(#req:body()) end).body)
    local large = ("0123456789"):rep(50000)
    assert.equal(large, answer(function(req) return req:body() end, { body = large }).body)
    local got = answer(function(req)
      local size = 0
      for piece in req.read, req do size = size + #piece end
      return tostring(size)
    end, { body = large })
    assert.equal("500000", got.body)
    assert.equal("1", answer(function(req) return tostring(req:json().a) end,
      { body = { a = "1" } }).body)
    assert.equal("b c", answer(function(req) return req:form()["a&"] end,
      { body = "x=1&a%26=b+c" }).body)
  end)

  it("is a form, of whose repeated fields it has the last or all, in any domain", function()
    local got = answer(function(req)
      local form = req:form()
      local elsewhere = rille.detach(function(fields) return fields "a", fields.b end, form)
      return { form.a, form "a", form "b", form "c", elsewhere }
    end, { body = "a=1&a=2&b=3&a=1" })
    assert.equal('["1",["1","2","1"],["3"],{},["1","2","1"]]', got.body)
    got = answer(function(req) return req:form() end, { body = "a=1&a=2" })
    assert.equal('{"a":"2"}', got.body)
  end)

  it("is a form of a thousand fields at most", function()
    local function count(fields)
      return answer(function(req)
        local n = 0
        for _ in pairs(req:form()) do n = n + 1 end
        return tostring(n)
      end, { body = fields })
    end
    local fields = {}
    for i = 1, 1000 do fields[i] = "f" .. i .. "=" end
    assert.equal("1000", count(table.concat(fields, "&")).body)
    local refused = count(table.concat(fields, "&") .. "&one=more")
    assert.same({ 413, "the form has more than 1000 fields\n" }, { refused.status, refused.body })
  end)

  it("is answered with 400 when its JSON is none", function()
    assert.equal(400, answer(function(req) return req:json() end, { body = "{" }).status)
  end)

  it("is answered with 413 when its body is over the limit", function()
    local got = answer(function(req) return req:body() end, { body = ("x"):rep(1024 * 1024 + 1) })
    assert.equal(413, got.status)
    assert.equal(413, answer(function(req) return req:body(2) end, { body = "abc" }).status)
    local pieces = { "ab", "cd", "ef" }
    assert.equal(413, answer(function(req)
      req:read()
      return req:body(2)
    end, { body = function() return table.remove(pieces, 1) end }).status)
  end)

  it("has the time that its handler gives itself", function()
    local got = answer(function(req)
      req:timeout(0.05)
      rille.sleep(30)
    end)
    assert.equal(503, got.status)
    got = answer(function(req)
      req:timeout(0.01)
      req:timeout(math.huge)
      rille.sleep(0.05)
      return "in time"
    end)
    assert.equal("in time", got.body)
  end)
end)

describe("a response", function()
  it("has a status, headers and a body", function()
    local got = answer(function(_, res)
      res.status = 202
      res.headers["X-One"] = 1
      res.headers["x-list"] = { "a", "b" }
      res:add("X-LIST", "c")
      assert(res.headers["X-List"] == "a, b, c")
      res.headers["X-One"] = nil
      res:text "done"
    end)
    assert.equal(202, got.status)
    assert.equal("a, b, c", got.headers["x-list"])
    assert.is_nil(got.headers["x-one"])
    assert.equal("done", got.body)
  end)

  it("refuses what would split the head", function()
    for _, value in ipairs { "a\r\nb: c", "a\nb", "a\rb", "a\0b", "a\127" } do
      local got = answer(function(_, res) res.headers["X-A"] = value end)
      assert.equal(500, got.status)
      assert.is_nil(got.headers["x-a"])
      assert.equal(500, answer(function(_, res) res:add("X-A", value) end).status)
      assert.equal(500, answer(function(_, res) res.headers[value] = "x" end).status)
      assert.equal(500, answer(function(_, res) res:redirect(value) end).status)
    end
    assert.equal(500, answer(function(_, res) res.headers["Transfer-Encoding"] = "x" end).status)
  end)

  it("is written piece by piece", function()
    local got = answer(function(_, res)
      for i = 1, 3 do
        res:write("piece ", i, "\n")
        rille.sleep(0.001)
      end
    end)
    assert.equal("piece 1\npiece 2\npiece 3\n", got.body)
    assert.equal("chunked", got.headers["transfer-encoding"])
  end)

  it("may be far larger than what the client takes at once", function()
    local large = ("0123456789"):rep(200000)
    assert.equal(large, answer(respond(large)).body)
    local got = answer(function(_, res) for _ = 1, 20 do res:write(large) end end)
    assert.equal(#large * 20, #got.body)
  end)

  it("keeps the length that was promised, or is cut off", function()
    local exact = answer(function(_, res)
      res.headers["Content-Length"] = 6
      res:write("abc", "def")
    end)
    assert.equal("abcdef", exact.body)
    assert.equal("6", exact.headers["content-length"])
    local short = answer(function(_, res)
      res.headers["Content-Length"] = 6
      res:write "abc"
    end)
    assert.equal("abc", short.body)
    assert.equal(500, answer(function(_, res)
      res.headers["Content-Length"] = 6
      return "abc"
    end).status)
  end)

  it("is cut off when the handler fails after the head", function()
    local got = answer(function(_, res)
      res:write "some"
      error "too late"
    end)
    assert.equal("the answer was cut off", got.error)
  end)

  it("redirects", function()
    local got = answer(function(_, res) res:redirect "/y" end)
    assert.equal(302, got.status)
    assert.equal("/y", got.headers.location)
  end)

  it("escapes what no URL can have when it redirects, and nothing twice", function()
    local got = answer(function(_, res) res:redirect "/a b/\u{e9}?c=%20&d=[]#\xff" end)
    assert.equal("/a%20b/%C3%A9?c=%20&d=[]#%FF", got.headers.location)
  end)

  it("has no body for HEAD, 204 and 304", function()
    local head = answer(respond "hello", { method = "HEAD" })
    assert.equal("", head.body)
    assert.equal("5", head.headers["content-length"])
    assert.equal("", answer(function() return 204, "x" end).body)
    assert.equal("", answer(function() return 304, "x" end).body)
    assert.equal("", answer(function(_, res) res:write "x" end, { method = "HEAD" }).body)
  end)
end)

describe("routes", function()
  it("answer HEAD and OPTIONS by themselves, 404 and 405 with Allow", function()
    local app = http.app()
    app:get("/a", respond "a")
    app:post("/a", respond "posted")
    assert.equal(200, app:inject({ path = "/a", method = "HEAD" }).status)
    assert.equal("posted", app:inject({ path = "/a", method = "POST" }).body)
    local options = app:inject { path = "/a", method = "OPTIONS" }
    assert.equal(204, options.status)
    assert.equal("GET, HEAD, POST, OPTIONS", options.headers.allow)
    local wrong = app:inject { path = "/a", method = "DELETE" }
    assert.equal(405, wrong.status)
    assert.equal("GET, HEAD, POST, OPTIONS", wrong.headers.allow)
    assert.equal(404, app:inject("/b").status)
    assert.equal(501, app:inject({ path = "/a", method = "BREW" }).status)
    assert.equal(501, app:inject({ path = "/a", method = "get" }).status)
  end)

  it("may be added while the app serves", function()
    local app = http.app()
    assert.equal(404, app:inject("/late").status)
    app:get("/late", respond "here")
    assert.equal("here", app:inject("/late").body)
    assert.has_error(function() app:use(print) end)
  end)

  it("are refused when they are wrong, or when there are two", function()
    local app = http.app()
    assert.has_error(function() app:get "/a" end)
    assert.has_error(function() app:get("/a", 1) end)
    app:get("/a/:x", respond "")
    app:get("/a/:y", respond "")
    assert.matches("route", failure(function() app:inject "/a/1" end))
  end)

  it("are grouped, mounted and chosen by host", function()
    local app, other = http.app(), http.app()
    app:group("/v1", function(v1) v1:get("/a", respond "v1 a") end)
    other:get("/b", respond "other b")
    app:mount("/other", other)
    app:host("*.example.com"):get("/a", respond "sub")
    app:host("example.com"):get("/a", respond "host")
    assert.equal("v1 a", app:inject("/v1/a").body)
    assert.equal("other b", app:inject("/other/b").body)
    local function at(host) return app:inject { path = "/a", headers = { Host = host } } end
    assert.equal("host", at("EXAMPLE.com:80").body)
    assert.equal("sub", at("a.example.com").body)
    assert.equal(404, at("example.org").status)
  end)

  local function hosts(names)
    local app = http.app()
    for _, name in ipairs(names) do app:host(name):get("/", respond(name)) end
    return function(host) return app:inject { path = "/", headers = { Host = host } } end
  end

  it("are for their host only, also when that is the only one", function()
    for _, name in ipairs { "example.com", "*.example.com" } do
      local at = hosts { name }
      assert.equal(name, at((name:gsub("*", "www"))).body)
      assert.equal(404, at("example.org").status)
      assert.equal(404, at("127.0.0.1").status)
    end
  end)

  it("are for the host that says most, in whatever order they were added", function()
    local at = hosts { "*.com", "*.example.com", "a.example.com", "*.b.example.com" }
    assert.equal("a.example.com", at("a.example.com").body)
    assert.equal("*.example.com", at("c.example.com").body)
    assert.equal("*.b.example.com", at("a.b.example.com").body)
    assert.equal("*.com", at("example.com").body)
  end)

  it("are for their host with a dot at its end as well", function()
    local at = hosts { "example.com" }
    assert.equal(200, at("example.com.").status)
    assert.equal(200, at("example.com.:80").status)
    assert.equal(404, at("example.com..").status)
  end)

  it("are named", function()
    local app = http.app()
    app:group("/users"):get("/:id{int}/files/*path", respond ""):name "files"
    assert.equal("/users/7/files/a/b%20c", app:url("files", { id = 7, path = "a/b c" }))
    assert.has_error(function() app:url "nothing" end)
    assert.has_error(function() app:url("files", { id = 7 }) end)
  end)
end)

describe("middleware", function()
  local function header(name)
    return function(_, res, next)
      next()
      res.headers["X-Order"] = (res.headers["X-Order"] or "") .. name
    end
  end

  it("runs around the handlers, the outer first", function()
    local app = http.app()
    local group = app:group "/g"
    group:use(header "2")
    app:use(header "1")
    group:get("/x", header "3", respond "ok")
    local got = app:inject "/g/x"
    assert.equal("321", got.headers["x-order"])
    assert.equal("ok", got.body)
  end)

  it("sees the answer, and may replace it", function()
    local app = http.app()
    app:use(function(_, res, next)
      next()
      if res.status == 201 then return 202, { was = res.body } end
    end)
    app:get("/x", function() return 201, "made" end)
    app:get("/y", respond "y")
    local got = app:inject "/x"
    assert.equal(202, got.status)
    assert.equal('{"was":"made"}', got.body)
    assert.equal("application/json", got.headers["content-type"])
    assert.equal("y", app:inject("/y").body)
  end)

  it("may answer by itself, also where there is no route", function()
    local app = http.app()
    app:use(function(req, _, next)
      if req.headers.authorization then return next() end
      return 401, "who are you?"
    end)
    app:not_found(function(req, res) return res.status, "no " .. req.path end)
    app:get("/x", respond "x")
    local known = { Authorization = "yes" }
    assert.equal(401, app:inject("/x").status)
    assert.equal("x", app:inject({ path = "/x", headers = known }).body)
    assert.equal("no /y", app:inject({ path = "/y", headers = known }).body)
    assert.equal(405, app:inject({ path = "/x", method = "POST", headers = known }).status)
  end)

  it("leaves the default answers alone", function()
    local app = http.app()
    app:use(function(_, _, next) next() end)
    app:get("/x", respond "x")
    assert.equal("Not Found\n", app:inject("/y").body)
    assert.equal(404, app:inject("/y").status)
    local options = app:inject { path = "/x", method = "OPTIONS" }
    assert.equal(204, options.status)
    assert.equal("GET, HEAD, OPTIONS", options.headers.allow)
  end)

  it("on_error answers without what the handler said of its body", function()
    local app = http.app()
    app:on_error(function() return { error = "sorry" } end)
    app:get("/", function(_, res)
      res.headers["Content-Type"], res.headers["Content-Length"] = "text/csv", 1000
      res.headers["X-Kept"] = "yes"
      error "oh no"
    end)
    local got = app:inject "/"
    assert.same({ 500, '{"error":"sorry"}' }, { got.status, got.body })
    assert.same({ "application/json", "yes" },
      { got.headers["content-type"], got.headers["x-kept"] })
  end)

  it("gets errors of the rest, and on_error what is left of them", function()
    local app = http.app()
    local seen
    app:on_error(function(err, req) return 503, { at = req.path, why = err:match "[^\n]*" } end)
    app:use(function(_, _, next)
      local ok, err = pcall(next)
      seen = err
      if not ok then error(err, 0) end
    end)
    app:get("/x", function() error("broken", 0) end)
    local got = app:inject "/x"
    assert.equal(503, got.status)
    assert.equal('broken', got.body:match '"why":"(%a+)"')
    assert.matches("broken", seen)
  end)
end)

describe("app:inject", function()
  local function remote_of(remote)
    return answer(function(req) return req.remote end, { remote = remote }).body
  end

  it("comes from this machine, or from where it says", function()
    assert.equal("127.0.0.1:0", remote_of(nil))
    assert.equal("10.0.0.7:0", remote_of "10.0.0.7")
    assert.equal("10.0.0.7:5000", remote_of "10.0.0.7:5000")
    assert.equal("[2001:db8::1]:0", remote_of "2001:db8::1")
    assert.equal("[2001:db8::1]:0", remote_of "[2001:db8::1]")
    assert.equal("[2001:db8::1]:5000", remote_of "[2001:db8::1]:5000")
  end)

  it("keeps requests apart that come from several places at once", function()
    local app = http.app()
    app:get("/x", function(req) rille.sleep(0.01) return req.remote end)
    local tasks = {}
    for i = 1, 20 do
      tasks[i] = rille.spawn(function()
        return app:inject({ path = "/x", remote = "10.0.0." .. i % 3 }).body
      end)
    end
    for i = 1, 20 do assert.equal(("10.0.0.%d:0"):format(i % 3), tasks[i]:await()) end
  end)

  it("refuses a remote that is no address", function()
    for _, remote in ipairs { "a name", "example.org", "", "1.2.3.4:99999", 7, false } do
      local ok, err = pcall(remote_of, remote)
      assert.is_false(ok)
      assert.matches("^spec/http_spec.lua:%d+: app:inject: option \"remote\"", err)
    end
  end)
end)
