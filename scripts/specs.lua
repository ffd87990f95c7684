--[[ Runs busted in the program that runs this file, as `rille test` does, and prints its results as
TAP.

Usage: rille scripts/specs.lua [busted's options] FILE... ]]

local run = require "rille.command.busted"

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

run({ standalone = false, output = "tap" }, new_output)
os.exit(true, true)
