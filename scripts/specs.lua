--[[ Runs busted in the program that runs this file, and prints its results as TAP.

Usage: rille scripts/specs.lua [busted's options] FILE...

Busted gives a spec file an environment of its own. A function that leaves for another domain must
have the globals table as its _ENV, though, or its environment would travel with it. So here a spec
file keeps the real globals; what busted offers (describe, it, ...) is found through a metatable of
theirs, and `assert` becomes a local of the file, for the global one is Lua's own. ]]

local function environment_of(context)
  local function find(element, key)
    while element do
      local value = element.env and element.env[key]
      if value ~= nil then
        return value
      end
      element = context.parent(element)
    end
    return nil
  end

  setmetatable(_G, {
    __index = function(_, key)
      return find(context.get(), key)
    end,
  })

  local environment = {}

  function environment.wrap(fn)
    return fn
  end

  function environment.set(key, value)
    local env = context.get("env") or {}
    env[key] = value
    context.set("env", env)
  end

  return environment
end

package.preload["busted.environment"] = function()
  return environment_of
end

-- Busted's own frames say nothing about a test.
local function trim_trace(_, info)
  local first = info.traceback:find("\n%s*%[C%]: in function 'xpcall'\n[^\n]*busted/core%.lua")
  info.traceback = info.traceback:sub(1, (first or 0) - 1)
  return info
end

local spec_files = {}

function spec_files.match(_, name)
  return name:find("%.lua$") ~= nil
end

function spec_files.load(busted, name)
  local file = assert(io.open(name, "rb"))
  local text = "local assert = require 'luassert'; " .. file:read("a")
  file:close()
  local run, err = load(text, "@" .. name, "t")
  if not run then
    busted.publish({ "error", "file" }, { descriptor = "file", name = name }, nil, err, {})
  end
  return run, trim_trace
end

package.preload["busted.modules.files.lua"] = function()
  return spec_files
end

-- The output handler: a line for each test as it ends, "1..N" when all have.
local function new_output()
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base" ()
  local count = 0

  local function say(...)
    io.write(...)
    io.write("\n")
    io.flush()
  end

  local function say_failure(failure)
    local trace = failure.trace or {}
    count = count + 1
    say("not ok ", count, " - ", failure.name or "?")
    local text = tostring(failure.message) .. (trace.traceback or "")
    say((("\n" .. text):gsub("\n", "\n#   "):gsub("^\n", "")))
  end

  function handler.testEnd(_, _, status)
    if status == "success" then
      count = count + 1
      say("ok ", count, " - ", handler.successes[#handler.successes].name)
    elseif status == "pending" then
      local pending = handler.pendings[#handler.pendings]
      count = count + 1
      say("ok ", count, " - ", pending.name, " # SKIP ", tostring(pending.message or ""))
    elseif status == "failure" then
      say_failure(handler.failures[#handler.failures])
    else
      say_failure(handler.errors[#handler.errors])
    end
    return nil, true
  end

  function handler.error(element)
    if element.descriptor ~= "it" then
      say_failure(handler.errors[#handler.errors])
    end
    return nil, true
  end

  function handler.suiteEnd()
    say("1..", count)
    return nil, true
  end

  busted.subscribe({ "test", "end" }, handler.testEnd, { predicate = handler.cancelOnPending })
  busted.subscribe({ "error" }, handler.error)
  busted.subscribe({ "suite", "end" }, handler.suiteEnd)
  return handler
end

package.preload["busted.outputHandlers.tap"] = function()
  return new_output
end

require "busted.runner" { standalone = false, output = "tap" }
os.exit(true, true)
