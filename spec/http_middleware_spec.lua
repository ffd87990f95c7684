-- The middleware of lua/rille/http/, each around a handler, through app:inject.

local access_log = require "rille.http.access_log"
local auth = require "rille.http.auth"
local coder = require "rille.compress"
local compress = require "rille.http.compress"
local cookies = require "rille.http.cookies"
local cors = require "rille.http.cors"
local crypto = require "rille.crypto"
local csrf = require "rille.http.csrf"
local decompress = require "rille.http.decompress"
local etag = require "rille.http.etag"
local failure = require "spec.support.failure"
local http = require "rille.http"
local rate_limit = require "rille.http.rate_limit"
local rille = require "rille"
local secure = require "rille.http.secure"
local session = require "rille.http.session"

local SECRET, OLDER = ("s"):rep(32), ("o"):rep(32)
local PAGE = ("<li>some item</li>\n"):rep(500)

--- An app with that middleware around a handler for every method at "/".
local function app_of(middleware, handler)
  local app = http.app()
  app:use(middleware)
  app:any("/", handler or function() return "fine" end)
  return app
end

local function get(app, headers, method)
  return app:inject { method = method or "GET", path = "/", headers = headers }
end

--- name -> value of the Set-Cookie fields of an answer.
local function cookies_of(answer)
  local list = {}
  for name, value in (", " .. (answer.headers["set-cookie"] or "")):gmatch ", ([%w_-]+)=([^;]*)" do
    list[name] = value
  end
  return list
end

describe("options", function()
  local makers = {
    access_log = access_log, ["auth.basic"] = auth.basic, ["auth.bearer"] = auth.bearer,
    compress = compress, cookies = cookies, cors = cors, csrf = csrf, etag = etag,
    rate_limit = rate_limit, secure = secure, session = session,
  }
  for name, make in pairs(makers) do
    it("of " .. name .. " that are unknown are errors at the caller's line", function()
      local ok, err = pcall(function() make { nonsense = 1 } end)
      assert.is_false(ok)
      assert.matches("http_middleware_spec.lua:%d+: ", err)
      assert.matches('rille.http.' .. name .. ': unknown option "nonsense"', err, 1, true)
      assert.matches("a table of options expected, got number", failure(make, 1))
    end)
  end

  it("are named when they are missing or wrong", function()
    assert.matches('"origin" is missing', failure(cors))
    assert.matches('"rate" is missing', failure(rate_limit, {}))
    assert.matches('"rate" is out of range', failure(rate_limit, { rate = 0 }))
    assert.matches('"secret" is missing', failure(session, {}))
    assert.matches('"secret".*at least 32 bytes', failure(session, { secret = "short" }))
    assert.matches('"secret".*at least 32 bytes', failure(cookies, { secret = "short" }))
    assert.matches('"same_site"', failure(cookies, { same_site = "Lax" }))
    assert.matches('"secure": boolean expected, got string', failure(cookies, { secure = "yes" }))
    assert.matches('"credentials"', failure(cors, { origin = "*", credentials = true }))
    assert.matches('"origin"', failure(cors, { origin = "example.com" }))
    assert.matches('"same_site"', failure(session, { secret = SECRET, same_site = "Lax" }))
    local insecure = { secret = SECRET, same_site = "none", secure = false }
    assert.matches('"same_site": browsers take "none" only if it is secure',
      failure(session, insecure))
    for _, origin in ipairs { "example.com", "https://a.b/", "*", 5 } do
      local trusted = { trusted = { origin } }
      assert.matches('"trusted": an origin is written like', failure(csrf, trusted))
    end
    assert.matches('"check" and "users"', failure(auth.basic, {}))
    assert.matches('"realm"', failure(auth.basic, { users = {}, realm = 'a"b' }))
    assert.matches('"codings": unknown coding', failure(compress, { codings = { "deflate" } }))
    assert.matches('"levels".*from 1 to 9', failure(compress, { levels = { gzip = 10 } }))
    assert.matches('"format"', failure(access_log, { format = "short" }))
    assert.matches('"csp"', failure(secure, { csp = "a\r\nb" }))
  end)
end)

describe("cookies", function()
  local app = app_of(cookies { secret = { SECRET, OLDER } }, function(req)
    local jar, act = req.jar, req.headers["X-Act"]
    if act == "set" then
      jar:set("plain", "1")
      jar:sign("signed", "2", { max_age = 60 })
      jar:seal("sealed", "3", { path = "/x", same_site = "strict" })
    elseif act == "remove" then
      jar:remove "plain"
    else
      return { jar:get "plain" or "-", (jar:verify "signed" or "-"), (jar:open "sealed" or "-") }
    end
  end)

  it("are set with safe attributes", function()
    local text = get(app, { ["X-Act"] = "set" }).headers["set-cookie"]
    assert.matches("plain=1; [^,]*HttpOnly", text)
    assert.matches("plain=1; [^,]*Secure", text)
    assert.matches("plain=1; [^,]*SameSite=Lax", text)
    assert.matches("sealed=[^,]*Path=/x", text)
    assert.matches("sealed=[^,]*SameSite=Strict", text)
  end)

  it("come back", function()
    local set = cookies_of(get(app, { ["X-Act"] = "set" }))
    local sent = ("plain=1; signed=%s; sealed=%s"):format(set.signed, set.sealed)
    assert.equal('["1","2","3"]', get(app, { Cookie = sent }).body)
  end)

  it("are not taken under another name, forged, or of another kind", function()
    local set = cookies_of(get(app, { ["X-Act"] = "set" }))
    local sent = ("signed=%s; sealed=%s"):format(set.sealed, set.signed)
    assert.equal('["-","-","-"]', get(app, { Cookie = sent }).body)
    assert.equal('["-","-","-"]', get(app, { Cookie = "signed=2; sealed=;" }).body)
    local foreign = crypto.keys(("f"):rep(32)):sign("cookie signed", "2")
    assert.equal('["-","-","-"]', get(app, { Cookie = "signed=" .. foreign }).body)
    local other = crypto.keys(SECRET):sign("cookie other", "2")
    assert.equal('["-","-","-"]', get(app, { Cookie = "signed=" .. other }).body)
  end)

  it("are read with an older secret", function()
    local old = crypto.keys(OLDER):seal("cookie sealed", "old")
    assert.equal('["-","-","old"]', get(app, { Cookie = "sealed=" .. old }).body)
  end)

  it("are removed", function()
    assert.matches("plain=; .*Max%-Age=0", get(app, { ["X-Act"] = "remove" }).headers["set-cookie"])
  end)

  it("refuse what would break the header", function()
    local bad = app_of(cookies(), function(req)
      return (failure(req.jar.set, req.jar, "a", "b; c"))
    end)
    assert.matches('cookie "a"', get(bad).body)
  end)
end)

for _, kind in ipairs { "cookie", "store" } do
  describe("session in a " .. kind, function()
    local kept, app

    before_each(function()
      kept = {}
      local store = {
        get = function(_, id) return kept[id] end,
        set = function(_, id, text) kept[id] = text end,
      }
      local options = kind == "cookie" and { secret = SECRET } or { store = store }
      app = app_of(session(options), function(req)
        local s, act = req.session, req.headers["X-Act"]
        if act == "add" then s.count = (s.count or 0) + 1 end
        if act == "renew" then s:renew() end
        if act == "destroy" then s:destroy() end
        if act == "fail" then s.count = 99 error "oops" end
        if act == "large" then s.text = ("x"):rep(5000) end
        return tostring(s.count)
      end)
    end)

    local function go(act, cookie)
      local answer = get(app, { ["X-Act"] = act, Cookie = cookie and "__Host-session=" .. cookie })
      return answer, cookies_of(answer)["__Host-session"]
    end

    it("sets no cookie while it is empty", function()
      local answer, cookie = go "look"
      assert.equal("nil", answer.body)
      assert.is_nil(cookie)
      assert.is_nil(next(kept))
    end)

    it("remembers", function()
      local _, first = go "add"
      local answer, second = go("add", first)
      assert.equal("2", answer.body)
      local last, third = go("look", second or first)
      assert.equal("2", last.body)
      assert.is_nil(third)
    end)

    it("sets a safe cookie", function()
      local text = go "add".headers["set-cookie"]
      for _, word in ipairs { "HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max%-Age=604800" } do
        assert.matches(word, text)
      end
    end)

    it("is new when it was tampered with", function()
      local _, cookie = go "add"
      assert.equal("nil", go("look", cookie .. "A").body)
      assert.equal("nil", go("look", "planted").body)
    end)

    it("is not saved after an error", function()
      local _, cookie = go "add"
      assert.equal(500, go("fail", cookie).status)
      assert.equal("1", go("look", cookie).body)
    end)

    it("has another name after renew", function()
      local _, cookie = go "add"
      local answer, renewed = go("renew", cookie)
      assert.equal("1", answer.body)
      assert.are_not.equal(cookie, renewed)
      assert.equal("1", go("look", renewed).body)
      if kind == "store" then assert.equal("nil", go("look", cookie).body) end
    end)

    it("is gone after destroy", function()
      local _, cookie = go "add"
      local answer, removed = go("destroy", cookie)
      assert.equal("", removed)
      assert.matches("Max%-Age=0", answer.headers["set-cookie"])
      assert.is_nil(next(kept))
    end)

    it("holds much in a store, and says so where it cannot", function()
      assert.equal(kind == "store" and 200 or 500, go "large".status)
    end)
  end)
end

describe("session", function()
  it("does not trust a store to forget what is too old", function()
    local kept, now, later = {}, os.time, 0
    finally(function() rawset(os, "time", now) end)
    rawset(os, "time", function() return now() + later end)
    local store = {
      get = function(_, id) return kept[id] end, set = function(_, id, text) kept[id] = text end,
    }
    local app = app_of(session { store = store, max_age = 60 }, function(req)
      local user = req.session.user
      req.session.user = "ann"
      return tostring(user)
    end)
    local first = get(app)
    local cookie = "__Host-session=" .. cookies_of(first)["__Host-session"]
    assert.equal("ann", get(app, { Cookie = cookie }).body)
    later = 61
    assert.equal("nil", get(app, { Cookie = cookie }).body)
  end)

  it("keeps nothing in the store that would be a cookie", function()
    local kept = {}
    local store = { get = function() end, set = function(_, id) kept[id] = true end }
    local app = app_of(session { store = store }, function(req) req.session.a = 1 end)
    assert.is_nil(kept[cookies_of(get(app))["__Host-session"]])
    assert.is_truthy(next(kept))
  end)

  it("ends", function()
    local app = app_of(session { secret = SECRET, max_age = 1 }, function(req)
      req.session.count = (req.session.count or 0) + 1
      return tostring(req.session.count)
    end)
    local cookie = cookies_of(get(app))["__Host-session"]
    rille.sleep(1.1)
    assert.equal("1", get(app, { Cookie = "__Host-session=" .. cookie }).body)
  end)

  describe("behind the head of an answer", function()
    local kept, app

    local function opened(options)
      kept = {}
      if options.store then
        options.store = {
          get = function(_, id) return kept[id] end,
          set = function(_, id, text) kept[id] = text end,
        }
      end
      app = app_of(session(options), function(req, res)
        local act = req.headers["X-Act"]
        if act ~= "add" then res:write("there are ", req.session.count or 0) end
        if act == "destroy" then req.session:destroy() end
        if act ~= "look" then req.session.count = (req.session.count or 0) + 1 end
      end)
      return cookies_of(get(app, { ["X-Act"] = "add" }))["__Host-session"]
    end

    local function go(act, cookie)
      return get(app, { ["X-Act"] = act, Cookie = cookie and "__Host-session=" .. cookie })
    end

    it("is not extended by a visit", function()
      for _, options in ipairs { { secret = SECRET, refresh = 0 }, { store = {}, refresh = 0 } } do
        local answer = go("look", opened(options))
        assert.is_nil(answer.error)
        assert.equal("there are 1", answer.body)
      end
    end)

    it("changes in a store", function()
      local cookie = opened { store = {} }
      assert.is_nil(go("change", cookie).error)
      assert.equal("there are 2", go("look", cookie).body)
      assert.is_truthy(go("change").error) -- it has no name yet
    end)

    it("cannot change in a cookie", function()
      assert.is_truthy(go("change", (opened { secret = SECRET })).error)
    end)
  end)

  it("is the same whatever the order of its fields", function()
    local app = app_of(session { secret = SECRET }, function(req)
      if req.headers["X-Act"] then
        for i = 1, 40 do req.session["field " .. i * 7919 % 41] = i end
        req.session["field 3"] = nil
      end
    end)
    local cookie = cookies_of(get(app, { ["X-Act"] = "add" }))["__Host-session"]
    local answer = get(app, { Cookie = "__Host-session=" .. cookie })
    assert.is_nil(answer.headers["set-cookie"])
  end)

  it("has no fields with the names of its functions", function()
    local app = app_of(session { secret = SECRET }, function(req) req.session.save = 1 end)
    assert.equal(500, get(app).status)
  end)
end)

describe("cors", function()
  local ANN = "https://ann.example"
  local app = app_of(cors { origin = ANN, credentials = true, expose = { "X-Total" } })

  it("lets a listed origin read", function()
    local answer = get(app, { Origin = ANN })
    assert.equal(ANN, answer.headers["access-control-allow-origin"])
    assert.equal("true", answer.headers["access-control-allow-credentials"])
    assert.equal("X-Total", answer.headers["access-control-expose-headers"])
    assert.equal("Origin", answer.headers.vary)
    assert.equal("fine", answer.body)
  end)

  it("lets it read answers that are raised", function()
    local raising = app_of(cors { origin = ANN }, function(_, res)
      res.headers["Content-Type"], res.headers["ETag"] = "text/csv", '"1"'
      res.headers["Content-Length"] = 3
      error(http.error(422, { error = "no" }))
    end)
    local answer = get(raising, { Origin = ANN })
    assert.same({ 422, '{"error":"no"}' }, { answer.status, answer.body })
    assert.equal(ANN, answer.headers["access-control-allow-origin"])
    assert.equal("application/json", answer.headers["content-type"])
    assert.is_nil(answer.headers.etag)
  end)

  it("tells others nothing", function()
    for _, origin in ipairs { "https://ann.example.evil", "https://bob.example", "null" } do
      local answer = get(app, { Origin = origin })
      assert.is_nil(answer.headers["access-control-allow-origin"])
      assert.is_nil(answer.headers["access-control-allow-credentials"])
    end
    assert.equal("Origin", get(app).headers.vary)
  end)

  it("answers preflights", function()
    local answer = get(app, { Origin = ANN, ["Access-Control-Request-Method"] = "POST" }, "OPTIONS")
    assert.equal(204, answer.status)
    assert.equal("GET, HEAD, POST", answer.headers["access-control-allow-methods"])
    assert.equal("Content-Type", answer.headers["access-control-allow-headers"])
    assert.equal("600", answer.headers["access-control-max-age"])
  end)

  it("lets everybody in where it is told so", function()
    local answer = get(app_of(cors { origin = "*" }), { Origin = "null" })
    assert.equal("*", answer.headers["access-control-allow-origin"])
    assert.is_nil(answer.headers.vary)
  end)

  it("asks a function", function()
    local asked = app_of(cors { origin = function(origin) return origin == ANN end })
    assert.equal(ANN, get(asked, { Origin = ANN }).headers["access-control-allow-origin"])
    assert.is_nil(get(asked, { Origin = "https://b.c" }).headers["access-control-allow-origin"])
  end)
end)

describe("csrf", function()
  local app = app_of(csrf { trusted = { "https://ann.example" } })
  local function post(headers) return get(app, headers, "POST").status end

  it("lets reading through", function()
    assert.equal(200, get(app, { ["Sec-Fetch-Site"] = "cross-site" }).status)
  end)

  it("takes what the own pages send", function()
    assert.equal(200, post { ["Sec-Fetch-Site"] = "same-origin", Cookie = "a=b" })
    assert.equal(200, post { Origin = "http://localhost", Cookie = "a=b" })
    assert.equal(200, post { Origin = "https://ann.example", ["Sec-Fetch-Site"] = "cross-site" })
    assert.equal(200, post {})
  end)

  it("refuses what others' pages send", function()
    assert.equal(403, post { ["Sec-Fetch-Site"] = "cross-site", Origin = "http://localhost" })
    assert.equal(403, post { ["Sec-Fetch-Site"] = "same-site" })
    assert.equal(403, post { Origin = "http://evil.example" })
    assert.equal(403, post { Origin = "http://localhost:8081" })
    assert.equal(403, post { Origin = "null" })
  end)

  it("refuses cookies of a client that does not say where it is", function()
    local answer = get(app, { Cookie = "a=b" }, "POST")
    assert.equal(403, answer.status)
    assert.matches("neither Origin nor Sec%-Fetch%-Site", answer.body)
  end)

  it("takes a token for where a client is, but not for being elsewhere", function()
    local guarded = app_of(csrf { secret = SECRET }, function(req) return req.csrf_token end)
    local page = get(guarded)
    local headers = {
      ["X-CSRF-Token"] = page.body, Cookie = "__Host-csrf=" .. cookies_of(page)["__Host-csrf"],
    }
    assert.equal(200, get(guarded, headers, "POST").status)
    headers["Sec-Fetch-Site"] = "cross-site"
    assert.equal(403, get(guarded, headers, "POST").status)
  end)

  it("wants a token where it has a secret", function()
    local guarded = app_of(csrf { secret = SECRET }, function(req) return req.csrf_token end)
    local page = get(guarded)
    local cookie = "__Host-csrf=" .. cookies_of(page)["__Host-csrf"]
    local function send(token, jar)
      local headers = { ["X-CSRF-Token"] = token, Cookie = jar, ["Sec-Fetch-Site"] = "same-origin" }
      return get(guarded, headers, "POST").status
    end
    assert.equal(200, send(page.body, cookie))
    assert.equal(403, send(nil, cookie))
    assert.equal(403, send("forged", cookie))
    assert.equal(403, send(page.body, "__Host-csrf=" .. ("A"):rep(43)))
    assert.equal(403, send(page.body, nil))
  end)

  it("binds tokens to random bytes of its own, not to what a client has put there", function()
    local guarded = app_of(csrf { secret = SECRET }, function(req) return req.csrf_token end)
    local given = cookies_of(get(guarded, { Cookie = "__Host-csrf=x" }))["__Host-csrf"]
    assert.equal(43, #given)
    local page = get(guarded, { Cookie = "__Host-csrf=" .. given })
    assert.is_nil(cookies_of(page)["__Host-csrf"])
  end)

  it("takes the token from a field of a form as well, which the handler reads again", function()
    local guarded = app_of(csrf { secret = SECRET }, function(req)
      return req.method == "GET" and req.csrf_token or req:form().name
    end)
    local page = get(guarded)
    local cookie = "__Host-csrf=" .. cookies_of(page)["__Host-csrf"]
    local function send(body, mime)
      return guarded:inject {
        method = "POST", path = "/", body = body,
        headers = { ["Content-Type"] = mime, Cookie = cookie, ["Sec-Fetch-Site"] = "same-origin" },
      }
    end
    local form = "application/x-www-form-urlencoded"
    local token = page.body:gsub("%W", function(byte) return ("%%%02X"):format(byte:byte()) end)
    assert.equal("ann", send("name=ann&csrf_token=" .. token, form).body)
    assert.equal("ann", send("name=ann&csrf_token=" .. token, form .. "; charset=utf-8").body)
    assert.equal(403, send("name=ann&csrf_token=forged", form).status)
    assert.equal(403, send("name=ann", form).status)
    assert.equal(403, send("name=ann&csrf_token=" .. token, "text/plain").status)
  end)
end)

describe("auth", function()
  local function show(req) return req.user end

  it("takes a name and its password", function()
    local app = app_of(auth.basic { users = { ann = "secret:word" } }, show)
    local function try(text) return get(app, { Authorization = text }) end
    assert.equal("ann", try("Basic " .. crypto.base64 "ann:secret:word").body)
    assert.equal("ann", try("basic " .. crypto.base64 "ann:secret:word").body)
    for _, text in ipairs { "ann:", "ann:secret", "bob:secret:word", ":", "", "ann", "ann:a\0" } do
      local answer = try("Basic " .. crypto.base64(text))
      assert.equal(401, answer.status)
      assert.equal('Basic realm="restricted", charset="UTF-8"', answer.headers["www-authenticate"])
    end
    assert.equal(401, try("Basic ?").status)
    assert.equal(401, get(app).status)
  end)

  it("takes a token", function()
    local app = app_of(auth.bearer { tokens = { abc = "ann" } }, show)
    assert.equal("ann", get(app, { Authorization = "Bearer abc" }).body)
    local answer = get(app, { Authorization = "Bearer abd" })
    assert.equal(401, answer.status)
    assert.matches('error="invalid_token"', answer.headers["www-authenticate"])
    assert.equal('Bearer realm="restricted"', get(app).headers["www-authenticate"])
  end)

  it("has no control characters for a function to judge", function()
    local app = app_of(auth.basic { check = function(name) return name end }, show)
    assert.equal("ann", get(app, { Authorization = "Basic " .. crypto.base64 "ann:a b" }).body)
    for _, text in ipairs { "ann:a\1", "ann:a\127b", "a\nn:a" } do
      assert.equal(401, get(app, { Authorization = "Basic " .. crypto.base64(text) }).status)
    end
  end)

  it("asks a function", function()
    local app = app_of(auth.bearer { check = function(token) return token:upper() end }, show)
    assert.equal("ABC", get(app, { Authorization = "Bearer abc" }).body)
  end)
end)

describe("rate_limit", function()
  it("lets a burst through, then refuses, then refills", function()
    local app = app_of(rate_limit { rate = 10, burst = 3 })
    for _ = 1, 3 do assert.equal(200, get(app).status) end
    local answer = get(app)
    assert.equal(429, answer.status)
    assert.equal("1", answer.headers["retry-after"])
    rille.sleep(0.15)
    assert.equal(200, get(app).status)
  end)

  it("counts each key for itself, and lets nil pass", function()
    local function key(req) return req.headers["X-Key"] end
    local app = app_of(rate_limit { rate = 0.01, key = key })
    assert.equal(200, get(app, { ["X-Key"] = "a" }).status)
    assert.equal(429, get(app, { ["X-Key"] = "a" }).status)
    assert.equal(200, get(app, { ["X-Key"] = "b" }).status)
    for _ = 1, 3 do assert.equal(200, get(app).status) end
  end)

  --- Statuses for addresses, one after the other, of a middleware called by itself.
  local function statuses(middleware, remotes)
    local list = {}
    for i, remote in ipairs(remotes) do
      local went = false
      middleware({ remote = remote }, { headers = {} }, function() went = true end)
      list[i] = went
    end
    return list
  end

  it("takes an address without its port, and half of an IPv6 one", function()
    assert.same({ true, false, true }, statuses(rate_limit { rate = 0.01 },
      { "1.2.3.4:1", "1.2.3.4:2", "1.2.3.5:1" }))
    assert.same({ true, false, false, true }, statuses(rate_limit { rate = 0.01 },
      { "[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:0:1::]:1", "[2001:db8:0:1::1]:1" }))
  end)

  it("forgets those not seen for long, and them only", function()
    local limit = rate_limit { rate = 0.01, max_keys = 10 }
    local remotes = { "a" }
    for i = 1, 100 do
      remotes[#remotes + 1] = "k" .. i
      if i % 4 == 0 then remotes[#remotes + 1] = "a" end
    end
    local seen = 0
    for i, went in ipairs(statuses(limit, remotes)) do
      if remotes[i] == "a" and went then seen = seen + 1 end
    end
    assert.equal(1, seen)
    assert.same({ true }, statuses(limit, { "k1" }))
  end)

  it("knows no more than max_keys", function()
    local others = {}
    for i = 1, 10 do others[i] = "k" .. i end
    local limit = rate_limit { rate = 0.01, max_keys = 10 }
    assert.same({ true, false }, statuses(limit, { "a", "a" }))
    statuses(limit, others)
    assert.same({ true }, statuses(limit, { "a" }))
  end)

  it("saves up no more than a burst", function()
    local now, time = rille.now, 1000
    finally(function() rille.now = now end)
    rille.now = function() return time end
    local limit = rate_limit { rate = 1, burst = 2 }
    assert.same({ true, true, false }, statuses(limit, { "a", "a", "a" }))
    time = time + 100
    assert.same({ true, true, false }, statuses(limit, { "a", "a", "a" }))
    time = time + 1.5
    assert.same({ true, false }, statuses(limit, { "a", "a" }))
  end)
end)

describe("access_log", function()
  local lines
  local function log(options)
    lines = {}
    options = options or {}
    options.write = function(line) table.insert(lines, line) end
    return access_log(options)
  end

  it("writes a line", function()
    get(app_of(log()), { ["User-Agent"] = "spec" })
    assert.equal(1, #lines)
    local line = '^%S+ %- %- %[[^%]]+%] "GET / HTTP/1.1" 200 4 "%-" "spec" %d+%.%d+ %S+\n$'
    assert.matches(line, lines[1])
  end)

  it("escapes what clients send", function()
    get(app_of(log()), { ["User-Agent"] = 'a" \xff\\' })
    assert.matches([["a\x22 \xff\x5c"]], lines[1], 1, true)
  end)

  it("notes an error and lets it through", function()
    local answer = get(app_of(log(), function() error "oops" end))
    assert.equal(500, answer.status)
    assert.matches('HTTP/1.1" 500 %-', lines[1])
  end)

  it("says the status of an answer that was raised", function()
    local function raiser(err) return function() error(err) end end
    get(app_of(log(), raiser(http.error(404, "no"))))
    assert.matches('HTTP/1.1" 404 %-', lines[1])
    get(app_of(log { format = "json" }, raiser { retry_after = 3 }))
    assert.matches('"status":503', lines[1])
    assert.is_nil(lines[1]:find '"error"')
    get(app_of(log { format = "json" }, function(req) return req:body(0) end), nil, "POST")
    assert.matches('"status":200', lines[1])
    app_of(log { format = "json" }, function(req) return req:body(1) end):inject {
      path = "/", body = "long",
    }
    assert.matches('"status":413', lines[1])
    assert.matches('"error":true', lines[1])
  end)

  it("writes JSON, or what a function says, or nothing", function()
    get(app_of(log { format = "json" }))
    assert.matches('^{.*"status":200.*}\n$', lines[1])
    get(app_of(log { format = function(entry) return entry.method end }))
    assert.same({ "GET" }, lines)
    get(app_of(log { skip = function() return true end }))
    assert.same({}, lines)
  end)
end)

describe("compress", function()
  local function page(_, res)
    res.headers["Content-Type"] = "text/html; charset=utf-8"
    res.headers["ETag"] = '"1"'
    return PAGE
  end
  local app = app_of(compress(), page)

  for _, coding in ipairs { "gzip", "br", "zstd" } do
    it("compresses with " .. coding, function()
      local answer = get(app, { ["Accept-Encoding"] = coding })
      assert.equal(coding, answer.headers["content-encoding"])
      assert.equal(PAGE, coder.decode(answer.body, coding))
      assert.equal(tostring(#answer.body), answer.headers["content-length"])
      assert.equal("Accept-Encoding", answer.headers.vary)
      assert.equal('W/"1"', answer.headers.etag)
    end)
  end

  it("does as Accept-Encoding says", function()
    local function coding(list)
      return get(app, { ["Accept-Encoding"] = list }).headers["content-encoding"]
    end
    assert.equal("zstd", coding "gzip, deflate, br, zstd")
    assert.equal("br", coding "gzip, br")
    assert.equal("gzip", coding "gzip;q=1, br;q=0.5")
    assert.is_nil(coding "deflate")
    assert.is_nil(coding "gzip;q=0")
    assert.is_nil(coding(nil))
  end)

  it("leaves alone what is small, compressed, partial or not to be changed", function()
    local function coding(handler)
      local answer = get(app_of(compress(), handler), { ["Accept-Encoding"] = "gzip" })
      return answer.headers["content-encoding"]
    end
    assert.equal("gzip", coding(page))
    assert.is_nil(coding(function() return "small" end))
    assert.is_nil(coding(function(_, res) page(_, res) return 206, PAGE end))
    local headers = { ["Content-Type"] = "image/png", ["Cache-Control"] = "no-transform" }
    for name, value in pairs(headers) do
      assert.is_nil(coding(function(_, res) res.headers[name] = value return PAGE end))
    end
    assert.equal("own", coding(function(_, res)
      res.headers["Content-Encoding"] = "own"
      return PAGE
    end))
  end)

  it("compresses large bodies elsewhere", function()
    local large = PAGE:rep(100)
    local elsewhere = app_of(compress(), function() return large end)
    local answer = get(elsewhere, { ["Accept-Encoding"] = "br" })
    assert.is_true(large == coder.decode(answer.body, "br"))
  end)

  it("streams", function()
    local streaming = app_of(function(_, _, next) next() end, function(req, res)
      res.headers["Content-Type"] = "text/plain"
      local out = compress.stream(req, res)
      for i = 1, 100 do
        out:write("row " .. i .. "\n")
        if i % 10 == 0 then out:flush() end
      end
      out:finish()
    end)
    local plain = get(streaming)
    local answer = get(streaming, { ["Accept-Encoding"] = "gzip" })
    assert.matches("row 1\n.*row 100\n", plain.body)
    assert.equal("gzip", answer.headers["content-encoding"])
    assert.equal(plain.body, coder.decode(answer.body, "gzip"))
  end)
end)

describe("etag", function()
  local app = app_of(etag())

  it("answers 304 to who has it", function()
    local tag = get(app).headers.etag
    assert.matches('^"[%w_-]+"$', tag)
    for _, list in ipairs { tag, "W/" .. tag, '"x", ' .. tag, "*" } do
      local answer = get(app, { ["If-None-Match"] = list })
      assert.equal(304, answer.status)
      assert.equal("", answer.body)
      assert.equal(tag, answer.headers.etag)
      assert.is_nil(answer.headers["content-type"])
    end
    assert.equal(200, get(app, { ["If-None-Match"] = '"x"' }).status)
  end)

  it("is for what is read, whole and right", function()
    assert.is_nil(get(app, nil, "POST").headers.etag)
    for _, status in ipairs { 201, 206, 404 } do
      local other = app_of(etag(), function() return status, "some" end)
      assert.is_nil(get(other).headers.etag)
      assert.equal(status, get(other, { ["If-None-Match"] = "*" }).status)
    end
    assert.is_nil(get(app_of(etag { max_size = 3 })).headers.etag)
    assert.matches("^W/", get(app_of(etag { weak = true })).headers.etag)
  end)

  it("keeps a handler's own", function()
    local own = app_of(etag(), function(_, res) res.headers["ETag"] = '"v1"' return "fine" end)
    assert.equal('"v1"', get(own).headers.etag)
    assert.equal(304, get(own, { ["If-None-Match"] = '"v1"' }).status)
  end)
end)

describe("secure", function()
  it("sets its headers", function()
    local headers = get(app_of(secure())).headers
    assert.matches("default%-src 'self'", headers["content-security-policy"])
    assert.equal("max-age=31536000", headers["strict-transport-security"])
    assert.equal("nosniff", headers["x-content-type-options"])
    assert.equal("DENY", headers["x-frame-options"])
    assert.equal("strict-origin-when-cross-origin", headers["referrer-policy"])
    assert.equal("same-origin", headers["cross-origin-opener-policy"])
  end)

  it("leaves out what is false, and lets the handler change them", function()
    local app = app_of(secure { hsts = false, frame = "SAMEORIGIN" }, function(_, res)
      res.headers["Referrer-Policy"] = "no-referrer"
      return "fine"
    end)
    local headers = get(app).headers
    assert.is_nil(headers["strict-transport-security"])
    assert.equal("SAMEORIGIN", headers["x-frame-options"])
    assert.equal("no-referrer", headers["referrer-policy"])
  end)

  it("makes a nonce for each answer", function()
    local app = app_of(secure { csp = "script-src 'nonce-{nonce}'" }, function(req)
      return req.nonce
    end)
    local one, other = get(app), get(app)
    assert.equal("script-src 'nonce-" .. one.body .. "'", one.headers["content-security-policy"])
    assert.are_not.equal(one.body, other.body)
  end)
end)

describe("decompress", function()
  local function post(app, body, coding)
    return app:inject { path = "/", body = body, headers = { ["Content-Encoding"] = coding } }
  end

  local function echo(options)
    return app_of(decompress(options), function(req)
      return { body = req:body(), decoded = tostring(req.decoded) }
    end)
  end

  it("gives handlers what the client had compressed", function()
    for _, coding in ipairs { "gzip", "br", "zstd" } do
      if coder.has(coding) then
        local got = post(echo(), coder.encode("some text", coding), coding:upper())
        assert.equal(200, got.status)
        assert.matches('"body":"some text"', got.body)
        assert.matches('"decoded":"' .. coding .. '"', got.body)
      end
    end
    assert.matches('"some text"', post(echo(), coder.encode("some text", "gzip"), "x-gzip").body)
    local json = app_of(decompress(), function(req) return tostring(req:json().n) end)
    assert.equal("42", post(json, coder.encode('{"n":42}', "gzip"), "gzip").body)
    local form = app_of(decompress(), function(req) return req:form().a end)
    assert.equal("b", post(form, coder.encode("a=b", "gzip"), "gzip").body)
  end)

  it("leaves other bodies alone", function()
    assert.matches('"body":"plain"', post(echo(), "plain").body)
    assert.matches('"decoded":"nil"', post(echo(), "plain", "identity").body)
    assert.matches('"body":""', echo():inject("/").body)
  end)

  it("does not decode a bomb beyond its limit", function()
    local bomb = coder.encode(("0"):rep(64 << 20), "gzip")
    local got = post(echo(), bomb, "gzip")
    assert.equal(413, got.status)
    assert.equal("the body is too large: 1048576 bytes are the limit\n", got.body)
    assert.equal(413, post(echo { max_size = 8 }, coder.encode("some text", "gzip"), "gzip").status)
    assert.equal(200, post(echo { max_size = 9 }, coder.encode("some text", "gzip"), "gzip").status)
  end)

  it("answers 415 for what it does not know, with what it does", function()
    for _, coding in ipairs { "compress", "gzip, br", "gzip, gzip", "" } do
      local got = post(echo { codings = { "gzip" } }, "x", coding)
      assert.equal(415, got.status)
      assert.equal("gzip", got.headers["accept-encoding"])
    end
  end)

  it("answers 400 for what is malformed or not whole", function()
    local text = coder.encode(("some text"):rep(100), "gzip")
    assert.equal(400, post(echo(), "no gzip at all", "gzip").status)
    assert.equal(400, post(echo(), text:sub(1, -2), "gzip").status)
    assert.equal(400, post(echo(), "", "gzip").status)
  end)

  it("is what form, json and multipart ask for", function()
    local function refused(fn)
      local app = app_of(function(_, _, next) next() end, fn)
      return post(app, coder.encode("{}", "gzip"), "gzip").status
    end
    assert.equal(415, refused(function(req) return req:json() end))
    assert.equal(415, refused(function(req) return req:form() end))
    assert.equal(415, refused(function(req) for _ in req:multipart() do end end))
  end)

  it("leaves multipart bodies to be refused", function()
    local app = app_of(decompress(), function(req) for _ in req:multipart() do end end)
    local mime = "multipart/form-data; boundary=b"
    local got = app:inject {
      path = "/", body = coder.encode("--b--", "gzip"),
      headers = { ["Content-Encoding"] = "gzip", ["Content-Type"] = mime },
    }
    assert.equal(415, got.status)
  end)

  it("says what is wrong with its options", function()
    assert.is_false(pcall(decompress, { codings = { "rar" } }))
    assert.is_false(pcall(decompress, { max_size = -1 }))
  end)
end)
