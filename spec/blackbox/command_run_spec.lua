-- `rille run`, scripts that are named like commands, and `rille --watch`.

local process = require "spec.support.process"
local folders = require "spec.support.folder"

local function run(...)
  return process.run { files = { ["new"] = "print('script', ...)" }, ... }
end

describe("rille run", function()
  it("runs a script, with options and arguments", function()
    local result = process.run {
      "run", "--grace", "1", "app.lua", "a", "--version",
      files = { ["app.lua"] = "print(arg[0], ...)" },
    }
    assert.equal("app.lua\ta\t--version\n", result.stdout)
    assert.equal(0, result.status)
  end)

  it("runs what -e says", function()
    assert.equal("42\tx\n", run("run", "-e", "print(6 * 7, ...)", "x").stdout)
  end)

  it("runs a script that is named like a command, as a path does", function()
    assert.equal("script\t1\n", run("run", "new", "1").stdout)
    assert.equal("script\t1\n", run("./new", "1").stdout)
    assert.matches("missing argument 'name'", run("new").stderr, 1, true)
  end)

  it("wants a script", function()
    local result = run "run"
    assert.equal("rille: no script given\nTry 'rille --help'.\n", result.stderr)
    assert.equal(1, result.status)
  end)
end)

describe("a command that there is not", function()
  it("is an error that says what was meant", function()
    local meant = { tset = "test", chekc = "check", bnch = "bench", nwe = "new", rnu = "run",
      rpl = "repl" }
    for word, command in pairs(meant) do
      local result = run(word)
      assert.equal(("rille: no command '%s', and no file of that name; did you mean '%s'?\n")
        :format(word, command) .. "Try 'rille --help'.\n", result.stderr)
      assert.equal(1, result.status)
    end
  end)

  it("is not taken for one that it is unlike", function()
    assert.equal("rille: no command 'frobnicate', and no file of that name\n"
      .. "Try 'rille --help'.\n", run("frobnicate").stderr)
  end)

  it("may be a script, with or without an ending", function()
    local files = { ["serve"] = "print 'served'" }
    assert.equal("served\n", process.run({ "serve", files = files }).stdout)
    assert.matches("cannot read serve.lua", run("serve.lua").stderr, 1, true)
  end)
end)

describe("rille --watch", function()
  local SCRIPT = [[
    local rille = require "rille"
    print((require "lib.word"), ...)
    io.stdout:flush()
    if arg[1] ~= "short" then rille.sleep(60) end
  ]]

  local function watch(folder, ...)
    return process.start { directory = folder.path, seconds = 60, ... }
  end

  local folder, self
  before_each(function()
    folder = folders.new { ["app.lua"] = SCRIPT, ["lib/word.lua"] = "return 'first'" }
  end)
  after_each(function()
    if self.pipe then
      self:signal "TERM"
      self:wait()
    end
    folder:remove()
  end)

  it("starts the script again when it has changed, with its arguments", function()
    self = watch(folder, "--watch", "app.lua", "x", "--y")
    assert.equal("first\tx\t--y", self:line())
    folder:write("app.lua", SCRIPT:gsub("print%(", "print('again', "))
    assert.equal("again\tfirst\tx\t--y", self:line())
  end)

  it("does so when a module has changed, also one that a task has loaded", function()
    folder:write("app.lua", [[
      local rille = require "rille"
      print(rille.detach(function() return (require "lib.word") end))
      rille.sleep(60)
    ]])
    self = watch(folder, "run", "--watch", "app.lua")
    assert.equal("first", self:line())
    folder:write("lib/word.lua", "return 'second'")
    assert.equal("second", self:line())
  end)

  it("follows an editor that writes another file and renames it", function()
    self = watch(folder, "--watch", "app.lua")
    assert.equal("first", self:line())
    for _, word in ipairs { "second", "third" } do
      folder:write("lib/.word.lua.swp", ("return '%s'"):format(word))
      os.rename(folder:at "lib/.word.lua.swp", folder:at "lib/word.lua")
      assert.equal(word, self:line())
    end
  end)

  it("waits until a change is whole", function()
    self = watch(folder, "--watch", "app.lua")
    assert.equal("first", self:line())
    os.remove(folder:at "lib/word.lua")
    for i = 1, 6 do
      folder:write("app.lua", SCRIPT .. "--" .. i)
      os.execute "sleep 0.05"
    end
    folder:write("lib/word.lua", "return 'whole'")
    assert.equal("whole", self:line())
  end)

  it("waits for the next change after a mistake, and after the end", function()
    folder:write("app.lua", "local = 1")
    self = watch(folder, "--watch", "app.lua", "short")
    os.execute "sleep 0.5"
    folder:write("app.lua", SCRIPT)
    assert.equal("first\tshort", self:line())
    os.execute "sleep 0.3"
    folder:write("lib/word.lua", "return 'second'")
    assert.equal("second\tshort", self:line())
    self:signal "TERM"
    local result = self:wait()
    assert.matches("app.lua:1: .*ended with status 1; a change starts it again.*"
      .. "app.lua has changed.*has ended; a change starts it again", result.stderr)
    assert.equal(143, result.status)
  end)

  it("sees that a module is mended which did not compile, and one that was missing", function()
    folder:write("lib/word.lua", "return (")
    self = watch(folder, "--watch", "app.lua", "short")
    os.execute "sleep 0.5"
    folder:write("lib/word.lua", "return require 'lib.other'")
    os.execute "sleep 0.5"
    folder:write("lib/other.lua", "return 'mended'")
    assert.equal("mended\tshort", self:line())
  end)

  it("ends the script when it is ended", function()
    folder:write("app.lua", [[
      print(io.open("/proc/self/stat"):read "n")
      require("rille").sleep(60)
    ]])
    self = watch(folder, "--watch", "app.lua")
    local pid = self:line()
    self:signal "TERM"
    assert.equal(143, self:wait().status)
    local probe = process.run { "-c", "for i in $(seq 100); do kill -0 " .. pid
      .. " 2>/dev/null || exit 0; sleep 0.05; done; exit 1", program = "sh" }
    assert.equal(0, probe.status)
  end)

  it("wants a file", function()
    self = watch(folder, "--watch", "-e", "print(1)")
    local result = self:wait()
    assert.equal("rille: --watch wants a script that is a file\nTry 'rille --help'.\n",
      result.stderr)
    assert.equal(1, result.status)
  end)
end)
