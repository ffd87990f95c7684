-- `rille check`: what it finds in scripts, and that it finds nothing in good ones.

local process = require "spec.support.process"

local function check(text, ...)
  return process.run { files = { ["app.lua"] = text }, "check", ... }
end

-- The findings of a script, each without its place.
local function findings_of(text)
  local result, list = check(text .. "\n", "app.lua"), {}
  for line in result.stdout:gmatch "app%.lua:%d+:%d+: ([^\n]*)\n" do
    if line:find "domain" or line:find "is lost" then table.insert(list, line) end
  end
  return list, result
end

local HEAD = [[
local rille = require "rille"
local http, net = require "rille.http", require "rille.net"
local app = http.app()
]]

-- The script has just one thing wrong, which says this.
local function assert_found(expected, text)
  local found = findings_of(HEAD .. text)
  assert.equal(1, #found, table.concat(found, "\n"))
  assert.equal(expected, found[1]:sub(1, #expected))
end

local function assert_nothing(text)
  assert.same({}, (findings_of(HEAD .. text)))
end

describe("rille check", function()
  it("is content with good files, and counts them", function()
    local result = process.run {
      files = { ["app.lua"] = "print(1)\n", ["lib/x.lua"] = "#!/bin/lua\nreturn 1\n",
        ["notes.txt"] = "local" },
      "check",
    }
    assert.equal("2 files, nothing wrong\n", result.stdout)
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
  end)

  it("is content with all examples", function()
    local result = process.run { directory = process.root, "check", "examples" }
    assert.matches("^%d+ files, nothing wrong\n$", result.stdout)
    assert.equal(0, result.status)
  end)

  it("finds what does not compile", function()
    local result = check("local x = 1\nlocal = 2\n", "app.lua")
    assert.matches("^app.lua:2: <name> expected", result.stdout)
    assert.matches("1 file, 1 to look at\n$", result.stdout)
    assert.equal(1, result.status)
  end)

  it("finds what luacheck does, by the settings that are there", function()
    local result = check "local x = 1\nprint(jit, arg)\n"
    assert.matches("app.lua:1:7: unused variable 'x'", result.stdout, 1, true)
    assert.matches("app.lua:2:7: accessing undefined variable 'jit'", result.stdout, 1, true)
    assert.matches("1 file, 2 to look at", result.stdout, 1, true)
    local settled = process.run {
      files = { ["app.lua"] = "print(jit)\n", [".luacheckrc"] = "std = 'luajit'" }, "check",
    }
    assert.equal(0, settled.status)
  end)

  it("says what is not there", function()
    local result = check("", "missing.lua")
    assert.equal("rille check: missing.lua: No such file or directory\n", result.stderr)
    assert.equal(1, result.status)
  end)

  it("tells place and function of what cannot ship", function()
    local _, result = findings_of(HEAD .. [[
      app:get("/", function(req)
        return rille.detach(function()
          return #req.path
        end)
      end)]])
    assert.matches("app.lua:6:19: 'req' is a request and cannot leave its domain; it is captured "
      .. "by the function that is detached on line 5: pass what is needed of it as an argument\n",
      result.stdout, 1, true)
    assert.equal(1, result.status)
  end)
end)

describe("rille check, of what is detached,", function()
  it("finds globals of the script, recursive functions first of all", function()
    assert_found("'fib' is a global of this script that compute domains do not have; the function "
      .. "that is detached on line 5 reads it: make it local", [[
      function fib(n) return n < 2 and n or fib(n - 1) end
      print(rille.detach(fib, 3))]])
  end)

  it("finds globals that only the main domain has", function()
    assert_found("'arg' is a global that compute domains do not have",
      "rille.submit(function() return arg[1] end)")
  end)

  it("knows the globals of compute domains, and those that are broadcast", function()
    assert_nothing [[
      rille.detach(function() return print, _G, require "rille" end)
      rille.domains.broadcast(function() cache = {} end)
      rille.detach(function() return cache.x end)
      rille.detach(function() mine = 1 end)]]
  end)

  it("finds what belongs to its domain, by where it comes from", function()
    local makers = {
      ["a file"] = "io.open('x')", ["a coroutine"] = "coroutine.create(print)",
      ["a function of C"] = "coroutine.wrap(print)", ["a task"] = "rille.spawn(print)",
      ["a connection"] = "net.connect('tcp://localhost:1')",
      ["a listener"] = "assert(net.listen('tcp://localhost:1', print))",
      ["a server"] = "app:listen { port = 0 }",
      ["a set of keys"] = "require('rille.crypto').keys('x')",
      ["an encoder"] = "require('rille.compress').encoder('gzip')",
    }
    for kind, maker in pairs(makers) do
      assert_found(("'it' is %s and cannot leave its domain; it is captured"):format(kind),
        ("local it = %s\nrille.detach(function() return it end)"):format(maker))
    end
  end)

  it("finds requests, responses and connections of handlers", function()
    assert_found("'res' is a response", [[
      app:post("/", function(_, res) rille.submit(function() res.status = 1 end) end)]])
    assert_found("'conn' is a connection", [[
      local function serve(conn) rille.detach(function() return conn:peer() end) end
      net.listen("tcp://127.0.0.1:0", serve)]])
  end)

  it("finds them behind functions and tables that are captured along", function()
    assert_found("'log' is a file", [[
      local log = io.open "x"
      local function write() log:write "x" end
      local tools = { { 1 }, write = function() write() end }
      rille.detach(function() tools.write() end)]])
  end)

  it("finds them among the arguments, also of a job", function()
    assert_found("'conn' is a connection and cannot leave its domain, as an argument of what is "
      .. "submitted", [[
      net.listen("tcp://127.0.0.1:0", function(conn) rille.submit(print, 1, conn) end)]])
    assert_found("this is a file and cannot leave its domain, as an argument", [[
      local job = rille.job(function(file) return file end)
      job(io.open "x")]])
  end)

  it("finds values that would be lost", function()
    assert_found("'count' is assigned in the function that is detached on line 5, which has a copy",
      "local count = 0\nrille.detach(function() count = count + 1 end)\nprint(count)")
  end)

  it("finds the functions by other names", function()
    assert_found("'x' is a global", [[
      local ship, work = rille.detach, function() return x end
      ship(work)]])
    assert_found("'x' is a global", "require('rille').detach(function() return x end)")
    assert_found("'x' is a global", [[
      local domains = require "rille.domains"
      domains.on_start(function() return x end)]])
  end)

  it("is silent about what may be good", function()
    assert_nothing [[
      local detach = require("detach").detach
      detach(function() return x end)                    -- another module's
      local it = io.open "x"
      it = 7                                             -- is no file any more
      rille.detach(function(req, conn) return it, req, conn end, 1, 2)
      local seen, channel = {}, rille.channel(1)
      rille.detach(function() seen.x = 1 channel:send(io.stdout ~= nil) end)
      local function get(_, _, handler) return handler end
      get("/", 1, function(req) rille.detach(function() return req end) end)
      rille.detach(function() rille.run_in_main(function() return main_only end) end)
      app:get("/:n", function(req) return rille.detach(tostring, req.params.n) end)]]
  end)
end)
