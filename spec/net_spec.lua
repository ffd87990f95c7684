-- rille.net: listeners, connections and what a script sees of their errors, in one process.

local rille = require "rille"
local failure = require "spec.support.failure"
local net = require "rille.net"
local turns = require "spec.support.turns"
local work = require "spec.support.work"

local open = {} -- what is to be closed after each test

local function keep(thing)
  table.insert(open, thing)
  return thing
end

--- A listener on a free port that runs `handler`, and a connection to it.
local function pair(handler, options, own_options)
  local listener = keep(assert(net.listen("tcp://127.0.0.1:0", handler, options)))
  return keep(assert(net.connect(listener:address(), own_options))), listener
end

--- Both ends of one connection; the handler's end stays open until the test is over.
local function ends(options, own_options)
  local far
  local near = pair(function(conn)
    far = conn
    rille.sleep(60)
  end, options, own_options)
  work.await(function() return far end)
  return near, keep(far)
end

--- Two connected ends, of which the first has received `text` and the end.
local function received(text, options)
  local near, far = ends(nil, options)
  far:write(text)
  far:shutdown()
  return near, far
end

--- Runs `fn` in a fiber of its own; its end is awaited after the test.
local function background(fn)
  return rille.spawn(function() return table.pack(pcall(fn)) end)
end

local function echo(conn)
  for line in conn:lines() do conn:write(line, "\n") end
end

local function temporary_path()
  local path = os.tmpname()
  os.remove(path)
  return path
end

local function is_there(path)
  local found = os.rename(path, path)
  return found == true
end

local function close_all()
  for _, thing in ipairs(open) do thing:close() end
  open = {}
end

describe("net.listen", function()
  after_each(close_all)

  it("runs the handler for each connection", function()
    local _, listener = pair(echo)
    for i = 1, 3 do
      local conn <close> = net.connect(listener:address())
      conn:write("number ", i, "\n")
      assert.equal("number " .. i, conn:read())
    end
  end)

  it("reports the port that it was given for port 0", function()
    local listener = keep(net.listen("tcp://127.0.0.1:0", echo))
    assert.is_true(listener:port() > 0)
    assert.equal("tcp://127.0.0.1:" .. listener:port(), listener:address())
  end)

  it("takes localhost for 127.0.0.1", function()
    local listener = keep(net.listen("tcp://localhost:0", echo))
    assert.matches("^tcp://127%.0%.0%.1:%d+$", listener:address())
  end)

  it("serves connections side by side", function()
    local first, listener = pair(echo)
    local second <close> = net.connect(listener:address())
    second:write "b\n"
    assert.equal("b", second:read())
    first:write "a\n"
    assert.equal("a", first:read())
  end)

  it("closes the connection when the handler returns", function()
    local conn = pair(function(conn) conn:write "bye" end)
    assert.equal("bye", conn:read "all")
  end)

  it("accepts a callable table as handler", function()
    local conn = pair(setmetatable({}, { __call = function(_, conn) conn:write "called" end }))
    assert.equal("called", conn:read "all")
  end)

  it("goes on when nobody holds the listener", function()
    local address = net.listen("tcp://127.0.0.1:0", function(conn)
      conn:write "still here"
      rille.sleep(0)
    end):address()
    collectgarbage()
    collectgarbage()
    local conn <close> = net.connect(address)
    assert.equal("still here", conn:read "all")
  end)

  it("returns nil and a message when the address is in use", function()
    local listener = keep(net.listen("tcp://127.0.0.1:0", echo))
    local none, message = net.listen(listener:address(), echo)
    assert.is_nil(none)
    assert.equal("cannot listen on " .. listener:address() .. ": address already in use", message)
  end)

  it("can listen again at once where it has listened", function()
    local conn, listener = pair(echo)
    conn:write "x\n"
    conn:read()
    listener:close()
    keep(assert(net.listen(listener:address(), echo)))
  end)

  it("refuses what is not a URL of a socket", function()
    local wrong = {
      ["http://127.0.0.1:80"] = "must begin with tcp:// or unix:",
      ["tcp://127.0.0.1"] = "the port is missing",
      ["tcp://127.0.0.1:"] = "the port is missing",
      ["tcp://127.0.0.1:65536"] = "from 0 to 65535",
      ["tcp://127.0.0.1:80/"] = "from 0 to 65535",
      ["tcp://127.0.0.1:-1"] = "from 0 to 65535",
      ["tcp://:80"] = "the host is missing",
      ["tcp://::1:80"] = "must be in brackets",
      ["tcp://[::1]"] = "the port is missing",
      ["tcp://[1.2.3.4]:80"] = "must hold an IPv6 address",
      ["tcp://1.2.3:80"] = "must be an address or a name",
      ["tcp://a b:80"] = "must be an address or a name",
      ["tcp://a\0b:80"] = "zero byte",
      ["unix:"] = "the path is missing",
      ["unix:/" .. ("x"):rep(120)] = "shorter than 108 bytes",
      [""] = "must begin with tcp:// or unix:",
    }
    for url, why in pairs(wrong) do assert.matches(why, failure(net.listen, url, echo), 1, true) end
  end)

  it("refuses to look up names", function()
    assert.matches("cannot listen on the name \"example%.org\"",
      failure(net.listen, "tcp://example.org:0", echo))
  end)

  it("names the option that it does not know", function()
    assert.matches("unknown option \"backlgo\"",
      failure(net.listen, "tcp://127.0.0.1:0", echo, { backlgo = 1 }))
  end)

  it("names the option whose value is wrong", function()
    local function listen(options)
      return failure(net.listen, "tcp://127.0.0.1:0", echo, options)
    end
    assert.matches("backlog must be a whole number above 0", listen { backlog = 0 })
    assert.matches("max_line must be a whole number above 0", listen { max_line = 1.5 })
    assert.matches("timeout must be a number of seconds above 0", listen { timeout = -1 })
  end)

  it("refuses a handler that cannot be called", function()
    assert.matches("function expected", failure(net.listen, "tcp://127.0.0.1:0", 42))
  end)
end)

describe("a listener", function()
  after_each(close_all)

  it("stops when it is closed, while its connections go on", function()
    local conn, listener = pair(echo)
    conn:write "before\n"
    conn:read()
    listener:close()
    listener:close()
    conn:write "after\n"
    assert.equal("after", conn:read())
    assert.is_nil((net.connect(listener:address())))
  end)

  it("is closed as a to-be-closed variable", function()
    local address
    do
      local listener <close> = net.listen("tcp://127.0.0.1:0", echo)
      address = listener:address()
    end
    local none, message = net.connect(address)
    assert.is_nil(none)
    assert.equal("cannot connect to " .. address .. ": connection refused", message)
  end)

  it("says in tostring where it listens", function()
    local listener = net.listen("tcp://127.0.0.1:0", echo)
    assert.equal("listener (" .. listener:address() .. ")", tostring(listener))
    listener:close()
    assert.equal("listener (" .. listener:address() .. ", closed)", tostring(listener))
  end)
end)

describe("a Unix socket", function()
  after_each(close_all)

  it("serves as TCP does", function()
    local path = temporary_path()
    local listener = keep(assert(net.listen("unix:" .. path, echo)))
    assert.equal("unix:" .. path, listener:address())
    assert.is_nil(listener:port())
    local conn <close> = assert(net.connect(listener:address()))
    conn:write "hello\n"
    assert.equal("hello", conn:read())
    assert.equal("", conn:peer())
  end)

  it("removes its file when it is closed", function()
    local path = temporary_path()
    local listener = assert(net.listen("unix:" .. path, echo))
    assert.is_true(is_there(path))
    listener:close()
    assert.is_false(is_there(path))
  end)

  it("leaves a file alone that has taken the place of its own", function()
    local path = temporary_path()
    local listener = assert(net.listen("unix:" .. path, echo))
    os.remove(path)
    io.open(path, "w"):close()
    listener:close()
    assert.is_true(is_there(path))
    os.remove(path)
  end)

  it("replaces the file that a dead server left", function()
    local path, moved = temporary_path(), temporary_path()
    local dead = assert(net.listen("unix:" .. path, echo))
    os.rename(path, moved) -- so that closing does not remove it
    dead:close()
    os.rename(moved, path)
    local listener = keep(assert(net.listen("unix:" .. path, echo)))
    local conn <close> = assert(net.connect(listener:address()))
    conn:write "alive\n"
    assert.equal("alive", conn:read())
  end)

  it("does not replace the file of a server that is alive", function()
    local path = temporary_path()
    keep(assert(net.listen("unix:" .. path, echo)))
    local none, message = net.listen("unix:" .. path, echo)
    assert.is_nil(none)
    assert.matches("address already in use", message)
  end)

  it("does not replace a file that is no socket", function()
    local path = os.tmpname()
    assert.is_nil((net.listen("unix:" .. path, echo)))
    assert.is_true(is_there(path))
    os.remove(path)
  end)
end)

describe("net.connect", function()
  after_each(close_all)

  it("looks up names", function()
    local _, listener = pair(echo)
    local conn <close> = assert(net.connect("tcp://localhost:" .. listener:port()))
    conn:write "hello\n"
    assert.equal("hello", conn:read())
  end)

  it("tries the next address of a name when one refuses", function()
    local listener = net.listen("tcp://[::1]:0", echo)
    if not listener then return pending "there is no IPv6 here" end
    keep(listener)
    local conn <close> = net.connect("tcp://localhost:" .. listener:port())
    if not conn then return pending "localhost has no IPv6 address here" end
    assert.matches("^%[::1%]:", conn:peer())
  end)

  it("returns nil and a message when it is refused", function()
    local none, message = net.connect "tcp://127.0.0.1:1"
    assert.is_nil(none)
    assert.equal("cannot connect to tcp://127.0.0.1:1: connection refused", message)
  end)

  it("returns nil and a message when there is no such name", function()
    local none, message = net.connect "tcp://no-such-name.invalid:1"
    assert.is_nil(none)
    assert.matches("^cannot connect to tcp://no%-such%-name%.invalid:1: %a+", message)
  end)

  it("returns nil and a message when there is no such path", function()
    local none, message = net.connect "unix:/no/such/path"
    assert.is_nil(none)
    assert.equal("cannot connect to unix:/no/such/path: no such file or directory", message)
  end)

  it("refuses options that it does not know", function()
    assert.matches("unknown option \"backlog\"",
      failure(net.connect, "tcp://127.0.0.1:1", { backlog = 1 }))
  end)

  it("can be cancelled while it looks up and while it connects", function()
    for _, url in ipairs { "tcp://localhost:1", "tcp://127.0.0.1:1", "unix:/no/such/path" } do
      local task = rille.spawn(net.connect, url)
      rille.spawn(function() task:cancel "enough" end):await()
      assert.matches("enough", failure(task.await, task))
    end
  end)

  it("gives up after its timeout", function()
    -- A listener whose backlog is full does not answer, on Unix sockets at once, on TCP in time.
    local none, message = net.connect("tcp://192.0.2.1:9", { timeout = 0.05 })
    assert.is_nil(none)
    assert.matches("^cannot connect to tcp://192%.0%.2%.1:9: ", message)
  end)
end)

describe("conn:read", function()
  after_each(close_all)

  it("reads lines that end in LF or CRLF, and a last one without", function()
    local conn = received "one\ntwo\r\n\n\r\nthr\ree\rlast"
    local lines = {}
    for line in conn:lines() do table.insert(lines, line) end
    assert.same({ "one", "two", "", "", "thr\ree\rlast" }, lines)
    assert.is_nil(conn:read())
  end)

  it("keeps a CR at the very end, which no LF follows", function()
    assert.equal("last\r", (received "last\r"):read())
  end)

  it("reads a number of bytes, fewer only at the end", function()
    local conn = received "hello world"
    assert.equal("hello", conn:read(5))
    assert.equal(" wor", conn:read(4))
    assert.equal("ld", conn:read(100))
    assert.is_nil(conn:read(1))
  end)

  it("waits until all the bytes asked for are there", function()
    local near, far = ends()
    local task = rille.spawn(near.read, near, 6)
    for _, part in ipairs { "ab", "cd", "ef" } do
      assert.not_equal("done", task:status())
      far:write(part)
      rille.sleep(0.01)
    end
    assert.equal("abcdef", task:await())
  end)

  it("reads 0 bytes as a question for the end", function()
    local conn = received "x"
    assert.equal("", conn:read(0))
    assert.equal("x", conn:read "all")
    assert.is_nil(conn:read(0))
  end)

  it("reads what has arrived", function()
    local near, far = ends()
    far:write "some"
    assert.equal("some", near:read "some")
    far:shutdown()
    assert.is_nil(near:read "some")
  end)

  it("reads everything up to the end, like io.read", function()
    local text = ("0123456789"):rep(100000)
    local near, far = ends()
    background(function()
      far:write(text)
      far:shutdown()
    end)
    assert.equal(text, near:read "all")
    assert.equal("", near:read "all")
  end)

  it("passes all bytes, also zero bytes, across many reads", function()
    local bytes = {}
    for i = 0, 255 do bytes[i + 1] = string.char(i) end
    local text = table.concat(bytes)
    local conn = received(text)
    assert.equal(text:sub(1, 100), conn:read(100))
    assert.equal(text:sub(101), conn:read "all")
  end)

  it("reads more than its buffer holds in one piece", function()
    local text = ("x"):rep(1000000)
    local near, far = ends()
    background(function() far:write(text, "y") end)
    assert.equal(text, near:read(#text))
    assert.equal("y", near:read(1))
  end)

  it("fails at a line that is too long, and from then on", function()
    local near = received(("x"):rep(65537) .. "\nnext\n")
    for _ = 1, 2 do
      local none, message = near:read()
      assert.is_nil(none)
      assert.equal("line longer than 65536 bytes", message)
    end
  end)

  it("accepts a line of just the maximal length", function()
    for _, last in ipairs { "\n", "\r\n", "" } do
      local line = ("x"):rep(65536)
      assert.equal(line, (received(line .. last)):read())
    end
  end)

  it("fails at a line without end before all of it is there", function()
    local near, far = ends()
    background(function() far:write(("x"):rep(1000000)) end)
    local _, message = near:read()
    assert.equal("line longer than 65536 bytes", message)
  end)

  it("takes the maximal length of lines from the options, or its argument", function()
    local _, message = (received("12345\n", { max_line = 4 })):read()
    assert.equal("line longer than 4 bytes", message)
    assert.equal("12345", (received("12345\n", { max_line = 4 })):read("line", 5))
    _, message = (received "12345\n"):read("line", 3)
    assert.equal("line longer than 3 bytes", message)
  end)

  it("refuses formats and lengths that it does not know", function()
    local conn = ends()
    assert.matches("invalid option 'word'; there are line, all, some",
      failure(conn.read, conn, "word"))
    assert.matches("below 0", failure(conn.read, conn, -1))
    assert.matches("out of range", failure(conn.read, conn, "line", 0))
    assert.matches("no integer representation", failure(conn.read, conn, 1.5))
  end)

  it("refuses a second fiber that reads, and names the reason", function()
    local near, far = ends()
    local task = rille.spawn(near.read, near)
    rille.sleep(0)
    assert.matches("another fiber is reading from this connection", failure(near.read, near))
    far:write "line\n"
    assert.equal("line", task:await())
  end)

  it("can be cancelled, and loses nothing by it", function()
    local near, far = ends()
    far:write "par"
    local task = rille.spawn(near.read, near)
    rille.sleep(0.01)
    task:cancel "enough"
    assert.matches("enough", failure(task.await, task))
    far:write "tial\n"
    assert.equal("partial", near:read())
  end)

  it("is ended by rille.timeout", function()
    local near = ends()
    assert.matches("timed out", failure(rille.timeout, 0.02, near.read, near))
  end)

  it("ends with nil and a message when the connection is closed meanwhile", function()
    local near = ends()
    local task = rille.spawn(function() return table.pack(near:read()) end)
    rille.sleep(0)
    near:close()
    assert.same({ nil, "connection is closed", n = 2 }, task:await())
  end)

  it("reads in a user's coroutine", function()
    local conn = received "a\nb\n"
    local words = {}
    for word in coroutine.wrap(function()
      for line in conn:lines() do coroutine.yield(line .. "!") end
    end) do table.insert(words, word) end
    assert.same({ "a!", "b!" }, words)
  end)

  for _, url in ipairs { "tcp://127.0.0.1:0", "unix:" .. temporary_path() } do
    it("tells a reset from an end behind bytes that came with it, " .. url:sub(1, 4), function()
      local far
      local listener = keep(assert(net.listen(url, function(conn)
        far = conn
        rille.sleep(60)
      end)))
      local near = keep(assert(net.connect(listener:address())))
      work.await(function() return far end)
      near:write(("x"):rep(200 * 1024)) -- more than is read ahead
      rille.sleep(0.02)
      far:write "whole\npart"
      far:close() -- with bytes unread: a reset
      assert.equal("whole", near:read())
      local none, message = near:read "all"
      assert.is_nil(none)
      assert.matches("^ECONNRESET: ", message)
      assert.equal("part", near:read "some")
      none, message = near:read "some"
      assert.is_nil(none)
      assert.matches("^ECONNRESET: ", message)
    end)
  end

  it("is refused where Lua cannot yield, with the reason", function()
    local conn = received "a\n"
    assert.matches("gsub", failure(string.gsub, "x", "x", function() return conn:read() end))
  end)
end)

describe("conn:lines", function()
  after_each(close_all)

  it("raises at a line that is too long", function()
    local conn = received "12345\n"
    assert.matches("line longer than 4 bytes", failure(function()
      for _ in conn:lines(4) do error "a line" end
    end))
  end)

  it("raises a timeout", function()
    local near = ends()
    near:set_timeout(0.02)
    assert.matches("timeout", failure(near:lines()))
  end)
end)

describe("conn:write", function()
  after_each(close_all)

  it("lets others have their turn, as fast as its peer may be", function()
    local near, far = ends()
    local count = turns(function()
      for _ = 1, 1000 do assert(near:write "x") end
    end)
    assert.is_true(count > 3, count)
    assert.equal(("x"):rep(1000), far:read(1000))
  end)

  it("gathers strings and numbers, and returns the connection", function()
    local near, far = ends()
    assert.equal(far, far:write("a", 1, 2.5, "", "z"))
    assert.equal(far, far:write())
    far:close()
    assert.equal("a12.5z", near:read "all")
  end)

  it("gathers more strings than fit into one system call", function()
    local parts = {}
    for i = 1, 3000 do parts[i] = i .. "," end
    local near, far = ends()
    background(function()
      far:write(table.unpack(parts))
      far:close()
    end)
    assert.equal(table.concat(parts), near:read "all")
  end)

  it("refuses what is neither string nor number before it writes anything", function()
    local near, far = ends()
    assert.matches("string expected, got table", failure(far.write, far, "a", {}))
    far:close()
    assert.equal("", near:read "all")
  end)

  it("waits above the high-water mark until the other side reads", function()
    local near, far = ends()
    local size = 16 * 1024 * 1024
    local task = rille.spawn(function() return far:write(("x"):rep(size)) end)
    rille.sleep(0.1)
    assert.not_equal("done", task:status())
    assert.equal(size, #near:read(size))
    assert.equal(far, task:await())
  end)

  it("keeps the order of several fibers that write", function()
    local near, far = ends()
    local size = 8 * 1024 * 1024
    for letter in ("abc"):gmatch "." do
      rille.spawn(function() far:write(letter:rep(size)) end)
      rille.sleep(0)
    end
    for letter in ("abc"):gmatch "." do assert.equal(letter:rep(size), near:read(size)) end
  end)

  it("returns nil and a message on a closed connection", function()
    local near = ends()
    near:close()
    local none, message = near:write "x"
    assert.is_nil(none)
    assert.equal("connection is closed", message)
  end)

  it("returns nil and a message when the other side is gone", function()
    local near, far = ends()
    near:close()
    local none, message
    work.await(function()
      none, message = far:write(("x"):rep(1000))
      return not none
    end)
    assert.matches("^E%u+: ", message)
  end)

  it("closes the connection when its wait is cancelled", function()
    local near, far = ends()
    local task = rille.spawn(function() far:write(("x"):rep(32 * 1024 * 1024)) end)
    rille.sleep(0.02)
    task:cancel "enough"
    assert.matches("enough", failure(task.await, task))
    collectgarbage()
    local none, message = near:read "all"
    assert.is_true(none ~= nil or message:match "^ECONNRESET" ~= nil)
    assert.is_nil((far:write "x"))
  end)

  it("closes the connection when its wait times out", function()
    local _, far = ends()
    far:set_timeout(0.05)
    local none, message = far:write(("x"):rep(32 * 1024 * 1024))
    assert.is_nil(none)
    assert.equal("timeout", message)
    assert.is_nil((far:write "x"))
  end)

  it("fails for every fiber that waits when the other side resets", function()
    local near, far = ends()
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = rille.spawn(function()
        return table.pack(far:write(("x"):rep(8 * 1024 * 1024)))
      end)
    end
    rille.sleep(0.02)
    near:close()
    for _, task in ipairs(tasks) do
      local results = task:await()
      assert.is_nil(results[1])
      assert.matches("^E%u+: ", results[2])
    end
  end)
end)

describe("a connection", function()
  after_each(close_all)

  it("tells the address of its peer", function()
    local near, far = ends()
    assert.matches("^127%.0%.0%.1:%d+$", far:peer())
    assert.matches("^127%.0%.0%.1:%d+$", near:peer())
    assert.equal("socket (" .. near:peer() .. ")", tostring(near))
    near:close()
    assert.equal("socket (" .. near:peer() .. ", closed)", tostring(near))
  end)

  it("is half-closed by shutdown: the other direction goes on", function()
    local near, far = ends()
    far:write "to near"
    assert.equal(far, far:shutdown())
    assert.equal(far, far:shutdown())
    assert.equal("to near", near:read "all")
    near:write "to far\n"
    assert.equal("to far", far:read())
    local none, message = far:write "x"
    assert.is_nil(none)
    assert.equal("connection is shut down for writing", message)
  end)

  it("still writes what was queued when it is closed", function()
    local near, far = ends()
    local text = ("x"):rep(60 * 1024)
    local count = 0
    while far:write(text) and count < 40 do count = count + 1 end
    far:close()
    assert.equal((count + 1) * #text, #near:read "all")
  end)

  it("can be closed twice, and is a to-be-closed variable", function()
    local near, far = ends()
    do
      local conn <close> = far
      conn:close()
    end
    far:close()
    assert.equal("", near:read "all")
  end)

  it("is closed when it becomes garbage", function()
    local everything
    local listener = keep(net.listen("tcp://127.0.0.1:0", function(conn)
      everything = conn:read "all"
    end))
    assert(net.connect(listener:address())):write "from the lost one"
    collectgarbage()
    collectgarbage()
    work.await(function() return everything end)
    assert.equal("from the lost one", everything)
  end)

  it("times out: what has arrived is kept for the next read", function()
    local near, far = ends()
    near:set_timeout(0.03)
    far:write "par"
    local took, none = work.time(near.read, near)
    assert.is_nil(none)
    assert.is_true(took >= 0.03)
    local _, message = near:read()
    assert.equal("timeout", message)
    far:write "tial\n"
    near:set_timeout(nil)
    assert.equal("partial", near:read())
  end)

  it("takes its timeout from the listener's options", function()
    local near = pair(function(conn) conn:write((select(2, conn:read()))) end, { timeout = 0.03 })
    assert.equal("timeout", near:read "all")
  end)

  it("refuses a timeout that is not above 0", function()
    local near = ends()
    for _, wrong in ipairs { 0, -1, 0 / 0 } do
      assert.matches("seconds above 0", failure(near.set_timeout, near, wrong))
    end
  end)

  it("holds no more than its buffer for a handler that does not read", function()
    local near, far = ends()
    local chunk, written = ("x"):rep(65536), 0
    near:set_timeout(0.2)
    while near:write(chunk) do written = written + #chunk end
    -- What the two kernels hold is a matter of theirs; the point is that it ends.
    assert.is_true(written < 64 * 1024 * 1024)
    assert.is_true(#far:read "some" <= 2 * 65536)
  end)

  it("is refused by a detach, as what it is", function()
    local near = ends()
    local message = failure(rille.detach, function(conn) return conn end, near)
    assert.matches("socket", message)
  end)

  it("is what its methods insist on", function()
    local near = ends()
    for name in pairs { read = 1, write = 1, close = 1, peer = 1, lines = 1, shutdown = 1 } do
      assert.matches("socket expected, got number", failure(near[name], 42))
    end
  end)
end)

describe("sockets in a task", function()
  after_each(close_all)

  it("connect to servers of the main domain, and serve there", function()
    local _, listener = pair(echo)
    local line, everything = rille.detach(function(url)
      local net_there = require "rille.net"
      local conn <close> = assert(net_there.connect(url))
      conn:write "from a task\n"
      local own <close> = net_there.listen("tcp://127.0.0.1:0", function(client)
        client:write "served by a task"
      end)
      return conn:read(), net_there.connect(own:address()):read "all"
    end, listener:address())
    assert.equal("from a task", line)
    assert.equal("served by a task", everything)
  end)

  it("leave their domain free for other tasks while they wait", function()
    local silent, listener = pair(function(conn) conn:read() conn:write "late\n" conn:read() end)
    rille.domains.set_bounds(1, 1)
    local waiting = rille.submit(function(url)
      local conn <close> = require("rille.net").connect(url)
      conn:write "\n"
      return conn:read() .. (conn:read "all")
    end, listener:address())
    assert.equal(42, rille.detach(function() return 42 end))
    silent:close()
    waiting:cancel()
    work.defaults()
  end)
end)
