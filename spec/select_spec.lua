-- rille.select: the first of several things, and nothing of the others.

local rille = require "rille"
local failure = require "spec.support.failure"
local part_of = require "spec.support.scale"
local work = require "spec.support.work"

describe("rille.select", function()
  after_each(work.defaults)

  it("receives from the channel that has a value", function()
    local a, b = rille.channel(1), rille.channel(1)
    b:send "value"
    assert.same({ 2, "value" }, { rille.select { a, b } })
    assert.equal(0, #b)
  end)

  it("waits for the first value of any", function()
    local a, b = rille.channel(), rille.channel()
    rille.spawn(function() b:send(false) end)
    assert.same({ 2, false }, { rille.select { a, b } })
    assert.same({ nil, "full" }, { a:try_send(1) })
    assert.same({ nil, "full" }, { b:try_send(1) })
  end)

  it("sends to the channel that takes the value, and to no other", function()
    local a, b = rille.channel(), rille.channel()
    local receiver = rille.spawn(function() return b:receive() end)
    assert.same({ 2, true }, { rille.select { a:sending "first", b:sending "second" } })
    assert.equal("second", receiver:await())
    assert.same({ nil, "empty" }, { a:try_receive() })
  end)

  it("waits until a value is taken", function()
    local a, b = rille.channel(), rille.channel()
    local receiver = rille.spawn(function()
      rille.sleep(0.01)
      return a:receive()
    end)
    assert.same({ 1, true }, { rille.select { a:sending { 7 }, b } })
    assert.same({ 7 }, receiver:await())
  end)

  it("may send what it sends more than once", function()
    local channel = rille.channel(2)
    local case = channel:sending "again"
    rille.select { case }
    rille.select { case }
    assert.equal("again", channel:receive())
    assert.equal("again", channel:receive())
  end)

  it("calls its cases by their keys", function()
    local channel = rille.channel(1)
    channel:send(1)
    assert.same({ "value", 1 }, { rille.select { value = channel, late = 60 } })
    assert.same({ "late" }, { rille.select { value = channel, late = 0.001 } })
    assert.same({ "sent", true }, { rille.select { sent = channel:sending(2), late = 60 } })
  end)

  it("chooses the first of a list that can go on", function()
    local a, b = rille.channel(3), rille.channel(3)
    for i = 1, 3 do a:send(i) b:send(i) end
    for i = 1, 3 do assert.same({ 1, i }, { rille.select { a, b } }) end
    assert.same({ 2, 1 }, { rille.select { a, b } })
  end)

  it("gives up after the shortest of its times", function()
    local channel = rille.channel()
    assert.same({ 3 }, { rille.select { channel, 60, 0.001 } })
    assert.same({ 2 }, { rille.select { channel, 0 } })
  end)

  it("says that a channel is closed", function()
    local a, b = rille.channel(), rille.channel()
    rille.spawn(function() b:close() end)
    assert.same({ 2, nil, "closed", n = 3 }, table.pack(rille.select { a, b }))
    assert.same({ 1, nil, "closed", n = 3 }, table.pack(rille.select { b:sending(1), a }))
  end)

  describe("over tasks", function()
    it("returns the results of the one that ends", function()
      local channel = rille.channel()
      local slow = rille.spawn(rille.sleep, 60)
      local quick = rille.submit(function() return "done", nil, 3 end)
      local results = table.pack(rille.select { channel, slow, quick = quick })
      assert.same({ "quick", "done", nil, 3, n = 4 }, results)
      assert.same({ "quick", "done", nil, 3, n = 4 }, table.pack(rille.select { quick = quick }))
      slow:cancel()
    end)

    it("raises its error", function()
      local task = rille.spawn(function() error "failed" end)
      local problem = failure(rille.select, { rille.channel(), task })
      assert.matches("select_spec.lua:%d+: failed", problem)
      assert.matches("awaited at:", problem)
    end)

    it("does not care any more for one that was not chosen", function()
      local channel = rille.channel(1)
      local task = rille.spawn(function() channel:send "first" rille.sleep(0.01) return "later" end)
      assert.same({ 1, "first" }, { rille.select { channel, task } })
      assert.equal("later", task:await())
    end)

    it("serves several who wait for the same", function()
      local task = rille.spawn(function() rille.sleep(0.01) return 5 end)
      local others = {}
      for i = 1, 3 do others[i] = rille.spawn(function() return rille.select { task, 60 } end) end
      assert.equal(5, task:await())
      for _, other in ipairs(others) do assert.same({ 1, 5 }, { other:await() }) end
    end)

    it("refuses the one that asks", function()
      local task
      task = rille.spawn(function() return failure(rille.select, { task }) end)
      assert.matches("cannot await itself", task:await())
    end)
  end)

  describe("whose fiber is cancelled", function()
    it("raises the reason and withdraws all its cases", function()
      local a, b = rille.channel(), rille.channel()
      local slow = rille.spawn(rille.sleep, 60)
      local seen
      local task = rille.spawn(function()
        seen = failure(rille.select, { a, b:sending(1), slow, 60 })
      end)
      rille.sleep(0)
      task:cancel "enough"
      failure(task.await, task)
      assert.matches("enough", seen)
      assert.same({ nil, "full" }, { a:try_send(1) })
      assert.same({ nil, "empty" }, { b:try_receive() })
      slow:cancel()
    end)

    it("gives back what it was handed in the same moment", function()
      local a, b = rille.channel(), rille.channel()
      local task = rille.spawn(function() return rille.select { a, b } end)
      rille.sleep(0)
      assert.is_true(b:try_send "kept")
      task:cancel()
      failure(task.await, task)
      assert.equal("kept", b:receive())
    end)

    it("reaches one in a compute domain", function()
      local channel = rille.channel()
      local task = rille.submit(function() rille.select { channel, 60 } end)
      work.await(function() return task:status() == "running" end)
      rille.sleep(0.02)
      task:cancel "there"
      assert.matches("there", failure(task.await, task))
    end)
  end)

  it("meets another select", function()
    local a, b = rille.channel(), rille.channel()
    local other = rille.spawn(function() return rille.select { a:sending "x", b:sending "y" } end)
    rille.sleep(0)
    assert.same({ 1, "y" }, { rille.select { b, a } })
    assert.same({ 2, true }, { other:await() })
  end)

  it("never meets itself", function()
    local channel = rille.channel()
    assert.same({ 3 }, { rille.select { channel, channel:sending(1), 0.001 } })
  end)

  it("exchanges each value once between domains that all send and receive", function()
    rille.domains.set_bounds(2, 2)
    local channels = { rille.channel(), rille.channel(), rille.channel(1) }
    local rounds = part_of(3000)
    -- Sends its numbers wherever they are taken, receives what comes meanwhile.
    local function exchange(first)
      local got, sent = {}, 0
      local a, b, c = table.unpack(channels)
      while sent < rounds do
        local value = first + sent
        local case, result = rille.select {
          a = a, b = b, c = c,
          to_a = a:sending(value), to_b = b:sending(value), to_c = c:sending(value),
        }
        if #case == 1 then table.insert(got, result) else sent = sent + 1 end
      end
      return got
    end
    local tasks = {}
    for i = 1, 4 do tasks[i] = (i % 2 == 0 and rille.spawn or rille.submit)(exchange, i * 10000) end
    -- Who is through receives no more: this one takes what is left over.
    local stop, rest = rille.channel(), {}
    local last = rille.spawn(function()
      local a, b, c = table.unpack(channels)
      while true do
        local case, value = rille.select { a, b, c, stop }
        if case == 4 then return end
        table.insert(rest, value)
      end
    end)
    local seen, count = {}, 0
    local function add(list)
      for _, value in ipairs(list) do
        assert(not seen[value], "received twice")
        seen[value] = true
        count = count + 1
      end
    end
    for _, task in ipairs(tasks) do add(task:await()) end
    while #channels[3] > 0 do rille.sleep(0.001) end
    stop:close()
    last:await()
    add(rest)
    assert.equal(4 * rounds, count)
  end)

  describe("used wrongly", function()
    it("names the case that it cannot take", function()
      assert.matches("select_spec.lua:%d+: rille.select: case x must be a channel, .* got a string",
        failure(function() rille.select { x = "y" } end))
      assert.matches("case 2 must be .* got a nil",
        failure(rille.select, { 1, nil, 3 }))
      assert.matches("seconds must be a number that is not negative", failure(rille.select, { -1 }))
      assert.matches("nothing to wait for", failure(rille.select, {}))
      assert.matches("table expected", failure(rille.select, rille.channel()))
    end)

    it("says which value cannot cross, and sends nothing", function()
      local a, b = rille.channel(1), rille.channel(1)
      assert.matches("select_spec.lua:%d+: the value is a coroutine", failure(function()
        rille.select { a:sending(1), b:sending(coroutine.create(print)) }
      end))
      assert.equal(0, #a)
      assert.matches("nil cannot be sent", failure(function() a:sending(nil) end))
    end)

    it("says where it cannot wait", function()
      assert.matches("cannot wait in rille.select", failure(function()
        table.sort({ 2, 1 }, function() return rille.select { 0 } end)
      end))
    end)
  end)
end)
