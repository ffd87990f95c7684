-- `rille test`: specs in a fiber.

local process = require "spec.support.process"

local function test(files, ...)
  return process.run { files = files, "test", ... }
end

local WAITS = [[
  local rille = require "rille"
  local unit = 7
  describe("a spec", function()
    it("waits", function()
      local task = rille.spawn(function() rille.sleep(0.01) return unit end)
      assert.equal(7, task:await())
    end)
    it("detaches what it has captured", function()
      assert.equal(14, rille.detach(function() return unit * tonumber "2" end))
    end)
  end)
]]

-- A stand-in for luacov, which Debian does not have: it tells what its hook saw.
local LUACOV = [[
  local runner = { configuration = { exclude = {} } }
  local seen = {}
  function runner.debug_hook(_, line)
    local source = debug.getinfo(2, "S").short_src
    if source:find "site" and not seen[line] then
      seen[line] = true
      io.stderr:write("saw ", line, "\n")
    end
  end
  return setmetatable(runner, { __call = function() debug.sethook(runner.debug_hook, "l") end })
]]

describe("rille test", function()
  it("runs the specs in spec/", function()
    local result = test { ["spec/a_spec.lua"] = WAITS, ["spec/other.lua"] = "error 'no spec'" }
    assert.equal("", result.stderr)
    assert.matches("2 successes / 0 failures / 0 errors", result.stdout, 1, true)
    assert.equal(0, result.status)
  end)

  it("runs the files that it is given, with busted's options", function()
    local result = test({ ["a_spec.lua"] = WAITS }, "--output=TAP", "--filter=waits", "a_spec.lua")
    assert.equal("ok 1 - a spec waits\n1..1\n", result.stdout)
    assert.equal(0, result.status)
  end)

  it("ends with status 1 after a failure, and shows the line", function()
    local result = test {
      ["spec/a_spec.lua"] = "it('fails', function()\n assert.equal(1, 2)\nend)",
    }
    assert.matches("0 successes / 1 failure", result.stdout, 1, true)
    assert.matches("spec/a_spec.lua:2", result.stdout, 1, true)
    assert.equal(1, result.status)
  end)

  it("ends with status 1 when a spec does not compile", function()
    local result = test { ["spec/a_spec.lua"] = "it('fails', " }
    assert.matches("a_spec.lua:1:", result.stdout, 1, true)
    assert.equal(1, result.status)
  end)

  it("ends with status 1 when there is no spec", function()
    local result = test {}
    assert.matches("spec", result.stdout, 1, true)
    assert.equal(1, result.status)
  end)

  it("says so when luacov is wanted and not there", function()
    local result = test({ ["spec/a_spec.lua"] = WAITS }, "--coverage")
    assert.matches("^rille test: error: LuaCov not found", result.stderr)
    assert.equal(1, result.status)
  end)

  it("explains itself, and refuses options that there are not", function()
    local result = test({}, "--help")
    assert.matches("^Usage: rille test ", result.stdout)
    assert.equal(0, result.status)
    result = test({}, "--nonsense")
    assert.matches("^rille test: error: .*nonsense", result.stderr)
    assert.equal(1, result.status)
  end)

  it("counts the lines that run in fibers and handlers", function()
    local result = test({
      ["luacov/runner.lua"] = LUACOV,
      ["site.lua"] = [[
        local rille = require "rille"
        local app = require("rille.http").app()
        app:get("/", function()
          return "line 4"
        end)
        function app.spawned()
          return rille.spawn(function()
            return "line 8"
          end)
        end
        return app]],
      ["spec/a_spec.lua"] = [[it("asks", function()
        local app = require "site"
        assert.equal("line 4", app:inject("/").body)
        assert.equal("line 8", app.spawned():await())
      end)]],
    }, "--coverage")
    assert.equal(0, result.status)
    assert.matches("saw 4\n", result.stderr, 1, true)
    assert.matches("saw 8\n", result.stderr, 1, true)
  end)
end)
