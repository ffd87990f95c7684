-- Values across domains: what arrives is what was sent, and what cannot cross is refused.

local rille = require "rille"
local failure = require "spec.support.failure"
local scale = require "spec.support.scale"
local shapes = require "spec.support.shapes"
local work = require "spec.support.work"

--- Sends the values to a domain and back.
local function there_and_back(...)
  return rille.detach(function(...) return ... end, ...)
end

--- What `fn`, called on a domain, makes of the values.
local function there(fn, ...)
  return rille.detach(fn, ...)
end

describe("across domains", function()
  before_each(function() rille.domains.set_bounds(1, 1) end)
  after_each(work.defaults)

  describe("arguments and results", function()
    it("may be none", function()
      assert.equal(0, select("#", there_and_back()))
    end)

    it("keep nils at the start, in the middle and at the end", function()
      assert.same({ nil, 1, nil, nil, n = 4 }, table.pack(there_and_back(nil, 1, nil, nil)))
    end)

    it("may be ten thousand", function()
      local list = {}
      for i = 1, 10000 do list[i] = i end
      local results = table.pack(there_and_back(table.unpack(list)))
      assert.equal(10000, results.n)
      for i = 1, 10000 do assert(results[i] == i) end
    end)

    it("arrive all, be they many or few", function()
      for count = 0, 64 do
        assert.equal(count, there(select, "#", table.unpack({}, 1, count)))
      end
    end)
  end)

  describe("a boolean", function()
    it("stays true or false", function()
      assert.same({ true, false }, { there_and_back(true, false) })
    end)
  end)

  describe("a number", function()
    --- Fails unless the number arrives with its type and its bits.
    local function assert_survives(number)
      local result = there_and_back(number)
      assert.equal(math.type(number), math.type(result))
      assert.equal(string.pack("n", number), string.pack("n", result))
      if math.type(number) == "integer" then assert.equal(number, result) end
    end

    it("stays an integer", function()
      for bits = 0, 62 do
        for _, number in ipairs { 1 << bits, -(1 << bits), (1 << bits) - 1 } do
          assert_survives(number)
        end
      end
    end)

    it("may be the least or greatest integer", function()
      assert_survives(math.mininteger)
      assert_survives(math.maxinteger)
    end)

    it("stays a float though it is whole", function()
      for _, number in ipairs { 0.0, 1.0, -1.0, 2.0 ^ 53, 1e15 } do assert_survives(number) end
    end)

    it("stays a float with a fraction", function()
      for _, number in ipairs { 0.1, -0.5, math.pi, 1e308, 5e-324 } do assert_survives(number) end
    end)

    it("keeps the sign of a zero", function()
      assert_survives(-0.0)
      assert.equal(-math.huge, 1 / there_and_back(-0.0))
    end)

    it("may be infinite", function()
      assert_survives(math.huge)
      assert_survives(-math.huge)
    end)

    it("may be NaN", function()
      local result = there_and_back(0 / 0)
      assert.equal("float", math.type(result))
      assert.is_true(result ~= result)
    end)
  end)

  describe("a string", function()
    it("may have any bytes", function()
      local bytes = {}
      for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
      local text = table.concat(bytes)
      assert.equal(text, there_and_back(text))
    end)

    it("may be empty", function()
      assert.equal("", there_and_back "")
    end)

    it("may be of any length around those where Lua or packing changes its ways", function()
      for _, about in ipairs { 40, 128, 256, 4096, 65536 } do
        for length = about - 2, about + 2 do
          local text = ("\0x"):rep(length):sub(1, length)
          assert(there_and_back(text) == text, length)
        end
      end
    end)

    it("may be long, and arrives whole", function()
      local text = ("0123456789abcdef"):rep(scale(4 << 20))
      local length, ending = there(function(s) return #s, s:sub(-16) end, text)
      assert.equal(#text, length)
      assert.equal("0123456789abcdef", ending)
      assert.is_true(there_and_back(text) == text)
    end)

    it("may be long and sent by many at once", function()
      local text, tasks = ("x"):rep(1 << 20), {}
      for i = 1, 20 do tasks[i] = rille.submit(function(s) return #s end, text .. i) end
      for i, task in ipairs(tasks) do assert.equal(#text + #tostring(i), task:await()) end
    end)

    it("may be long and kept by nobody but the task", function()
      local task = rille.submit(function(s)
        rille.sleep(0.01)
        return #s
      end, ("x"):rep(1 << 20))
      collectgarbage()
      assert.equal(1 << 20, task:await())
    end)

    it("may be sent many times in one call", function()
      local text = ("long "):rep(100)
      local a, b, list = there_and_back(text, text, { text, [text] = text })
      assert.same({ text, text, { text, [text] = text } }, { a, b, list })
    end)
  end)

  describe("a table", function()
    it("arrives with its array and its fields", function()
      local value = { 1, "two", 3.0, true, { nested = { deep = false } }, [10] = 10, key = "value" }
      assert.same(value, there_and_back(value))
    end)

    it("may be empty", function()
      assert.same({}, there_and_back {})
    end)

    it("may have keys of every kind", function()
      local key = { "a table as key" }
      local value = { [true] = 1, [false] = 2, [1.5] = 3, [-7] = 4, [math.maxinteger] = 5 }
      value[""], value[key] = 6, key
      local result = there_and_back(value)
      local found
      for own in pairs(result) do
        if type(own) == "table" then found = own end
      end
      assert.same(key, found)
      assert.equal(found, result[found])
      result[found], value[key] = nil, nil
      assert.same(value, result)
    end)

    it("may have holes", function()
      local result = there_and_back { 1, nil, 3, nil, 5 }
      assert.same({ [1] = 1, [3] = 3, [5] = 5 }, result)
    end)

    it("is copied: the task's changes are its own", function()
      local value = { list = { 1 } }
      there(function(own) own.list[1], own.more = 2, true end, value)
      assert.same({ list = { 1 } }, value)
    end)

    it("may contain itself", function()
      local value = {}
      value.self, value[value] = value, "as a key"
      local result = there_and_back(value)
      assert.equal(result, result.self)
      assert.equal("as a key", result[result])
    end)

    it("may be part of a longer cycle", function()
      local a, b = { name = "a" }, { name = "b" }
      a.next, b.next = b, a
      local result = there_and_back(a)
      assert.equal("b", result.next.name)
      assert.equal(result, result.next.next)
    end)

    it("stays one table when it is reached in two ways", function()
      local shared = {}
      local result = there_and_back { shared, { shared }, key = shared }
      assert.equal(result[1], result[2][1])
      assert.equal(result[1], result.key)
    end)

    it("stays one table when it is two arguments", function()
      local shared = {}
      assert.is_true(there(rawequal, shared, shared))
    end)

    it("stays two tables when it is two equal ones", function()
      assert.is_false(there(rawequal, {}, {}))
    end)

    it("brings its metatable", function()
      local meta = { __index = function(_, key) return key .. "!" end }
      local first, second = there(function(object)
        return object.hello, rawget(object, "hello")
      end, setmetatable({}, meta))
      assert.same({ "hello!", nil }, { first, second })
    end)

    it("shares its metatable with others as before", function()
      local meta = {}
      assert.is_true(there(function(a, b) return getmetatable(a) == getmetatable(b) end,
        setmetatable({}, meta), setmetatable({}, meta)))
    end)

    it("may be its own metatable", function()
      local value = { name = "own" }
      value.__index = value
      setmetatable(value, value)
      local result = there_and_back(value)
      assert.equal(result, getmetatable(result))
      assert.equal("own", result.name)
    end)

    it("brings a metatable that is hidden", function()
      local value = setmetatable({}, { __metatable = "hidden", __len = function() return 9 end })
      local length, seen = there(function(object) return #object, getmetatable(object) end, value)
      assert.same({ 9, "hidden" }, { length, seen })
    end)

    it("is read without its metamethods", function()
      local touched = false
      local function touch() touched = true end
      local value = setmetatable({ 1 }, {
        __index = touch, __newindex = touch, __len = touch, __pairs = touch, __eq = touch,
        __name = "loud",
      })
      there_and_back(value)
      assert.is_false(touched)
      assert.equal(1, there(function(list) return rawget(list, 1) end, value))
    end)

    it("may have a hundred thousand integers", function()
      local value = {}
      for i = 1, 100000 do value[i] = i * i end
      local result = there_and_back(value)
      assert.equal(100000, #result)
      for i = 1, 100000 do assert(result[i] == i * i) end
    end)

    it("may have ten thousand small tables", function()
      local value = {}
      for i = 1, 10000 do value[i] = { id = i, name = "item " .. i, ratio = i / 2 } end
      assert.same(value, there_and_back(value))
    end)

    it("may be nested a million levels deep, there and back", function()
      local levels = scale(1000000)
      local value = "bottom"
      for _ = 1, levels do value = { value } end
      local result = there_and_back(value)
      local depth = 0
      while type(result) == "table" do result, depth = result[1], depth + 1 end
      assert.equal(levels, depth)
      assert.equal("bottom", result)
    end)

    it("may be nested a million levels deep in its keys", function()
      local levels = scale(1000000)
      local value = {}
      for _ = 1, levels do value = { [value] = true } end
      local depth = there(function(own)
        local count = 0
        while next(own) do own, count = next(own), count + 1 end
        return count
      end, value)
      assert.equal(levels, depth)
    end)

    it("may be nested a million levels deep in its metatables", function()
      local levels = scale(1000000)
      local value = {}
      for _ = 1, levels do value = setmetatable({}, value) end
      local depth = there(function(own)
        local count = -1
        while own do own, count = getmetatable(own), count + 1 end
        return count
      end, value)
      assert.equal(levels, depth)
    end)
  end)

  describe("a function", function()
    it("is not taken for another that was where it is", function()
      local function send_first()
        local first = assert(load "return 1")
        for _ = 1, 2 do assert.equal(1, rille.detach(first)) end
        return ("%p"):format(first)
      end
      local place = send_first()
      collectgarbage()
      local others = {}
      for i = 1, 20000 do
        others[i] = assert(load "return 2")
        if ("%p"):format(others[i]) == place then break end
      end
      assert.equal(2, rille.detach(others[#others]))
    end)

    it("brings its captured values", function()
      local number, text, list = 7, "text", { 1, 2 }
      assert.same({ 7, "text", { 1, 2 } }, { there(function() return number, text, list end) })
    end)

    it("brings captured false and nil", function()
      local no, none = false, nil
      assert.same({ false, nil, "false", n = 3 },
        table.pack(there(function() return no, none, tostring(no) end)))
    end)

    it("calls itself", function()
      local function factorial(n) return n < 2 and 1 or n * factorial(n - 1) end
      assert.equal(3628800, there(factorial, 10))
    end)

    it("calls another that calls it", function()
      local is_even, is_odd
      function is_even(n) if n == 0 then return true end return is_odd(n - 1) end
      function is_odd(n) if n == 0 then return false end return is_even(n - 1) end
      assert.same({ true, false }, { there(is_even, 100), there(is_even, 101) })
    end)

    it("shares a captured variable with another that is sent along", function()
      local count = 0
      local function up() count = count + 1 end
      local function get() return count end
      assert.equal(3, there(function(a, b)
        for _ = 1, 3 do a() end
        return b()
      end, up, get))
    end)

    it("shares a captured variable with another that it captures", function()
      local count = 0
      local function up() count = count + 1 end
      assert.equal(2, there(function()
        up()
        up()
        return count
      end))
    end)

    it("does not share equal variables that are two", function()
      local function counter()
        local count = 0
        return function()
          count = count + 1
          return count
        end
      end
      local function use(a, b) return a(), a(), b() end
      assert.same({ 1, 2, 1 }, { there(use, counter(), counter()) })
    end)

    it("starts each task with the captured values of the call", function()
      local count = 10
      local function up()
        count = count + 1
        return count
      end
      assert.same({ 11, 11 }, { there(up), there(up) })
      assert.equal(10, count)
      count = 20
      assert.equal(21, there(up))
    end)

    it("brings its own captured values though its code is known there", function()
      local function adder(n) return function(m) return n + m end end
      assert.same({ 11, 101 }, { there(adder(10), 1), there(adder(100), 1) })
    end)

    it("shares a captured table with an argument", function()
      local shared = {}
      assert.is_true(there(function(argument) return argument == shared end, shared))
    end)

    it("stays one function when it is two arguments", function()
      local function some() end
      assert.is_true(there(rawequal, some, some))
    end)

    it("comes back as a result with what it captured there", function()
      local up = there(function(start)
        return function()
          start = start + 1
          return start
        end
      end, 5)
      assert.same({ 6, 7 }, { up(), up() })
    end)

    it("may be a field, a key, or in a metatable", function()
      local function double(n) return 2 * n end
      assert.same({ 4, 6, 8 }, { there(function(object)
        return object.field(2), next(object.keys)(3), object(4)
      end, setmetatable({ field = double, keys = { [double] = true } },
        { __call = function(_, n) return double(n) end })) })
    end)

    it("may have two hundred captured values", function()
      local lines, sum = {}, {}
      for i = 1, 190 do
        lines[i] = ("local v%d = %d"):format(i, i)
        sum[i] = "v" .. i
      end
      local fn = load(("%s return function() return %s end"):format(
        table.concat(lines, "\n"), table.concat(sum, " + ")))()
      assert.equal(190 * 191 // 2, there(fn))
    end)

    it("may be made by load, with globals of its own state", function()
      local fn = load "return math.floor(...)"
      assert.equal(2, there(fn, 2.5))
    end)

    it("may have an environment that is not the globals", function()
      local fn = load("answer = answer + 1 return answer", "own", "t", { answer = 41 })
      assert.equal(42, there(fn))
    end)

    it("has the receiving domain's globals for its own", function()
      rawset(_G, "rille_spec_here", true)
      local seen = there(function() return rawget(_G, "rille_spec_here") end)
      rawset(_G, "rille_spec_here", nil)
      assert.is_nil(seen)
    end)

    it("may capture a chain of a hundred thousand functions", function()
      local links = scale(100000)
      local fn = function() return "end" end
      for _ = 1, links do
        local inner = fn
        fn = function() return inner end
      end
      local depth = there(function(link)
        local count = 0
        while true do
          link = link()
          if link == "end" then return count end
          count = count + 1
        end
      end, fn)
      assert.equal(links, depth)
    end)

    it("keeps its name and lines for tracebacks", function()
      local function recognisable() error "no luck" end
      local text = failure(rille.detach, function() return (recognisable()) end)
      assert.matches("values_spec%.lua:%d+: in .*'recognisable'", text)
    end)

    it("may be a vararg, and return its arguments' number", function()
      assert.equal(3, there(function(...) return select("#", ...) end, nil, nil, nil))
    end)

    it("may be used by many tasks at once", function()
      rille.domains.set_bounds(4, 4)
      local offset, tasks = 1000, {}
      for i = 1, 200 do tasks[i] = rille.submit(function(n) return n + offset end, i) end
      for i, task in ipairs(tasks) do assert.equal(i + 1000, task:await()) end
    end)
  end)

  describe("what a loaded module holds", function()
    it("is there the same function of the standard library", function()
      assert.is_true(there(function(format) return format == string.format end, string.format))
    end)

    it("comes back as the same function", function()
      assert.equal(string.format, there_and_back(string.format))
      assert.equal(print, there_and_back(print))
    end)

    it("may be a whole library", function()
      assert.is_true(there(function(library) return library == math end, math))
    end)

    it("may be captured", function()
      local floor, format = math.floor, string.format
      assert.equal("2", there(function() return format("%d", floor(2.5)) end))
    end)

    it("may be the detached function itself", function()
      assert.equal("ABC", there(string.upper, "abc"))
    end)

    it("may be the table of globals", function()
      assert.is_true(there(function(globals) return globals == _G end, _G))
    end)

    it("is there the same function of a module written in Lua", function()
      assert.is_true(there(function(fn) return fn(fn) end, shapes.is_own))
    end)

    it("gives an instance its class there", function()
      assert.equal(9, there(function(square) return square:area() end, shapes.square(3)))
    end)

    it("gives an instance the class of the module there, not a copy", function()
      assert.is_true(there(function(square)
        return getmetatable(square) == require("spec.support.shapes").Square
      end, shapes.square(3)))
    end)

    it("gives an instance that comes back its class here", function()
      local result = there_and_back(shapes.square(4))
      assert.equal(shapes.Square, getmetatable(result))
      assert.equal(16, result:area())
    end)

    it("makes an instance equal to its copy by its own __eq", function()
      local square = shapes.square(5)
      assert.is_true(square == there_and_back(square))
    end)

    it("may be of a module written in C", function()
      local cjson = require "cjson"
      assert.equal("[1,2]", there(cjson.encode, { 1, 2 }))
    end)

    it("may be a light userdata of a module", function()
      local null = require("cjson").null
      assert.is_true(there(function(value) return value == require("cjson").null end, null))
    end)

    it("may be a standard stream", function()
      assert.is_true(there(function(file) return file == io.stdout end, io.stdout))
    end)

    it("is an error there when the module cannot be found there", function()
      package.preload["spec.only_here"] = function() return { value = function() end } end
      local text = failure(there, function() end, require("spec.only_here").value)
      package.preload["spec.only_here"], package.loaded["spec.only_here"] = nil, nil
      assert.matches("spec%.only_here", text)
    end)
  end)

  describe("refused", function()
    it("is a coroutine, at the call", function()
      local text = failure(rille.detach, function() end, coroutine.create(print))
      assert.matches("argument 1 is a coroutine and cannot leave its domain", text)
    end)

    it("is an open file, at the call", function()
      local file <close> = io.tmpfile()
      local text = failure(rille.detach, function() end, 1, file)
      assert.matches("argument 2 is a .*and cannot leave its domain", text)
    end)

    it("is named by the path that leads to it", function()
      local file <close> = io.tmpfile()
      local text = failure(rille.detach, function() end, { items = { 1, 2, { conn = file } } })
      assert.matches("argument 1: %.items%[3%]%.conn is a .*and cannot leave its domain", text)
    end)

    it("is named by the captured variable that leads to it", function()
      local file <close> = io.tmpfile()
      local holder = { inner = file }
      local text = failure(rille.detach, function() return holder end)
      assert.matches("holder.*%.inner is a .*and cannot leave its domain", text)
    end)

    it("is a key, too", function()
      local text = failure(rille.detach, function() end, { [coroutine.create(print)] = true })
      assert.matches("argument 1.*is a coroutine and cannot leave its domain", text)
    end)

    it("is a field of a metatable, too", function()
      local value = setmetatable({}, { __index = { co = coroutine.create(print) } })
      local text = failure(rille.detach, function() end, value)
      assert.matches("argument 1.*%.co is a coroutine and cannot leave its domain", text)
    end)

    it("is a C function that no module holds", function()
      local text = failure(rille.detach, ("x"):gmatch("."))
      assert.matches("cannot leave its domain", text)
    end)

    it("is a task", function()
      local task = rille.spawn(function() end)
      local text = failure(rille.detach, function() end, task)
      task:await()
      assert.matches("argument 1 is a .*cannot leave its domain", text)
    end)

    it("is an argument of submit, at the submit", function()
      local text = failure(rille.submit, function() end, coroutine.create(print))
      assert.matches("argument 1 is a coroutine and cannot leave its domain", text)
    end)

    it("is an argument of run_in_main, in the task", function()
      local text = failure(rille.detach, function()
        rille.run_in_main(function() end, coroutine.create(print))
      end)
      assert.matches("argument 1 is a coroutine and cannot leave its domain", text)
    end)

    it("does not reach a domain: no task is submitted", function()
      local before = rille.domains.stats().submitted
      pcall(rille.detach, function() end, coroutine.create(print))
      assert.equal(before, rille.domains.stats().submitted)
    end)

    it("leaves the fiber able to detach", function()
      pcall(rille.detach, function() end, coroutine.create(print))
      assert.equal("fine", there(function() return "fine" end))
    end)
  end)

  describe("a global that the task lacks", function()
    it("is an error that names it and says what to do", function()
      rawset(_G, "rille_spec_helper", function() end)
      local text = failure(there, function() rille_spec_helper() end) -- luacheck: ignore 113
      rawset(_G, "rille_spec_helper", nil)
      assert.matches("values_spec%.lua:%d+: .*'rille_spec_helper'", text)
      assert.matches("local", text)
      assert.matches("module", text)
    end)

    it("is an error when it is only read, too", function()
      local text = failure(there, function() return rille_spec_value end) -- luacheck: ignore 113
      assert.matches("'rille_spec_value'", text)
    end)

    it("can be set in the task and read then", function()
      assert.equal(5, there(function()
        rille_spec_own = 5 -- luacheck: ignore 111
        return rille_spec_own -- luacheck: ignore 113
      end))
    end)

    it("can be asked for with rawget", function()
      assert.is_nil(there(function() return rawget(_G, "rille_spec_nothing") end))
    end)
  end)

  describe("from a task to the main domain", function()
    it("values arrive as they are", function()
      local value = { 1, 2.0, "three", { deep = { false } } }
      assert.same(value, there(function(own)
        return rille.run_in_main(function(again) return again end, own)
      end, value))
    end)

    it("functions bring what they captured", function()
      assert.equal("captured in the task", there(function()
        local text = "captured in the task"
        return rille.run_in_main(function() return text end)
      end))
    end)

    it("functions share what they captured", function()
      assert.equal(3, there(function()
        local count = 0
        local function up() count = count + 1 end
        return rille.run_in_main(function()
          for _ = 1, 3 do up() end
          return count
        end)
      end))
    end)
  end)
end)
