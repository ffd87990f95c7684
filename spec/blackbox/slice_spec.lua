-- Slices in a fresh process, whose tasks are all that its pool has learned from.

local process = require "spec.support.process"

local PRELUDE <const> = [[
  local rille = require "rille"
  local LENGTH <const> = 0.03
  local function now() return rille.now() end
  local function spin(seconds) -- allocates, or the thread sanitizer does not let it be interrupted
    local box = { rille.now() + seconds }
    while rille.now() < box[1] do box = { box[1] } end
    return rille.now()
  end
  local function learn(count)
    for _ = 1, count do rille.detach(spin, LENGTH) end
  end
  rille.domains.set_bounds(1, 1)
  rille.domains.set_slice(0.002)
]]

local function printed(script)
  local result = process.run { script = PRELUDE .. script }
  assert.equal("", result.stderr)
  return (result.stdout:gsub("\n$", ""))
end

--- Whether one task ends before another begins, after what the script does; the first one takes so
-- many times the length of those that are learned.
local function in_order(script, times)
  return printed(([[
    %s
    local first, second = rille.submit(spin, %s * LENGTH), rille.submit(now)
    print(first:await() < second:await())
  ]]):format(script, times))
end

describe("tasks that have lately taken equally long", function()
  it("come one after the other", function()
    assert.equal("true", in_order("learn(40)", 0.6))
  end)

  it("do so whatever the tasks of jobs take", function()
    assert.equal("true", in_order("learn(40) rille.job(now, {})()", 0.6))
  end)

  it("take turns as long as too few are known", function()
    assert.equal("false", in_order("learn(31)", 1))
  end)

  it("take turns again once a short one was among them", function()
    assert.equal("false", in_order("learn(40) rille.detach(now)", 1))
  end)

  it("do not wait for one that takes twice as long, nor until they have waited for long", function()
    assert.equal("true\ttrue", printed [[
      learn(40)
      local first, second = rille.submit(spin, 1), rille.submit(now)
      local ended = second:await()
      local wait = second:cost().wait
      print(wait > LENGTH and wait < 0.9, ended < first:await())
    ]])
  end)

  it("let through who has waited for a second, and may be of another kind", function()
    assert.equal("true", printed [[
      learn(40)
      for _ = 1, 40 do rille.submit(spin, LENGTH) end
      local last, short = rille.submit(spin, 1.9 * LENGTH), rille.submit(now)
      print(short:await() < last:await())
    ]])
  end)

  for name, job in pairs {
    ["a job that is not known yet"] = "rille.job(now, {})",
    ["a job that has always been short"] =
      "(function() local job = rille.job(now, {}) job() return job end)()",
    ["as long ones of a higher priority"] = [[(function()
      local job = rille.job(function(first)
        return first and spin(LENGTH) or rille.now()
      end, { priority = "high" })
      job(true)
      return job
    end)()]],
    ["what another one's deadline bounds"] =
      "rille.job(function() return rille.detach(now) end, { deadline = 30 })",
  } do
    it("do not keep back " .. name, function()
      assert.equal("true", printed(([[
        learn(40)
        local job = %s
        local long = rille.submit(spin, 1.9 * LENGTH)
        rille.sleep(0.005) -- else one of a higher priority is the first
        local begun = job()
        print(begun < long:await())
      ]]):format(job)))
    end)
  end

  it("do not keep back those of a higher priority where many are queued", function()
    assert.equal("true", printed [[
      learn(40)
      local first = rille.submit(spin, 1.9 * LENGTH)
      rille.sleep(0.005)
      for _ = 1, 5 do rille.submit(spin, LENGTH) end
      local begun = rille.job(now, { priority = "high" })()
      print(begun < first:await())
    ]])
  end)
end)
