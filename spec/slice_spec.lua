--- Slices: more tasks than domains, and code of many kinds that is interrupted all the time.

local rille = require "rille"
local work = require "spec.support.work"

local domains = rille.domains
local pending_under_tsan = os.getenv "RILLE_BUILD" == "tsan"

--- What a task computes here allocates now and then, for under the thread sanitizer a thread that
-- does not is never interrupted.
local function count_to(n)
  local sum = 0
  for i = 1, n do
    local box = { i }
    sum = sum + #box
  end
  return sum
end

describe("a slice", function()
  before_each(function() domains.set_bounds(1, 1) end)
  after_each(work.defaults)

  it("lets a short task end before a long one that began first", function()
    local long = rille.submit(work.forever)
    rille.sleep(0.02)
    assert.equal("short", rille.detach(function() return "short" end))
    assert.equal("running", long:status())
    long:cancel()
  end)

  it("lets many tasks of one domain come to their ends", function()
    local tasks = {}
    for i = 1, 40 do tasks[i] = rille.submit(count_to, 20000 + i) end
    for i = 1, 40 do assert.equal(20000 + i, tasks[i]:await()) end
  end)

  it("lets a short task through behind more endless ones than a domain takes at once", function()
    local tasks = {}
    for i = 1, 10 do tasks[i] = rille.submit(work.forever) end
    rille.sleep(0.05)
    assert.equal("short", rille.detach(function() return "short" end))
    for i = 1, 10 do tasks[i]:cancel() end
  end)

  it("leaves new tasks to the domain that computes for fewer", function()
    local endless = {}
    for i = 1, 4 do endless[i] = rille.submit(work.forever) end
    work.await(function() return domains.stats().queued == 0 end)
    domains.set_bounds(2, 2)
    endless[5] = rille.submit(work.forever)
    work.await(function() return domains.stats().queued == 0 end)
    domains.set_slice(0.25)
    local where = {}
    for i = 1, 4 do where[i] = rille.detach(rille.domain) end
    for _, task in ipairs(endless) do task:cancel() end
    assert.same({ 2, 2, 2, 2 }, where)
  end)

  it("lets a task that waited go on beside one that computes", function()
    local napper = rille.submit(function()
      rille.sleep(0.05)
      return "awake"
    end)
    rille.sleep(0.01)
    local long = rille.submit(work.forever)
    assert.equal("awake", napper:await())
    assert.equal("running", long:status())
    long:cancel()
  end)

  it("lets a task on the same domain be cancelled that waits", function()
    local napper = rille.submit(rille.sleep, 60)
    rille.sleep(0.02)
    local long = rille.submit(work.forever)
    rille.sleep(0.02)
    napper:cancel "enough"
    assert.has_error(function() napper:await() end)
    assert.equal("cancelled", napper:status())
    long:cancel()
  end)

  it("of a task is taken between whole stretches of its other fibers", function()
    domains.set_slice(0.0001)
    local company = rille.submit(work.forever)
    local torn = rille.detach(function()
      local shared, torn, over = { 0, 0 }, 0, false
      local watcher = rille.spawn(function()
        while not over do
          if shared[1] ~= shared[2] then torn = torn + 1 end
          rille.sleep(0)
        end
      end)
      for _ = 1, 20 do
        for _ = 1, 20000 do
          shared[1] = shared[1] + 1
          shared[2] = shared[2] + 1
        end
        rille.sleep(0)
      end
      over = true
      watcher:await()
      return torn
    end)
    assert.equal(0, torn)
    company:cancel()
  end)

  it("is not needed by a task that calls back from C, which ends all the same", function()
    domains.set_slice(0.0001)
    local company = rille.submit(work.forever)
    local sorted = rille.detach(function()
      local list = {}
      for i = 1, 20000 do list[i] = (i * 7919) % 20011 end
      table.sort(list, function(a, b) return a < b end)
      for i = 2, #list do if list[i - 1] > list[i] then return false end end
      return true
    end)
    assert.is_true(sorted)
    company:cancel()
  end)

  it("may be as long as a task", function()
    domains.set_slice(math.huge)
    local long = rille.submit(work.spin, 0.1)
    local short = rille.submit(function() end)
    rille.sleep(0.03)
    assert.equal("queued", short:status())
    long:await()
    short:await()
  end)

  it("is refused if it is not a time", function()
    assert.has_error(function() domains.set_slice(0) end)
    assert.has_error(function() domains.set_slice(-1) end)
    assert.has_error(function() domains.set_slice(0 / 0) end)
    assert.has_error(function() domains.set_slice("long") end)
  end)
end)

--- Code of many kinds; each returns a value that depends on all that it did.
local kinds = {}

kinds["arithmetic and comparisons"] = function()
  local sum = 0
  for i = 1, 200000 do
    if i % 3 == 0 and i / 7 > 2 or i >= 100 then sum = (sum + i * 3 // 2) & 0xffffff end
  end
  return sum
end

kinds["metamethods of arithmetic, concatenation, comparison and length"] = function()
  local meta = {}
  local function new(n) return setmetatable({ n = n }, meta) end
  local function spend(n)
    for i = 1, 20 do n = n + i - i end
    return n
  end
  meta.__add = function(a, b) return new(spend(a.n) + b.n) end
  meta.__concat = function(a, b) return new(spend((type(a) == "table" and a.n or #a)) +
    (type(b) == "table" and b.n or #b)) end
  meta.__lt = function(a, b) return spend(a.n) < b.n end
  meta.__le = function(a, b) return spend(a.n) <= b.n end
  meta.__eq = function(a, b) return spend(a.n) == b.n end
  meta.__len = function(a) return spend(a.n) end
  meta.__unm = function(a) return new(-spend(a.n)) end
  local total = new(0)
  for i = 1, 2000 do
    local one, other = new(i), new(2000 - i)
    total = total + (one .. other)
    if one < other then total = total + one end
    if one <= other then total = total + -other end
    if one == other then total = total + new(#one) end
    if one ~= other and (one > other) == false then total = total + new(1) end
  end
  return total.n
end

kinds["concatenations of many strings"] = function()
  local list = {}
  for i = 1, 4000 do list[i] = "a" .. i .. "b" .. i * 2 .. "c" .. tostring(i / 2) .. "d" end
  return table.concat(list):len() .. list[4000]
end

kinds["__index and __newindex chains"] = function()
  local stores = 0
  local base = setmetatable({}, { __index = function(_, key) return key * 2 end })
  local middle = setmetatable({}, { __index = base })
  local proxy = setmetatable({}, { __index = middle, __newindex = function(t, key, value)
    stores = stores + value
    rawset(t, key, value)
  end })
  local sum = 0
  for i = 1, 20000 do
    sum = sum + proxy[i]
    if i % 5 == 0 then proxy[-i] = i end
  end
  return sum + stores
end

kinds["iterators of for"] = function()
  local function range(n)
    return function(limit, i) if i < limit then return i + 1 end end, n, 0
  end
  local sum, t = 0, {}
  for i in range(20000) do
    t[i] = i
    sum = sum + i
  end
  for key, value in pairs(t) do sum = sum + key - value end
  for i, value in ipairs(t) do sum = sum + i * value % 7 end
  for i = 10, 1, -0.5 do sum = sum + i end
  local meta = setmetatable({}, { __pairs = function() return range(1000) end })
  for i in pairs(meta) do sum = sum + i end
  return sum
end

kinds["varargs and multiple results"] = function()
  local function pass(...) return ... end
  local function count(...) return select("#", ...) + select("#", pass(...)) end
  local function tail(n, ...)
    if n == 0 then return count(...) end
    return tail(n - 1, n, ...)
  end
  local sum = 0
  for _ = 1, 200 do
    sum = sum + tail(60)
    local t = { pass(1, 2, 3), pass(4, 5, 6) }
    sum = sum + #t + math.max(pass(7, 8, pass(9, 10)))
  end
  return sum
end

kinds["to-be-closed variables"] = function()
  local closed = 0
  local meta = { __close = function(self)
    for i = 1, 30 do closed = closed + i - i end
    closed = closed + self[1]
  end }
  local function use(n)
    local a <close> = setmetatable({ n }, meta)
    local b <close> = setmetatable({ 1 }, meta)
    if n % 3 == 0 then return a[1] + b[1] end
    if n % 3 == 1 then error "thrown" end
    for i = 1, 3 do
      local c <close> = setmetatable({ i }, meta)
      if c[1] == 2 then break end
    end
    return n, a, b
  end
  local sum = 0
  for i = 1, 2000 do
    local ok, n = pcall(use, i)
    sum = sum + (ok and n or 1)
  end
  return sum * 1000000 + closed
end

kinds["coroutines inside coroutines"] = function()
  local function tree(depth)
    if depth > 0 then
      for i in coroutine.wrap(function() tree(depth - 1) end) do coroutine.yield(i + 1) end
      coroutine.yield(depth)
    end
  end
  local sum = 0
  for _ = 1, 200 do
    for i in coroutine.wrap(function() tree(8) end) do sum = sum + i end
  end
  return sum
end

kinds["protected calls and their handlers"] = function()
  local function fail(n)
    for i = 1, 50 do n = n + i end
    error({ n })
  end
  local sum = 0
  for i = 1, 2000 do
    local _, err = pcall(fail, i)
    sum = sum + err[1]
    local _, handled = xpcall(fail, function(e)
      for _ = 1, 20 do e[1] = e[1] + 1 end
      return e[1]
    end, i)
    sum = sum + handled
    sum = sum + select(4, pcall(pcall, pcall, function() return 1 end))
  end
  return sum
end

kinds["upvalues and closures"] = function()
  local function counter()
    local n = 0
    return function() n = n + 1 return n end, function() return n end
  end
  local sum = 0
  for _ = 1, 500 do
    local step, get = counter()
    for _ = 1, 50 do step() end
    sum = sum + get()
  end
  return sum
end

kinds["goto, tail calls and integer loops at their limits"] = function()
  local n, sum = 0, 0
  ::again::
  n = n + 1
  if n < 50000 then goto again end
  for i = math.maxinteger - 10, math.maxinteger do sum = sum + i % 3 end
  local function down(i) if i == 0 then return n end return down(i - 1) end
  return down(50000) + sum
end

kinds["strings with callbacks from C"] = function()
  local text = ("key=value; "):rep(500)
  local count = 0
  local out = text:gsub("(%w+)=(%w+)", function(key, value)
    for i = 1, 20 do count = count + i - i end
    count = count + 1
    return value .. "=" .. key
  end)
  for word in out:gmatch "%w+" do count = count + #word end
  return count .. out:sub(1, 20)
end

kinds["finalizers and garbage"] = function()
  local made = 0
  for i = 1, 5000 do
    local object = setmetatable({ i }, { __gc = function(self)
      for _ = 1, 10 do self[1] = self[1] + 1 end
    end })
    made = made + (object[1] == i and 1 or 0)
  end
  collectgarbage()
  return made
end

kinds["code that is loaded"] = function()
  local sum = 0
  for i = 1, 500 do sum = sum + load("local a, b = ... return a * b + " .. i)(i, 2) end
  return sum
end

describe("code that is sliced every tenth of a millisecond", function()
  before_each(function()
    domains.set_bounds(1, 1)
    domains.set_slice(0.0001)
  end)
  after_each(work.defaults)

  for name, compute in pairs(kinds) do
    it("computes the same: " .. name, function()
      local expected = compute()
      local tasks = {}
      for i = 1, 6 do tasks[i] = rille.submit(compute) end
      for i = 1, 6 do assert.equal(expected, tasks[i]:await()) end
    end)
  end

  it("keeps its own debug hooks", function()
    if pending_under_tsan then pending "this sanitizer delays signals" end
    local company = rille.submit(work.forever)
    local counted, mask, count = rille.detach(function()
      local lines = 0
      debug.sethook(function() lines = lines + 1 end, "l")
      for _ = 1, 50000 do
        local _ = {}
        local _ = {}
      end
      local _, mask = debug.gethook()
      debug.sethook(function() end, "", 1000)
      local _, _, count = debug.gethook()
      debug.sethook()
      return lines, mask, count
    end)
    company:cancel()
    assert.is_true(counted > 100000)
    assert.same({ "l", 1000 }, { mask, count })
  end)

  it("says where it is in a traceback", function()
    local company = rille.submit(work.forever)
    local text = rille.detach(function()
      local text
      local function inner()
        for _ = 1, 100 do text = debug.traceback() end
        return text
      end
      local result = inner()
      return result
    end)
    company:cancel()
    assert.matches("in upvalue 'inner'", (text:gsub("local 'inner'", "upvalue 'inner'")))
  end)
end)
