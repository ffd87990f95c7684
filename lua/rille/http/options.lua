-- rille.http.options: the options of a middleware, checked when it is made, so that a misspelt one
-- is an error that names it, and not a protection that is not there. Not for scripts.

local check = require "rille.http.check"

local function fail(module, text, ...)
  check.fail("rille.http.%s: %s", module, text:format(...))
end

local function check_value(module, name, value, rule)
  local kind = type(value)
  if not (" " .. rule.type .. " "):find(" " .. kind .. " ", 1, true) then
    fail(module, "option %q: %s expected, got %s", name, rule.type:gsub(" ", " or "), kind)
  end
  local least, most = rule.least or 0, rule.most or math.huge
  if kind == "number" and not (value >= least and value <= most) then
    fail(module, "option %q is out of range: %s, not %s to %s", name, value, least, most)
  end
  local fault = rule.check and rule.check(value)
  if fault then fail(module, "option %q: %s", name, fault) end
end

--- options(module, given, rules) -> table
--
-- rules: name -> { type = "string table", default, needed, least, most (of a number; 0 and
-- math.huge), check(value) -> what is wrong }. Raises at the line that made the middleware.
return function(module, given, rules)
  if type(given) == "userdata" then
    fail(module, "this makes a middleware: app:use(%s()), with its brackets", module)
  elseif given ~= nil and type(given) ~= "table" then
    fail(module, "a table of options expected, got %s", type(given))
  end
  local result = {}
  check.known(given or {}, rules, "rille.http." .. module)
  for name, rule in pairs(rules) do
    local value = given and given[name]
    if value == nil then value = rule.default end
    if value ~= nil then
      check_value(module, name, value, rule)
    elseif rule.needed then
      fail(module, "option %q is missing", name)
    end
    result[name] = value
  end
  return result
end
