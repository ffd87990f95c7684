-- rille.command.evaluate: what is typed at a prompt, here or in a running server. Not for scripts.
-- It runs in the real globals, so that what is made there can be detached.

local fibers = require "rille.core"
local pretty = require "rille.command.pretty"

local evaluate = {}

-- The function that a text is: an expression, or statements. Else nil, whether there has to be more
-- of it, and the error.
local function compile(text)
  text = text:gsub("^%s*=", "return ")
  local run = load("return " .. text, "=prompt", "t")
  if run then return run end
  local err
  run, err = load(text, "=prompt", "t")
  if run then return run end
  return nil, err:find "<eof>$" ~= nil, err
end

-- From the prompt on nobody wants to see.
local function trim(trace)
  return (trace:gsub("\n\t%[C%]: in function 'xpcall'\n.*$", ""))
end

-- A message handler, which leaves what it says in `seen.trace`, too.
local function explains(seen)
  return function(err)
    local meta = debug.getmetatable(err)
    local speaks = type(err) == "string" or type(meta) == "table" and meta.__tostring
    local text = speaks and tostring(err) or "error: " .. pretty(err)
    seen.trace = trim(debug.traceback(text, 2))
    return seen.trace
  end
end

local function show(results)
  local lines = {}
  for i = 2, results.n do lines[i - 1] = pretty(results[i]) end
  return table.concat(lines, "\n")
end

--- evaluate.run(text, seen) -> { output } | { error } | { incomplete = true }: its results, one a
-- line. May wait. If its fiber is cancelled, that is raised, and `seen.trace` says where it was.
function evaluate.run(text, seen)
  local run, incomplete, err = compile(text)
  if incomplete then return { incomplete = true } end
  if not run then return { error = err } end
  local results = table.pack(xpcall(run, explains(seen)))
  if fibers.is_cancelled() then error("interrupted", 0) end
  if not results[1] then return { error = tostring(results[2]) } end
  return { output = show(results) }
end

-- The fields that can be read of a value, also through __index.
local function fields_of(value, names, prefix, methods)
  local seen = {}
  for _ = 1, 5 do
    if type(value) ~= "table" or seen[value] then break end
    seen[value] = true
    for key, field in next, value do
      if type(key) == "string" and key:find "^[%a_][%w_]*$" and key:sub(1, #prefix) == prefix
          and (not methods or type(field) == "function") then
        names[key] = true
      end
    end
    local meta = debug.getmetatable(value)
    value = type(meta) == "table" and rawget(meta, "__index")
  end
end

local function value_at(path)
  local value = _G
  for name in path:gmatch "[%a_][%w_]*" do
    local ok, field = pcall(function(at) return at[name] end, value)
    if not ok then return nil end
    value = field
  end
  local meta = debug.getmetatable(value)
  if type(value) ~= "table" and type(meta) == "table" then value = rawget(meta, "__index") end
  return value
end

--- evaluate.complete(text) -> { names, typed }: what the name at the end of a text may become, and
-- how many letters of it are there.
function evaluate.complete(text)
  local path, sign, prefix = text:match "([%a_][%w_%.]*)([%.:])([%w_]*)$"
  if not path then path, sign, prefix = "", "", text:match "[%a_]?[%w_]*$" end
  local names, list = {}, {}
  fields_of(value_at(path), names, prefix, sign == ":")
  for name in pairs(names) do table.insert(list, name) end
  table.sort(list)
  return { names = list, typed = #prefix }
end

return evaluate
