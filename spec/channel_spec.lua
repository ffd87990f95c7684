-- rille.channel: values between fibers of any domains, in order, each received once.

local rille = require "rille"
local failure = require "spec.support.failure"
local process = require "spec.support.process"
local part_of = require "spec.support.scale"
local work = require "spec.support.work"

--- All that can be received, as a list.
local function drain(channel)
  local list = {}
  for value in channel:values() do table.insert(list, value) end
  return list
end

--- In a domain: the same.
local function drain_there(channel)
  return rille.submit(function()
    local list = {}
    for value in channel:values() do table.insert(list, value) end
    return list
  end)
end

local function count_to(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

describe("a channel", function()
  after_each(work.defaults)

  describe("between fibers of one domain", function()
    it("hands values over in order", function()
      local channel = rille.channel()
      local sender = rille.spawn(function()
        for i = 1, 100 do channel:send(i) end
        channel:close()
      end)
      assert.same(count_to(100), drain(channel))
      sender:await()
    end)

    it("lets a sender wait for its receiver where it has no capacity", function()
      local channel, log = rille.channel(), {}
      local sender = rille.spawn(function()
        channel:send "value"
        table.insert(log, "sent")
      end)
      rille.sleep(0)
      table.insert(log, "receiving")
      assert.equal("value", channel:receive())
      sender:await()
      assert.same({ "receiving", "sent" }, log)
    end)

    it("holds as many values as its capacity says, and no more", function()
      local channel = rille.channel(2)
      assert.is_true(channel:send "a")
      assert.is_true(channel:try_send "b")
      assert.same({ nil, "full" }, { channel:try_send "c" })
      assert.equal(2, #channel)
      assert.equal("a", channel:receive())
      assert.is_true(channel:try_send "c")
      assert.equal("b", channel:receive())
      assert.equal("c", channel:receive())
      assert.same({ nil, "empty" }, { channel:try_receive() })
    end)

    it("never lets a sender wait if its capacity is math.huge", function()
      local channel = rille.channel(math.huge)
      for i = 1, 5000 do assert(channel:try_send(i)) end
      channel:close()
      assert.same(count_to(5000), drain(channel))
    end)

    it("takes what waits for room when there is some, oldest first", function()
      local channel = rille.channel(1)
      channel:send(1)
      for i = 2, 4 do
        rille.spawn(function() channel:send(i) end)
        rille.sleep(0)
      end
      assert.equal(1, #channel)
      for i = 1, 4 do assert.equal(i, channel:receive()) end
    end)

    it("serves receivers in the order in which they came", function()
      local channel, got = rille.channel(), {}
      local tasks = {}
      for i = 1, 3 do
        tasks[i] = rille.spawn(function() got[i] = channel:receive() end)
        rille.sleep(0)
      end
      for i = 1, 3 do channel:send(i) end
      for _, task in ipairs(tasks) do task:await() end
      assert.same({ 1, 2, 3 }, got)
    end)

    it("copies values, as between domains", function()
      local channel, value = rille.channel(1), { list = { 1 } }
      channel:send(value)
      value.list[1] = 2
      assert.same({ list = { 1 } }, channel:receive())
    end)
  end)

  describe("between domains", function()
    before_each(function() rille.domains.set_bounds(2, 2) end)

    it("hands values over in order, whatever its capacity", function()
      for _, capacity in ipairs { 0, 1, 7, math.huge } do
        local channel = rille.channel(capacity)
        local task = drain_there(channel)
        for i = 1, 500 do channel:send(i) end
        channel:close()
        assert.same(count_to(500), task:await())
      end
    end)

    it("carries what a task's argument may be", function()
      local channel, text = rille.channel(4), ("long"):rep(50000)
      rille.detach(function()
        local shared = { 1 }
        channel:send { shared, shared, f = function(n) return n + shared[1] end }
        channel:send(text)
        channel:send(false)
      end)
      local value = channel:receive()
      assert.equal(value[1], value[2])
      assert.equal(3, value.f(2))
      assert.equal(text, channel:receive())
      assert.is_false(channel:receive())
    end)

    it("keeps what a domain sent that is gone", function()
      local channel = rille.channel(10)
      rille.detach(function()
        channel:send(("gone"):rep(20000))
        channel:send(function() return 7 end)
      end)
      rille.domains.set_idle_time(0)
      rille.domains.set_bounds(0, 1)
      work.await(function() return rille.domains.stats().domains == 0 end)
      assert.equal(("gone"):rep(20000), channel:receive())
      assert.equal(7, channel:receive()())
    end)

    it("crosses by reference and is one value wherever it comes back", function()
      local channel = rille.channel(1)
      local there, same = rille.detach(function(one, list)
        return one, one == list[1] and one == channel and list[one] == "key"
      end, channel, { channel, [channel] = "key" })
      assert.is_true(same)
      assert.equal(channel, there)
      assert.is_true(rawequal(channel, there))
    end)

    it("may be a value of a channel, and of itself", function()
      local outer, inner = rille.channel(2), rille.channel(1)
      outer:send(inner)
      rille.detach(function() outer:receive():send "through" end)
      assert.equal("through", inner:receive())
      outer:send(outer)
      assert.equal(outer, outer:receive())
      outer:send(outer) -- held by nobody but itself when this is over
    end)

    it("is the one that was sent, even if a module holds it", function()
      package.loaded.channel_of_spec = { channel = rille.channel(1) }
      local channel = package.loaded.channel_of_spec.channel
      rille.detach(function() channel:send "here" end)
      package.loaded.channel_of_spec = nil
      assert.equal("here", channel:receive())
    end)

    it("keeps several domains at work at once", function()
      local jobs, results = rille.channel(), rille.channel(10)
      local tasks = {}
      for i = 1, 4 do
        tasks[i] = rille.submit(function()
          for n in jobs:values() do results:send(n * n) end
        end)
      end
      rille.spawn(function()
        for i = 1, 1000 do jobs:send(i) end
        jobs:close()
        for _, task in ipairs(tasks) do task:await() end
        results:close()
      end)
      local sum = 0
      for square in results:values() do sum = sum + square end
      assert.equal(333833500, sum)
    end)
  end)

  describe("that is closed", function()
    it("still hands over what was sent, then nil", function()
      local channel = rille.channel(3)
      channel:send(1)
      channel:send(2)
      channel:close()
      channel:close()
      assert.equal(1, channel:receive())
      assert.equal(2, channel:try_receive())
      assert.same({ nil, "closed" }, { channel:receive() })
      assert.same({ nil, "closed" }, { channel:try_receive() })
    end)

    it("takes no values", function()
      local channel = rille.channel(3)
      channel:close()
      assert.same({ nil, "closed" }, { channel:send(1) })
      assert.same({ nil, "closed" }, { channel:try_send(1) })
      assert.equal(0, #channel)
    end)

    it("tells all who wait, on every domain", function()
      local channel, full = rille.channel(), rille.channel(1)
      full:send(0)
      local tasks = {}
      local function wait() return select(2, channel:receive()) end
      local function wait_to_send() return select(2, full:send(1)) end
      for _, begin in ipairs { rille.spawn, rille.submit } do
        table.insert(tasks, begin(wait))
        table.insert(tasks, begin(wait_to_send))
      end
      rille.sleep(0.05)
      channel:close()
      full:close()
      for _, task in ipairs(tasks) do assert.equal("closed", task:await()) end
      assert.same({ 0 }, drain(full))
    end)

    it("is so for receivers when its domain closed it in dying", function()
      local result = process.run { script = [[
        local rille = require "rille"
        local channel = rille.channel(5)
        rille.domains.on_stop(function() channel:close() end)
        local waiting = rille.spawn(function()
          local list = {}
          for value in channel:values() do list[#list + 1] = value end
          return table.concat(list, " ")
        end)
        rille.domains.set_idle_time(0)
        rille.detach(function() channel:send "one" channel:send "two" end)
        print(waiting:await())
        print(channel:send "three")
      ]] }
      assert.equal("", result.stderr)
      assert.equal("one two\nnil\tclosed\n", result.stdout)
      assert.equal(0, result.status)
    end)

    it("may be so at the end of a block", function()
      local outer
      do
        local channel <close> = rille.channel(1)
        outer = channel
      end
      assert.same({ nil, "closed" }, { outer:send(1) })
    end)
  end)

  describe("with a time limit", function()
    it("gives up, and nothing is sent or lost", function()
      local channel = rille.channel()
      assert.same({ nil, "timeout" }, { channel:receive(0.01) })
      assert.same({ nil, "timeout" }, { channel:send("late", 0.01) })
      assert.same({ nil, "timeout" }, { channel:send("late", 0) })
      assert.same({ nil, "empty" }, { channel:try_receive() })
    end)

    it("does not wait for it when it can go on", function()
      local channel = rille.channel(1)
      local took, value = work.time(function()
        rille.spawn(function() channel:send("soon", 60) end)
        return (channel:receive(60))
      end)
      assert.equal("soon", value)
      assert.is_true(took < 30)
    end)
  end)

  describe("whose fiber is cancelled", function()
    it("raises the reason where it waits, and lets go of it", function()
      local channel = rille.channel()
      for _, wait in ipairs {
        function() channel:receive() end,
        function() channel:send "never" end,
        function() channel:send("never", 60) end,
      } do
        local seen
        local task = rille.spawn(function() seen = failure(wait) end)
        rille.sleep(0)
        task:cancel "enough"
        failure(task.await, task)
        assert.matches("channel_spec.lua:%d+: enough", seen)
      end
      assert.same({ nil, "empty" }, { channel:try_receive() })
      assert.same({ nil, "full" }, { channel:try_send(1) })
    end)

    it("gives back what it was handed before it could run", function()
      local channel = rille.channel()
      local tasks = {}
      for i = 1, 3 do
        tasks[i] = rille.spawn(function() return channel:receive() end)
        rille.sleep(0)
      end
      for i = 1, 3 do assert.is_true(channel:try_send(i)) end
      tasks[1]:cancel "first"
      tasks[2]:cancel "second"
      assert.equal("first", failure(tasks[1].await, tasks[1]))
      assert.equal("second", failure(tasks[2].await, tasks[2]))
      assert.equal(3, tasks[3]:await())
      assert.equal(1, channel:receive())
      assert.equal(2, channel:receive())
    end)

    it("passes it on to one that waits", function()
      local channel = rille.channel()
      local first = rille.spawn(function() return channel:receive() end)
      rille.sleep(0)
      channel:try_send "kept"
      local second = rille.spawn(function() return channel:receive() end)
      first:cancel()
      assert.equal("kept", second:await())
    end)

    it("keeps others from the end until its value is back", function()
      local channel = rille.channel()
      local first = rille.spawn(function() return channel:receive() end)
      rille.sleep(0)
      channel:try_send "last"
      channel:close()
      assert.same({ nil, "empty" }, { channel:try_receive() })
      local second = rille.spawn(function() return channel:receive() end)
      local third = rille.spawn(function() return select(2, channel:receive()) end)
      first:cancel()
      assert.equal("last", second:await())
      assert.equal("closed", third:await())
    end)

    it("reaches one that waits in a domain", function()
      local channel = rille.channel()
      local task = rille.submit(function() channel:receive() end)
      work.await(function() return task:status() == "running" end)
      rille.sleep(0.02)
      task:cancel "no more"
      assert.matches("no more", failure(task.await, task))
      assert.same({ nil, "full" }, { channel:try_send(1) })
    end)

    it("loses and doubles nothing, whoever is cancelled when", function()
      rille.domains.set_bounds(2, 2)
      local total = part_of(20000)
      local channel, got = rille.channel(), rille.channel(math.huge)
      -- Fibers that receive, one of which is cancelled and replaced in each round.
      local function consume()
        local inner, fibers = require "rille", {}
        local function start()
          return inner.spawn(function()
            for value in channel:values() do got:try_send(value) end
          end)
        end
        for i = 1, 8 do fibers[i] = start() end
        local round = 0
        repeat
          round = round % 8 + 1
          local over = fibers[round]:status() == "done"
          fibers[round]:cancel()
          fibers[round] = start()
          inner.sleep(round == 8 and 0.001 or 0)
        until over
        for _, fiber in ipairs(fibers) do pcall(fiber.await, fiber) end
      end
      local tasks = { rille.submit(consume), rille.submit(consume), rille.spawn(consume) }
      for i = 1, total do channel:send(i) end
      channel:close()
      for _, task in ipairs(tasks) do task:await() end
      got:close()
      local seen, count = {}, 0
      for value in got:values() do
        assert(not seen[value], "received twice")
        seen[value] = true
        count = count + 1
      end
      assert.equal(total, count)
    end)
  end)

  describe("used wrongly", function()
    it("says which value cannot cross, at the call", function()
      local channel = rille.channel(1)
      assert.matches("channel_spec.lua:%d+: the value: %.items%[2%] is a coroutine",
        failure(function() channel:send { items = { 1, coroutine.create(print) } } end))
      assert.matches("nil cannot be sent", failure(function() channel:send(nil) end))
      assert.matches("value expected", failure(function() channel:send() end))
      assert.equal(0, #channel)
    end)

    it("says what a capacity is", function()
      for _, wrong in ipairs { -1, 1.5, "many", {} } do
        assert.matches("capacity must be a whole number", failure(rille.channel, wrong))
      end
    end)

    it("says what a time limit is", function()
      local channel = rille.channel()
      assert.matches("not negative", failure(function() channel:receive(-1) end))
      assert.matches("number expected", failure(function() channel:send(1, {}) end))
    end)

    it("wants a channel for its methods", function()
      local channel = rille.channel()
      assert.matches("channel expected, got table", failure(channel.send, {}, 1))
      assert.matches("channel expected, got no value", failure(channel.receive))
    end)

    it("names the C function that keeps it from waiting", function()
      local channel = rille.channel()
      assert.matches("cannot wait in channel:receive: table.sort is in the way", failure(function()
        table.sort({ 2, 1 }, function() return channel:receive() end)
      end))
    end)
  end)
end)
