-- The program's command line, its surroundings for a script, and its exit status.

local process = require "spec.support.process"

local function run(script, ...)
  return process.run { script = script, ... }
end

describe("the program", function()
  describe("options", function()
    it("prints its version with --version", function()
      local result = process.run { "--version" }
      assert.matches("^[Rr]ille %d+%.%d+", result.stdout)
      assert.equal(0, result.status)
    end)

    it("explains its options with --help", function()
      local result = process.run { "--help" }
      assert.matches("[Uu]sage", result.stdout)
      for _, option in ipairs { "%-e", "%-%-version", "%-%-help", "%-%-grace" } do
        assert.matches(option, result.stdout)
      end
      for line in result.stdout:gmatch "[^\n]+" do assert.is_true(#line <= 80, line) end
      assert.equal(0, result.status)
    end)

    it("runs the code given with -e", function()
      local result = process.run { "-e", "print(6 * 7)" }
      assert.equal("42\n", result.stdout)
      assert.equal(0, result.status)
    end)

    it("runs standard input for -", function()
      local result = process.run { "-", input = "print('from', 'input')" }
      assert.equal("from\tinput\n", result.stdout)
    end)

    it("gives the arguments after - to the script", function()
      local result = process.run { "-", "one", input = "print(arg[0], arg[1], ...)" }
      assert.equal("-\tone\tone\n", result.stdout)
    end)

    it("refuses an option that it does not know", function()
      local result = process.run { "--nonsense" }
      assert.matches("%-%-nonsense", result.stderr)
      assert.equal("", result.stdout)
      assert.equal(1, result.status)
    end)

    it("says which option may have been meant", function()
      local meant = {
        ["--wathc"] = "watch", ["--lops=2"] = "loops", ["--controll"] = "control",
        ["--garce"] = "grace", ["--verson"] = "version", ["--simulat3"] = "simulate",
      }
      for word, option in pairs(meant) do
        local result = process.run { word, "1", "app.lua" }
        local hint = ("Did you mean '--%s'?\nTry 'rille --help'.\n"):format(option)
        assert.matches(hint, result.stderr, 1, true)
        assert.equal(1, result.status)
      end
      assert.is_nil(process.run({ "--nonsense" }).stderr:find "Did you mean")
      assert.is_nil(process.run({ "--grace" }).stderr:find "Did you mean") -- it lacks a number
    end)

    it("refuses -e without code", function()
      local result = process.run { "-e" }
      assert.matches("argument", result.stderr)
      assert.equal(1, result.status)
    end)

    it("refuses a second -e, rather than run one of them only", function()
      local result = process.run { "-e", "print(1)", "-e", "print(2)" }
      assert.equal("", result.stdout)
      assert.matches("more than one %-e", result.stderr)
      assert.equal(1, result.status)
    end)
  end)

  describe("arg", function()
    it("holds the script's arguments from 1 on", function()
      local result = run([[print(#arg, arg[1], arg[2])]], "a b", "--version")
      assert.equal("2\ta b\t--version\n", result.stdout)
    end)

    it("holds the script's name at 0", function()
      assert.equal("script.lua\n", run("print(arg[0])").stdout)
    end)

    it("holds the program at -1", function()
      assert.equal(process.program .. "\n", run("print(arg[-1])").stdout)
    end)

    it("counts the program's own options downwards", function()
      local result = process.run {
        "--grace", "1", "main.lua", "x",
        files = { ["main.lua"] = "print(arg[-1], arg[-2], arg[1])" },
      }
      assert.equal("1\t--grace\tx\n", result.stdout)
    end)

    it("reaches the script as ... too", function()
      assert.equal("2\tb\n", run("print(select('#', ...), (select(2, ...)))", "a", "b").stdout)
    end)
  end)

  describe("a script", function()
    it("runs in a fiber: it can wait at top level", function()
      local result = run [[
        local rille = require "rille"
        local before = rille.now()
        rille.sleep(0.05)
        print(rille.now() - before >= 0.05)
      ]]
      assert.equal("true\n", result.stdout)
    end)

    it("may begin with a line for the shell", function()
      assert.equal("ran\n", run("#!/usr/bin/env rille\nprint 'ran'").stdout)
    end)

    it("finds modules beside itself, wherever the program was started", function()
      local result = process.run {
        "app/main.lua",
        files = {
          ["app/main.lua"] = "print((require 'beside'))",
          ["app/beside.lua"] = "return 'found'",
        },
      }
      assert.equal("found\n", result.stdout)
    end)

    it("finds a package's init.lua beside itself", function()
      local result = process.run {
        "app/main.lua",
        files = {
          ["app/main.lua"] = "print((require 'kit'))",
          ["app/kit/init.lua"] = "return 'kit'",
        },
      }
      assert.equal("kit\n", result.stdout)
    end)

    it("finds modules beside itself in its tasks", function()
      local result = process.run {
        "app/main.lua",
        files = {
          ["app/main.lua"] = [[
            local rille = require "rille"
            print(rille.detach(function() return require("beside").answer() end))
          ]],
          ["app/beside.lua"] = "return { answer = function() return 42 end }",
        },
      }
      assert.equal("42\n", result.stdout)
    end)

    it("loads Lua modules written in C", function()
      local result = run [[
        local cjson, lfs = require "cjson", require "lfs"
        print(cjson.encode { 1, 2 }, lfs.attributes(".", "mode"))
      ]]
      assert.equal("[1,2]\tdirectory\n", result.stdout)
      assert.equal("", result.stderr)
    end)

    it("loads Lua modules written in C in its tasks", function()
      local result = run [[
        local rille = require "rille"
        print(rille.detach(function()
          local cjson, lfs = require "cjson", require "lfs"
          return cjson.encode { 1, 2 }, lfs.attributes(".", "mode")
        end))
      ]]
      assert.equal("[1,2]\tdirectory\n", result.stdout)
    end)

    it("leaves the standard libraries as they are in lua", function()
      local result = run [[
        for name in ("string table math io os utf8 debug coroutine"):gmatch "%w+" do
          assert(type(_G[name]) == "table", name)
        end
        print(_VERSION)
      ]]
      assert.equal("Lua 5.4\n", result.stdout)
    end)
  end)

  describe("the end", function()
    it("is status 0 when the script has succeeded", function()
      local result = run "return 3"
      assert.equal(0, result.status)
      assert.equal("", result.stderr)
    end)

    it("waits for the fibers that still run", function()
      local result = run [[
        local rille = require "rille"
        rille.spawn(function()
          rille.sleep(0.1)
          print "fiber"
        end)
        print "script"
      ]]
      assert.equal("script\nfiber\n", result.stdout)
      assert.equal(0, result.status)
    end)

    it("waits for the tasks that still run", function()
      local result = run [[
        local rille = require "rille"
        rille.submit(function()
          rille.sleep(0.1)
          rille.run_in_main(function() print "task" end)
        end)
        print "script"
      ]]
      assert.equal("script\ntask\n", result.stdout)
      assert.equal(0, result.status)
    end)

    it("is a deadlock error when the script waits for what cannot come", function()
      local result = run [[
        local rille = require "rille"
        local a, b
        a = rille.spawn(function() b:await() end)
        b = rille.spawn(function() a:await() end)
        a:await()
      ]]
      assert.matches("deadlock", result.stderr)
      assert.matches("script%.lua:5:", result.stderr)
      assert.equal(1, result.status)
    end)
  end)

  describe("a script that fails", function()
    it("ends the program with status 1", function()
      assert.equal(1, run("error 'no'").status)
    end)

    it("has its error and traceback on standard error", function()
      local result = run [[
        local function broken()
          error "it broke"
        end
        print "so far"
        broken()
      ]]
      assert.equal("so far\n", result.stdout)
      assert.matches("script%.lua:2: it broke\n", result.stderr)
      assert.matches("stack traceback:\n", result.stderr)
      assert.matches("in .*'broken'", result.stderr)
      assert.matches("script%.lua:5: in main chunk", result.stderr)
    end)

    it("fails after a wait in the same way", function()
      local result = run [[
        require("rille").sleep(0.01)
        error "late"
      ]]
      assert.matches("script%.lua:2: late\nstack traceback:\n", result.stderr)
      assert.equal(1, result.status)
    end)

    it("is reported by its error object's __tostring", function()
      local result = run [[
        error(setmetatable({}, { __tostring = function() return "a speaking object" end }))
      ]]
      assert.matches("a speaking object", result.stderr)
      assert.equal(1, result.status)
    end)

    it("is reported when its error object says nothing", function()
      local result = run "error { code = 7 }"
      assert.matches("table", result.stderr)
      assert.equal(1, result.status)
    end)

    it("is reported when the error is nil", function()
      local result = run "error()"
      assert.matches("nil", result.stderr)
      assert.equal(1, result.status)
    end)

    it("has the line of a syntax error", function()
      local result = run "local x = 1\nlocal = 2\n"
      assert.matches("script%.lua:2:", result.stderr)
      assert.equal(1, result.status)
    end)

    it("has nothing else where there is a control socket", function()
      local result = process.run {
        files = { ["broken.lua"] = "local = 2\n" }, "--control", "control", "broken.lua",
      }
      assert.matches("^rille: broken%.lua:1:[^\n]*\n$", result.stderr)
      assert.equal(1, result.status)
    end)

    it("names a script that is not there", function()
      local result = process.run { "missing.lua" }
      assert.matches("missing%.lua", result.stderr)
      assert.equal(1, result.status)
    end)

    it("runs its to-be-closed variables", function()
      local result = run [[
        local guard <close> = setmetatable({}, { __close = function() print "closed" end })
        error "no"
      ]]
      assert.equal("closed\n", result.stdout)
    end)
  end)

  describe("os.exit", function()
    it("ends the program with the status it is given", function()
      assert.equal(7, run("os.exit(7)").status)
    end)

    it("takes true and false for success and failure", function()
      assert.equal(0, run("os.exit(true)").status)
      assert.equal(1, run("os.exit(false)").status)
    end)

    it("flushes what was written", function()
      local result = run [[
        io.stdout:setvbuf "full"
        io.write "unfinished line"
        os.exit(0)
      ]]
      assert.equal("unfinished line", result.stdout)
    end)

    it("runs finalizers", function()
      local result = run [[
        held = setmetatable({}, { __gc = function() print "finalized" end })
        os.exit(0)
      ]]
      assert.equal("finalized\n", result.stdout)
    end)

    it("closes the variables of the script before it runs finalizers", function()
      local result = run [[
        held = setmetatable({}, { __gc = function() print "finalized" end })
        local guard <close> = setmetatable({}, { __close = function() print "closed" end })
        os.exit(0)
      ]]
      assert.equal("closed\nfinalized\n", result.stdout)
    end)

    it("ends the program from a fiber while the script waits", function()
      local result = run [[
        local rille = require "rille"
        rille.spawn(function() os.exit(5) end)
        rille.sleep(60)
      ]]
      assert.equal(5, result.status)
      assert.equal("", result.stderr)
    end)

    it("does not wait for fibers", function()
      local result = run [[
        local rille = require "rille"
        rille.spawn(function() rille.sleep(60) print "never" end)
        rille.sleep(0)
        os.exit(3)
      ]]
      assert.equal("", result.stdout)
      assert.equal(3, result.status)
    end)

    it("ends the program from where Lua cannot be suspended, too", function()
      local result = run [[
        table.sort({ 2, 1 }, function() os.exit(4) end)
        print "still here"
      ]]
      assert.equal("", result.stdout)
      assert.equal(4, result.status)
    end)

    it("never returns", function()
      local result = run [[
        pcall(os.exit, 4)
        print "still here"
      ]]
      assert.equal("", result.stdout)
      assert.equal(4, result.status)
    end)
  end)

  describe("its output", function()
    it("reaches a reader that leaves early without killing the program", function()
      local result = process.run {
        "-c", "{ " .. process.program .. " main.lua; echo $? >status; } | head -n 1; cat status",
        files = { ["main.lua"] = "for i = 1, 100000 do print(i) end" },
        program = "sh",
      }
      assert.equal("1\n0\n", result.stdout)
    end)
  end)
end)
