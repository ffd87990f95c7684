-- rille.http.check: what scripts give to rille.http is checked here. Not for scripts. An error
-- stands at the line of the script that made the mistake, however many functions of ours are in
-- between.

local check = {}

-- Information on the function of the script that called us; with its level, as error() takes it in
-- the function that called this one.
local function script()
  local level = 3
  local info = debug.getinfo(level, "Sl")
  while info and (info.what == "C" or info.source:find "^@rille/") do
    level = level + 1
    info = debug.getinfo(level, "Sl")
  end
  return info, level - 1
end

--- check.fail(format, ...): raises.
function check.fail(format, ...)
  local _, level = script()
  error(format:format(...), level)
end

--- check.place() -> string: the line of the script that called, "app.lua:12"; "?" if none did.
function check.place()
  local info = script()
  return info and ("%s:%d"):format(info.short_src, info.currentline) or "?"
end

--- check.method(ok, class, name): that a method was called with a colon.
function check.method(ok, class, name)
  if not ok then
    check.fail("%s.%s is a method: call it with a colon, %s:%s(...)", class, name, class, name)
  end
end

--- check.origin(value) -> what is wrong with it, or nil: scheme, host, port, as browsers send it
function check.origin(value)
  if type(value) == "string" and value:find "^%a[%w+.-]*://[^/%s,]+$" then return end
  return 'an origin is written like "https://example.com"'
end

--- check.same_site(value) -> what is wrong with it, or nil
function check.same_site(value)
  if value == "lax" or value == "strict" or value == "none" then return end
  return '"lax", "strict" or "none" expected'
end

--- check.argument(ok, place, name, expected, value): raises what Lua's own functions do.
function check.argument(ok, place, name, expected, value)
  if ok then return end
  local got = value == nil and "nil" or type(value)
  check.fail("bad argument #%d to '%s' (%s expected, got %s)", place, name, expected, got)
end

--- check.string(value, place, name) -> value
function check.string(value, place, name)
  check.argument(type(value) == "string", place, name, "string", value)
  return value
end

-- That what a module returns was called: it makes a middleware, and is none.
local function check_made(value, name)
  for module, returned in pairs(package.loaded) do
    if value == returned and module:find "^rille%.http%." then
      check.fail("app:%s: %s makes a middleware when it is called: %s()", name, module,
        module:match "[^.]*$")
    end
  end
end

--- check.callable(value, place, name) -> a function that calls it
function check.callable(value, place, name)
  local meta = getmetatable(value)
  local callable = type(value) == "function" or type(meta) == "table" and meta.__call
  check.argument(callable, place, name, "function", value)
  check_made(value, name)
  if type(value) == "function" then return value end
  return function(...) return value(...) end
end

local function passed(ok, ...)
  if ok then return ... end
  check.fail("%s", (...))
end

--- check.call(fn, ...) -> what fn(...) returns; an error that it raises is the script's.
function check.call(fn, ...)
  return passed(pcall(fn, ...))
end

--- check.known(given, known, what): that a table of options has no other names than `known`.
function check.known(given, known, what)
  for name in pairs(given) do
    if known[name] == nil then
      local names = {}
      for one in pairs(known) do table.insert(names, one) end
      table.sort(names)
      check.fail("%s: unknown option %q; there are %s", what, tostring(name),
        table.concat(names, ", "))
    end
  end
end

return check
