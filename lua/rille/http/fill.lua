-- rille.http.fill: fill(name, pattern, params) -> path. Not for scripts.
-- The path of the route called `name`: its pattern with values in the place of its parameters.
-- Raises for one that is missing, or that would lead elsewhere.

local check = require "rille.http.check"

local function escaped(text, keep)
  return (tostring(text):gsub("[^%w%-%._~" .. keep .. "]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end))
end

local function check_param(name, kind, key, given, integer)
  local text = ("app:url: %q of route %q"):format(key, name)
  if given == nil then check.fail("%s is missing", text) end
  if type(given) ~= "string" and type(given) ~= "number" then
    check.fail("%s: a string or a number expected, got %s", text, type(given))
  end
  if integer and not tostring(given):find "^%-?%d+$" then
    check.fail("%s: an integer expected, got %q", text, tostring(given))
  end
  if given == "" and kind == ":" then check.fail("%s is empty", text) end
  for part in tostring(given):gmatch(kind == "*" and "[^/]+" or ".+") do
    if part == "." or part == ".." then check.fail("%s: %q would leave its place", text, part) end
  end
end

local function filled(name, params)
  return function(kind, key, integer)
    local given = params[key]
    check_param(name, kind, key, given, integer ~= "")
    return escaped(given, kind == "*" and "/" or "")
  end
end

return function(name, pattern, params)
  return (pattern:gsub("([:*])([%a_][%w_]*)({?[^/]*)", filled(name, params)))
end
