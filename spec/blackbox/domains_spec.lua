-- Domains as a fresh process shows them: defaults, affinity, an idle pool's use of the processor.

local process = require "spec.support.process"

local function printed(script, before)
  local result = process.run {
    script = "local rille = require 'rille'\nlocal domains = rille.domains\n" .. script,
    before = before,
  }
  assert.equal("", result.stderr)
  return (result.stdout:gsub("\n$", ""))
end

describe("the domains of a fresh program", function()
  it("have bounds from 0 to the recommended number", function()
    assert.equal("true\ttrue", printed [[
      local min, max = domains.get_bounds()
      print(min == 0, max == domains.recommended())
    ]])
  end)

  it("have a queue limit of 1000", function()
    assert.equal("1000", printed "print(domains.get_queue_limit())")
  end)

  it("are not started before the first task", function()
    assert.equal("0", printed "rille.sleep(0.05) print(domains.stats().domains)")
  end)

  it("are recommended by the processors that the process may use", function()
    assert.equal("1", printed("print(domains.recommended())", "taskset -cp 0 $$ >/dev/null;"))
  end)

  it("have counted nothing", function()
    assert.equal("0\t0\t0\t0", printed [[
      local stats = domains.stats()
      print(stats.submitted, stats.finished, stats.failed, stats.run.count)
    ]])
  end)

  it("hash strings alike, and as no other program does", function()
    local script = [[
      local function order()
        local set, keys = {}, {}
        for i = 1, 40 do set["key " .. i] = i end
        for key in pairs(set) do keys[#keys + 1] = key end
        return table.concat(keys, " ")
      end
      domains.set_bounds(2, 2)
      local here = order()
      for _ = 1, 20 do assert(rille.detach(order) == here) end
      print(here)
    ]]
    assert.not_equal(printed(script), printed(script))
  end)

  it("use no processor time while they are idle", function()
    local share = printed [[
      domains.set_bounds(2, 2)
      for _ = 1, 100 do rille.detach(function() end) end
      rille.sleep(1.5) -- the ticker looks on for a moment
      local cpu, wall = os.clock(), rille.now()
      rille.sleep(1)
      print((os.clock() - cpu) / (rille.now() - wall))
    ]]
    assert.is_true(tonumber(share) < 0.05)
  end)
end)

describe("a shared module of tasks", function()
  it("keeps its state on each domain, from task to task", function()
    local result = process.run {
      "main.lua",
      files = {
        ["main.lua"] = [[
          local rille = require "rille"
          rille.domains.set_bounds(1, 1)
          local function up() return require("count").up() end
          for _ = 1, 3 do io.write(rille.detach(up), " ") end
          print(up())
        ]],
        ["count.lua"] = "local n = 0 return { up = function() n = n + 1 return n end }",
      },
    }
    assert.equal("1 2 3 1\n", result.stdout)
  end)
end)
