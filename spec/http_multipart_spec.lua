-- req:multipart: parts as they arrive, files that last as long as the request, and what clients get
-- wrong.

local http = require "rille.http"
local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local scale = require "spec.support.scale"
local work = require "spec.support.work"

local MIME = "multipart/form-data; boundary=b"

--- The bytes of one part; `fields` are further whole lines of its head.
local function part(name, body, filename, fields)
  local file = filename and ('; filename="%s"'):format(filename) or ""
  return ('--b\r\nContent-Disposition: form-data; name="%s"%s\r\n%s\r\n%s\r\n')
    :format(name, file, fields or "", body)
end

local function form(...)
  return table.concat { ... } .. "--b--\r\n"
end

--- The answer to a body, which the handler is called for as fn(req, res).
local function answer(body, fn, headers)
  local app = http.app()
  app:post("/", fn)
  return app:inject { path = "/", body = body, headers = headers or { ["Content-Type"] = MIME } }
end

--- The answer to a body of which every part is read.
local function read_all(body, given)
  return answer(body, function(req)
    local parts = {}
    for each in req:multipart(given) do
      table.insert(parts, { each.name, each.filename or false, each:body() })
    end
    return parts
  end)
end

--- The first part of a request.
local function first(req)
  local next_part, form_of = req:multipart()
  return next_part(form_of)
end

local function contents(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

--- A directory of one's own, and a function that lists it.
local function directory()
  local path = os.tmpname()
  os.remove(path)
  os.execute("mkdir " .. path)
  return path, function()
    local pipe <close> = assert(io.popen("ls -A " .. path))
    local names = {}
    for name in pipe:lines() do table.insert(names, name) end
    return names
  end
end

describe("req:multipart", function()
  it("gives the parts in their order", function()
    local got = read_all(form(part("a", "1"), part("f", "some\r\nbytes", "x.txt"), part("b", "")))
    assert.equal(200, got.status)
    assert.equal('[["a",false,"1"],["f","x.txt","some\\r\\nbytes"],["b",false,""]]', got.body)
  end)

  it("gives none where there are none", function()
    assert.equal("{}", read_all("--b--\r\n").body)
  end)

  it("says what the head of a part says", function()
    local body = form(part("a", "1", nil, "Content-Type: text/csv\r\nX-Two: 1\r\nX-Two: 2\r\n"),
      part("b", "2"))
    local got = answer(body, function(req)
      local out = {}
      for each in req:multipart() do
        table.insert(out, { tostring(each.type), tostring(each.headers["content-TYPE"]),
          tostring(each.headers["X-Two"]), tostring(each.headers.nothing) })
      end
      return out
    end)
    assert.equal('[["text/csv","text/csv","1, 2","nil"],["nil","nil","nil","nil"]]', got.body)
  end)

  it("gives the same however the body is cut", function()
    local body = form(part("a", "1\r\n--"), part("f", "\r\n--c\r\r\n", "x"), part("b", "-\r\n--a"))
    local whole = read_all(body)
    assert.equal(200, whole.status)
    for _, size in ipairs { 1, 2, 3, 7, 50 } do
      local at = 1
      local got = read_all(function()
        local piece = body:sub(at, at + size - 1)
        at = at + size
        return piece ~= "" and piece or nil
      end)
      assert.equal(whole.body, got.body)
    end
  end)

  it("gives a part piece by piece, and passes over what was not read", function()
    local large = ("0123456789"):rep(100000)
    local body = form(part("a", large), part("b", large), part("c", "x"))
    local got = answer(body, function(req)
      local out = {}
      for each in req:multipart() do
        table.insert(out, each.name)
        if each.name == "b" then
          local begun = each:read()
          table.insert(out, #begun + #each:body() == #large and begun:sub(1, 3))
          table.insert(out, tostring(each:read()))
        end
      end
      return out
    end)
    assert.equal('["a","b","012","nil","c"]', got.body)
  end)

  it("does not give a part that is over", function()
    local got = answer(form(part("a", "1"), part("b", "2")), function(req)
      local earlier
      for each in req:multipart() do earlier = earlier or each end
      return { pcall(earlier.read, earlier) }
    end)
    assert.matches('^%[false,".*the part is over', got.body)
  end)

  it("may be left early: the connection goes on", function()
    local app = http.app()
    app:post("/", function(req) return first(req).name end)
    local server = app:listen { port = 0 }
    local conn <close> = net.connect(server:address())
    local body = form(part("a", "1"), part("b", "2"))
    for _ = 1, 2 do
      conn:write(raw_http.post("/", body, "Content-Type: " .. MIME .. "\r\n"))
      assert.equal("a", raw_http.read_answer(conn).body)
    end
    server:close()
  end)

  it("never gives a file name that leads somewhere", function()
    local function name(filename)
      return answer(form(part("f", "x", filename)), function(req)
        return tostring(first(req).filename)
      end).body
    end
    assert.equal("passwd", name "../../etc/passwd")
    assert.equal("passwd", name "/etc/passwd")
    assert.equal("evil.exe", name [[C:\\windows\\evil.exe]])
    assert.equal("evil.exe", name [[..\evil.exe]])
    assert.equal("ab", name "a\tb")
    assert.equal("nil", name "..")
    assert.equal("nil", name ".")
    assert.equal("nil", name "x/..")
    assert.equal("nil", name "dir/")
    assert.equal("nil", name "")
    assert.equal("päth.txt", name "päth.txt")
  end)
end)

describe("a part that is saved", function()
  it("is a file until the request ends", function()
    local text = ("0123456789"):rep(300000)
    local seen
    local got = answer(form(part("f", text, "x"), part("g", "small", "y")), function(req)
      local paths = {}
      for each in req:multipart() do
        local path, size = assert(each:save())
        table.insert(paths, { path = path, size = size, text = contents(path) })
      end
      seen = paths
      return { exists(paths[1].path), exists(paths[2].path) }
    end)
    assert.equal("[true,true]", got.body)
    assert.equal(#text, seen[1].size)
    assert.is_true(seen[1].text == text)
    assert.equal("small", seen[2].text)
    work.await(function() return not exists(seen[1].path) and not exists(seen[2].path) end)
  end)

  it("is for nobody else to read", function()
    local got = answer(form(part("f", "x")), function(req)
      local pipe <close> = io.popen("stat -c %a " .. assert(first(req):save()))
      return pipe:read "l"
    end)
    assert.equal("600", got.body)
  end)

  it("stays at the path it is given, and appears there whole", function()
    local home, list = directory()
    local path = home .. "/kept"
    for _, text in ipairs { "first", "second" } do
      local got = answer(form(part("f", text)), function(req)
        local where, size = assert(first(req):save(path))
        return { where == path, size, #list() }
      end)
      assert.equal(("[true,%d,1]"):format(#text), got.body)
      assert.equal(text, contents(path))
      assert.same({ "kept" }, list())
    end
    os.execute("rm -r " .. home)
  end)

  it("stays when it is moved away", function()
    local home, list = directory()
    answer(form(part("f", "text")), function(req)
      for each in req:multipart { directory = home } do
        assert(os.rename(assert(each:save()), home .. "/mine"))
      end
    end)
    rille.sleep(0.05)
    assert.same({ "mine" }, list())
    os.execute("rm -r " .. home)
  end)

  it("leaves nothing behind when the body is wrong, too long, or the handler fails", function()
    local home, list = directory()
    local function save(req)
      for each in req:multipart { directory = home, max_file = 100000 } do
        each:save()
      end
      error "no such luck"
    end
    assert.equal(500, answer(form(part("f", "text")), save).status)
    assert.equal(400, answer(part("f", "text"), save).status)
    assert.equal(413, answer(form(part("f", ("x"):rep(100001))), save).status)
    work.await(function() return #list() == 0 end)
    os.execute("rm -r " .. home)
  end)

  it("leaves nothing behind when the client leaves in the middle", function()
    local home, list = directory()
    local app, ended = http.app(), 0
    app:post("/", function(req)
      local closing <close> = setmetatable({}, { __close = function() ended = ended + 1 end })
      assert(closing)
      for each in req:multipart { directory = home } do
        each:save(each.name == "kept" and home .. "/kept" or nil)
      end
    end)
    local server = app:listen { port = 0 }
    local body = form(part("f", ("x"):rep(3000)), part("kept", ("x"):rep(300000)))
    local request = raw_http.post("/", body, "Content-Type: " .. MIME .. "\r\n")
    local count = 0
    for size = 150, #request - 1, #request // scale(100, 10) do
      local conn <close> = net.connect(server:address())
      conn:write(request:sub(1, size))
      count = count + 1
      if count % 2 == 0 then rille.sleep(0.002) end
    end
    work.await(function() return server:connections() == 0 and #list() == 0 end, 20)
    assert.is_true(ended > 0)
    server:close()
    os.execute("rm -r " .. home)
  end)

  it("says what the disk says, and where", function()
    local got = answer(form(part("f", "x"), part("g", "y"), part("h", "z")), function(req)
      local out = {}
      for each in req:multipart { directory = "/nowhere" } do
        if each.name == "f" then table.insert(out, { each:save() }) end
        if each.name == "g" then table.insert(out, { each:save "/nowhere/x" }) end
        if each.name == "h" then table.insert(out, { each:save "/tmp" }) end
      end
      return { out[1][2], out[2][2], out[3][2] }
    end)
    local said = '^%["ENOENT: [^"]+: /nowhere","ENOENT: [^"]+: /nowhere/x","E%u+: [^"]+: /tmp"%]$'
    assert.matches(said, got.body)
  end)

  it("says what is no path", function()
    local got = answer(form(part("f", "x")), function(req)
      local each, out = first(req), {}
      for _, path in ipairs { "", "a\0b", 1 } do
        table.insert(out, (select(2, pcall(each.save, each, path))))
      end
      return { #out, out[1], out[2], out[3] }
    end)
    assert.equal(3, raw_http.occurrences(got.body, "path expected"))
  end)
end)

describe("a multipart body that is wrong", function()
  local function refused(status, pattern, body, given)
    local got = read_all(body, given)
    assert.equal(status, got.status)
    assert.matches(pattern, got.body)
  end

  it("is answered with 400", function()
    refused(400, "ends before its last boundary", part("a", "1"))
    refused(400, "ends before its last boundary", "")
    refused(400, "ends before its last boundary", "no boundary at all")
    refused(400, "a part has no name", "--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--")
    refused(400, "a part has no Content%-Disposition", "--b\r\n\r\nx\r\n--b--")
    refused(400, "a part's header is malformed", "--b\r\n: x\r\n\r\nx\r\n--b--")
    refused(400, "ends without CR", "--b\r\nA: b\n\r\nx\r\n--b--")
    refused(400, "a boundary is followed by", "--bx\r\n")
    refused(400, "headers are too long", form(part("a", "1", nil, "X: 1\r\n")), { max_head = 30 })
  end)

  it("is answered with 415 when it is something else", function()
    local function status(headers)
      local got = answer("x", function(req) for _ in req:multipart() do end end, headers)
      return got.status, got.body
    end
    assert.equal(415, (status {}))
    assert.equal(415, (status { ["Content-Type"] = "application/json" }))
    assert.equal(415, (status { ["Content-Type"] = "multipart/mixed; boundary=b" }))
    assert.equal(415, (status { ["Content-Type"] = MIME, ["Content-Encoding"] = "gzip" }))
    assert.equal(400, (status { ["Content-Type"] = "multipart/form-data" }))
    assert.equal(400, (status { ["Content-Type"] = "multipart/form-data; boundary=" }))
    assert.equal(400, (status { ["Content-Type"] = MIME .. "; boundary=c" }))
    local long = "multipart/form-data; boundary=" .. ("x"):rep(71)
    assert.equal(400, (status { ["Content-Type"] = long }))
  end)

  it("is answered with 413 over a limit", function()
    local three = form(part("a", "1"), part("b", "22"), part("c", "333"))
    refused(413, "more than 2 parts", three, { max_parts = 2 })
    refused(413, 'the part "c" is over the limit of 2 bytes', three, { max_text = 2 })
    refused(413, 'the part "c" is over the limit of 2 bytes', three, { max_file = 2 })
    refused(413, "the body is over the limit of 100 bytes", three, { max_total = 100 })
    local sent = 0
    refused(413, "the body is over the limit of 100 bytes", function() -- in pieces below it
      rille.sleep(0.01)
      sent = sent + 60
      return three:sub(sent - 59, sent):match ".+"
    end, { max_total = 100 })
    assert.equal(200, read_all(three, { max_parts = 3, max_text = 3, max_file = 3 }).status)
    local own = answer(three, function(req)
      for each in req:multipart() do each:body(2) end
    end)
    assert.equal(413, own.status)
  end)

  it("is answered with 413 over the limit of the server", function()
    local app = http.app()
    app:post("/", function(req) for each in req:multipart() do each:save() end end)
    local server = app:listen { port = 0, max_upload = 100 }
    local request = raw_http.post("/", form(part("a", ("x"):rep(100))),
      "Content-Type: " .. MIME .. "\r\n")
    assert.equal(413, raw_http.status_of(raw_http.exchange(server:address(), request)))
    server:close()
  end)

  it("names an option that there is not", function()
    local got = answer(form(), function(req)
      return { pcall(req.multipart, req, { max_files = 1 }) }
    end)
    assert.matches('unknown option \\"max_files\\"', got.body)
  end)
end)

describe("very many parts", function()
  it("are refused at the limit, without reading the rest", function()
    local parts = {}
    for i = 1, 100000 do parts[i] = part("n" .. i, "x") end
    local got = read_all(form(table.concat(parts)))
    assert.equal(413, got.status)
  end)

  it("are served where the limit allows them", function()
    local count, parts = scale(100000), {}
    for i = 1, count do parts[i] = part("n" .. i, tostring(i)) end
    local got = answer(form(table.concat(parts)), function(req)
      local sum = 0
      for each in req:multipart { max_parts = count } do sum = sum + tonumber(each:body()) end
      return tostring(sum)
    end)
    assert.equal(tostring(count * (count + 1) // 2), got.body)
  end)
end)
