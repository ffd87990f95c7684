--- load is Rille's own; to a script it is Lua's.

local failure = require "spec.support.failure"

describe("load", function()
  it("takes text, or the pieces that a reader returns", function()
    assert.equal(3, load("return 1 + 2")())
    local pieces = { "return ", 1, "+2" }
    assert.equal(3, load(function() return table.remove(pieces, 1) end)())
    assert.same({}, { load(function() return "" end)() })
  end)

  it("names the chunk", function()
    assert.matches('^%[string "x x"%]:1:', (select(2, load "x x")))
    assert.matches("^name.lua:1:", (select(2, load("x x", "@name.lua"))))
    assert.matches("^%(load%):1:", (select(2, load(function() return "x x" end))))
  end)

  it("sets the environment, if one is given", function()
    assert.equal(_G, load "return _ENV"())
    assert.equal(42, load("return _ENV", nil, nil, 42)())
    assert.is_nil(load("return _ENV", nil, nil, nil)())
  end)

  it("tells text and binary chunks apart", function()
    local dump = string.dump(function() return 7 end)
    assert.equal(7, load(dump)())
    assert.matches("attempt to load a binary chunk", (select(2, load(dump, "d", "t"))))
    assert.matches("attempt to load a text chunk", (select(2, load("return 1", "d", "b"))))
  end)

  it("returns what its reader raises, or that it is none", function()
    local err = {}
    local ok, chunk, caught = pcall(load, function() error(err) end) -- not through busted's handler
    assert.same({ true, nil }, { ok, chunk })
    assert.equal(err, caught)
    local text = select(3, pcall(load, function() return {} end))
    assert.matches("reader function must return a string", text)
  end)

  it("refuses what is neither", function()
    assert.matches("bad argument #1 to .*function expected, got table", failure(load, {}))
    assert.matches("bad argument #1 to .*function expected, got no value", failure(load))
  end)
end)
