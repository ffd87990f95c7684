-- Waits that can never end: when every fiber of a program waits and nothing is left that could wake
-- one, those at channels and for locks fail, soon, with all waits and their lines.

local process = require "spec.support.process"

--- Runs a program, which must print this, and end with this status (0).
local function prints(expected, script, status)
  local result = process.run { script = 'local rille = require "rille"\n' .. script }
  assert.equal(status or 0, result.status, result.stderr)
  assert.matches(expected, result.stdout .. result.stderr)
  return result.stdout .. result.stderr
end

describe("a standstill", function()
  it("is an error of the script that waits for nobody", function()
    prints("rille: script.lua:2: deadlock: every fiber waits, and nothing is left that could " ..
      "wake one:\n\tscript.lua:2 waits in channel:receive %(a main domain%)", [[
      rille.channel():receive()
    ]], 1)
  end)

  it("is an error for all who wait, in all domains, and names each wait", function()
    local text = prints("caught", [[
      local a, b = rille.channel(), rille.channel()
      local there = rille.submit(function() a:receive() end)
      local here = rille.spawn(function() rille.select { a, b } end)
      local ok, problem = pcall(there.await, there)
      print("caught", problem)
      print(pcall(here.await, here))
    ]])
    assert.matches("\n\tscript.lua:3 waits in channel:receive %(domain 1%)", text)
    assert.matches("\n\tscript.lua:4 waits in rille.select %(a main domain%)", text)
    assert.matches("\n\tscript.lua:5 waits in task:await %(a main domain%)", text)
    assert.is_nil(text:find("nobody awaits", 1, true))
  end)

  it("is found again and again", function()
    prints("10", [[
      local count = 0
      for _ = 1, 10 do
        if not pcall(rille.detach, function(c) c:receive() end, rille.channel()) then
          count = count + 1
        end
      end
      print(count)
    ]])
  end)

  it("of a lock whose holder waits for the one who wants it", function()
    prints("script.lua:4 waits in mutex:lock", [[
      local mutex, channel = rille.mutex(), rille.channel()
      mutex:lock()
      local task = rille.submit(function() mutex:lock() channel:send(1) end)
      local ok, problem = pcall(channel.receive, channel)
      print(problem, pcall(task.await, task))
    ]])
  end)

  it("is none while a time limit, a timer or a task is left", function()
    prints("timeout\n1\n2\n3\n", [[
      local channel = rille.channel()
      print(select(2, channel:receive(0.3)))
      rille.spawn(function() rille.sleep(0.3) channel:send(1) end)
      print(channel:receive())
      rille.submit(function() require("rille").sleep(0.3) channel:send(2) end)
      print(channel:receive())
      local job = rille.job(function() channel:receive() end, { deadline = 0.3 })
      pcall(job)
      rille.submit(function()
        local t = os.clock() + 0.3
        while os.clock() < t do end
        channel:send(3)
      end)
      print(channel:receive())
    ]])
  end)

  it("is none while a server listens, or a function is kept for the end of a domain", function()
    prints("timed out\nclosed\n", [[
      local channel = rille.channel()
      local http = require "rille.http"
      local server = http.app():listen { port = 0 }
      print(pcall(rille.timeout, 0.3, channel.receive, channel) or "timed out")
      server:close()
      rille.domains.set_idle_time(0.3)
      rille.domains.on_stop(function() channel:close() end)
      rille.detach(function() end)
      print(select(2, channel:receive()))
    ]])
  end)

  it("is none for fibers whose messages are under way, however many there are", function()
    prints("done", [[
      rille.domains.set_bounds(2, 2)
      local there, back = rille.channel(), rille.channel()
      local tasks = {}
      for i = 1, 2 do
        tasks[i] = rille.submit(function() for v in there:values() do back:send(v) end end)
      end
      local till = rille.now() + 1
      while rille.now() < till do
        there:send(1)
        back:receive()
      end
      there:close()
      for _, task in ipairs(tasks) do task:await() end
      print "done"
    ]])
  end)
end)
