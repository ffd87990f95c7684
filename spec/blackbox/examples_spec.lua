-- Every program in examples/, run for real. The servers get a port of their own (0), so that they
-- run beside anything; what they say on the wire is what clients of the first Fibonacci servers
-- expect.

local crypto = require "rille.crypto"
local json = require "rille.json"
local folders = require "spec.support.folder"
local net = require "rille.net"
local process = require "spec.support.process"
local servers = require "spec.support.server"

local function run(name, ...)
  return process.run { "examples/" .. name, directory = process.root, ... }
end

--- Starts a server and returns it with its port.
local function serve(name, ...)
  local server = process.start { "examples/" .. name, directory = process.root, ... }
  local port = server:line():match "^listening on tcp://127%.0%.0%.1:(%d+)$"
  return server, port
end

--- Sends lines on a connection of their own and returns as many lines of what comes back.
local function talk(port, text)
  local _, lines = text:gsub("\n", "")
  return process.run {
    "10", "bash", "-c",
    ('exec 3<>/dev/tcp/127.0.0.1/%d && cat >&3 && head -n %d <&3'):format(port, lines),
    program = "timeout",
    input = text,
  }.stdout
end

--- Connects, sends the text, and leaves without waiting for an answer.
local function leave(port, text)
  process.run {
    "-c", ("exec 3<>/dev/tcp/127.0.0.1/%d && printf '%s' >&3"):format(port, text),
    program = "bash",
  }
end

--- The address that a server takes when it is not told: it says so, also when that is taken.
local function default_address(name)
  local server <close> = process.start { "examples/" .. name, directory = process.root }
  local line = server:line()
  if line then server:signal "TERM" end
  return ((line or "") .. server:wait().stderr):match "127%.0%.0%.1:%d+"
end

--- What both servers do; `start` starts one.
local function behaves_as_fibonacci_server(start)
  it("answers an integer per line with its Fibonacci number per line, in order", function()
    local server <close>, port = start()
    assert.equal("55\n1\n6765\n0\n", talk(port, "10\n1\n20\n0\n"))
    assert.is_table(server)
  end)

  it("takes lines that end in CRLF", function()
    local server <close>, port = start()
    assert.equal("55\n8\n", talk(port, "10\r\n6\r\n"))
    assert.is_table(server)
  end)

  it("gives n itself below 2", function()
    local server <close>, port = start()
    assert.equal("1\n0\n-1\n-7\n", talk(port, "1\n0\n-1\n-7\n"))
    assert.is_table(server)
  end)

  it("takes every form of an integer that Lua's tonumber and tointeger take", function()
    local server <close>, port = start()
    assert.equal("55\n55\n55\n55\n", talk(port, "10.0\n0xA\n 10 \n1e1\n"))
    assert.is_table(server)
  end)

  it("says what is no integer, and keeps the connection open", function()
    local server <close>, port = start()
    local invalid = "invalid argument for fib\n"
    assert.equal(invalid:rep(5) .. "55\n", talk(port, "ten\n\n10.5\n1e400\n10 20\n10\n"))
    assert.is_table(server)
  end)

  it("prints 'conn' for each connection", function()
    local server <close>, port = start()
    for _ = 1, 3 do talk(port, "1\n") end
    assert.same({ "conn", "conn", "conn" }, { server:line(), server:line(), server:line() })
  end)

  it("goes on after a client that left in the middle", function()
    local server <close>, port = start()
    leave(port, "2")
    leave(port, "24\\n")
    assert.equal("55\n", talk(port, "10\n"))
    assert.is_table(server)
  end)

  it("ends with status 0 when it is told to stop", function()
    local server <close>, port = start()
    talk(port, "10\n")
    server:signal "TERM"
    local result = server:wait()
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
  end)

  it("serves fib_client", function()
    local server <close>, port = start()
    local result = run("fib_client.lua", 3, 4, 15, port)
    assert.matches("^" .. ("610\n"):rep(12) .. "12 requests in %d+%.%d+ s, %d", result.stdout)
    assert.equal(0, result.status)
    assert.is_table(server)
  end)
end

describe("fib_sequential", function()
  behaves_as_fibonacci_server(function() return serve("fib_sequential.lua", 0) end)

  it("serves on port 1537 when it is not told", function()
    assert.equal("127.0.0.1:1537", default_address "fib_sequential.lua")
  end)

  it("answers a last line without a newline", function()
    local server <close>, port = serve("fib_sequential.lua", 0)
    local result = process.run {
      "-e", ([[
        local conn = assert(require("rille").net.connect "tcp://127.0.0.1:%d")
        conn:write "10\n10"
        conn:shutdown()
        io.write(conn:read "all")
      ]]):format(port),
    }
    assert.equal("55\n55\n", result.stdout)
    assert.is_table(server)
  end)
end)

describe("fib_parallel", function()
  behaves_as_fibonacci_server(function() return serve("fib_parallel.lua", 2, 0) end)

  it("answers others while its only domain computes", function()
    local server <close>, port = serve("fib_parallel.lua", 1, 0)
    local result = process.run { script = ([[
      local rille = require "rille"
      local busy = assert(rille.net.connect "tcp://127.0.0.1:%d")
      busy:write "27\n27\n27\n"
      local other = assert(rille.net.connect "tcp://127.0.0.1:%d")
      rille.race(
        function()
          for _ = 1, 3 do busy:read "line" end
          print "the computation was first"
        end,
        function()
          rille.sleep(0.005)
          other:write "ping\n"
          print(other:read "line")
        end)
    ]]):format(port, port) }
    assert.equal("invalid argument for fib\n", result.stdout)
    assert.is_table(server)
  end)

  it("serves on port 2000 when it is not told", function()
    assert.equal("127.0.0.1:2000", default_address "fib_parallel.lua")
  end)
end)

describe("fib_client", function()
  it("fails when nobody serves", function()
    local result = run("fib_client.lua", 1, 1, 1, 1)
    assert.equal(1, result.status)
    assert.matches("connection refused", result.stderr)
  end)

  it("starts all clients together, and keeps one request in flight on each", function()
    local self <close>, address = servers.start { script = [[
      local rille = require "rille"
      local connected = 0
      local listener = assert(rille.net.listen("tcp://127.0.0.1:0", function(conn)
        connected = connected + 1
        while connected < 4 do rille.sleep(0.005) end
        for line in conn:lines() do
          local _, failure = pcall(rille.timeout, 0.05, conn.read, conn, 1)
          print(line, (tostring(failure):match "timed out"))
          conn:write "answer\n"
        end
      end))
      print(listener:address())
      io.stdout:flush()
    ]] }
    local result = run("fib_client.lua", 4, 3, 15, address:match ":(%d+)$")
    assert.matches("^" .. ("answer\n"):rep(12) .. "12 requests", result.stdout)
    assert.equal(("15\ttimed out\n"):rep(12), servers.stop(self).stdout)
  end)
end)

describe("fib_list", function()
  it("computes fib(20) ten times on two domains, and all agree", function()
    local result = run "fib_list.lua"
    assert.equal(("6765 "):rep(9) .. "6765\n10 results, all agree: true\n", result.stdout)
    assert.equal(0, result.status)
  end)

  it("takes the count, the domains and n", function()
    assert.equal("8 8 8\n3 results, all agree: true\n", run("fib_list.lua", 3, 1, 6).stdout)
  end)
end)

describe("hash_parallel", function()
  --- FNV-1a of the same blocks, computed here.
  local function expected(blocks, kib)
    math.randomseed(42)
    local total = 0
    for _ = 1, blocks do
      local hash = 0xcbf29ce484222325
      for _ = 1, kib * 128 do hash = (hash ~ math.random(0)) * 0x100000001b3 end
      total = total ~ hash
    end
    return ("%016x"):format(total)
  end

  it("checksums its blocks in parallel and says how fast", function()
    local result = run("hash_parallel.lua", 2, 50, 8)
    assert.matches("^50 blocks of 8 KiB on 2 domains: checksum %x+, %d+%.%d MB/s\n$", result.stdout)
    assert.equal(expected(50, 8), result.stdout:match "checksum (%x+)")
    assert.equal(0, result.status)
  end)

  it("gets the same checksum on one domain", function()
    local result = run("hash_parallel.lua", 1, 50, 8)
    assert.equal(expected(50, 8), result.stdout:match "checksum (%x+)")
  end)
end)

describe("run_in_main", function()
  it("calls back into the main domain, which sleeps for both tasks", function()
    local result = run "run_in_main.lua"
    assert.matches("Ada is greeted on domain main\n", result.stdout)
    assert.matches("Grace is greeted on domain main\n", result.stdout)
    assert.matches("Ada heard 'Hello, Ada' on domain %d+\n", result.stdout)
    assert.matches("Grace heard 'Hello, Grace' on domain %d+\n", result.stdout)
    assert.matches("both were greeted within %d+%.%d s\n$", result.stdout)
    assert.equal(0, result.status)
  end)
end)

describe("tune_bounds", function()
  it("raises the maximum under load, lowers it afterwards, and says why", function()
    local result = run("tune_bounds.lua", 1.5)
    assert.matches("%d+ tasks queue for 1 domains: max 1 %-> 2\n", result.stdout)
    assert.matches("%d+ of 2 domains idle: max 2 %-> 1\n", result.stdout)
    assert.matches("%d+ tasks done; half of them queued less than %d+%.%d ms", result.stdout)
    assert.equal(0, result.status)
  end)
end)

--- The answer to one request: { status, headers by their lower-case names, body }; what is JSON is
-- decoded in `value`.
local function ask(port, method, path, body, fields)
  local conn <close> = assert(net.connect("tcp://127.0.0.1:" .. port))
  conn:write(method, " ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
    "Content-Length: ", #(body or ""), "\r\n", fields or "", "\r\n", body or "")
  local head, rest = conn:read("all"):match "^(.-\r\n)\r\n(.*)$"
  local answer = { status = tonumber(head:match "^HTTP/1%.1 (%d+)"), headers = {}, body = rest }
  for name, value in head:gmatch "([^\r\n:]+): ([^\r\n]*)" do
    answer.headers[name:lower()] = value
  end
  if answer.headers["content-type"] == "application/json" then answer.value = json.decode(rest) end
  return answer
end

local function get(port, path)
  return ask(port, "GET", path).body
end

describe("hello", function()
  it("greets", function()
    local server <close>, port = serve("hello.lua", 0)
    assert.equal("hello, world\n", get(port, "/"))
    assert.equal('{"message":"hello, m\u{fc}ller"}', get(port, "/hello/m%C3%BCller"))
    assert.equal(400, ask(port, "GET", "/hello/m%FCller").status)
    assert.is_table(server)
  end)
end)

describe("fib_http", function()
  it("answers with JSON, computed on a domain", function()
    local server <close>, port = serve("fib_http.lua", 0)
    local body = get(port, "/fib/20")
    assert.matches('"n":20', body)
    assert.matches('"fib":6765', body)
    assert.equal('{"error":"n is 40 at most"}', get(port, "/fib/41"))
    assert.equal("Not Found\n", get(port, "/fib/x"))
    assert.is_table(server)
  end)
end)

describe("upload", function()
  local mime = "Content-Type: multipart/form-data; boundary=b\r\n"

  local function form(text)
    return '--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n' ..
      '--b\r\nContent-Disposition: form-data; name="file"; filename="../x.txt"\r\n\r\n' ..
      text .. "\r\n--b--\r\n"
  end

  it("saves what it is sent, and says its hash", function()
    local server <close>, port = serve("upload.lua", 0)
    assert.matches("<form", get(port, "/"))
    local text = ("some bytes\n"):rep(100000)
    local answer = ask(port, "POST", "/", form(text), mime)
    assert.equal(200, answer.status)
    assert.same({ name = "Ada" }, answer.value.fields)
    local file = answer.value.files[1]
    assert.equal("x.txt", file.name)
    assert.equal(#text, file.size)
    assert.equal(crypto.hex(crypto.sha256(text)), file.sha256)
    local saved <close> = assert(io.open(file.path, "rb"))
    assert.is_true(saved:read "a" == text)
    assert.equal(415, ask(port, "POST", "/", "x").status)
    assert.equal(400, ask(port, "POST", "/", form(text):gsub("Ada", "\xff"), mime).status)
    assert.equal(400, ask(port, "POST", "/", form(text):gsub("x%.txt", "\xff"), mime).status)
    os.execute("rm -r " .. file.path:match "^(.*)/")
    assert.is_table(server)
  end)
end)

describe("ticker", function()
  local function watch(port, last)
    local conn = assert(net.connect("tcp://127.0.0.1:" .. port, { timeout = 20 }))
    conn:write("GET /ticks HTTP/1.1\r\nHost: localhost\r\n",
      last and ("Last-Event-ID: %d\r\n"):format(last) or "", "\r\n")
    return conn
  end

  --- The numbers of the next events.
  local function numbers(conn, count)
    local list = {}
    while #list < count do
      local line = assert(conn:read "line")
      if line:find "^id: " then table.insert(list, tonumber(line:sub(5))) end
    end
    return list
  end

  it("sends every price to everybody, and what was missed", function()
    local server <close>, port = serve("ticker.lua", 0, 0.02)
    assert.matches("EventSource", get(port, "/"))
    local one <close> = watch(port)
    local two <close> = watch(port)
    local seen = numbers(one, 5)
    assert.equal(seen[1] + 4, seen[5])
    assert.equal(2, #numbers(two, 2))
    local again <close> = watch(port, seen[2])
    assert.same({ seen[3], seen[4], seen[5] }, numbers(again, 3))
    assert.is_table(server)
  end)
end)

describe("techempower", function()
  it("answers with the headers that the rules ask for", function()
    local server <close>, port = serve("techempower.lua", 0)
    local plaintext, object = ask(port, "GET", "/plaintext"), ask(port, "GET", "/json")
    assert.equal("Hello, World!", plaintext.body)
    assert.matches("^text/plain", plaintext.headers["content-type"])
    assert.equal('{"message":"Hello, World!"}', object.body)
    assert.equal("application/json", object.headers["content-type"])
    for _, answer in ipairs { plaintext, object } do
      assert.equal(200, answer.status)
      assert.equal("rille", answer.headers.server)
      assert.equal(tostring(#answer.body), answer.headers["content-length"])
      assert.matches("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$", answer.headers.date)
    end
    assert.is_table(server)
  end)
end)

describe("api", function()
  local server, port

  before_each(function() server, port = serve("api.lua", 0) end)
  after_each(function()
    server:signal "TERM"
    local result = server:wait()
    assert.equal(0, result.status)
    assert.equal("", result.stderr)
  end)

  local function make(title)
    return ask(port, "POST", "/notes", ('{"title": %q}'):format(title))
  end

  it("keeps notes: makes, shows, changes and forgets them", function()
    local made = make "milk"
    assert.equal(201, made.status)
    assert.same({ id = 1, title = "milk", done = false, revision = 1 }, made.value)
    assert.equal("/notes/1", made.headers.location)
    assert.same(made.value, ask(port, "GET", "/notes/1").value)
    local changed = ask(port, "PUT", "/notes/1", '{"title": "oat milk", "done": true}')
    assert.same({ id = 1, title = "oat milk", done = true, revision = 2 }, changed.value)
    assert.same(changed.value, ask(port, "GET", "/notes/1").value)
    assert.equal(204, ask(port, "DELETE", "/notes/1").status)
    assert.equal(404, ask(port, "GET", "/notes/1").status)
    assert.equal(2, make("bread").value.id)
  end)

  it("says which fields are wrong", function()
    local answer = ask(port, "POST", "/notes", '{"title": "", "done": 1}')
    assert.equal(400, answer.status)
    assert.same({
      error = "this is no note",
      fields = { title = "must be a text", done = "must be true or false" },
    }, answer.value)
    for _, body in ipairs { "", "{", "7", '"text"', "null", "[]" } do
      local wrong = ask(port, "POST", "/notes", body)
      assert.equal(400, wrong.status, body)
      assert.is_string(wrong.value.error)
    end
    assert.equal('{"notes":[]}', get(port, "/notes"))
  end)

  it("lists them in pages", function()
    for i = 1, 5 do make("note " .. i) end
    ask(port, "DELETE", "/notes/2")
    local titles, path = {}, "/notes?limit=2"
    while path do
      local page = ask(port, "GET", path).value
      assert.is_true(#page.notes >= 1 and #page.notes <= 2)
      for _, note in ipairs(page.notes) do table.insert(titles, note.title) end
      path = page.next
    end
    assert.same({ "note 1", "note 3", "note 4", "note 5" }, titles)
    for _, query in ipairs { "limit=0", "limit=x", "limit=-1", "after=x", "after=1.5" } do
      assert.equal(400, ask(port, "GET", "/notes?" .. query).status, query)
    end
    for after, count in pairs { [math.maxinteger] = 0, [math.mininteger] = 4, [4] = 1 } do
      assert.equal(count, #ask(port, "GET", "/notes?after=" .. after).value.notes)
    end
  end)

  it("refuses a change of what has changed meanwhile", function()
    local tag = make("milk").headers.etag
    assert.equal(tag, ask(port, "GET", "/notes/1").headers.etag)
    local condition = ("If-Match: %s\r\n"):format(tag)
    local first = ask(port, "PUT", "/notes/1", '{"title": "a"}', condition)
    local second = ask(port, "PUT", "/notes/1", '{"title": "b"}', condition)
    assert.equal(200, first.status)
    assert.not_equal(tag, first.headers.etag)
    assert.equal(412, second.status)
    assert.equal(412, ask(port, "DELETE", "/notes/1", nil, condition).status)
    assert.equal("a", ask(port, "GET", "/notes/1").value.title)
  end)

  it("answers in JSON where there is nothing, and says what is allowed", function()
    for _, path in ipairs { "/", "/notes/7", "/notes/x", "/notes/" } do
      local answer = ask(port, "GET", path)
      assert.equal(404, answer.status, path)
      assert.is_string(answer.value.error)
    end
    local wrong = ask(port, "PATCH", "/notes/1")
    assert.equal(405, wrong.status)
    assert.equal("GET, HEAD, PUT, DELETE, OPTIONS", wrong.headers.allow)
    assert.is_string(wrong.value.error)
  end)
end)

describe("metrics", function()
  it("counts what it rolls, and tells", function()
    local server <close>, port = serve("metrics.lua", 0)
    for _ = 1, 3 do assert.matches("^[1-6]\n$", get(port, "/roll/6")) end
    assert.equal("2 to 100 sides\n", get(port, "/roll/1000"))
    local text = get(port, "/metrics")
    assert.matches('\ndice_rolls_total{sides="6"} 3\n', text, 1, true)
    assert.matches("\ndice_roll_seconds_count 3\n", text, 1, true)
    assert.matches("\ndice_rolling 0\n", text, 1, true)
    server:signal "TERM"
    assert.matches('"message":"rolled"', server:wait().stderr, 1, true)
  end)
end)

describe("gallery", function()
  --- A bitmap of one colour: blue, green, red.
  local function bitmap(width, height, colour)
    local row = string.char(table.unpack(colour)):rep(width) .. ("\0"):rep(width % 4)
    return string.pack("<c2I4I4I4I4i4i4I2I2I4I4i4i4I4I4", "BM", 54 + #row * height, 0, 54, 40,
      width, height, 1, 24, 0, 0, 2835, 2835, 0, 0) .. row:rep(height)
  end

  it("serves a page of links, pictures, and thumbnails that are means of them", function()
    local picture = bitmap(250, 70, { 10, 200, 255 })
    local folder <close> = folders.new {
      ["one.bmp"] = picture, ["two.bmp"] = "BM no bitmap", ["no picture.bmp"] = "",
      ["notes.txt"] = "",
    }
    local server <close>, port = serve("gallery.lua", 0, folder.path)
    local page = get(port, "/")
    assert.equal(2, select(2, page:gsub("<img", "")))
    assert.matches('<a href="/pictures/one.bmp"><img src="/thumbs/one.bmp"', page)
    assert.equal(picture, get(port, "/pictures/one.bmp"))
    for _ = 1, 2 do
      assert.equal(bitmap(83, 23, { 10, 200, 255 }), get(port, "/thumbs/one.bmp"))
    end
    assert.matches("^Internal Server Error", get(port, "/thumbs/two.bmp"))
    assert.equal("no such picture", get(port, "/thumbs/notes.txt"))
    assert.equal("Not Found\n", get(port, "/pictures/none.bmp"))
    assert.is_table(server)
  end)

  it("paints pictures where it is given none", function()
    local folder <close> = folders.new {}
    local server <close>, port = serve("gallery.lua", 0, folder:at "pictures")
    assert.equal(6, select(2, get(port, "/"):gsub("<img", "")))
    assert.equal("BM", get(port, "/thumbs/6.bmp"):sub(1, 2))
    assert.is_table(server)
  end)
end)

describe("the examples", function()
  it("have under 60 lines each", function()
    local listing = io.popen "wc -l examples/*.lua"
    for line in listing:lines() do
      local count, name = line:match "^%s*(%d+) (examples/.*)$"
      if name then assert.is_true(tonumber(count) < 60, name) end
    end
    listing:close()
  end)

  it("are all run here", function()
    local listing = io.popen "cd examples && ls *.lua"
    local source <close> = assert(io.open("spec/blackbox/examples_spec.lua"))
    local text = source:read "a"
    for name in listing:lines() do assert.is_truthy(text:find(name, 1, true), name) end
    listing:close()
  end)
end)
