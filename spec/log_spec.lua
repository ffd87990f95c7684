-- rille.log from inside: what it takes, and what it refuses. What it writes is looked at from
-- outside, in spec/blackbox/log_spec.lua.

local log = require "rille.log"
local rille = require "rille"

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

describe("log", function()
  local level, form = log.level(), log.form()
  after_each(function()
    log.level(level)
    log.form(form)
  end)

  it("is a field of rille", function()
    assert.equal(log, rille.log)
  end)

  it("has a level, which holds on every domain", function()
    assert.equal("info", level)
    assert.equal("error", log.level "error")
    assert.equal("error", rille.detach(function() return require("rille.log").level() end))
    rille.detach(function() require("rille.log").level "debug" end)
    assert.equal("debug", log.level())
  end)

  it("has a form, which holds on every domain", function()
    assert.equal("text", log.form "text")
    assert.equal("text", rille.detach(function() return require("rille.log").form() end))
    assert.equal("json", log.form "json")
    assert.is_not.equal("auto", log.form "auto")
  end)

  it("says what levels and forms there are", function()
    assert.matches("invalid option 'loud'; there are debug, info, warn, error",
      failure(log.level, "loud"))
    assert.matches("invalid option 'xml'; there are auto, plain, text, json",
      failure(log.form, "xml"))
    assert.equal(level, log.level())
  end)

  it("refuses fields that have no name", function()
    assert.matches("names of fields are strings, got a number", failure(log.error, "x", { 1 }))
    assert.matches("log.error: fields are given in a table, got a string",
      failure(log.error, "x", "y"))
    local many = {}
    for i = 1, 65 do many["f" .. i] = i end
    assert.matches("room for 64 fields", failure(log.error, "x", many))
    assert.matches("bad argument", failure(log.error))
  end)

  it("does not look at what is below its level", function()
    log.level "error"
    assert.is_nil(log.info("x", { 1 }))
    assert.is_nil(log.info())
  end)

  it("goes on in the old place where a file cannot be opened", function()
    local opened, why = log.open "/nowhere/at/all"
    assert.is_nil(opened)
    assert.equal("/nowhere/at/all: No such file or directory", why)
    assert.is_nil(log.reopen())
    assert.equal(0, log.lost())
  end)
end)
