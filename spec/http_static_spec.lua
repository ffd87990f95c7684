-- app:static and res:file, through app:inject.

local access_log = require "rille.http.access_log"
local compress = require "rille.http.compress"
local cors = require "rille.http.cors"
local etag = require "rille.http.etag"
local failure = require "spec.support.failure"
local folders = require "spec.support.folder"
local http = require "rille.http"
local rille = require "rille"

local OLD = 784111777 -- Sun, 06 Nov 1994 08:49:37 GMT
local LARGE = ("0123456789abcdef"):rep(32 * 1024) -- more than is kept in memory

local folder

setup(function()
  folder = folders.new {
    ["public/index.html"] = "<p>home",
    ["public/page.html"] = "<p>page",
    ["public/style.css"] = "0123456789",
    ["public/style.css.gz"] = "gzipped",
    ["public/style.css.br"] = "brotli",
    ["public/empty.txt"] = "",
    ["public/unknown.zzz"] = "?",
    ["public/large.bin"] = LARGE,
    ["public/name with ä.txt"] = "spaced",
    ["public/docs/index.html"] = "<p>docs",
    ["public/bare/file.txt"] = "no index here",
    ["public/.hidden"] = "hidden",
    ["public/.well-known/security.txt"] = "Contact",
    ["secret.txt"] = "secret",
    ["public2/secret.txt"] = "secret",
  }
  for _, name in ipairs { "style.css", "style.css.gz", "style.css.br" } do
    folder:date("public/" .. name, OLD)
  end
end)

teardown(function() folder:remove() end)

local function app_of(options, prefix)
  return http.app():static(prefix or "/s", folder:at "public", options)
end

local function get(app, path, headers, method)
  return app:inject { method = method, path = path, headers = headers }
end

describe("app:static", function()
  it("serves a file with all that is known of it", function()
    local got = get(app_of(), "/s/style.css")
    assert.equal(200, got.status)
    assert.equal("0123456789", got.body)
    assert.equal("text/css; charset=utf-8", got.headers["content-type"])
    assert.equal("10", got.headers["content-length"])
    assert.equal("Sun, 06 Nov 1994 08:49:37 GMT", got.headers["last-modified"])
    assert.matches('^"[%x-]+"$', got.headers.etag)
    assert.equal("bytes", got.headers["accept-ranges"])
    assert.equal("Accept-Encoding", got.headers.vary)
    assert.is_string(got.headers.date)
  end)

  it("serves files of every size: none, small, large", function()
    local app = app_of()
    local empty = get(app, "/s/empty.txt")
    assert.same({ 200, "", "0" }, { empty.status, empty.body, empty.headers["content-length"] })
    local large = get(app, "/s/large.bin")
    assert.equal(200, large.status)
    assert.is_true(large.body == LARGE)
    assert.equal(tostring(#LARGE), large.headers["content-length"])
  end)

  it("answers HEAD with the same head, and nothing else", function()
    local app = app_of()
    for _, name in ipairs { "style.css", "large.bin", "empty.txt" } do
      local whole, head = get(app, "/s/" .. name), get(app, "/s/" .. name, nil, "HEAD")
      assert.equal(200, head.status)
      assert.equal("", head.body)
      whole.headers.date, head.headers.date = nil, nil
      assert.same(whole.headers, head.headers)
    end
  end)

  it("serves names with any characters", function()
    assert.equal("spaced", get(app_of(), "/s/name%20with%20%C3%A4.txt").body)
  end)

  it("says of an unknown type that it is bytes", function()
    local type = get(app_of(), "/s/unknown.zzz").headers["content-type"]
    assert.equal("application/octet-stream", type)
  end)

  it("serves the index of a directory, whose path ends in a slash", function()
    local app = app_of()
    assert.equal("<p>home", get(app, "/s/").body)
    assert.equal("<p>docs", get(app, "/s/docs/").body)
    assert.equal(404, get(app, "/s/bare/").status)
    for path, to in pairs { ["/s/docs"] = "/s/docs/", ["/s"] = "/s/", ["/s?a=b"] = "/s/?a=b" } do
      local got = get(app, path)
      assert.same({ 301, to }, { got.status, got.headers.location })
    end
    assert.equal("<p>page", get(app_of { index = "page.html" }, "/s/").body)
    assert.equal(404, get(app_of { index = false }, "/s/").status)
  end)

  it("never redirects to another host", function()
    for _, path in ipairs { "//docs", "//evil.example/docs", "/docs//", "/\\evil.example" } do
      local got = get(app_of(nil, "/"), path)
      assert.equal(404, got.status, path)
      assert.is_nil(got.headers.location)
    end
  end)

  it("tells a client that has it that nothing has changed", function()
    local app = app_of()
    local tag = get(app, "/s/style.css").headers.etag
    for name, value in pairs {
      ["If-None-Match"] = '"other", ' .. tag,
      ["If-Modified-Since"] = "Sun, 06 Nov 1994 08:49:37 GMT",
    } do
      local got = get(app, "/s/style.css", { [name] = value })
      assert.same({ 304, "" }, { got.status, got.body })
      assert.equal(tag, got.headers.etag)
      assert.is_nil(got.headers["content-length"])
      assert.is_nil(got.headers["content-type"])
    end
    assert.equal(200, get(app, "/s/style.css", { ["If-None-Match"] = '"other"' }).status)
    local failed = get(app, "/s/style.css", { ["If-Match"] = '"other"' })
    assert.same({ 412, "Precondition Failed\n" }, { failed.status, failed.body })
  end)

  it("serves ranges, also of what is not in memory", function()
    local app = app_of()
    local got = get(app, "/s/style.css", { Range = "bytes=2-4" })
    assert.same({ 206, "234", "bytes 2-4/10" },
      { got.status, got.body, got.headers["content-range"] })
    got = get(app, "/s/large.bin", { Range = "bytes=300000-300009" })
    assert.same({ 206, LARGE:sub(300001, 300010) }, { got.status, got.body })
    got = get(app, "/s/large.bin", { Range = "bytes=-3" })
    assert.equal(LARGE:sub(-3), got.body)
    got = get(app, "/s/style.css", { Range = "bytes=10-" })
    assert.same({ 416, "bytes */10" }, { got.status, got.headers["content-range"] })
    assert.equal("0123456789", get(app, "/s/style.css", { Range = "lines=1-2" }).body)
  end)

  it("serves several ranges as parts", function()
    for _, name in ipairs { "style.css", "large.bin" } do
      local got = get(app_of(), "/s/" .. name, { Range = "bytes=0-1,5-6" })
      assert.equal(206, got.status)
      local boundary = got.headers["content-type"]:match "^multipart/byteranges; boundary=(%x+)$"
      assert.equal(tostring(#got.body), got.headers["content-length"])
      local parts = {}
      for part in got.body:gmatch "\r\n\r\n(..)\r\n%-%-" do table.insert(parts, part) end
      assert.same({ "01", "56" }, parts)
      assert.equal("--" .. boundary .. "--\r\n", got.body:sub(-(#boundary + 6)))
    end
  end)

  it("serves the compressed form that the client likes best", function()
    local app = app_of()
    local function ask(accept)
      local got = get(app, "/s/style.css", { ["Accept-Encoding"] = accept })
      return { got.body, got.headers["content-encoding"], got.headers["content-type"] }
    end
    assert.same({ "gzipped", "gzip", "text/css; charset=utf-8" }, ask "gzip")
    assert.same({ "brotli", "br", "text/css; charset=utf-8" }, ask "gzip, br")
    assert.equal("0123456789", ask("identity")[1])
    local plain = get(app_of { compressed = false }, "/s/style.css", { ["Accept-Encoding"] = "br" })
    assert.equal("0123456789", plain.body)
    assert.is_nil(plain.headers.vary)
  end)

  it("finds nothing outside, whatever way that is written", function()
    folder:link(folder:at "secret.txt", "public/absolute")
    folder:link("../secret.txt", "public/relative")
    folder:link("..", "public/parent")
    local apps = { app_of(), app_of { hidden = true }, app_of { links = false } }
    for _, path in ipairs {
      "../secret.txt", "..", "../", "./../secret.txt", "docs/../../secret.txt",
      "%2e%2e/secret.txt", "%2E%2E/secret.txt", ".%2e/secret.txt", "%2e./secret.txt",
      "..%2fsecret.txt", "..%2Fsecret.txt", "%2e%2e%2fsecret.txt", "docs%2f..%2f..%2fsecret.txt",
      "..\\secret.txt", "..%5csecret.txt", "%2e%2e%5Csecret.txt", "docs\\..\\..\\secret.txt",
      "%252e%252e/secret.txt", "..%252fsecret.txt", "%25%32%65%25%32%65/secret.txt",
      "%c0%ae%c0%ae/secret.txt", "%c0%ae%c0%ae%c0%afsecret.txt", "%e0%80%ae%e0%80%ae/secret.txt",
      "..%c0%afsecret.txt", "%uff0e%uff0e/secret.txt", "%u002e%u002e/secret.txt",
      "..;/secret.txt", "..;a=b/secret.txt", ".../secret.txt", "....//secret.txt",
      "../public2/secret.txt", "%2e%2e/public2/secret.txt",
      "//secret.txt", "/../secret.txt", "docs//../../secret.txt", folder:at "secret.txt",
      "%2f" .. folder:at("secret.txt"):sub(2), "file:%2f%2f" .. folder:at "secret.txt",
      "secret.txt%00", "../secret.txt%00.html", "style.css%00", "style.css%00.html", "%00",
      "style.css/", "style.css/.", "style.css/..", "docs/.", "docs/..", "./style.css",
      "absolute", "relative", "parent/secret.txt", "parent/public2/secret.txt",
      "%", "%2", "%zz", "%2e%2e%", "style.css%",
    } do
      for _, app in ipairs(apps) do
        local got = get(app, "/s/" .. path)
        assert.is_true(got.status == 404 or got.status == 400, path .. ": " .. got.status)
        assert.is_nil(got.body:find("secret", 1, true), path)
        assert.is_nil(got.body:find("0123", 1, true), path)
      end
    end
    for _, name in ipairs { "absolute", "relative", "parent" } do
      os.remove(folder:at("public/" .. name))
    end
  end)

  it("follows links that stay inside, unless told not to", function()
    folder:link("style.css", "public/inside.css")
    assert.equal("0123456789", get(app_of(), "/s/inside.css").body)
    assert.equal(404, get(app_of { links = false }, "/s/inside.css").status)
    os.remove(folder:at "public/inside.css")
  end)

  it("hides names that begin with a dot, but for .well-known", function()
    assert.equal(404, get(app_of(), "/s/.hidden").status)
    assert.equal(404, get(app_of(), "/s/%2ehidden").status)
    assert.equal("hidden", get(app_of { hidden = true }, "/s/.hidden").body)
    assert.equal("Contact", get(app_of(nil, "/"), "/.well-known/security.txt").body)
  end)

  it("takes no other methods", function()
    local got = get(app_of(), "/s/style.css", nil, "POST")
    assert.same({ 405, "GET, HEAD, OPTIONS" }, { got.status, got.headers.allow })
    got = get(app_of(), "/s/style.css", nil, "OPTIONS")
    assert.same({ 204, "GET, HEAD, OPTIONS" }, { got.status, got.headers.allow })
  end)

  it("goes behind routes that say more, wherever they were added", function()
    local app = app_of(nil, "/")
    app:get("/", function() return "route" end)
    app:get("/docs/", function() return "docs" end)
    assert.equal("route", get(app, "/").body)
    assert.equal("docs", get(app, "/docs/").body)
    assert.equal("0123456789", get(app, "/style.css").body)
    app = app_of()
    app:get("/s", function() return "bare" end)
    assert.equal("bare", get(app, "/s").body)
  end)

  it("may be added while the app serves, and stand in groups, hosts and mounted apps", function()
    local app = http.app()
    assert.equal(404, get(app, "/s/style.css").status)
    app:static("/s", folder:at "public")
    assert.equal("0123456789", get(app, "/s/style.css").body)
    assert.equal("/s/", get(app, "/s").headers.location)
    app = http.app()
    app:group("/:tenant", function(group) group:static("/t", folder:at "public") end)
    app:host("files.example.com", function(host) host:static("/", folder:at "public") end)
    app = http.app():mount("/m", app)
    assert.equal("0123456789", get(app, "/m/a/t/style.css").body)
    assert.equal("/m/a/t/", get(app, "/m/a/t").headers.location)
    local host = { Host = "files.example.com" }
    assert.equal("0123456789", get(app, "/m/style.css", host).body)
  end)

  it("sends further headers with files, and nothing else", function()
    local app = app_of { headers = { ["Cache-Control"] = "max-age=60", ["X-A"] = 1 } }
    local got = get(app, "/s/style.css").headers
    assert.same({ "max-age=60", "1" }, { got["cache-control"], got["x-a"] })
    assert.is_nil(get(app, "/s/none").headers["x-a"])
    assert.is_nil(get(app, "/s/docs").headers["x-a"])
    assert.equal("1", get(app, "/s/style.css", { ["If-None-Match"] = "*" }).headers["x-a"])
  end)

  it("leaves what is not there to not_found, without its own headers", function()
    local app = app_of { headers = { ["X-A"] = "1" } }
    app:not_found(function(req, res) return ("no %s (%d)"):format(req.path, res.status) end)
    local got = get(app, "/s/none")
    assert.same({ 404, "no /s/none (404)" }, { got.status, got.body })
    assert.is_nil(got.headers["x-a"])
    assert.equal("Not Found\n", get(app_of(), "/s/none").body)
  end)

  it("sees a change within the time for which files are believed", function()
    local app = app_of { fresh = 0 }
    folder:write("public/changing.txt", "one")
    assert.equal("one", get(app, "/s/changing.txt").body)
    folder:write("public/changing.txt", "two")
    assert.equal("two", get(app, "/s/changing.txt").body)
    os.remove(folder:at "public/changing.txt")
    assert.equal(404, get(app, "/s/changing.txt").status)
  end)

  it("refuses what cannot be meant", function()
    local function fails(text, ...)
      assert.matches(text, failure(http.app().static, http.app(), ...))
    end
    fails('cannot open the directory "/nowhere": no such file', "/s", "/nowhere")
    fails("cannot open the directory", "/s", folder:at "secret.txt")
    fails("string expected, got nil", "/s")
    fails('unknown option "hiden"', "/s", folder.path, { hiden = true })
    fails('option "index": the name of a file', "/s", folder.path, { index = "a/b" })
    fails('option "bytes" is out of range', "/s", folder.path, { bytes = -1 })
    fails("Content%-Length is set by", "/s", folder.path, { headers = { ["Content-Length"] = 1 } })
    fails("its value has a CR", "/s", folder.path, { headers = { A = "b\r\nC: d" } })
  end)

  it("is collected with its app", function()
    for _ = 1, 100 do get(app_of(), "/s/style.css") end
    collectgarbage()
    collectgarbage()
    assert.equal(200, get(app_of(), "/s/style.css").status)
  end)
end)

describe("app:static inside middleware", function()
  local function wrapped(middleware, options)
    return http.app():use(middleware):static("/s", folder:at "public", options)
  end

  it("shows its status, headers and length, which may be changed", function()
    local seen
    local app = wrapped(function(_, res, next)
      next()
      seen = { res.status, res.length, res.body, res.headers["Content-Type"], res.sent }
      res.headers["X-Seen"] = "yes"
      res.headers["Content-Type"] = nil
    end)
    for _, name in ipairs { "style.css", "large.bin" } do
      local got = get(app, "/s/" .. name)
      assert.equal(200, got.status)
      assert.equal("yes", got.headers["x-seen"])
      assert.equal(seen[2], #got.body)
      assert.is_nil(seen[3])
      assert.is_nil(got.headers["content-type"])
      assert.is_false(seen[5])
    end
    assert.equal("application/octet-stream", seen[4])
    assert.equal(304, get(app, "/s/style.css", { ["If-None-Match"] = "*" }).status)
    assert.same({ 304, 0 }, { seen[1], seen[2] })
    local head = get(app, "/s/style.css", nil, "HEAD")
    assert.same({ "10", "" }, { head.headers["content-length"], head.body })
    assert.equal(10, seen[2])
    assert.equal("/s/", get(app, "/s").headers.location)
  end)

  it("may be waited around, and by the handler's fiber", function()
    local app = wrapped(function(_, _, next)
      rille.sleep(0.005)
      next()
      rille.sleep(0.005)
    end)
    assert.is_true(get(app, "/s/large.bin").body == LARGE)
    assert.equal("34", get(app, "/s/style.css", { Range = "bytes=3-4" }).body)
  end)

  it("gives way to another answer, with nothing of the file in it", function()
    for _, answer in ipairs {
      function(res) res:send { a = 1 } end,
      function() return { a = 1 } end,
      function() return 200, { a = 1 } end,
    } do
      local app = wrapped(function(_, res, next)
        next()
        return answer(res)
      end)
      for _, headers in ipairs {
        { ["Accept-Encoding"] = "gzip" }, { Range = "bytes=1-2" }, { ["If-None-Match"] = "*" },
      } do
        local got = get(app, "/s/style.css", headers)
        assert.same({ 200, '{"a":1}' }, { got.status, got.body })
        assert.equal("application/json", got.headers["content-type"])
        for _, name in ipairs {
          "content-encoding", "content-range", "etag", "last-modified", "accept-ranges",
        } do
          assert.is_nil(got.headers[name], name)
        end
      end
    end
  end)

  it("gives way to another file, with nothing of the first in its head", function()
    local app = wrapped(function(_, res, next)
      next()
      res:file(folder:at "public/page.html")
    end)
    local got = get(app, "/s/style.css", { ["Accept-Encoding"] = "gzip" })
    assert.same({ 200, "<p>page" }, { got.status, got.body })
    assert.equal("text/html; charset=utf-8", got.headers["content-type"])
    assert.is_nil(got.headers["content-encoding"])
  end)

  it("lets another body stand under its headers, but for those about bytes", function()
    local app = wrapped(function(_, res, next)
      next()
      res.body = "changed"
    end)
    local got = get(app, "/s/style.css", { ["Accept-Encoding"] = "gzip" })
    assert.same({ 200, "changed", "7" }, { got.status, got.body, got.headers["content-length"] })
    assert.equal("text/css; charset=utf-8", got.headers["content-type"])
    assert.is_string(got.headers.etag)
    assert.is_nil(got.headers["content-encoding"])
    got = get(app, "/s/style.css", { Range = "bytes=1-2" })
    assert.same({ 200, "changed" }, { got.status, got.body })
    assert.is_nil(got.headers["content-range"])
  end)

  it("is not sent when the middleware fails or says nothing is to be sent", function()
    local app = wrapped(function(req, res, next)
      next()
      if req.query.fail then error "no" end
      if req.query.gone then error(http.error(410, "gone")) end
      res.status = 204
    end)
    local got = get(app, "/s/style.css?fail=1", { ["Accept-Encoding"] = "gzip" })
    assert.equal(500, got.status)
    assert.is_nil(got.headers["content-encoding"])
    got = get(app, "/s/large.bin?gone=1")
    assert.same({ 410, "gone" }, { got.status, got.body })
    assert.is_nil(got.headers.etag)
    got = get(app, "/s/large.bin")
    assert.same({ 204, "" }, { got.status, got.body })
  end)

  it("cannot be written to", function()
    local app = wrapped(function(_, res, next)
      next()
      res:write "more"
    end)
    assert.equal(500, get(app, "/s/style.css").status)
  end)

  it("adds to Vary, and replaces what it says itself", function()
    local app = wrapped(function(_, res, next)
      res.headers["Vary"] = "Cookie"
      res.headers["Content-Type"] = "text/plain"
      next()
    end)
    local got = get(app, "/s/style.css")
    assert.equal("Cookie, Accept-Encoding", got.headers.vary)
    assert.equal("text/css; charset=utf-8", got.headers["content-type"])
  end)

  it("leaves what is not there to not_found, inside the middleware", function()
    local statuses = {}
    local app = wrapped(function(_, res, next)
      next()
      table.insert(statuses, res.status)
    end)
    assert.equal("Not Found\n", get(app, "/s/none").body)
    app = wrapped(function(_, res, next)
      next()
      table.insert(statuses, res.status)
    end):not_found(function() return "nothing" end)
    local got = get(app, "/s/none")
    assert.same({ 404, "nothing" }, { got.status, got.body })
    assert.same({ 404, 404 }, statuses)
    local other = get(app, "/s/large.bin", { Range = "bytes=9999999-" })
    assert.same({ 416, "bytes */" .. #LARGE }, { other.status, other.headers["content-range"] })
  end)

  it("passes etag and compress as it is", function()
    local app = http.app():use(compress { min_size = 1 }, etag())
    app:static("/s", folder:at "public")
    local got = get(app, "/s/page.html", { ["Accept-Encoding"] = "gzip" })
    assert.equal("<p>page", got.body)
    assert.is_nil(got.headers["content-encoding"])
    local tag = get(app_of(), "/s/page.html").headers.etag
    assert.equal(tag, got.headers.etag)
    assert.equal(304, get(app, "/s/page.html", { ["If-None-Match"] = tag }).status)
  end)

  it("is logged with its status and length", function()
    local entries = {}
    local app = wrapped(access_log {
      format = function(entry)
        table.insert(entries, { entry.status, entry.bytes })
        return ""
      end,
      write = function() end,
    })
    get(app, "/s/large.bin")
    get(app, "/s/style.css", { Range = "bytes=0-1" })
    get(app, "/s/style.css", { ["If-None-Match"] = "*" })
    assert.same({ { 200, #LARGE }, { 206, 2 }, { 304, 0 } }, entries)
  end)

  it("may be read by pages of other sites where cors says so", function()
    local app = wrapped(cors { origin = "https://a.example" })
    local got = get(app, "/s/style.css", { Origin = "https://a.example" })
    assert.equal("https://a.example", got.headers["access-control-allow-origin"])
    assert.matches("Origin", got.headers.vary)
    assert.matches("Accept%-Encoding", got.headers.vary)
  end)
end)

describe("res:file", function()
  --- The answer of a handler that sends a file, to a request with these headers.
  local function send(path, options, headers, method)
    local app = http.app()
    app:any("/x", function(_, res) return res:file(path, options) end)
    return get(app, "/x", headers, method)
  end

  it("sends a file of any place, as app:static does", function()
    local path = folder:at "public/style.css"
    local got = send(path)
    assert.same({ 200, "0123456789" }, { got.status, got.body })
    assert.equal("text/css; charset=utf-8", got.headers["content-type"])
    assert.equal("34", send(path, nil, { Range = "bytes=3-4" }).body)
    assert.equal(304, send(path, nil, { ["If-None-Match"] = got.headers.etag }).status)
    assert.equal(412, send(path, nil, { ["If-Match"] = '"other"' }).status)
    assert.equal(416, send(path, nil, { Range = "bytes=10-" }).status)
    assert.is_true(send(folder:at "public/large.bin").body == LARGE)
    local head = send(folder:at "public/large.bin", nil, nil, "HEAD")
    assert.same({ "", tostring(#LARGE) }, { head.body, head.headers["content-length"] })
  end)

  it("sends all of it where the request is no GET, or the status was set", function()
    local range = { Range = "bytes=0-1", ["If-None-Match"] = "*" }
    assert.equal("0123456789", send(folder:at "public/style.css", nil, range, "DELETE").body)
    local app = http.app():not_found(function(_, res)
      return res:file(folder:at "public/page.html")
    end)
    local got = get(app, "/none", range)
    assert.same({ 404, "<p>page" }, { got.status, got.body })
    assert.equal("text/html; charset=utf-8", got.headers["content-type"])
  end)

  it("keeps a path that a client has said beneath its root", function()
    local root = { root = folder:at "public" }
    assert.equal("<p>docs", send("docs/index.html", root).body)
    for _, path in ipairs {
      "../secret.txt", "docs/../../secret.txt", folder:at "secret.txt", "/etc/passwd", "..", ".",
      "", ".hidden", "none", "docs", "style.css/", "style.css\0", "\0", "..\\secret.txt",
    } do
      local got = send(path, root)
      assert.same({ 404, "Not Found\n" }, { got.status, got.body }, path)
    end
    folder:link("../secret.txt", "public/out")
    assert.equal(404, send("out", root).status)
    os.remove(folder:at "public/out")
    assert.equal("hidden", send(".hidden", { root = folder:at "public", hidden = true }).body)
    assert.equal(404, send("style.css", { root = "/nowhere" }).status)
  end)

  it("raises what may be caught when there is no such file", function()
    local caught
    local app = http.app()
    app:get("/x", function(_, res)
      local ok, err = pcall(res.file, res, folder:at "none")
      caught = { ok, err.status }
      return "something else"
    end)
    assert.equal("something else", get(app, "/x").body)
    assert.same({ false, 404 }, caught)
  end)

  it("names it for a download, and refuses to split the head", function()
    local path = folder:at "public/style.css"
    local function named(name)
      return send(path, { name = name }).headers["content-disposition"]
    end
    assert.equal('attachment; filename="a b.css"', named "a b.css")
    assert.equal([[attachment; filename="_b__.css"; filename*=UTF-8''%C3%A4b%22%5C.css]],
      named 'äb"\\.css')
    for _, name in ipairs { "a\r\nX: y", "a\nb", "a\0b", "a\rb", "a\127" } do
      local got = send(path, { name = name })
      assert.equal(500, got.status)
      assert.is_nil(got.headers.x)
    end
    assert.equal(500, send(path, { type = "text/plain\r\nX: y" }).status)
  end)

  it("takes a type, and headers that are set around it", function()
    local app = http.app()
    app:get("/x", function(_, res)
      res.headers["X-Before"] = "1"
      res:file(folder:at "public/unknown.zzz", { type = "text/x-own" })
      res.headers["Cache-Control"] = "no-store"
    end)
    local got = get(app, "/x").headers
    assert.same({ "text/x-own", "1", "no-store" },
      { got["content-type"], got["x-before"], got["cache-control"] })
  end)

  it("is the last one that was chosen, or what replaced it", function()
    local app = http.app()
    app:get("/two", function(_, res)
      res:file(folder:at "public/large.bin")
      res:file(folder:at "public/page.html")
    end)
    app:get("/text", function(_, res)
      res:file(folder:at "public/style.css")
      return "text"
    end)
    app:get("/after", function(_, res)
      res:text "text"
      res:file(folder:at "public/page.html")
    end)
    assert.equal("<p>page", get(app, "/two").body)
    local part = get(app, "/two", { Range = "bytes=1-2" })
    assert.same({ 206, "p>", "bytes 1-2/7" },
      { part.status, part.body, part.headers["content-range"] })
    assert.equal("<p>page", get(app, "/after").body)
    local text = get(app, "/text")
    assert.equal("text", text.body)
    assert.equal("text/plain; charset=utf-8", text.headers["content-type"])
  end)

  it("comes too late when the head is sent", function()
    local app, message = http.app(), nil
    app:get("/x", function(_, res)
      res:write "begun"
      message = failure(res.file, res, folder:at "public/page.html")
    end)
    assert.equal("begun", get(app, "/x").body)
    assert.matches("res:file: the head of the answer is already sent", message)
  end)

  it("refuses options that it does not know", function()
    local app, message = http.app(), nil
    app:get("/x", function(_, res)
      message = failure(res.file, res, "x", { rot = "y" })
      return "ok"
    end)
    assert.equal("ok", get(app, "/x").body)
    assert.matches('unknown option "rot"', message)
  end)
end)
