-- The documentation's examples, pasted by a beginner, each with one mistake: the program says what
-- was wrong, at which line, and mostly what to write instead. Each case takes the first example of
-- a document that has `from` (or `example`), and puts `to` in its place; `line` is what stands in
-- the line that the message must name, `ask` what the app is asked.

local document = require "spec.support.document"
local json = require "rille.json"
local process = require "spec.support.process"

-- In the other builds, which are slower, every fifth does.
local every = os.getenv "RILLE_BUILD" == "release" and 1 or 5

-- What examples begin with that are no whole programs.
local PREAMBLE = 'local rille = require "rille" local http = require "rille.http" '
  .. 'local json = require "rille.json" local app = http.app() '

-- What the example is asked then, and its end: it would go on for ever.
local TAIL = [[

for _, one in ipairs { %s } do app:inject(one) end
if listener then
  local conn <close> = assert(require "rille.net".connect(listener:address(), { timeout = 5 }))
  conn:write "20\n"
  conn:read "all"
end
os.exit()
]]

-- Ports that are free.
local function freed(text)
  return (text:gsub("port = 8080", "port = 0")
    :gsub('net%.listen%("tcp://127%.0%.0%.1:2000"', 'listener = net.listen("tcp://127.0.0.1:0"'))
end

local function example_with(path, from)
  for _, block in ipairs(document.blocks(path)) do
    local text = freed(block.text)
    if block.language == "lua" and text:find(from, 1, true) then return text end
  end
  error(("no example of %s has %q"):format(path, from))
end

local function count_lines(text)
  return select(2, text:gsub("\n", "")) + 1
end

-- The program with the mistake, and the line where that is: the first of `to`, or that of `line`.
local function spoil(path, case)
  local text = example_with(path, case.example or case.from)
  local before = text:find('require "rille"', 1, true) and "" or PREAMBLE
  local first, last = text:find(case.from, 1, true)
  text = text:sub(1, first - 1) .. case.to .. text:sub(last + 1)
  local at = case.line and assert(text:find(case.line, 1, true), case.line) or first
  local after = case.ends and "" or TAIL:format(case.ask or "")
  return before .. text .. after, count_lines(text:sub(1, at))
end

-- What the lines of the log, which are JSON where nobody looks at a terminal, say to a reader.
local function plain(text)
  return (text:gsub("[^\n]+", function(line)
    local entry = json.decode(line)
    return type(entry) == "table" and ("%s\n%s"):format(entry.message, entry.trace) or line
  end))
end

local count = 0

local function mistakes(path, cases)
  for _, case in ipairs(cases) do
    count = count + 1
    if count % every == 0 then
      it(("%s: %s"):format(path, case[1]), function()
        local script, line = spoil(path, case)
        local result = process.run { "--grace", "0.1", script = script, seconds = 20 }
        local said = plain(result.stderr) .. result.stdout
        for i = 2, #case do
          assert.is_truthy(said:find(case[i], 1, true), ("%q is not in: %s"):format(case[i], said))
        end
        local place = ("script.lua:%d"):format(line)
        local found = said:find(place .. "%f[^%d]")
        assert.is_truthy(found, ("%s is not in: %s"):format(place, said))
      end)
    end
  end
end

local FIB = '"/fib/20"'
local HELLO = '"/hello/ann"'
local WEB = "app:get" -- the example of the README that has it

describe("a mistake in an example is told, in", function()
  mistakes("README.md", {
    { "a module that was not required",
      "(global 'http'): local http = require \"rille.http\" is missing",
      from = 'local http = require "rille.http"\n', to = "\n", line = "http.app()" },
    { "another that was not required",
      "(global 'rille'): local rille = require \"rille\" is missing",
      from = 'local rille = require "rille"\nlocal http',
      to = "\nlocal http", line = "rille.detach",
      ask = FIB },
    { "the name of a module, without rille", "Rille's is called 'rille.http'",
      from = 'require "rille.http"', to = 'require "http"' },
    { "the name of a module, misspelt", "module 'rille.htttp' not found",
      from = 'require "rille.http"', to = 'require "rille.htttp"' },
    { "options at the wrong place", "options belong to app:listen",
      from = "http.app()", to = "http.app { port = 8080 }" },
    { "a function called with a colon", "http.app is called with a dot: http.app()",
      from = "http.app()", to = "http:app()" },
    { "a method called with a dot", "app.get is a method: call it with a colon, app:get(...)",
      from = 'app:get("/hello', to = 'app.get("/hello' },
    { "listen called with a dot", "call it with a colon, app:listen(...)",
      from = "app:listen", to = "app.listen" },
    { "a port instead of options",
      "a table of options expected, such as { port = 8080 }, got number",
      from = "app:listen { port = 0 }", to = "app:listen(8080)" },
    { "a port that is no number", 'option "port": a whole number from 0 to 65535 expected, got "a"',
      from = "port = 0", to = 'port = "a"' },
    { "an option in capitals", 'unknown option "Port"; there are address,', " port, ",
      from = "port = 0", to = "Port = 0" },
    { "a port that is taken", "cannot listen on tcp://127.0.0.1:", "address already in use",
      from = "app:listen { port = 0 }",
      to = "local server = app:listen { port = 0 }\napp:listen { port = server:port() }",
      line = "server:port()" },
    { "a pattern without its slash", "it must begin with '/'",
      from = '"/hello/:name"', to = '"hello/:name"' },
    { "a pattern as others have it", "none of ?#{}<> may stand here",
      from = '"/hello/:name"', to = '"/hello/{name}"' },
    { "another pattern as others have it", "none of ?#{}<> may stand here",
      from = '"/hello/:name"', to = '"/hello/<name>"' },
    { "a regular expression in a pattern", "a parameter must reach to the end of its segment",
      from = ":n{int}", to = ":n(%d+)" },
    { "a pattern in a table", "bad argument #1 to 'get' (string expected, got table)",
      from = '"/hello/:name",', to = '{ path = "/hello/:name" },' },
    { "a route without its handler", 'there is no handler for "/hello/:name"',
      from = [["/hello/:name", function(req) return "hello, " .. req.params.name .. "\n" end]],
      to = '"/hello/:name"' },
    { "a handler that is called", "bad argument #2 to 'get' (function expected, got string)",
      from = [[function(req) return "hello, " .. req.params.name .. "\n" end]],
      to = [[(function() return "hello" end)()]] },
    { "a route that is there twice", "it was added at script.lua:11",
      from = "app:listen { port = 0 }",
      to = 'app:get("/hello/:who", function() return "you" end)\napp:listen { port = 0 }' },
    { "a method in capitals", "attempt to call a nil value (method 'GET')",
      from = 'app:get("/hello', to = 'app:GET("/hello' },
    { "a misspelt parameter", "attempt to concatenate a nil value (field 'nam')",
      from = "req.params.name", to = "req.params.nam", ask = HELLO },
    { "a misspelt field", "attempt to index a nil value (field 'param')",
      from = "req.params.name", to = "req.param.name", ask = HELLO },
    { "res without having it", "(global 'res'): a handler gets it: function(req, res)",
      from = [[return "hello, " .. req.params.name .. "\n"]],
      to = 'res:text "hello"', ask = HELLO },
    { "a method of res with a dot", "call it with a colon, response:send(...)",
      from = [[function(req) return "hello, " .. req.params.name .. "\n"]],
      to = [[function(_, res) res.send "hello"]], ask = HELLO },
    { "a method of res that is written in Lua", "call it with a colon, res:json(...)",
      from = [[function(req) return "hello, " .. req.params.name .. "\n"]],
      to = [[function(_, res) res.json { a = 1 }]], ask = HELLO },
    { "a method of req with a dot", "call it with a colon, request:body(...)",
      from = [[return "hello, " .. req.params.name .. "\n"]],
      to = "return req.body()", ask = HELLO },
    { "req.json with a dot", "call it with a colon, req:json(...)",
      from = [[return "hello, " .. req.params.name .. "\n"]],
      to = "return req.json()", ask = HELLO },
    {
      "an option of a method that is called last", 'rille.http.file: unknown option "rot"',
      from = [[function(req) return "hello, " .. req.params.name .. "\n" end)]],
      to = [[function(_, res) return res:file("x", { rot = "." }) end)]], ask = HELLO,
    },
    { "a method that is not called", "cannot return a function as its answer: is a call missing?",
      from = [[return "hello, " .. req.params.name .. "\n"]], to = "return req.body", ask = HELLO },
    { "a handler that returns a function", "cannot return a function as its answer",
      from = "return { fib = rille.detach(fib, req.params.n) }",
      to = "return function() return fib(req.params.n) end", ask = FIB },
    { "a number as the answer", "a status must be a whole number from 200 to 599, not 6765",
      from = "{ fib = rille.detach(fib, req.params.n) }", to = "rille.detach(fib, req.params.n)",
      ask = FIB },
    { "true as the answer", "a handler cannot return a boolean as its answer",
      from = "{ fib = rille.detach(fib, req.params.n) }", to = "true", ask = FIB },
    { "res as the answer", "a handler cannot return a response as its answer",
      from = [[function(req) return "hello, " .. req.params.name .. "\n" end]],
      to = "function(req, res) res:text(req.params.name) return res end", ask = HELLO },
    { "the status behind the body", "it returns a status and a body, in this order",
      from = "{ fib = rille.detach(fib, req.params.n) }", to = "{ fib = 1 }, 200", ask = FIB },
    { "nil and a message as the answer", "returned nil and no such number (an error is raised",
      from = "{ fib = rille.detach(fib, req.params.n) }", to = 'nil, "no such number"', ask = FIB },
    { "a number that is raised", "404 was raised: error(http.error(404)) makes it the answer",
      from = [[return "hello, " .. req.params.name .. "\n"]], to = "error(404)", ask = HELLO },
    { "a detach of what a call returns",
      "bad argument #1 to 'detach' (function expected, got number; the function itself is given",
      from = "rille.detach(fib, req.params.n)", to = "rille.detach(fib(req.params.n))", ask = FIB },
    { "a detach of a function's name", "(function expected, got string",
      from = "rille.detach(fib, req.params.n)",
      to = 'rille.detach("fib", req.params.n)', ask = FIB },
    { "a detach with a colon", "it is called with a dot, not with a colon",
      from = "rille.detach(fib, req", to = "rille:detach(fib, req", ask = FIB },
    { "a request that is captured",
      "captured variable 'req' of function <script.lua:9> is a request and cannot leave its domain",
      from = "rille.detach(fib, req.params.n)",
      to = "rille.detach(function() return fib(req.params.n) end)", ask = FIB },
    { "a request as an argument", "argument 1 is a request and cannot leave its domain",
      from = "rille.detach(fib, req.params.n)", to = "rille.detach(fib, req)", ask = FIB },
    { "a coroutine as an argument", "argument 1 is a coroutine and cannot leave its domain",
      from = "rille.detach(fib, req.params.n)", to = "rille.detach(fib, coroutine.create(fib))",
      ask = FIB },
    { "a global function that is detached",
      "global 'fib' is not defined in compute domain 1", "capture it in a local",
      from = "local function fib", to = "function fib", example = WEB, ask = FIB },
    { "a local function that does not see itself",
      "global 'fib' is not defined in compute domain 1",
      from = "local function fib(n) if", to = "local fib = function(n) if", example = WEB,
      ask = FIB },
    { "a global that a task reads", "global 'config' is not defined in compute domain 1",
      from = "rille.detach(fib, req.params.n)",
      to = "rille.detach(function() return config.size end)", ask = FIB },
    { "a text where a number is needed", "attempt to compare string with number", "detached at:",
      from = "/fib/:n{int}", to = "/fib/:n", line = "rille.detach", ask = FIB },
    { "a task that is not awaited", "JSON: .fib is a task, which JSON cannot say",
      from = "rille.detach(fib, req", to = "rille.submit(fib, req", ask = FIB },
    { "an await with a dot", "'await' is a method of a task: call it with a colon",
      from = "rille.detach(fib, req.params.n)", to = "rille.submit(fib, req.params.n).await()",
      ask = FIB },
    { "an await on nothing", "attempt to call a nil value (field 'await')",
      from = "rille.detach(fib, req.params.n)",
      to = "rille.await(rille.submit(fib, 1))", ask = FIB },
    { "a task that ends the program", "os.exit: a task cannot end the program",
      from = "rille.detach(fib, req.params.n)", to = "rille.detach(function() os.exit() end)",
      ask = FIB },
    { "a handler without its end", "'end' expected near ')'",
      from = "req.params.n) } end)", to = "req.params.n) })" },

    { "a connection that is captured",
      "captured variable 'conn' of function <script.lua:8> is a socket and cannot leave its domain",
      from = [[conn:write(rille.detach(fib, math.tointeger(line)), "\n")    -- computes]],
      to = "rille.detach(function() conn:write(fib(1)) end) -- computes" },
    { "a method of a connection with a dot", "call it with a colon, socket:write(...)",
      from = "conn:write(", to = "conn.write(" },
    { "an iterator that is not called",
      "goes with a colon and brackets: for ... in socket:...() do",
      from = "conn:lines()", to = "conn.lines" },
    { "an address without its scheme", "the URL must begin with tcp:// or unix:",
      from = "tcp://127.0.0.1:0", to = "127.0.0.1:0" },
    { "a port instead of an address", "such as tcp://127.0.0.1:2000",
      from = '"tcp://127.0.0.1:0"', to = "2000" },
    { "a table that is written", "bad argument #1 to 'write' (string expected, got table)",
      from = [[rille.detach(fib, math.tointeger(line)), "\n")]], to = "{ line })" },

    { "bounds in the wrong order", "max must not be below min",
      from = "set_bounds(2, 8)", to = "set_bounds(8, 2)" },
    { "domain for domains", "attempt to index a function value (field 'domain')",
      from = "rille.domains.set_bounds", to = "rille.domain.set_bounds" },
  })

  mistakes("docs/http.md", {
    { "middleware of another signature", "neither called next() nor answered (as by return 204)",
      from = "  next()\n  res.headers[\"Server-Timing\"]", to = "  res.headers[\"Server-Timing\"]",
      line = "app:use(function", ask = '"/me"' },
    { "middleware that was not made",
      "rille.http.etag makes a middleware when it is called: etag()",
      from = "app:use(etag())", to = 'app:use(require "rille.http.etag")' },
    { "an option of a middleware, misspelt", 'rille.http.rate_limit: unknown option "brust"',
      "there are burst, key, max_keys, rate",
      from = "burst = 200", to = "brust = 200" },
    { "a secret that is not set", 'option "secret" is missing',
      from = '"APP_SECRET" or ("only for trying "):rep(3)', to = '"NO_SUCH_VARIABLE"' },
    { "a secret that is too short", "a secret must have at least 32 bytes",
      from = '("only for trying "):rep(3)', to = '"abc"' },
    { "a path where a middleware belongs", 'middleware of a part is used by app:group("/api")',
      from = "app:use(etag())", to = 'app:use("/api", etag())' },
    { "middleware that comes too late", "app:use must come before the app begins to serve",
      from = "admin:use(auth.basic { users = { ann = \"a good password\" } })",
      to = "app:inject '/health'\nadmin:use(auth.basic { users = { ann = 'x' } })",
      line = "admin:use" },
    { "a status that is called", "attempt to call a nil value (field 'status')",
      from = 'res.headers["Location"] = "/notes/1"', to = "res.status(201)",
      ask = '{ path = "/notes", method = "POST" }' },
    { "a directory that is not there",
      'cannot open the directory "publik": no such file or directory',
      from = 'app:static("/docs", "docs",', to = 'app:static("/docs", "publik",' },
    { "a directory in the place of its prefix", "it must begin with '/'",
      from = 'app:static("/docs", "docs",', to = 'app:static("docs", "/docs",' },
  })

  mistakes("docs/jobs.md", {
    { "an option of a job, misspelt", "rille.job: unknown option 'priorty' (there are name, key,",
      from = 'priority = "high"', to = 'priorty = "high"', line = "rille.job" },
    { "a value that an option does not have",
      [[option 'priority' must be "high", "normal" or "low", got urgent]],
      from = 'priority = "high"', to = 'priority = "urgent"', line = "rille.job" },
    { "a job of what a call returns", "expected a function and a table of options, got string and",
      from = "rille.job(render, {", to = 'rille.job(render "moon", {' },
    { "a method of a job with a dot", "call it with a colon, job:submit(...)",
      from = "sum:submit { 1, 2, 3 }", to = "sum.submit { 1, 2, 3 }" },
  })

  mistakes("docs/channels.md", {
    { "nil that is sent", "nil cannot be sent: it stands for the end",
      from = 'channel:send "last"', to = "channel:send(nil)" },
    { "a method of a channel with a dot", "call it with a colon, channel:send(...)",
      from = 'channel:send "last"', to = 'channel.send "last"' },
    { "a capacity in quotes", "the capacity must be a whole number that is not negative",
      from = "rille.channel(2)", to = 'rille.channel("2")' },
    { "a channel that nobody sends to", "deadlock: every fiber waits",
      from = 'channel:send "last"\nchannel:close()', to = "", line = "channel:receive()" },
    { "a channel that is never closed", "deadlock: every fiber waits",
      from = "  jobs:close()                                   -- the workers' loops end",
      to = "  -- no end", line = "in jobs:values()", ends = true },
    { "cases that are no table", "bad argument #1 to 'select' (table expected, got channel)",
      from = "rille.select { line = lines, over = reader, stop = stop, late = 5 }",
      to = "rille.select(lines, reader)" },
    { "a time in quotes", "case late must be a channel, channel:sending(value), a task or a number",
      from = "late = 5", to = 'late = "5"' },
    { "a function that is called", "bad argument #1 to 'all' (function or task expected, got",
      from = 'function() report "a" end, function()', to = 'report "a", function()' },
    { "a call in the place of a function",
      "bad argument #2 to 'with' (function expected, got string; the function itself is given",
      from = "slots:with(function(n) return n + 1 end, 1)", to = 'slots:with(report "a")' },
    { "a mutex that is locked twice", "this fiber has locked the mutex already",
      from = "local held <close> = mutex:lock()              -- until",
      to = "mutex:lock() mutex:lock() -- until" },
  })
end)

describe("a return that is missing", function()
  local function ask(handler, options)
    local result = process.run { "--grace", "0.1", seconds = 20, script = ([[
      local http = require "rille.http"
      local app = http.app()
      app:get("/x", %s)
      local server = app:listen { port = 0, %s }
      local conn <close> = assert(require "rille.net".connect(server:address(), { timeout = 5 }))
      conn:write "GET /x HTTP/1.0\r\n\r\n"
      print(conn:read())
      os.exit()
    ]]):format(handler, options) }
    return result.stdout, plain(result.stderr)
  end

  local NOTE = "script.lua:3: the handler of GET /x returned nothing and set nothing, so the "
    .. "answer is 204: is a return missing?"

  it("is told where one develops", function()
    local answer, said = ask([[function() local text = "x" .. 1 end]], "development = true")
    assert.equal("HTTP/1.0 204 No Content\n", (answer:gsub("1%.1", "1.0")))
    assert.is_truthy(said:find(NOTE, 1, true), said)
  end)

  it("is told inside middleware, by the route", function()
    local _, said = ask("function(_, _, next) next() end, function() end", "development = true")
    assert.is_truthy(said:find("the handler of GET /x returned nothing", 1, true), said)
  end)

  it("is none where the answer was set, or nobody develops", function()
    for _, handler in ipairs {
      "function() return 204 end", "function(_, res) res.status = 204 end",
      "function(_, res) res:write 'x' end", "function(_, res) res:text '' end",
    } do
      local _, said = ask(handler, "development = true")
      assert.equal("", said)
    end
    local _, said = ask("function() end", "development = false")
    assert.equal("", said)
  end)
end)
