-- `rille repl`: what is typed, what is shown; at a terminal, from a file, in a running server.

local folders = require "spec.support.folder"
local process = require "spec.support.process"
local terminal = require "spec.support.terminal"
local work = require "spec.support.work"

local stops = os.getenv "RILLE_BUILD" ~= "tsan" -- this sanitizer delays signals
local SPINS = stops and "while true do end" or "while true do rille.sleep(0) end"

local function repl(input, ...)
  return process.run { "repl", input = input, ... }
end

describe("rille repl", function()
  it("shows the values of expressions, in a readable form", function()
    local result = repl [[
1 + 1, nil
="a\n\0", "ü", "\255"
{ 1, 2, name = "x", [10] = { deep = {} }, ["end"] = true, ["a b"] = 1.5 }
local t = {} t.t = t return t
x = 7
x
setmetatable({}, { __tostring = function() return "speaks" end })
setmetatable({}, { __tostring = error })
]]
    assert.equal([[
2
nil
"a\n\x00"
"ü"
"\xFF"
{ 1, 2, [10] = { deep = {} }, ["a b"] = 1.5, ["end"] = true, name = "x" }
{ t = (itself) }
7
speaks
table whose __tostring fails
]], result.stdout)
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
  end)

  it("breaks what is long, and cuts what is very long", function()
    local result = repl [[
{ ("x"):rep(50), ("y"):rep(50) }
local t = {} for i = 1, 1000 do t[i] = 1 end return t
("z"):rep(5000)
]]
    local x, y = ("x"):rep(50), ("y"):rep(50)
    assert.matches(('^{\n  "%s",\n  "%s",\n}\n'):format(x, y), result.stdout)
    assert.matches("\n  ... 800 more,\n}\n", result.stdout, 1, true)
    assert.matches('zzz" .. 1000 bytes more\n$', result.stdout)
  end)

  it("takes statements of several lines", function()
    local result = repl "for i = 1, 2 do\n  print(i)\nend\n\nif true\nthen print 'three' end\n"
    assert.equal("1\n2\nthree\n", result.stdout)
  end)

  it("waits, and detaches what was typed before", function()
    local result = repl [[
rille.sleep(0.01)
function square(n) return n * n end
rille.detach(square, 8)
rille.spawn(print, "from a fiber"):await()
]]
    assert.equal("64\nfrom a fiber\n", result.stdout)
    assert.equal("", result.stderr)
  end)

  it("shows errors with tracebacks that end at the prompt, and goes on", function()
    local result = repl [[
function broken() error "it broke" end
local x = broken() return x
error { code = 7 }
)
rille.detach(function() error "far away" end)
"still here"
]]
    assert.matches("^prompt:1: it broke\nstack traceback:\n\t%[C%]: in function 'error'\n"
      .. "\tprompt:1: in function 'broken'\n\tprompt:1: in main chunk\nerror: { code = 7 }\n",
      result.stderr)
    assert.matches("prompt:1: unexpected symbol near ')'\n", result.stderr, 1, true)
    assert.matches("far away\n.*detached at:\n\tprompt:1: in main chunk\n$", result.stderr)
    assert.equal('"still here"\n', result.stdout)
    assert.equal(1, result.status)
  end)

  it("lets the loop go on while a program writes what is to be run", function()
    local result = process.run {
      program = "sh", "-c", "{ echo \"$0\"; sleep 0.3; echo 2; printf 3; } | " .. process.program
        .. " repl",
      "rille.spawn(function() rille.sleep(0.05) print(1) end) return",
    }
    assert.equal("1\n2\n3\n", result.stdout)
    assert.equal("", result.stderr)
  end)

  it("says what was not finished", function()
    local result = repl "print(1\n"
    assert.equal("the input ends within: print(1\n", result.stderr)
    assert.equal(1, result.status)
  end)
end)

describe("rille repl at a terminal", function()
  local self

  before_each(function()
    self = terminal.start { "repl", before = "export RILLE_HISTORY=history;" }
    self:expect "> "
  end)
  after_each(function() self:__close() end)

  it("runs lines, and ends with the input", function()
    self:type "6 * 7\r"
    self:expect "42\n> "
    self:type "\4"
    assert.matches("Script done", self:finish())
  end)

  it("lets the loop go on while somebody types", function()
    self:type "rille.spawn(function() rille.sleep(0.05) print 'mean' print 'while' end)\r"
    self:expect "task (running)"
    self:type "x = "
    self:expect "mean\nwhile\n"
    self:type "5\r"
    self:expect "> "
    self:type "x\r"
    self:expect "5\n> "
  end)

  it("edits lines, remembers them, and those of the last time", function()
    self:type "'ax\127d'\27[D\27[Dbc\r"
    self:expect "\"abcd\"\n"
    self:type "\27[A\r"
    self:expect "\"abcd\"\n> "
    local again <close> = terminal.start {
      "repl", before = "export RILLE_HISTORY=" .. self.home .. "/history;",
    }
    again:expect "> "
    again:type "\27[A\r"
    again:expect "\"abcd\"\n> "
  end)

  it("goes on in the next line, and drops what Ctrl-C is pressed in", function()
    self:type "print(\r"
    self:expect ">> "
    self:type "'two lines')\r"
    self:expect "two lines\n> "
    self:type "print(\r"
    self:expect ">> "
    self:type "'dropped'\3"
    self:expect "^C\n> "
    self:type "'new'\r"
    self:expect "\"new\"\n> "
  end)

  it("completes names and methods", function()
    self:type "coroutine.isy\t()\r"
    self:expect "coroutine.isyieldable()"
    self:expect "false\n> "
    self:type "math.t\t"
    self:expect "tan"
    self:expect "tointeger"
    self:expect "> math.t"
    self:type "oi\t(7.0)\r"
    self:expect "7\n> "
  end)

  it("ends by Ctrl-C what runs, where it waits or computes, and keeps the rest", function()
    for _, line in ipairs {
      "rille.sleep(60)", SPINS,
      "rille.detach(function() rille = require 'rille' " .. SPINS .. " end)",
      "while true do pcall(function() " .. SPINS .. " end) end",
      "while true do pcall(rille.sleep, 60) end",
    } do
      self:type "x = (x or 0) + 1\r"
      self:expect "> "
      self:type(line .. "\r")
      self:expect "\n"
      os.execute "sleep 0.1"
      self:type "\3"
      self:expect "interrupted"
      self:expect "\n> "
    end
    self:type "x\r"
    self:expect "5\n> "
  end)

  it("ends a fiber that holds up the prompt", function()
    if not stops then pending "this sanitizer delays signals" end
    self:type "rille.spawn(function() while true do end end)\r"
    self:expect "\n"
    os.execute "sleep 0.1"
    self:type "\3"
    self:expect "task ("
    self:type "'here'\r"
    self:expect "\"here\"\n> "
  end)

  it("ends by Ctrl-C twice at an empty prompt, and gives the terminal back", function()
    self:type "\3"
    self:expect "^C\n(Ctrl-C again, or Ctrl-D, ends the prompt)\n> "
    self:type "x"
    self:expect "x"
    self:type "\3"
    self:expect "^C\n> "
    self:type "\3"
    self:expect "ends the prompt)\n> "
    self:type "\3"
    assert.matches('COMMAND_EXIT_CODE="0"', self:finish(), 1, true)
  end)

  it("ends for SIGTERM, wherever it is", function()
    self:type "io.open('/proc/self/stat'):read 'n'\r"
    self:expect "\n> "
    self:type "rille.sleep(60)\r"
    self:expect "rille.sleep(60)\n"
    os.execute("kill -TERM " .. self:shown():match "\n(%d+)\n> ")
    assert.matches('COMMAND_EXIT_CODE="143"', self:finish(), 1, true)
  end)
end)

describe("rille --control", function()
  local SCRIPT = [[
    local rille = require "rille"
    visitors = 3
    print "up"
    io.stdout:flush()
    rille.sleep(60)
  ]]

  local folder
  before_each(function() folder = folders.new { ["app.lua"] = SCRIPT } end)
  after_each(function() folder:remove() end)

  local function start(...)
    local self = process.start { directory = folder.path, seconds = 60, ... }
    return self, self:line()
  end

  local function attach(input, path)
    return process.run {
      "repl", "--attach", path or "control", directory = folder.path, input = input,
    }
  end

  it("lets its owner in, who sees and changes what runs", function()
    local _ <close>, line = start("--control", "control", "--loops", "2", "app.lua", "x")
    assert.equal("up", line)
    local result = attach "visitors, arg[1]\nvisitors = visitors + 1\nfor i = 1, 2\ndo end\n"
    assert.equal('3\n"x"\n', result.stdout)
    assert.equal("", result.stderr)
    assert.equal("4\n", attach("visitors").stdout)
    assert.equal('"\\xFF"\n', attach("'\\255'").stdout)
    local failed = attach "error 'no'"
    assert.matches("^prompt:1: no\nstack traceback:\n", failed.stderr)
    assert.equal(1, failed.status)
  end)

  it("leaves the script's arg, modules and tracebacks as they are", function()
    folder:write("lib/beside.lua", "return 'found'")
    folder:write("lib/app.lua", "print(arg[0], arg[1], ..., (require 'beside'))\nerror 'here'")
    local self = start("--control", "control", "lib/app.lua", "x")
    local result = self:wait()
    assert.equal("", result.stdout)
    assert.matches("rille: lib/app.lua:2: here\n", result.stderr, 1, true)
    assert.equal(1, result.status)
    local text = process.run {
      directory = folder.path, "--control", "control", "-e", "print(arg[0], ...)", "y",
    }
    assert.equal("-e\ty\n", text.stdout)
    local missing = process.run { directory = folder.path, "--control", "control", "no.lua" }
    assert.matches("rille: cannot read no.lua: No such file or dir", missing.stderr, 1, true)
  end)

  it("does not keep a program from ending, and leaves no socket", function()
    folder:write("app.lua", "print 'done'")
    local result = process.run {
      directory = folder.path, "--control", "control", "app.lua", seconds = 10,
    }
    assert.equal("done\n", result.stdout)
    assert.equal(0, result.status)
    assert.is_nil(io.open(folder:at "control"))
  end)

  it("makes a socket that only its owner may open", function()
    local _ <close> = start("--control", "control", "app.lua")
    local pipe <close> = assert(io.popen(("stat -c %%A '%s'"):format(folder:at "control")))
    assert.equal("srw-------", pipe:read "l")
  end)

  it("refuses everybody else", function()
    local _ <close> = start("--control", "control", "app.lua")
    os.execute(("cp '%s' '%s'; chmod 755 '%s'"):format(process.program, folder:at "rille",
      folder.path))
    local as_nobody = process.run {
      program = "sh", directory = folder.path, input = "visitors",
      "-c", [[if [ "$(id -u)" = 0 ]; then
          exec setpriv --reuid=65534 --regid=65534 --clear-groups ./rille repl --attach control
        else
          chmod 0 control; exec ./rille repl --attach control
        fi]],
    }
    assert.equal("rille repl: control: only the owner of the server may open it\n",
      as_nobody.stderr)
    assert.equal("", as_nobody.stdout)
    assert.equal(1, as_nobody.status)
  end)

  it("refuses them also where the file is open to them", function()
    local _ <close> = start("--control", "control", "app.lua")
    os.execute(("cp '%s' '%s'; chmod 755 '%s'; chmod 777 '%s'"):format(process.program,
      folder:at "rille", folder.path, folder:at "control"))
    local result = process.run {
      program = "sh", directory = folder.path, input = "visitors",
      "-c", [[
        [ "$(id -u)" = 0 ] ||
          exec echo "rille repl: control: only the owner of the server is let in" >&2
        exec setpriv --reuid=65534 --regid=65534 --clear-groups ./rille repl --attach control]],
    }
    assert.equal("rille repl: control: only the owner of the server is let in\n", result.stderr)
  end)

  it("wants a directory of one's own", function()
    folder:write("shared/x", "")
    os.execute(("chmod 777 '%s'"):format(folder:at "shared"))
    for path, wrong in pairs {
      ["shared/control"] = "shared must be a directory of your own, which nobody else can write to",
      ["missing/control"] = "missing: No such file or directory",
      ["app.lua/control"] = "app.lua must be a directory of your own",
    } do
      local result = process.run { directory = folder.path, "--control", path, "app.lua" }
      assert.equal("rille: --control: " .. wrong, result.stderr:sub(1, #wrong + 18))
      assert.is_nil(result.stderr:find("traceback", 1, true))
      assert.equal("", result.stdout)
      assert.equal(1, result.status)
    end
  end)

  it("is told apart from a socket that nobody serves, and from none", function()
    assert.equal("rille repl: control: nothing is there; start the server with --control control\n",
      attach("1").stderr)
    local self = start("--control", "control", "app.lua")
    self:signal "KILL"
    self:wait()
    local result = attach "1"
    assert.equal("rille repl: control: nobody listens there; start the server with --control "
      .. "control\n", result.stderr)
    assert.equal(1, result.status)
  end)

  it("says when the server has ended in between", function()
    local self <close> = start("--control", "control", "app.lua")
    local result = attach "os.exit(3)\n1\n"
    assert.matches("^rille repl: control: ", result.stderr)
    assert.equal(1, result.status)
    assert.equal(3, self:wait().status)
  end)

  it("lets Ctrl-C end what runs for this client, and only that", function()
    local server <close> = start("--control", "control", "app.lua")
    local self <close> = terminal.start { "repl", "--attach", "control", directory = folder.path,
      before = "export RILLE_HISTORY=history;" }
    self:expect "> "
    for _, line in ipairs { "rille.sleep(60)", "rille.detach(require 'rille'.sleep, 60)" } do
      self:type(line .. "\r")
      self:expect(line .. "\n")
      os.execute "sleep 0.1"
      self:type "\3"
      self:expect "interrupted\n"
      self:expect "\n> "
    end
    self:type "visitors\r"
    self:expect "3\n> "
    self:type "\3\3"
    self:expect "ends the prompt)\n> "
    self:type "\3"
    assert.matches('COMMAND_EXIT_CODE="0"', self:finish(), 1, true)
    assert.equal("3\n", attach("visitors").stdout)
    assert.is_table(server)
  end)

  it("ends what runs for a client that leaves, and what holds the loop up for long", function()
    local _ <close> = start("--control", "control", "app.lua")
    local left = process.start { "repl", "--attach", "control", directory = folder.path,
      input = "local _ <close> = setmetatable({}, { __close = function() gone = true end }) "
        .. "waits = true rille.sleep(60)" }
    work.await(function() return attach("waits").stdout == "true\n" end, 20)
    left:signal "KILL"
    left:wait()
    work.await(function() return attach("gone").stdout == "true\n" end, 20)
    if not stops then return end
    local held = attach "while true do end"
    assert.matches("^prompt:1: held up the loop for more than 5.0 s\nstack traceback:\n\tprompt:1:",
      held.stderr)
  end)

  it("goes with scripts only", function()
    local simulated = process.run { "--simulate", "1", "--control", "x", "-e", "print(1)" }
    assert.equal("rille: --simulate has no sockets; --control does not go with it\n"
      .. "Try 'rille --help'.\n", simulated.stderr)
    local result = process.run { "--control", "x", "new", "y" }
    assert.equal("rille: --control goes with a script, not with the command new\n"
      .. "Try 'rille --help'.\n", result.stderr)
    assert.equal(1, result.status)
  end)
end)
