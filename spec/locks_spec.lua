-- rille.mutex and rille.semaphore: held by one fiber, or so many, of all domains.

local rille = require "rille"
local failure = require "spec.support.failure"
local part_of = require "spec.support.scale"
local work = require "spec.support.work"

--- A fiber that locks and keeps it until it is told, by the channel that is returned as well.
local function hold(lock, begin)
  local done, ready = rille.channel(), rille.channel()
  local task = (begin or rille.spawn)(function()
    local acquire = lock.lock or lock.acquire
    acquire(lock)
    ready:send(true)
    done:receive()
  end)
  ready:receive()
  return task, done
end

describe("a mutex", function()
  after_each(work.defaults)

  it("is locked by one fiber at a time", function()
    local mutex, log = rille.mutex(), {}
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = rille.spawn(function()
        local _ <close> = mutex:lock()
        table.insert(log, "in " .. i)
        rille.sleep(0.002)
        table.insert(log, "out " .. i)
      end)
    end
    for _, task in ipairs(tasks) do task:await() end
    assert.same({ "in 1", "out 1", "in 2", "out 2", "in 3", "out 3" }, log)
  end)

  it("is one for all domains", function()
    rille.domains.set_bounds(2, 2)
    local mutex, turns = rille.mutex(), rille.channel(math.huge)
    local rounds = part_of(500)
    local function take_turns(name)
      for _ = 1, rounds do
        mutex:lock()
        turns:try_send(name)
        turns:try_send(name)
        mutex:unlock()
      end
    end
    local tasks = {}
    for i = 1, 4 do tasks[i] = (i % 2 == 0 and rille.spawn or rille.submit)(take_turns, i) end
    for _, task in ipairs(tasks) do task:await() end
    turns:close()
    local count = 0
    for name in turns:values() do
      assert.equal(name, turns:receive())
      count = count + 1
    end
    assert.equal(4 * rounds, count)
  end)

  it("can be tried", function()
    local mutex = rille.mutex()
    local task, done = hold(mutex)
    assert.same({ nil, "locked" }, { mutex:try_lock() })
    assert.same({ nil, "timeout" }, { mutex:lock(0.001) })
    done:send(true)
    task:await()
    assert.equal(mutex, (mutex:try_lock()))
    mutex:unlock()
  end)

  it("is unlocked at the end of a block, also by an error", function()
    local mutex = rille.mutex()
    failure(function()
      local _ <close> = mutex:lock()
      error "oh"
    end)
    do
      local _ <close> = mutex:lock()
      mutex:unlock()
    end
    assert.is_not_nil(mutex:try_lock())
    mutex:unlock()
  end)

  it("is held while a function runs", function()
    local mutex = rille.mutex()
    assert.same({ 1, nil, 3, n = 3 }, table.pack(mutex:with(function(...)
      assert.matches("locked the mutex already", failure(mutex.lock, mutex))
      rille.sleep(0)
      return ...
    end, 1, nil, 3)))
    assert.matches("locks_spec.lua:%d+: oh", failure(mutex.with, mutex, function() error "oh" end))
    local task, done = hold(mutex)
    local waiting = rille.spawn(function() return mutex:with(function() return "mine" end) end)
    rille.sleep(0)
    done:send(true)
    task:await()
    assert.equal("mine", waiting:await())
    assert.is_not_nil(mutex:try_lock())
    mutex:unlock()
  end)

  it("can be unlocked only by the fiber that has locked it", function()
    local mutex = rille.mutex()
    assert.matches("locks_spec.lua:%d+: this fiber has not locked the mutex",
      failure(function() mutex:unlock() end))
    local task, done = hold(mutex, rille.submit)
    assert.matches("has not locked the mutex", failure(mutex.unlock, mutex))
    done:send(true)
    task:await()
  end)

  describe("whose holder ends without unlocking it", function()
    local function ends_with(begin, fn)
      local mutex = rille.mutex()
      local ready = rille.channel()
      local task = begin(function()
        mutex:lock()
        ready:send(true)
        fn()
      end)
      ready:receive()
      local waiting = rille.spawn(function() return mutex:lock() end)
      rille.sleep(0)
      task:cancel "enough"
      pcall(task.await, task)
      assert.same({ mutex, "abandoned" }, { waiting:await() })
      -- That one has ended with it as well; it says so once.
      assert.same({ mutex, "abandoned" }, { mutex:lock() })
      mutex:unlock()
      assert.same({ mutex }, { mutex:lock() })
      mutex:unlock()
    end

    it("goes to the next, who is told, when it returned, failed or was cancelled", function()
      for _, begin in ipairs { rille.spawn, rille.submit } do
        ends_with(begin, function() end)
        ends_with(begin, function() error "failed" end)
        ends_with(begin, function() require("rille").sleep(60) end)
      end
      ends_with(rille.submit, work.forever)
    end)

    it("goes to the next when its domain ends", function()
      local mutex = rille.mutex()
      rille.detach(function() mutex:lock() end)
      rille.domains.set_idle_time(0)
      rille.domains.set_bounds(0, 1)
      work.await(function() return rille.domains.stats().domains == 0 end)
      assert.same({ mutex, "abandoned" }, { mutex:lock(10) })
      mutex:unlock()
    end)
  end)

  it("is not lost when one who waits is cancelled", function()
    local mutex = rille.mutex()
    mutex:lock()
    local first = rille.spawn(function() mutex:lock() end)
    local second = rille.spawn(function() return mutex:lock() end)
    rille.sleep(0)
    mutex:unlock() -- it is granted to the first,
    first:cancel() -- which does not get to know of it
    failure(first.await, first)
    assert.same({ mutex }, { second:await() })
  end)

  it("survives any number of cancellations", function()
    rille.domains.set_bounds(2, 2)
    local mutex, inside = rille.mutex(), rille.channel(1)
    local function contend(rounds)
      local inner = require "rille"
      for i = 1, rounds do
        local fibers = {}
        for j = 1, 4 do
          fibers[j] = inner.spawn(function()
            local _ <close> = mutex:lock()
            assert(inside:try_send(true), "two are inside")
            inner.sleep(0)
            assert(inside:try_receive())
          end)
        end
        inner.sleep(0)
        for j = i % 2 + 1, 4, 2 do
          -- Those inside are left alone: what they do then is theirs.
          if #inside == 0 then fibers[j]:cancel() end
        end
        for _, fiber in ipairs(fibers) do
          local ok, problem = pcall(fiber.await, fiber)
          if not ok and problem ~= "cancelled" then error(problem, 0) end
        end
      end
      return "done"
    end
    local tasks = { rille.submit(contend, part_of(300)), rille.spawn(contend, part_of(300)) }
    for _, task in ipairs(tasks) do
      local ok, problem = pcall(task.await, task)
      assert(ok, problem)
    end
    assert.is_not_nil(mutex:lock(10))
    mutex:unlock()
  end)
end)

describe("a semaphore", function()
  after_each(work.defaults)

  it("lets so many in, and the next when one leaves", function()
    local semaphore = rille.semaphore(2)
    local inside, most = 0, 0
    local tasks = {}
    for i = 1, 6 do
      tasks[i] = rille.spawn(function()
        local _ <close> = semaphore:acquire()
        inside = inside + 1
        most = math.max(most, inside)
        rille.sleep(0.001)
        inside = inside - 1
      end)
    end
    for _, task in ipairs(tasks) do task:await() end
    assert.equal(2, most)
  end)

  it("gives several permits at once, in the order in which they were asked for", function()
    local semaphore, log = rille.semaphore(3), {}
    semaphore:acquire(2)
    local many = rille.spawn(function()
      semaphore:acquire(3)
      table.insert(log, "many")
    end)
    rille.sleep(0)
    local one = rille.spawn(function()
      semaphore:acquire()
      table.insert(log, "one")
    end)
    assert.same({ nil, "busy" }, { semaphore:try_acquire() })
    assert.same({ nil, "timeout" }, { semaphore:acquire(1, 0.001) })
    assert.same({}, log)
    semaphore:release()
    semaphore:release()
    many:await()
    one:await()
    assert.same({ "many", "one" }, log)
  end)

  it("lets those behind go on when one who wants more gives up", function()
    local semaphore = rille.semaphore(2)
    semaphore:acquire()
    local many = rille.spawn(function() return semaphore:acquire(2, 0.01) end)
    rille.sleep(0)
    local one = rille.spawn(function() return semaphore:acquire(1, 10) end)
    assert.same({ nil, "timeout" }, { many:await() })
    assert.equal(semaphore, (one:await()))
    semaphore:release()
  end)

  it("takes back what was acquired last, block by block", function()
    local semaphore = rille.semaphore(3)
    do
      local _ <close> = semaphore:acquire()
      do
        local _ <close> = semaphore:acquire(2)
        assert.same({ nil, "busy" }, { semaphore:try_acquire() })
      end
      assert.is_not_nil(semaphore:try_acquire(2))
      semaphore:release(2)
    end
    assert.is_not_nil(semaphore:try_acquire(3))
    semaphore:release(3)
  end)

  it("gets its permits back from a fiber that ends", function()
    local semaphore = rille.semaphore(2)
    rille.detach(function() semaphore:acquire(2) end)
    assert.equal(semaphore, (semaphore:acquire(2, 10)))
    semaphore:release(2)
    assert.equal(7, semaphore:with(function() return 7 end))
  end)

  it("says what is wrong", function()
    local semaphore = rille.semaphore(2)
    semaphore:acquire()
    assert.matches("acquired 1 of the permits", failure(semaphore.release, semaphore, 2))
    semaphore:release()
    assert.matches("fewer permits", failure(semaphore.acquire, semaphore, 3))
    assert.matches("at least 1", failure(semaphore.acquire, semaphore, 0))
    assert.matches("at least 1", failure(rille.semaphore, 0))
    assert.matches("semaphore expected", failure(semaphore.acquire, rille.mutex()))
    assert.matches("cannot wait in semaphore:acquire", failure(function()
      table.sort({ 2, 1 }, function() return semaphore:acquire() end)
    end))
  end)
end)

describe("waits that would never end", function()
  after_each(work.defaults)

  --- Two fibers that lock a and b in either order; the errors that they get.
  local function cross(begin, a, b)
    local met = rille.channel()
    local function lock(first, second, sends)
      local _ <close> = first:lock()
      if sends then met:send(true) else met:receive() end
      local ok, problem = pcall(second.lock, second)
      if ok then second:unlock() end
      return not ok and problem or nil
    end
    local one, two = begin(lock, a, b, true), begin(lock, b, a, false)
    return { one:await(), two:await() }
  end

  it("are an error for the one that would close the circle, which names each", function()
    for _, begin in ipairs { rille.spawn, rille.submit } do
      rille.domains.set_bounds(2, 2)
      local problems = {}
      for _, problem in pairs(cross(begin, rille.mutex(), rille.mutex())) do
        table.insert(problems, problem)
      end
      assert.equal(1, #problems)
      assert.matches("deadlock: these waits would never end:", problems[1])
      local count = select(2, problems[1]:gsub("waits to acquire a mutex", ""))
      assert.equal(2, count)
    end
  end)

  it("are found through tasks that are awaited", function()
    local mutex = rille.mutex()
    mutex:lock()
    local problem
    local task = rille.spawn(function() problem = failure(function() mutex:lock() end) end)
    task:await()
    mutex:unlock()
    assert.matches("locks_spec.lua:%d+ waits to acquire a mutex", problem)
    assert.matches("locks_spec.lua:%d+ waits for a task", problem)
  end)

  it("are found when tasks await each other", function()
    local one, two
    one = rille.spawn(function() return failure(function() two:await() end) end)
    two = rille.spawn(function() one:await() end)
    local problem = failure(two.await, two)
    assert.matches("deadlock: these waits would never end:", problem)
    assert.equal(2, select(2, problem:gsub("%.lua:%d+ waits for a task", "")))
    assert.matches("deadlock", one:await())
  end)

  describe("are found at once, while a server listens,", function()
    local listener
    before_each(function()
      rille.domains.set_bounds(2, 2)
      listener = rille.net.listen("tcp://127.0.0.1:0", print)
    end)
    after_each(function() listener:close() end)

    --- The error names so many waits for a task, in the order that it is found in.
    local function check(problem, tasks)
      assert.matches("deadlock: these waits would never end:", problem)
      assert.equal(1, select(2, problem:gsub("locks_spec.lua:%d+ waits to acquire a mutex", "")))
      assert.equal(tasks, select(2, problem:gsub("%.lua:%d+ waits for a task", "")))
    end

    local function locks(mutex) mutex:lock() end

    it("in a detached task that wants what its caller holds", function()
      local mutex = rille.mutex()
      local _ <close> = mutex:lock()
      check(failure(rille.detach, locks, mutex), 1)
      assert.equal(7, rille.detach(function() return 7 end)) -- and no tie is left
    end)

    it("through any number of calls", function()
      local mutex = rille.mutex()
      local _ <close> = mutex:lock()
      local function nest(depth)
        if depth == 0 then return locks(mutex) end
        return rille.detach(nest, depth - 1)
      end
      check(failure(nest, 5), 5)
    end)

    it("through fibers that are spawned on the way", function()
      local mutex = rille.mutex()
      local _ <close> = mutex:lock()
      check(failure(rille.detach, function()
        rille.spawn(function() rille.detach(locks, mutex) end):await()
      end), 3)
    end)

    it("in a task that is awaited, whoever comes last", function()
      local mutex = rille.mutex()
      mutex:lock()
      local early = rille.submit(locks, mutex)
      check(failure(early.await, early), 1)
      local late = rille.submit(locks, mutex)
      rille.sleep(0.05) -- so that it is this fiber that would close the circle
      check(failure(late.await, late), 1)
      mutex:unlock()
      pcall(early.await, early)
      late:await()
    end)

    it("in the main domain, called by a task", function()
      check(failure(rille.detach, function()
        local mutex = rille.mutex()
        local _ <close> = mutex:lock()
        rille.run_in_main(locks, mutex)
      end), 1)
    end)

    it("where the main domain runs the tasks", function()
      rille.domains.set_bounds(0, 0)
      local mutex = rille.mutex()
      local _ <close> = mutex:lock()
      check(failure(rille.detach, locks, mutex), 1)
    end)
  end)

  it("are not seen in tasks for which something else may come", function()
    rille.domains.set_bounds(2, 2)
    local mutex = rille.mutex()
    local guard <close> = mutex:lock()
    local function lock(seconds) return mutex:lock(seconds) end
    assert.same({ nil, "timeout" }, { rille.detach(lock, 0.01) })
    assert.matches("timed out", failure(rille.timeout, 0.05, rille.detach, lock))
    local job = rille.job(lock, { deadline = 0.05, name = "late" })
    assert.matches("deadline", failure(job))
    return guard
  end)

  it("are not seen where locks are taken in one order, in calls of any depth", function()
    rille.domains.set_bounds(3, 3)
    local locks = { rille.mutex(), rille.mutex(), rille.mutex() }
    local function descend(from)
      if from > #locks then return 1 end
      local guard <close> = locks[from]:lock()
      local how = math.random(4)
      if how == 1 then return descend(from + 1) end
      if how == 2 then return (rille.submit(descend, from + 1):await()) end
      if how == 3 then return (rille.run_in_main(descend, from + 1)) end
      local count = rille.detach(descend, from + 1)
      return count, guard
    end
    local tasks, sum = {}, 0
    for i = 1, part_of(400, 40) do
      tasks[i] = (i % 2 == 0 and rille.submit or rille.spawn)(descend, math.random(3))
      if i % 7 == 0 then tasks[math.random(i)]:cancel() end
    end
    for _, task in ipairs(tasks) do
      local ok, result = pcall(task.await, task)
      if ok then sum = sum + 1 else assert.matches("cancelled", result) end
    end
    assert.is_true(sum > 0)
    for _, lock in ipairs(locks) do
      assert.is_truthy(lock:try_lock())
      lock:unlock()
    end
  end)

  it("are not seen where a time limit ends them", function()
    local mutex = rille.mutex()
    mutex:lock()
    local task = rille.spawn(function() return mutex:lock(0.01) end)
    assert.same({ nil, "timeout" }, { task:await() })
    local other = rille.spawn(function()
      return failure(rille.timeout, 0.01, function() mutex:lock() end)
    end)
    assert.matches("timed out", other:await())
    mutex:unlock()
  end)

  it("are not seen where others may still release what is wanted", function()
    local semaphore = rille.semaphore(2)
    local free, done = hold(semaphore)
    semaphore:acquire()
    local waiting = rille.spawn(function() semaphore:acquire() return "acquired" end)
    rille.spawn(function() rille.sleep(0.01) done:send(true) end)
    assert.equal("acquired", waiting:await())
    free:await()
    semaphore:release()
  end)
end)
