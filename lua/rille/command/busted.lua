-- rille.command.busted: busted in a fiber, and its spec files in the real globals. Not for scripts,
-- but for `rille test` and for Rille's own specs.
--
-- Busted gives a spec file an environment of its own. A function that leaves for another domain
-- must have the globals table as its _ENV, though, or its environment would travel with it. So here
-- a spec file keeps the real globals; what busted offers (describe, it, ...) is found through a
-- metatable of theirs, and `assert` becomes a local of the file, for the global one is Lua's own.

local function find(context, element, key)
  while element do
    local value = element.env and element.env[key]
    if value ~= nil then return value end
    element = context.parent(element)
  end
  return nil
end

-- In place of the module busted.environment.
local function environment_of(context)
  local environment = {}

  setmetatable(_G, {
    __index = function(_, key) return find(context, context.get(), key) end,
  })

  function environment.wrap(fn) return fn end

  function environment.set(key, value)
    local env = context.get "env" or {}
    env[key] = value
    context.set("env", env)
  end

  return environment
end

-- Busted's own frames say nothing about a test.
local function trim_trace(_, info)
  local first = info.traceback:find "\n%s*%[C%]: in function 'xpcall'\n[^\n]*busted/core%.lua"
  info.traceback = info.traceback:sub(1, (first or 0) - 1)
  return info
end

local spec_files = {} -- in place of the module busted.modules.files.lua

function spec_files.match(_, name) return name:find "%.lua$" ~= nil end

function spec_files.load(busted, name)
  local file = assert(io.open(name, "rb"))
  local text = "local assert = require 'luassert'; " .. file:read "a"
  file:close()
  local run, err = load(text, "@" .. name, "t")
  if not run then
    busted.publish({ "error", "file" }, { descriptor = "file", name = name }, nil, err, {})
  end
  return run, trim_trace
end

-- Busted's errors begin with the name of the file that calls its runner.
local call = load("local run, options = ...; run(options)", "@rille test", "t")

--- run(options, output): runs busted on the words in `arg`. Returns if all went well, and ends the
-- program with the number of failures if not. `options` are those of busted.runner. `output`: an
-- output handler, known as "tap".
return function(options, output)
  package.preload["busted.environment"] = function() return environment_of end
  package.preload["busted.modules.files.lua"] = function() return spec_files end
  if output then
    package.preload["busted.outputHandlers.tap"] = function() return output end
  end
  call(require "busted.runner", options)
end
