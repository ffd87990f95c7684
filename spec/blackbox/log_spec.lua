-- rille.log from outside: what stands on standard error or in the file, line by line.

local cjson = require "cjson"
local process = require "spec.support.process"
local server = require "spec.support.server"
local work = require "spec.support.work"

local function run(script)
  local result = process.run { script = 'local log = require "rille.log"\n' .. script }
  return result.stderr, result
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

--- The lines of a text, each decoded.
local function decoded(text)
  local entries = {}
  for line in text:gmatch "[^\n]*\n" do table.insert(entries, cjson.decode(line)) end
  return entries
end

--- How many lines say `message`.
local function count(entries, message)
  local found = 0
  for _, entry in ipairs(entries) do found = found + (entry.message == message and 1 or 0) end
  return found
end

local function shell(command) return (os.execute(command)) end

describe("the log", function()
  it("is JSON, an object on each line", function()
    local entry = decoded(run [[
      log.warn("served", { route = "/x", ms = 3, share = 0.5, ok = true })
    ]])[1]
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$", entry.time)
    entry.time = nil
    assert.same({
      level = "warn", message = "served", domain = "main",
      route = "/x", ms = 3, share = 0.5, ok = true,
    }, entry)
  end)

  it("tells the present time", function()
    local entry = decoded(run [[log.info "now"]])[1]
    local now = os.date "!%Y-%m-%dT%H:%M"
    assert.is_true(entry.time:sub(1, 16) == now or entry.time:sub(15, 16) == "59"
      or math.abs(tonumber(entry.time:sub(15, 16)) - tonumber(now:sub(15, 16))) <= 1)
  end)

  it("keeps what it is given, whatever that is", function()
    local text = run [[
      local all = {}
      for byte = 0, 127 do table.insert(all, string.char(byte)) end
      log.info(table.concat(all), { ["k\n\"\\"] = table.concat(all), t = print, n = 1/0 })
      log.info(nil) log.info({}) log.info(12) log.info("\xff\xc3")
      log.info(setmetatable({}, { __tostring = function() return "shown" end }))
    ]]
    local entries, all = decoded(text), {}
    for byte = 0, 127 do table.insert(all, string.char(byte)) end
    assert.equal(6, #entries)
    assert.equal(table.concat(all), entries[1].message)
    assert.equal(table.concat(all), entries[1]['k\n"\\'])
    assert.matches("^function: ", entries[1].t)
    assert.equal("inf", entries[1].n)
    assert.equal("nil", entries[2].message)
    assert.matches("^table: ", entries[3].message)
    assert.equal("12", entries[4].message)
    assert.equal("\u{FFFD}\u{FFFD}", entries[5].message)
    assert.equal("shown", entries[6].message)
  end)

  it("is text where that is asked for, in which no line can be forged", function()
    local text = run [[
      log.form "text"
      local forged = "got it\n2026-01-01T00:00:00.000Z error forged"
      log.info(forged, { name = "a b", id = "c\27[2J", n = 1 })
    ]]
    assert.matches('^%S+Z info got it\\n2026%-01%-01T00:00:00.000Z error forged domain=main '
      .. 'id="c\\x1b%[2J" n=1 name="a b"\n$', text)
  end)

  it("is text on a terminal", function()
    local result = process.run {
      "-qec", process.program .. [[ -e 'require("rille.log").info("seen")']], "/dev/null",
      program = "script",
    }
    assert.matches("^%S+Z info seen domain=main\r?\n", result.stdout)
  end)

  it("has the lines of every domain, and what the work's context carries", function()
    local entries = decoded(run [[
      local rille = require "rille"
      rille.context.tenant, rille.context.time = "moon", "forged"
      local function tell(i) require("rille.log").info("task", { i = i }) end
      rille.all(rille.submit(tell, 1), rille.submit(tell, 2))
      log.info("here", { tenant = "another" })
    ]])
    assert.equal(3, #entries)
    for i = 1, 2 do
      assert.matches("^compute%-%d$", entries[i].domain)
      assert.equal("moon", entries[i].tenant)
    end
    assert.equal("another", entries[3].tenant)
  end)

  it("keeps fields apart that are named like what a line has itself", function()
    local text = run [[
      local rille = require "rille"
      rille.context.level, rille.context.domain = "deep", "moon"
      log.info("here", { time = 1, message = "m", ["fields.time"] = 2, trace = true, cut = 3 })
      rille.spawn(error, "lost")
    ]]
    local entries = decoded(text)
    local function check(entry, expected)
      for name, value in pairs(expected) do assert.equal(value, entry[name], name) end
    end
    check(entries[1], {
      level = "info", message = "here", domain = "main", ["fields.level"] = "deep",
      ["fields.domain"] = "moon", ["fields.time"] = 1, ["fields.fields.time"] = 2,
      ["fields.message"] = "m", ["fields.trace"] = true, ["fields.cut"] = 3,
    })
    check(entries[2], { level = "error", domain = "main", ["fields.domain"] = "moon" })
    for line in text:gmatch "[^\n]+" do
      local seen = {}
      for name in line:gmatch '[{,]"([%w_.]+)":' do
        assert.is_nil(seen[name], name)
        seen[name] = true
      end
    end
    assert.matches(" info here domain=main fields.domain=moon fields.level=deep fields.cut=3\n",
      process.run({ "--log", "text", "-e", [[
        rille = require "rille"
        rille.context.level, rille.context.domain = "deep", "moon"
        rille.log.info("here", { cut = 3 })]] }).stderr, 1, true)
  end)

  it("has the form that its command line or environment says, unless the script does", function()
    local function logged(option, environment, script)
      return process.run {
        program = "sh", "-c", 'RILLE_LOG="$1" exec ' .. process.program .. ' $2 -e "$3"', "sh",
        environment, option, script or "require('rille').log.info 'x'",
      }
    end
    assert.matches(" info x domain=main\n$", logged("--log text", "").stderr)
    assert.matches(" info x domain=main\n$", logged("", "text").stderr)
    assert.matches('^{"time":.*"message":"x"', logged("--log=json", "text").stderr)
    assert.equal("x\n", logged("run --log plain", "").stderr)
    assert.matches('^{', logged("--log auto", "text").stderr)
    assert.matches('^{', logged("--log text", "",
      "local log = require('rille').log log.form 'json' log.info 'x'").stderr)
    assert.matches('"level":"error","message":"rille: .*no luck"', logged("--log json", "",
      "error 'no luck'").stderr)
  end)

  it("has the level that its command line or environment says, unless the script does", function()
    local script = "local log = require('rille').log log.debug 'd' log.info 'i' log.warn 'w'"
    local function logged(option, environment, more)
      return (process.run {
        program = "sh", "-c", 'RILLE_LOG="$1" exec ' .. process.program .. ' $2 -e "$3"', "sh",
        environment, option, (more or "") .. script,
      }.stderr:gsub("\n", " "))
    end
    assert.equal("i w ", logged("--log plain", ""))
    assert.equal("d i w ", logged("--log plain,debug", ""))
    assert.equal("w ", logged("--log=warn,plain", ""))
    assert.equal("d i w ", logged("--log plain", "debug"))
    assert.equal("", logged("--log error", "debug"))
    assert.equal("i w ", logged("", "plain,info"))
    assert.equal("w ", logged("", "plain,debug", "require('rille').log.level 'warn' "))
  end)

  it("has no other form or level", function()
    local wants = "wants a form (text, json, plain, auto), a level (debug, info, warn, error), "
      .. "or both as in json,debug; not "
    for _, words in ipairs { "xml", "json,", ",", "json debug", "INFO", "infos" } do
      local result = process.run { "--log", words, "-e", "" }
      assert.equal(1, result.status)
      assert.equal("rille: --log " .. wants .. words .. "\nTry 'rille --help'.\n", result.stderr)
    end
    assert.equal("rille: RILLE_LOG " .. wants .. "XML\nTry 'rille --help'.\n", process.run {
      program = "sh", "-c", "RILLE_LOG=XML exec " .. process.program .. " -e ''",
    }.stderr)
  end)

  it("obeys its level", function()
    local entries = decoded(run [[
      log.debug "no" log.level "debug" log.debug "yes"
      log.level "error" log.warn "no" log.error "yes"
    ]])
    assert.same({ "yes", "yes" }, { entries[1].message, entries[2].message })
    assert.equal(2, #entries)
  end)

  it("takes the runtime's own lines, with the traceback", function()
    local text, result = run [[error "no\nluck"]]
    local entry = decoded(text)[1]
    assert.equal(1, result.status)
    assert.equal("error", entry.level)
    assert.equal("rille: script.lua:2: no", entry.message)
    assert.matches("^luck\nstack traceback:\n\t", entry.trace)
  end)

  it("is not used by a program that does not ask for it: errors stay plain", function()
    local stderr = process.run { script = [[error "no luck"]] }.stderr
    assert.matches("^rille: script.lua:1: no luck\nstack traceback:\n", stderr)
  end)

  it("is written before the program ends, however that is", function()
    for _, ending in ipairs { "", "os.exit(3)", "error {}", "require('rille').sleep(0)" } do
      local entries = decoded(run([[
        for i = 1, 5000 do log.info("line", { i = i }) end ]] .. ending))
      assert.is_true(#entries >= 5000)
      for i = 1, 5000 do assert.equal(i, entries[i].i) end
    end
  end)

  it("tears no line, of however many domains", function()
    local entries = decoded(run [[
      local rille = require "rille"
      rille.domains.set_bounds(4, 4)
      local function tell()
        local log = require "rille.log"
        for i = 1, 250 do log.info("line", { filler = ("x"):rep(i) }) end -- all have room
      end
      local tasks = {}
      for i = 1, 8 do tasks[i] = rille.submit(tell) end
      rille.all(table.unpack(tasks))
    ]])
    assert.equal(2000, count(entries, "line"))
  end)

  it("cuts what is far too long", function()
    local entry = decoded(run [[log.info(("x"):rep(1e6), { n = 1 })]])[1]
    assert.is_true(entry.cut)
    assert.matches("^x+$", entry.message)
    assert.is_true(#entry.message > 60000)
  end)
end)

describe("the log of a server", function()
  local SERVER = [[
    local rille, http = require "rille", require "rille.http"
    assert(rille.log.open(%q))
    local app = http.app()
    app:use(require "rille.http.access_log" ())
    app:get("/", function(req)
      rille.log.info("served", { n = tonumber(req.query.n) })
      return tostring(req.id)
    end)
    app:get("/fail", function() error "oops" end)
    app:get("/flood", function()
      for i = 1, 50000 do rille.log.info("flood", { i = i }) end
      return tostring(rille.log.lost() > 0)
    end)
    local server = app:listen { port = 0 }
    print(server:address())
    io.stdout:flush()
  ]]

  --- A server that logs to `file` in a fresh folder; it, its address, the folder.
  local function start(file)
    local folder = os.tmpname()
    os.remove(folder)
    assert(shell("mkdir " .. folder))
    local self, address = server.start { script = SERVER:format(file or folder .. "/log") }
    return self, "http://" .. address:match "//(.*)$", folder
  end

  local function get(url)
    local pipe = assert(io.popen("curl -s '" .. url .. "'"))
    local text = pipe:read "a"
    pipe:close()
    return text
  end

  it("bears the id of the request, also in errors and in the access log", function()
    local self <close>, url, folder = start()
    local id = get(url .. "/?n=1")
    local failed = get(url .. "/fail"):match "request (%S+)"
    local remaining = server.stop(self).stderr
    local entries = decoded(read(folder .. "/log"))
    assert.equal("", remaining)
    assert.equal(4, #entries)
    assert.same({ "served", id, 1 }, { entries[1].message, entries[1].request_id, entries[1].n })
    assert.same({ "request", id, 200, "/?n=1", "GET" }, { entries[2].message, entries[2].request_id,
      entries[2].status, entries[2].target, entries[2].method })
    assert.same({ "request", failed, 500, true }, { entries[3].message, entries[3].request_id,
      entries[3].status, entries[3].error })
    assert.same({ "error", failed }, { entries[4].level, entries[4].request_id })
    assert.matches("oops$", entries[4].message)
    shell("rm -r " .. folder)
  end)

  it("is rotated by SIGUSR1 under load without a lost line", function()
    local self <close>, url, folder = start()
    local total, rotations = 600, 3
    local load = assert(io.popen(("for n in $(seq 1 %d); do echo url=%s/?n=$n; "
      .. "echo output=/dev/null; done | curl -s -K - ; echo over"):format(total, url)))
    for i = 1, rotations do
      os.rename(folder .. "/log", folder .. "/log." .. i)
      self:signal "USR1"
      work.await(function() return shell("test -e " .. folder .. "/log") end, 20)
    end
    assert.equal("over\n", load:read "a")
    load:close()
    server.stop(self)
    local seen = {}
    for i = 0, rotations do
      local path = folder .. (i == 0 and "/log" or "/log." .. i)
      for _, entry in ipairs(decoded(read(path))) do
        if entry.message == "served" then seen[entry.n] = (seen[entry.n] or 0) + 1 end
      end
    end
    for n = 1, total do assert.equal(1, seen[n], "line " .. n) end
    shell("rm -r " .. folder)
  end)

  it("goes on, and serves on, when the folder is gone at SIGUSR1", function()
    local self <close>, url, folder = start()
    get(url .. "/?n=1")
    os.rename(folder, folder .. ".gone")
    self:signal "USR1"
    get(url .. "/?n=2")
    work.await(function() return read(folder .. ".gone/log"):find "cannot reopen the log" end, 20)
    get(url .. "/?n=3")
    assert.equal(0, server.stop(self).status)
    local entries = decoded(read(folder .. ".gone/log"))
    assert.equal(3, count(entries, "served"))
    shell("rm -r " .. folder .. ".gone")
  end)

  it("loses lines on a full disk, serves on, and says how many", function()
    local self <close>, url = start "/dev/full"
    for n = 1, 3 do assert.matches("^%x+%-%x+$", get(url .. "/?n=" .. n)) end
    local result = server.stop(self)
    assert.equal(0, result.status)
    assert.equal("rille: 6 lines of the log were lost: No space left on device\n", result.stderr)
  end)

  it("does not stop the server that nobody reads the log of", function()
    local pipe = os.tmpname()
    shell(("rm %s && mkfifo %s"):format(pipe, pipe))
    local holder <close> = process.start { "-c", "exec sleep 20 <>" .. pipe, program = "sh" }
    local self <close>, url = start(pipe)
    assert.equal("true", get(url .. "/flood"))
    assert.matches("^%x+%-%x+$", get(url .. "/"))
    assert.equal(0, server.stop(self).status)
    assert.is_table(holder)
    os.remove(pipe)
  end)
end)
