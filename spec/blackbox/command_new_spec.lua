-- `rille new`: a project from nothing.

local folders = require "spec.support.folder"
local json = require "rille.json"
local net = require "rille.net"
local process = require "spec.support.process"
local raw_http = require "spec.support.raw_http"

local function run_in(directory, ...)
  return process.run { directory = directory, ... }
end

local function listing(path)
  local find = "cd '%s' && find . -mindepth 1 -printf '%%p %%s %%T@\\n' | sort"
  local pipe <close> = assert(io.popen(find:format(path)))
  return pipe:read "a"
end

describe("rille new", function()
  local folder, made

  setup(function()
    folder = folders.new { ["taken/notes.txt"] = "mine", ["file"] = "mine" }
    made = run_in(folder.path, "new", "shop")
  end)
  teardown(function() folder:remove() end)

  it("says what to do next", function()
    assert.equal("", made.stderr)
    assert.equal(0, made.status)
    assert.matches("rille test", made.stdout, 1, true)
  end)

  it("makes a project whose specs pass", function()
    local tested = run_in(folder:at "shop", "test")
    assert.matches("3 successes / 0 failures / 0 errors", tested.stdout, 1, true)
    assert.equal(0, tested.status)
  end)

  it("makes a project without warnings", function()
    local checked = process.run { "-q", ".", program = "luacheck", directory = folder:at "shop" }
    assert.matches("0 warnings / 0 errors in 3 files", checked.stdout:gsub("\27%[%d*m", ""))
  end)

  it("makes a project that serves", function()
    local server <close> = process.start { directory = folder:at "shop", "app.lua", "0" }
    local address = assert(server:line():match "^listening on (tcp://.*)")
    local conn <close> = net.connect(address)
    conn:write(raw_http.get "/")
    assert.equal("hello from shop\n", raw_http.read_answer(conn).body)
    conn:write(raw_http.get "/primes/1000")
    assert.same({ limit = 1000, primes = 168 }, json.decode(raw_http.read_answer(conn).body))
  end)

  it("leads editors to the types of Rille's modules", function()
    local file <close> = assert(io.open(folder:at "shop/.luarc.json"))
    local settings = json.decode(file:read "a")
    assert.equal("/usr/share/rille/types", settings["workspace.library"][1])
  end)

  it("names the project in what deploys it", function()
    local unit = assert(io.open(folder:at "shop/shop.service")):read "a"
    assert.matches("WorkingDirectory=/opt/shop\n", unit, 1, true)
    assert.is_nil(unit:find "%$")
  end)

  it("touches nothing that is there already", function()
    local before = listing(folder.path)
    for _, name in ipairs { "taken", "file", "shop" } do
      local result = run_in(folder.path, "new", name)
      assert.equal(("rille new: %s is there already; nothing was changed\n"):format(name),
        result.stderr)
      assert.equal(1, result.status)
    end
    assert.equal(before, listing(folder.path))
  end)

  it("leaves nothing of a project that it could not finish", function()
    local before = listing(folder.path)
    local result = process.run {
      directory = folder.path, before = "ulimit -f 1;", "new", "half",
    }
    assert.matches("^rille new: half/routes%.lua: File too large; nothing is left of it\n",
      result.stderr)
    assert.equal(1, result.status)
    assert.equal(before, listing(folder.path))
  end)

  it("refuses names that would not do as a directory and a service", function()
    for _, name in ipairs { "a/b", "..", "7up", "a b", "$(x)", "", ("x"):rep(65) } do
      local result = run_in(folder.path, "new", name)
      assert.matches("is no name: a letter first", result.stderr, 1, true)
      assert.equal(1, result.status)
    end
  end)

  it("wants one name", function()
    assert.matches("missing argument 'name'\nTry 'rille new --help'.\n",
      run_in(folder.path, "new").stderr, 1, true)
    assert.matches("too many arguments", run_in(folder.path, "new", "a", "b").stderr, 1, true)
    assert.matches("--nonsense", run_in(folder.path, "new", "--nonsense").stderr, 1, true)
  end)
end)
