-- rille.command.coverage: luacov beyond the fiber that loads the specs. Not for scripts. It counts
-- lines with a hook, which each Lua thread has for itself: luacov sets it for coroutines, and here
-- it is set in fibers, by rille.spawn and by a first middleware of every app. Tasks run in states
-- of their own, and are not counted.

local function count_fibers(hook)
  local http = require "rille.http"
  local rille = require "rille"
  local spawn, new_app = rille.spawn, http.app

  local function counted(fn, ...)
    debug.sethook(hook, "l")
    return fn(...)
  end

  function rille.spawn(fn, ...)
    if type(fn) ~= "function" then return spawn(fn, ...) end
    return spawn(counted, fn, ...)
  end

  function http.app(...)
    local app = new_app(...)
    app:use(function(_, _, go_on)
      debug.sethook(hook, "l")
      return go_on()
    end)
    return app
  end
end

--- coverage(): makes busted's option --coverage do that as well.
return function()
  local name = "busted.modules.luacov"
  local original = assert(loadfile(assert(package.searchpath(name, package.path))))
  package.preload[name] = function(...)
    local new_loader = original(...)
    return function()
      local start = new_loader()
      return function(config)
        local ok, err = start(config)
        if ok then count_fibers(require("luacov.runner").debug_hook) end
        return ok, err
      end
    end
  end
end
