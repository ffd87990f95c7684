-- Mistakes that people make with rille.http: each is answered with what was wrong, where, and what
-- to do instead. What is wrong before the app serves is an error at the line of the script; what is
-- wrong in a handler is a 500, with the same in the log.

local auth = require "rille.http.auth"
local cors = require "rille.http.cors"
local etag = require "rille.http.etag"
local http = require "rille.http"
local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local session = require "rille.http.session"

local function respond() return "ok" end

--- Each case is { what the message says, function(app) that makes the mistake }: the message must
-- also begin with the line of this file where that was.
local function raise_at_their_line(cases)
  for _, case in ipairs(cases) do
    local message, mistake = case[1], case[2]
    local place = debug.getinfo(mistake, "S")
    local ok, err = pcall(mistake, http.app())
    assert.is_false(ok, message)
    local line = tonumber(err:match "^spec/http_mistakes_spec%.lua:(%d+): ")
    assert.is_truthy(line, err)
    assert.is_true(line >= place.linedefined and line <= place.lastlinedefined, err)
    assert.is_truthy(err:find(message, 1, true), err)
  end
end

--- Each case is { what the message says, handler }, in an app with that middleware.
local function fail_in_a_handler(cases, ...)
  for _, case in ipairs(cases) do
    local seen
    local app = http.app()
    app:use(function(_, _, next)
      local ok, err = pcall(next)
      if not ok then
        seen = err
        error(err, 0)
      end
    end, ...)
    app:get("/x", case[2])
    local got = app:inject "/x"
    assert.is_string(seen, case[1])
    assert.is_truthy(seen:find(case[1], 1, true), seen)
    if not got.error then assert.equal(500, got.status) end
  end
end

describe("a mistake with routes", function()
  it("in a pattern is told at app:get", function()
    raise_at_their_line {
      { "it must begin with '/'", function(app) app:get("x", respond) end },
      { "a name must follow ':'", function(app) app:get("/:", respond) end },
      { "the only type is {int}", function(app) app:get("/:id{float}", respond) end },
      { "nothing may follow", function(app) app:get("/*rest/more", respond) end },
      { "two parameters have the same name", function(app) app:get("/:a/:a", respond) end },
      { "two parameters have the same name",
        function(app) app:group("/:a"):get("/:a", respond) end },
      { "spaces and control characters", function(app) app:get("/a b", respond) end },
      { "string expected, got function", function(app) app:get(respond, "/x") end },
    }
  end)

  it("in the handler is told at app:get, also a nil among middleware", function()
    local undefined = nil
    raise_at_their_line {
      { 'app:get: there is no handler for "/x"', function(app) app:get "/x" end },
      { "bad argument #2 to 'get' (function expected, got nil)",
        function(app) app:get("/x", undefined) end },
      { "bad argument #2 to 'get' (function expected, got nil)",
        function(app) app:get("/admin", undefined, respond) end },
      { "bad argument #3 to 'get' (function expected, got nil)",
        function(app) app:get("/admin", respond, undefined) end },
      { "bad argument #2 to 'get' (function expected, got string)",
        function(app) app:get("/x", respond()) end },
    }
  end)

  it("that are two names both, and where the second was added", function()
    local app = http.app():get("/a/:x", respond)
    app:get("/a/:y", respond) -- the place
    local place = debug.getinfo(1, "l").currentline - 1
    local ok, err = pcall(app.inject, app, "/a/1")
    assert.is_false(ok)
    assert.matches('"/a/:y": "/a/:x" already takes the same requests', err)
    assert.matches("added at spec/http_mistakes_spec%.lua:" .. place .. "$", err)
    raise_at_their_line {
      { "already takes the same requests", function(other)
        other:get("/a", respond):inject "/a"
        other:get("/a", respond)
      end },
    }
  end)

  it("in what is around them is told", function()
    raise_at_their_line {
      { 'the prefix "v1"', function(app) app:group "v1" end },
      { "it must not end in '/'", function(app) app:group "/v1/" end },
      { "bad argument #2 to 'group' (function expected, got number)",
        function(app) app:group("/v1", 1) end },
      { "a name without scheme and port", function(app) app:host "example.com:80" end },
      { "a name without scheme and port", function(app) app:host "https://example.com" end },
      { "app expected, got nil", function(app) app:mount "/x" end },
      { "below itself", function(app) app:mount("/x", app) end },
      { "below itself", function(app)
        local other = http.app()
        app:mount("/x", other)
        other:mount("/y", app)
      end },
      { "mounted elsewhere", function(app)
        local other = http.app()
        app:mount("/x", other)
        app:mount("/y", other)
      end },
    }
  end)

  it("in their names and URLs is told", function()
    local named = http.app():get("/u/:id{int}/:name/*rest", respond):name "u"
    raise_at_their_line {
      { 'no route to name "x" yet', function(app) app:name "x" end },
      { '"x" is the name of "/a" already', function(app)
        app:get("/a", respond):name "x"
        app:get("/b", respond):name "x"
      end },
      { 'no route is called "x"', function(app) app:url "x" end },
      { '"id" of route "u" is missing', function() named:url "u" end },
      { '"rest" of route "u" is missing', function() named:url("u", { id = 1, name = "a" }) end },
      { '"id" of route "u": an integer expected, got "x"',
        function() named:url("u", { id = "x", name = "a", rest = "" }) end },
      { '"name" of route "u" is empty',
        function() named:url("u", { id = 1, name = "", rest = "" }) end },
      { "a string or a number expected, got table",
        function() named:url("u", { id = 1, name = {}, rest = "" }) end },
      { '".." would leave its place',
        function() named:url("u", { id = 1, name = "..", rest = "" }) end },
      { '".." would leave its place',
        function() named:url("u", { id = 1, name = "a", rest = "b/../../c" }) end },
    }
    assert.equal("/u/-1/a%2F..%2Fb/", named:url("u", { id = -1, name = "a/../b", rest = "" }))
  end)
end)

describe("a mistake with an app", function()
  it("such as a dot for a colon is told", function()
    raise_at_their_line {
      { "call it with a colon, app:get(...)", function(app) app.get("/x", respond) end },
      { "call it with a colon, app:use(...)", function(app) app.use(respond) end },
      { "call it with a colon, app:listen(...)", function(app) app.listen { port = 0 } end },
      { "options belong to app:listen", function() http.app { port = 0 } end },
    }
  end)

  it("in its middleware is told", function()
    raise_at_their_line {
      { "there is no middleware", function(app) app:use() end },
      { "function expected, got nil", function(app) app:use(nil) end },
      { 'app:group("/x")', function(app) app:use("/x", respond) end },
      { "makes a middleware when it is called", -- require returns two values
        function(app) app:use(etag, "rille/http/etag.lua") end },
      { "function expected, got table", function(app) app:use(auth) end },
      { 'option "origin" is missing', function(app) app:use(cors()) end },
      { '"secret": a secret must have at least 32 bytes',
        function(app) app:use(session { secret = "short" }) end },
      { 'option "secret" is missing (or "store")', function(app) app:use(session()) end },
      { 'not with the origin "*"',
        function(app) app:use(cors { origin = "*", credentials = true }) end },
      { 'one of the options "check" and "users" is needed',
        function(app) app:use(auth.basic()) end },
      { "a handler expected, got nil", function(app) app:sse "/x" end },
      { "call it with a colon, app:sse(...)", function(app) app.sse("/x", respond) end },
      { 'unknown option "orgin"; there are credentials, expose',
        function(app) app:use(cors { orgin = "*" }) end },
      { "before the app begins to serve", function(app)
        app:inject "/"
        app:use(respond)
      end },
    }
  end)

  it("in the options of listen is told", function()
    raise_at_their_line {
      { "such as { port = 8080 }, got number", function(app) app:listen(8080) end },
      { "http.serve { app = app, port = 8080 }", function(app) http.serve(app) end },
      { "app:listen: cannot listen on unix:/none/x: no such file",
        function(app) app:listen { address = "unix:/none/x" } end },
      { 'unknown option "prot"; there are address', function(app) app:listen { prot = 80 } end },
      { 'option "port": a whole number from 0 to 65535 expected, got "80a"',
        function(app) app:listen { port = "80a" } end },
      { "got 70000", function(app) app:listen { port = 70000 } end },
      { 'option "host": a string expected, got 5', function(app) app:listen { host = 5 } end },
      { "write \"tcp://127.0.0.1:80\"", function(app) app:listen { address = "127.0.0.1:80" } end },
      { "the URL must begin with tcp:// or unix:",
        function(app) app:listen { address = "http://127.0.0.1:0" } end },
      { "either address or host and port",
        function(app) app:listen { address = "tcp://127.0.0.1:0", port = 80 } end },
      { 'address "unix:": the path is missing',
        function(app) app:listen { address = "unix:" } end },
      { 'option "max_body": a number expected, got "1m"',
        function(app) app:listen { port = 0, max_body = "1m" } end },
      { 'option "idle_timeout": a number above 0 expected, got 0',
        function(app) app:listen { port = 0, idle_timeout = 0 } end },
      { 'option "cancel": true or false expected, got "no"',
        function(app) app:listen { port = 0, cancel = "no" } end },
      { "no such file or directory", function(app) app:listen { address = "unix:/none/x" } end },
    }
  end)

  it("such as a port that is taken is told, and a port may be text", function()
    local server = http.app():listen { port = "0" }
    raise_at_their_line {
      { "address already in use", function(app) app:listen { port = server:port() } end },
    }
    server:close()
  end)

  it("in the options of inject is told", function()
    raise_at_their_line {
      { "path or table of options expected, got nil", function(app) app:inject() end },
      { 'unknown option "methd"; there are body', function(app) app:inject { methd = "GET" } end },
      { 'option "body": string or table or function expected, got number',
        function(app) app:inject { path = "/", body = 5 } end },
      { 'option "remote": an IP address, perhaps with a port, expected, got "proxy"',
        function(app) app:inject { remote = "proxy" } end },
      { 'option "remote": an IP address, perhaps with a port, expected, got "1.2.3.4:99999"',
        function(app) app:inject { remote = "1.2.3.4:99999" } end },
      { 'option "trust_header": "X-Forwarded-For" or "Forwarded" expected, got "X-Real-IP"',
        function(app) app:inject { trust_header = "X-Real-IP" } end },
    }
  end)

  it("in http.error is told", function()
    raise_at_their_line {
      { "a status from 200 to 599 expected, got nil", function() http.error() end },
      { "expected, got not found", function() http.error "not found" end },
      { "expected, got 99", function() http.error(99, "x") end },
    }
  end)
end)

describe("a mistake in what a handler returns", function()
  it("is told", function()
    fail_in_a_handler {
      { "cannot return a boolean as its answer, only a string", function() return true end },
      { "is a call missing?", function(req) return req.body end },
      { "cannot return a request", function(req) return req end },
      { "cannot return a userdata", function() return require("rille.json").null end },
      { "cannot return a number", function() return 200, 5 end },
      { "a whole number from 200 to 599, not 12", function() return 12 end },
      { "a handler returned nil and no such file", function() return nil, "no such file" end },
      { "a handler returned a number behind its answer", function() return "gone", 404 end },
      { "headers are set by res.headers", function() return 200, "x", { ["X-A"] = "b" } end },
      { "put that into brackets", function() return ("a"):gsub("a", "b") end },
    }
  end)

  it("is told with the place of the value that JSON cannot say", function()
    local latin = [[.users[2].name is not UTF-8 (byte 3 is "\233"): make it so, or text by ]]
    local users = { users = { { name = "Zoë" }, { name = "Zo\233" } } }
    fail_in_a_handler {
      { "JSON: " .. latin .. "crypto.base64", function() return users end },
      { latin, function() return 201, users end },
      { latin, function(_, res) res:json(users) end },
      { "JSON: .f is a function, which JSON cannot say", function() return { f = print } end },
      { "JSON: .n is NaN", function() return { n = 0 / 0 } end },
    }
  end)

  it("is told when it has been written already", function()
    fail_in_a_handler {
      { "written its answer by res:write returned a string besides", function(_, res)
        res:write "a"
        return "b"
      end },
    }
  end)

  it("is told when the connection is no longer the server's", function()
    local app, seen = http.app(), nil
    app:use(function(_, _, next)
      local ok, err = pcall(next)
      seen = not ok and err
    end)
    app:get("/x", function(req)
      assert(req:upgrade "echo")
      return "b"
    end)
    app:inject { path = "/x", headers = { Connection = "Upgrade", Upgrade = "echo" } }
    assert.matches("taken its connection over by req:upgrade returned a string besides", seen)
  end)

  it("is told without middleware as well", function()
    for _, wrong in ipairs { print, true, 99 } do
      local app = http.app()
      app:get("/x", function() return wrong end)
      assert.equal(500, app:inject("/x").status)
    end
  end)

  -- The answer in development mode, which shows the error.
  local function shown(prepare)
    local app = http.app()
    prepare(app)
    local server <close> = setmetatable({ app:listen { port = 0, development = true } }, {
      __close = function(self) self[1]:close() end,
    })
    local conn <close> = assert(net.connect(server[1]:address(), { timeout = 10 }))
    conn:write(raw_http.get "/x")
    local answer = raw_http.read_answer(conn)
    assert.equal(500, answer.status)
    return answer.body
  end

  it("is told at the function that returned it, whatever is around that", function()
    local function pass(_, _, next) next() end
    for _, wrong in ipairs { true, 99, { print } } do
      local function handler() return wrong end
      local here = debug.getinfo(handler, "S")
      local place = ("^%s:%d: "):format(here.short_src:gsub("%p", "%%%0"), here.linedefined)
      assert.matches(place, shown(function(app) app:get("/x", handler) end))
      assert.matches(place, shown(function(app) app:use(pass, pass):get("/x", handler) end))
      assert.matches(place, shown(function(app) app:use(pass, handler):get("/x", respond) end))
      assert.matches(place, shown(function(app) app:get("/x", handler, respond) end))
      assert.matches(place, shown(function(app)
        app:on_error(handler)
        app:get("/x", function() error "broken" end)
      end))
    end
  end)

  it("comes to on_error, with middleware or without", function()
    for _, middleware in ipairs { {}, { function(_, _, next) next() end } } do
      local app, seen = http.app(), nil
      app:on_error(function(err)
        seen = err
        return "sorry"
      end)
      if middleware[1] then app:use(middleware[1]) end
      app:get("/x", function() return 200, "x", "y" end)
      assert.equal("sorry", app:inject("/x").body)
      assert.matches("a handler returned a string behind its answer", seen)
    end
  end)

  it("is none: what http.error makes may be raised or returned", function()
    local app = http.app()
    local asked = false
    app:on_error(function() asked = true end)
    app:get("/raised", function() error(http.error(404, "raised")) end)
    app:get("/returned", function() return http.error(409, { error = "returned" }) end)
    assert.same({ 404, "raised" }, { app:inject("/raised").status, app:inject("/raised").body })
    assert.equal(409, app:inject("/returned").status)
    assert.equal('{"error":"returned"}', app:inject("/returned").body)
    assert.is_false(asked)
  end)
end)

describe("a mistake with res", function()
  it("is told", function()
    fail_in_a_handler {
      { "res.stat cannot be set: status, body", function(_, res) res.stat = 200 end },
      { "not 200 (a string)", function(_, res) res.status = "200" end },
      { "res.body: a string expected, got table", function(_, res) res.body = {} end },
      { "res.headers[name] = value", function(_, res) res.headers = { a = "b" } end },
      { "its name has a character that no name may have",
        function(_, res) res.headers["a b"] = "c" end },
      { 'bad header "a": its value has a CR', function(_, res) res.headers.a = "b\r\nc: d" end },
      { "the name of a header must be a string, not a number",
        function(_, res) res.headers[1] = "a" end },
      { 'bad header "a": a string, a number or a list of them expected, got function',
        function(_, res) res.headers.a = print end },
      { "expected, got boolean", function(_, res) res.headers.a = { true } end },
      { "call it with a colon, res:json(...)", function(_, res) res.json { a = 1 } end },
      { "bad argument #1 to 'json' (value expected, got nil)", function(_, res) res:json() end },
      { "bad argument #1 to 'text' (string expected, got table)",
        function(_, res) res:text {} end },
      { "bad argument #1 to 'html' (string expected, got nil)", function(_, res) res:html() end },
      { "bad argument #1 to 'redirect' (string expected, got nil)",
        function(_, res) res:redirect() end },
      { "bad argument #1 to 'redirect' (string expected, got number)",
        function(_, res) res:redirect(301, "/x") end },
      { "a status from 300 to 399 expected, got 200",
        function(_, res) res:redirect("/x", 200) end },
      { "call it with a colon, res:stream(...)", function(_, res) res.stream(print) end },
      { "function or reader expected, got string", function(_, res) res:stream "text" end },
      { "the source returned a string, which goes nowhere: it is called once",
        function(_, res) res:stream(function() return "piece" end) end },
      { "has a control character", function(_, res) res:redirect "/x\r\na: b" end },
    }
  end)

  it("that comes after the answer is told", function()
    local kept
    local app = http.app()
    app:get("/keep", function(req, res) kept = { req, res } return "kept" end)
    app:get("/use", function()
      local _, first = pcall(function() return kept[1].path end)
      local _, second = pcall(function() kept[2].status = 404 end)
      return { first, second }
    end)
    app:inject "/keep"
    local _, count = app:inject("/use").body:gsub("the request has ended", "")
    assert.equal(2, count)
  end)
end)

describe("a mistake with req", function()
  it("is told", function()
    fail_in_a_handler {
      { "req.query is looked up by name, not by a number", function(req) return req.query[1] end },
      { "pairs goes over all", function(req) ipairs(req.headers)(req.headers, 0) end },
      { "what the client sent cannot be changed", function(req) req.params.id = 1 end },
      { "req.method cannot be set", function(req) req.method = "PUT" end },
      { "seconds above 0 expected", function(req) req:timeout(0) end },
      { "a number of bytes expected", function(req) req:body(-1) end },
    }
  end)

  it("such as a form of another kind is answered with 415", function()
    local function form(mime)
      local app = http.app()
      app:post("/x", function(req) return req:form() end)
      return app:inject { path = "/x", body = "a=1", headers = { ["Content-Type"] = mime } }
    end
    assert.equal(415, form("application/json").status)
    assert.equal(415, form("multipart/form-data; boundary=x").status)
    assert.equal('{"a":"1"}', form("Application/x-www-form-urlencoded ; charset=utf-8").body)
    assert.equal('{"a":"1"}', form(nil).body)
  end)

  it("is not to ask for the body twice", function()
    local app = http.app()
    app:use(function(req, _, next)
      req.seen = #req:body()
      next()
    end)
    app:post("/x", function(req) return { req.seen, req:json().a, req:json().a, req:body() } end)
    local got = app:inject { path = "/x", body = '{"a":"b"}' }
    assert.equal('[9,"b","b","{\\"a\\":\\"b\\"}"]', got.body)
    local large = ("x"):rep(300000)
    app:post("/large", function(req) return tostring(req:body() == req:body()) .. #req:body() end)
    assert.equal("true300000", app:inject({ path = "/large", body = large }).body)
  end)
end)

describe("a mistake in middleware", function()
  it("such as a forgotten next() is told, with its place", function()
    local function forgetful() end
    local place = debug.getinfo(forgetful, "S").linedefined
    fail_in_a_handler({
      { ("spec/http_mistakes_spec.lua:%d neither called next() nor answered"):format(place),
        respond },
    }, forgetful)
  end)

  it("is not to answer by itself", function()
    for _, answer in ipairs {
      function() return 204 end,
      function(_, res) res.status = 204 end,
      function(_, res) res:text "" end,
      function(_, res) res:redirect "/" end,
    } do
      local app = http.app()
      app:use(answer)
      app:get("/x", respond)
      assert.is_true(app:inject("/x").status < 400)
    end
  end)

  it("such as calling next() twice is told", function()
    fail_in_a_handler({ { "next() was called twice", respond } },
      function(_, _, next) next() next() end)
  end)

  it("such as one that was not made is told", function()
    raise_at_their_line {
      { "rille.http.etag makes a middleware when it is called: etag()",
        function(app) app:use(etag) end },
      { "makes a middleware when it is called", function(app) app:get("/x", etag, respond) end },
    }
    fail_in_a_handler({ { "this makes a middleware: app:use(etag())", respond } },
      function(...) return etag(...) end)
  end)

  it("is not to call next() again after an error", function()
    local app = http.app()
    local tries = 0
    app:use(function(_, _, next) if not pcall(next) then next() end end)
    app:get("/x", function()
      tries = tries + 1
      if tries == 1 then error "once" end
      return "ok"
    end)
    assert.equal("ok", app:inject("/x").body)
  end)
end)

describe("on_error", function()
  local function answer(on_error, handler)
    local app = http.app()
    app:on_error(on_error)
    app:any("/x", handler)
    return app:inject { path = "/x", body = "12345" }
  end

  it("starts from status 500, whatever the handler has set", function()
    local got = answer(function() return { error = "sorry" } end, function(_, res)
      res.status = 201
      error "broken"
    end)
    assert.equal(500, got.status)
    assert.equal('{"error":"sorry"}', got.body)
  end)

  it("starts from 413 when the body was too large", function()
    local got = answer(function() return "too much" end, function(req) return req:body(2) end)
    assert.same({ 413, "too much" }, { got.status, got.body })
  end)

  it("that does not answer leaves the error as it was", function()
    local got = answer(function() end, function() error "broken" end)
    assert.equal(500, got.status)
    assert.matches("^Internal Server Error\nrequest ", got.body)
  end)
end)

describe("an answer to a failure", function()
  local NAMES = { "X-Frame-Options", "Access-Control-Allow-Origin", "Set-Cookie", "Location",
    "Cache-Control", "Expires", "ETag", "Content-Type", "Content-Length" }

  local function headers_of(handler, prepare)
    local app = http.app()
    if prepare then prepare(app) end
    app:use(function(_, res, next)
      res.headers["X-Frame-Options"] = "DENY"
      res.headers["Access-Control-Allow-Origin"] = "*"
      next()
    end)
    app:any("/x", function(req, res)
      res.headers["Set-Cookie"] = { "a=1", "b=2" }
      res.headers["Location"] = "/elsewhere"
      res.headers["Cache-Control"] = "max-age=3600"
      res.headers["Expires"] = "Thu, 01 Jan 2099 00:00:00 GMT"
      res.headers["ETag"] = '"1"'
      res.headers["Content-Type"] = "image/png"
      res.headers["Content-Length"] = 100000
      return handler(req, res)
    end)
    local answer = app:inject { path = "/x", body = "12345" }
    local headers = {}
    for _, name in ipairs(NAMES) do headers[name] = answer.headers[name:lower()] end
    assert.is_nil(answer.error)
    assert.equal(#answer.body, tonumber(headers["Content-Length"]))
    headers["Content-Length"] = nil
    return answer.status, headers
  end

  local KEPT = {
    ["X-Frame-Options"] = "DENY", ["Access-Control-Allow-Origin"] = "*",
    ["Content-Type"] = "text/plain; charset=utf-8",
  }

  it("keeps what middleware has set, and nothing that is true of success only", function()
    assert.same({ 500, KEPT }, { headers_of(function() error "broken" end) })
    assert.same({ 413, KEPT }, { headers_of(function(req) return req:body(2) end) })
    assert.same({ 503, KEPT }, { headers_of(function(req)
      req:timeout(0.01)
      rille.sleep(5)
    end) })
    assert.same({ 503, KEPT }, { headers_of(function() error { retry_after = 1 } end) })
  end)

  it("is the same when on_error makes it", function()
    assert.same({ 500, KEPT }, { headers_of(function() error "broken" end, function(app)
      app:on_error(function() return "sorry" end)
    end) })
  end)
end)
