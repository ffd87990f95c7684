-- rille.json: RFC 8259 in both directions.

local failure = require "spec.support.failure"
local json = require "rille.json"
local rille = require "rille"

-- The text is one JSON value, which equals `value` and has its type of number.
local function decodes(value, text)
  local got, message = json.decode(text)
  assert.is_nil(message)
  assert.same(value, got)
  assert.equal(math.type(value), math.type(got))
end

local function refused(text, message, options)
  local value, got = json.decode(text, options)
  assert.is_nil(value)
  assert.equal(message, got)
end

-- fn(...) fails with an error that contains the message.
local function fails(message, fn, ...)
  assert.matches(message, failure(fn, ...), 1, true)
end

describe("json.decode: numbers", function()
  it("are integers when they are written as such and fit", function()
    decodes(0, "0")
    decodes(42, "42")
    decodes(-7, "-7")
    decodes(999999999999999999, "999999999999999999")
    decodes(math.maxinteger, "9223372036854775807")
    decodes(math.mininteger, "-9223372036854775808")
  end)

  it("are floats otherwise", function()
    decodes(42.0, "42.0")
    decodes(1.0, "1e0")
    decodes(1e5, "1E5")
    decodes(1e5, "1e+5")
    decodes(0.00015, "1.5e-4")
    decodes(2.0 ^ 63, "9223372036854775808")
    decodes(-2.0 ^ 63 - 2048, "-9223372036854777856")
    decodes(1e19, "10000000000000000000")
    decodes(1.2345678901234567e29, "123456789012345678901234567890")
  end)

  it("keep the sign of a zero", function()
    assert.equal("-0.0", tostring(json.decode "-0"))
    assert.equal("-0.0", tostring(json.decode "-0.0"))
    assert.equal("0.0", tostring(json.decode "0e5"))
  end)

  it("are the nearest floats, however long", function()
    decodes(0.1, "0.1")
    decodes(0.1, "0.1000000000000000055511151231257827")
    decodes(0.30000000000000004, "0.30000000000000004")
    decodes(1.7976931348623157e308, "1.7976931348623157e308")
    decodes(2.2250738585072014e-308, "2.2250738585072014e-308")
    decodes(5e-324, "5e-324")
    decodes(2.0 ^ 53, "9007199254740993.0") -- halfway, to even
    decodes(2.0 ^ 53 + 2, "9007199254740993." .. ("0"):rep(1000) .. "1")
    decodes(1.0, "1" .. ("0"):rep(400) .. "e-400")
    decodes(1.0, "0." .. ("0"):rep(400) .. "1e401")
  end)

  it("may be too small for a float, and must not be too large", function()
    decodes(0.0, "1e-999")
    decodes(0.0, "1e-99999999999999999999")
    refused("1e999", "line 1, column 1: a number too large for a float")
    refused("[-1e99999999999999999999]", "line 1, column 2: a number too large for a float")
    refused(("9"):rep(400), "line 1, column 1: a number too large for a float")
  end)

  it("have digits where digits belong, and nothing else", function()
    refused("-", "line 1, column 2: a digit expected, got the end of the text")
    refused("-x", "line 1, column 2: a digit expected, got 'x'")
    refused("1.", "line 1, column 3: a digit expected, got the end of the text")
    refused("[1.]", "line 1, column 4: a digit expected, got ']'")
    refused("1.e1", "line 1, column 3: a digit expected, got 'e'")
    refused("1e", "line 1, column 3: a digit expected, got the end of the text")
    refused("1e+", "line 1, column 4: a digit expected, got the end of the text")
    refused("01", "line 1, column 2: the end of the text expected, got '1'")
    refused("-01", "line 1, column 3: the end of the text expected, got '1'")
    refused("0x10", "line 1, column 2: the end of the text expected, got 'x'")
    for _, text in ipairs { "+1", ".5", "NaN", "Infinity", "-Infinity", "1_000", "1,5", "--1",
      "1e5.5" } do
      assert.is_nil((json.decode(text)), text)
    end
  end)
end)

describe("json.decode: strings", function()
  it("have escapes", function()
    decodes("\"\\/\b\f\n\r\t", [["\"\\\/\b\f\n\r\t"]])
    decodes("aäb€c😀d\0e", [["a\u00e4b\u20ACc\ud83D\uDe00d\u0000e"]])
    decodes("\u{10000}\u{10FFFF}\u{FFFF}", [["\ud800\udc00\udbff\udfff\uffff"]])
    decodes("", '""')
    decodes(("x\n"):rep(1000), '"' .. ("x\\n"):rep(1000) .. '"')
  end)

  it("have no others", function()
    refused([["\x"]], "line 1, column 3: one of \"\\/bfnrtu after a backslash expected, got 'x'")
    refused('"\\', 'line 1, column 3: one of "\\/bfnrtu after a backslash expected, '
      .. "got the end of the text")
    refused('"\\\0"', 'line 1, column 3: one of "\\/bfnrtu after a backslash expected, '
      .. "got the byte 0x00")
    for _, digits in ipairs { "", "1", "12", "123", "123g", "-123", "+123", " 123", "0x12" } do
      refused('["\\u' .. digits .. '"]',
        "line 1, column 3: four hexadecimal digits expected after \\u")
    end
    refused([["\U0041"]],
      "line 1, column 3: one of \"\\/bfnrtu after a backslash expected, got 'U'")
  end)

  it("have no half of a surrogate pair", function()
    for _, text in ipairs { [[\ud800]], [[\udc00]], [[\udfff\ud800]], [[\ud800\ud800]], [[\ud800x]],
      [[\ud800\n]], [[\ud800\u]], [[\ud800\u0041]], [[\udbff\ue000]], [[\ud800\\udc00]] } do
      refused('"' .. text .. '"', "line 1, column 2: half of a surrogate pair")
    end
  end)

  it("are UTF-8", function()
    decodes("ä€😀\u{7ff}\u{800}\u{d7ff}\u{e000}\u{fffd}\u{10ffff}",
      '"ä€😀\u{7ff}\u{800}\u{d7ff}\u{e000}\u{fffd}\u{10ffff}"')
    for _, bytes in ipairs { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3x",
      "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
      "\xf4\x90\x80\x80", "\xf5", "\xff",
      "\xf0\x9f\x98", "\xf0\x9f\x98x" } do
      refused('"' .. bytes .. '"', "line 1, column 2: bytes that are not UTF-8")
      refused('{"12345678' .. bytes .. '\\n":1}', "line 1, column 11: bytes that are not UTF-8")
    end
  end)

  it("have no control characters, but DEL", function()
    for byte = 0, 31 do
      refused('"12345678' .. string.char(byte) .. '"', "line 1, column 10: "
        .. "a control character in a string, where an escape is expected")
    end
    decodes("\127", '"\127"')
  end)

  it("end", function()
    refused('"abc', "line 1, column 5: '\"' expected, got the end of the text")
    refused('"abc\\"', "line 1, column 7: '\"' expected, got the end of the text")
    refused('{"abc', "line 1, column 6: '\"' expected, got the end of the text")
  end)
end)

describe("json.decode: structure", function()
  it("are objects, arrays and words", function()
    decodes({ a = { 1, { b = false } }, c = "d" }, ' {"a" : [ 1 , {"b":false} ] ,\r\n\t"c":"d"} ')
    decodes({ 1, 2, { 3 } }, "[1,2,[3]]")
    decodes({}, "{}")
    decodes({}, "[ ]")
    decodes(true, "true")
    decodes(false, " false\n")
    decodes({ [""] = 1, ["1"] = 2, ["\0"] = 3 }, [[{"":1,"1":2,"\u0000":3}]])
  end)

  it("may be large", function()
    for _, count in ipairs { 31, 32, 33, 63, 64, 65, 1000, 100000 } do
      local list, members = {}, {}
      for i = 1, count do
        list[i] = tostring(i)
        members[i] = ('"k%d":%d'):format(i, i)
      end
      local array = json.decode("[" .. table.concat(list, ",") .. "]")
      local object = json.decode("{" .. table.concat(members, ",") .. "}")
      assert.equal(count, #array)
      local seen = 0
      for key, value in pairs(object) do
        assert.equal("k" .. value, key)
        assert.equal(value, array[value])
        seen = seen + 1
      end
      assert.equal(count, seen)
    end
  end)

  it("have null as json.null, everywhere", function()
    assert.equal(json.null, (json.decode "null"))
    local array = json.decode "[null,1,null]"
    assert.equal(3, #array)
    assert.equal(json.null, array[3])
    assert.equal(json.null, json.decode('{"a":null}').a)
  end)

  it("are refused where something is missing", function()
    refused("", "line 1, column 1: a value expected, got the end of the text")
    refused(" \n ", "line 2, column 2: a value expected, got the end of the text")
    refused("[", "line 1, column 2: a value expected, got the end of the text")
    refused("[1", "line 1, column 3: ',' or ']' expected, got the end of the text")
    refused("[1 2]", "line 1, column 4: ',' or ']' expected, got '2'")
    refused("{", "line 1, column 2: a name in quotes expected, got the end of the text")
    refused('{"a"', "line 1, column 5: ':' expected, got the end of the text")
    refused('{"a",', "line 1, column 5: ':' expected, got ','")
    refused('{"a":', "line 1, column 6: a value expected, got the end of the text")
    refused('{"a":1', "line 1, column 7: ',' or '}' expected, got the end of the text")
    refused('{"a":1]', "line 1, column 7: ',' or '}' expected, got ']'")
    refused("[1}", "line 1, column 3: ',' or ']' expected, got '}'")
  end)

  it("are refused where there is too much", function()
    refused("[1,]", "line 1, column 4: a value expected, got ']'")
    refused("[,1]", "line 1, column 2: a value expected, got ','")
    refused('{"a":1,}', "line 1, column 8: a name in quotes expected, got '}'")
    refused("1 2", "line 1, column 3: the end of the text expected, got '2'")
    refused("[]]", "line 1, column 3: the end of the text expected, got ']'")
    refused("truely", "line 1, column 5: the end of the text expected, got 'l'")
    refused("1\0", "line 1, column 2: the end of the text expected, got the byte 0x00")
    refused("\xEF\xBB\xBF1", "line 1, column 1: a value expected, got the byte 0xEF")
    refused("[1 /* one */]", "line 1, column 4: ',' or ']' expected, got '/'")
    refused("\f1", "line 1, column 1: a value expected, got the byte 0x0C")
    refused("\u{a0}1", "line 1, column 1: a value expected, got the byte 0xC2")
  end)

  it("are refused where other languages are spoken", function()
    refused("{a:1}", "line 1, column 2: a name in quotes expected, got 'a'")
    refused("{1:1}", "line 1, column 2: a name in quotes expected, got '1'")
    refused("['a']", "line 1, column 2: a value expected, got '''")
    refused("[True]", "line 1, column 2: a value expected, got 'T'")
    refused("[nul]", "line 1, column 2: a value expected, got 'n'")
    refused("[undefined]", "line 1, column 2: a value expected, got 'u'")
  end)

  it("tell the line and the column of a fault", function()
    refused('{\n  "a": 1,\n  "b": [1, x]\n}', "line 3, column 12: a value expected, got 'x'")
  end)

  it("have a name once", function()
    refused('{"a":1,"b":2,"a":1}',
      'line 1, column 20: up to here an object has the name "a" twice')
    refused([=[[{"a":1,"\u0061":1}, {}]]=],
      'line 1, column 20: up to here an object has the name "a" twice')
    refused('{"' .. ("x"):rep(50) .. '":1,"' .. ("x"):rep(50) .. '":null}',
      "line 1, column 115: up to here an object has the same name twice, of 50 bytes")
    local members = {}
    for i = 1, 100 do members[i] = ('"k%d":null'):format(i) end
    members[101] = '"k3":null'
    local _, message = json.decode("{" .. table.concat(members, ",") .. "}")
    assert.matches('up to here an object has the name "k3" twice', message, 1, true)
  end)

  it("are nested to a limit", function()
    local function nested(depth) return ("["):rep(depth) .. ("]"):rep(depth) end
    local function members(depth) return ('{"a":'):rep(depth) .. "1" .. ("}"):rep(depth) end
    assert.is_table((json.decode(nested(128))))
    assert.is_table((json.decode(members(128))))
    refused(nested(129), "line 1, column 129: nested more than 128 deep")
    refused(members(129), "line 1, column 641: nested more than 128 deep")
    refused(("["):rep(1000000), "line 1, column 129: nested more than 128 deep")
    assert.is_table((json.decode(nested(1000), { depth = 1000 })))
    assert.is_table((json.decode(members(1000), { depth = 1000 })))
    refused(nested(1001), "line 1, column 1001: nested more than 1000 deep", { depth = 1000 })
    refused("[[1]]", "line 1, column 2: nested more than 1 deep", { depth = 1 })
    decodes(1, "1")
    assert.same({ {}, {}, {} }, (json.decode("[[],[],[]]", { depth = 2 })))
  end)
end)

describe("json.encode", function()
  it("writes every kind", function()
    assert.equal("null", json.encode(nil))
    assert.equal("null", json.encode(json.null))
    assert.equal("true", json.encode(true))
    assert.equal("[1,[2],{}]", json.encode { 1, { 2 }, {} })
    assert.equal('{"a":{"b":[false]}}', json.encode { a = { b = { false } } })
    assert.equal('{"7":1}', json.encode { [7] = 1 })
    assert.equal('"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\127ä😀"',
      json.encode "\"\\/\b\f\n\r\t\0\31\127ä😀")
  end)

  it("writes numbers with all their digits, and no more", function()
    for text, value in pairs {
      ["9223372036854775807"] = math.maxinteger, ["-9223372036854775808"] = math.mininteger,
      ["0"] = 0, ["-0"] = -0.0, ["42"] = 42.0, ["1000000000000000"] = 1e15, ["0.1"] = 0.1,
      ["-3.25"] = -3.25, ["0.30000000000000004"] = 0.1 + 0.2, ["1e+300"] = 1e300,
      ["0.000001"] = 1e-6, ["1e-7"] = 1e-7, ["1.5e-10"] = 1.5e-10,
      ["9007199254740991"] = 2.0 ^ 53 - 1, ["1.7976931348623157e+308"] = 1.7976931348623157e308,
      ["3.141592653589793"] = math.pi, ["1e+22"] = 1e22, ["123456789.125"] = 123456789.125,
    } do
      assert.equal(text, json.encode(value))
    end
  end)

  it("writes what is read as the same number", function()
    math.randomseed(42)
    for _ = 1, 20000 do
      local value = string.unpack("d", string.pack("j", math.random(0)))
      if value == value and value ~= math.huge and value ~= -math.huge then
        assert.equal(value, (json.decode(json.encode(value))))
      end
      value = math.random(-10 ^ 6 // 1, 10 ^ 6 // 1) / 1000
      assert.equal(value, (json.decode(json.encode(value))))
      value = math.random() * 10.0 ^ math.random(-20, 20)
      assert.equal(value, (json.decode(json.encode(value))))
      value = math.random(0)
      assert.equal(value, (json.decode(json.encode(value))))
    end
  end)

  it("refuses what JSON cannot say, and tells where it is", function()
    fails("JSON: the value is a function, which JSON cannot say", json.encode, print)
    fails("JSON: .a.b[2] is a thread, which JSON cannot say",
      json.encode, { a = { b = { 1, coroutine.create(print) } } })
    fails("JSON: .x is a FILE*, which", json.encode, { x = io.stdout })
    fails("JSON: [1] is NaN", json.encode, { 0 / 0 })
    fails("JSON: [1] is infinite", json.encode, { -math.huge })
    fails([[JSON: .a["b c"] is not UTF-8 (byte 7 is "\233"): make it so, or text by crypto.base64]],
      json.encode, { a = { ["b c"] = 'é"\n\\x\233y' } })
    fails([[JSON: .a has a key that is not UTF-8 (byte 1 is "\255"): make it so, or text by ]],
      json.encode, { a = { ["\xff"] = 1 } })
    fails("JSON: the value has a key that is neither a string nor an integer",
      json.encode, { [1.5] = 1 })
    fails("JSON: .a has a key that is neither a string nor an integer",
      json.encode, { a = { [true] = 1 } }, { sorted = true })
    fails("JSON: .a has the key 1 both as an integer and as a string",
      json.encode, { a = { [1] = 1, ["1"] = 2 } })
    local cycle = {}
    cycle.cycle = { cycle }
    fails("JSON: a table contains itself", json.encode, cycle)
    assert.equal("[1]", json.encode { 1 }) -- nothing of all that is left
  end)

  it("takes keys for what they are", function()
    assert.equal('{"01":2,"1":1}', json.encode({ [1] = 1, ["01"] = 2 }, { sorted = true }))
    assert.equal('{"1":1,"3":3}', json.encode({ [1] = 1, [3] = 3 }, { sorted = true }))
    assert.equal('{"1":1,"x":2}', json.encode({ 1, x = 2 }, { sorted = true }))
    local list = {}
    for i = 100, 1, -1 do list[i] = i end -- not in the array part
    assert.equal("[1,2,3,", json.encode(list):sub(1, 7))
    list[50] = nil
    assert.equal("{", json.encode(list):sub(1, 1))
    local gone = { 1, 2, 3, x = 1 }
    gone.x, gone[3] = nil, nil
    assert.equal("[1,2]", json.encode(gone))
  end)

  it("nests to a limit", function()
    local deep = {}
    for _ = 2, 128 do deep = { deep } end
    assert.equal(256, #json.encode(deep))
    fails("nested more than 128 deep", json.encode, { deep })
    assert.equal(258, #json.encode({ deep }, { depth = 1000 }))
    for _ = 129, 1000 do deep = { a = deep } end
    assert.is_string(json.encode(deep, { depth = 1000 }))
    fails("nested more than 1000 deep", json.encode, { deep }, { depth = 1000 })
  end)

  it("indents and sorts", function()
    assert.equal('{\n  "10": 2,\n  "9": 1,\n  "a": [\n    1,\n    {}\n  ],\n  "é": null\n}',
      json.encode({ a = { 1, {} }, ["é"] = json.null, [10] = 2, [9] = 1 },
        { indent = 2, sorted = true }))
    assert.equal("[\n 1\n]", json.encode({ 1 }, { indent = 1 }))
    assert.equal('{"a":1,"b":2,"ba":3}', json.encode({ ba = 3, b = 2, a = 1 }, { sorted = true }))
  end)

  it("sorts while finalizers encode as well", function()
    local value = {}
    for i = 1, 200 do value["key" .. i] = { [("x"):rep(i + 50)] = i } end
    local before = json.encode(value, { sorted = true })
    for _ = 1, 20 do
      for _ = 1, 50 do
        setmetatable({}, { __gc = function() json.encode { 1, 2, 3 } end })
      end
      assert.equal(before, json.encode(value, { sorted = true }))
      assert.equal(before, json.encode(json.decode(before), { sorted = true }))
    end
  end)
end)

describe("json.array", function()
  it("makes an empty table an array", function()
    assert.equal("[]", json.encode(json.array()))
    assert.equal('{"a":[]}', json.encode { a = json.array {} })
    local list = json.array()
    list[1] = "x"
    assert.equal('["x"]', json.encode(list))
    assert.equal(list, json.array(list))
  end)

  it("is what decode makes of []", function()
    assert.equal('{"a":[],"b":{}}', json.encode(json.decode '{"b":{},"a":[]}', { sorted = true }))
    assert.equal(json.array_mt, getmetatable((json.decode "[]")))
    assert.is_nil(getmetatable((json.decode "[1]")))
  end)

  it("must be one", function()
    fails("JSON: the value is marked as an array, but its keys are not 1 to n",
      json.encode, json.array { x = 1 })
    fails("JSON: .a is marked as an array", json.encode, { a = json.array { 1, nil, 3 } })
    fails("the table has another metatable", json.array, setmetatable({}, {}))
    fails("table expected", json.array, 1)
  end)

  it("crosses domains", function()
    local there = rille.detach(function(list)
      return require("rille.json").encode(list), list
    end, json.array())
    assert.equal("[]", there)
    local _, list = rille.detach(function(list) return 1, list end, json.decode "[]")
    assert.equal("[]", json.encode(list))
    assert.is_true(rille.detach(function(null)
      return null == require("rille.json").null
    end, json.null))
  end)

  it("goes by __jsontype", function()
    assert.equal("[]", json.encode(setmetatable({}, { __jsontype = "array" })))
    assert.equal('{"1":7}', json.encode(setmetatable({ 7 }, { __jsontype = "object" })))
    local meta = { __index = error, __len = error, __pairs = error }
    assert.equal("[7]", json.encode(setmetatable({ 7 }, meta)))
  end)
end)

describe("json", function()
  it("takes the arguments it says", function()
    fails("value expected", json.encode)
    fails("string expected, got nil", json.decode, nil)
    fails("there is no option indents", json.encode, 1, { indents = 1 })
    fails("there is no option indent", json.decode, "1", { indent = 1 })
    fails("option depth: an integer from 1 to 1000 expected", json.decode, "1", { depth = 1001 })
    fails("option depth: an integer from 1 to 1000 expected", json.encode, 1, { depth = 0 })
    fails("option indent: an integer from 0 to 16 expected", json.encode, 1, { indent = "2" })
    fails("table expected", json.decode, "1", 5)
  end)

  it("does not mind the locale", function()
    local before = os.setlocale(nil)
    finally(function() os.setlocale(before) end)
    for _, name in ipairs { "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "C.UTF-8" } do
      if os.setlocale(name) then break end
    end
    assert.equal("[0.1,0.30000000000000004,1.5e+300]", json.encode { 0.1, 0.1 + 0.2, 1.5e300 })
    assert.equal(1.7976931348623157e308, (json.decode "1.7976931348623157e308"))
    assert.equal(0.5, (json.decode "0.5"))
  end)
end)
