--[[ Types: files for the Lua language server (LuaLS), written from what comments.read() returns. A
file for each module, with the types of which that module is said to be; names.lua knows what
arguments and results are by their names. ]]

local comments = require "comments"
local names = require "names"

local types = {}

local function class_of(section)
  return section.of and section.of .. "." .. section.name or section.name
end

-- -- types of values -----------------------------------------------------------------------------

local BASIC = {
  ["nil"] = true, ["true"] = true, ["false"] = true, boolean = true, integer = true, number = true,
  string = true, table = true, ["function"] = true,
}

-- A type of names.lua, with the whole names of Rille's.
local function expand(known, text)
  return (text:gsub("%$([%w_]+)", function(class)
    return known[class] or error(("names.lua: there is no type %s"):format(class), 0)
  end))
end

-- What a name stands for in a section, as LuaLS writes it.
local function type_of(known, section, owner, name)
  local own = names.of[owner .. "." .. name] or names.of[section.short .. "." .. name]
  if not own and (BASIC[name] or name:find '^"') then return name end
  if not own and known[name] then return known[name] end
  local text = names.find(section.short, owner, name)
  if not text then
    error(("%s: no type is known for %q; scripts/lib/names.lua has them"):format(owner, name), 0)
  end
  return expand(known, text)
end

-- For each position what may stand there, of several alternatives.
local function results_of(known, section, owner, alternatives)
  local count, positions = 0, {}
  for _, terms in ipairs(alternatives) do count = math.max(count, #terms) end
  for i = 1, count do
    local seen, list = {}, {}
    for _, terms in ipairs(alternatives) do
      local one = terms[i] and type_of(known, section, owner, terms[i]) or "nil"
      if not seen[one] then table.insert(list, one) end
      seen[one] = true
    end
    positions[i] = table.concat(list, "|")
  end
  return positions
end

-- -- one file ------------------------------------------------------------------------------------

local function add_text(out, text)
  local first = true
  for _, piece in ipairs(comments.pieces(text)) do
    if piece.text then
      if not first then table.insert(out, "---") end
      for line in piece.text:gmatch "[^\n]+" do table.insert(out, "---" .. line) end
      first = false
    end
  end
end

local function options_class(section, owner)
  return class_of(section) .. "." .. owner .. "_options"
end

local function has_options(text)
  for _, piece in ipairs(comments.pieces(text)) do
    if piece.kind == "options" then return true end
  end
end

-- The options of another function, if the text says that they are options of this one too.
local function options_of_other(known, section, text)
  local class, name = table.concat(text, " "):match "Options,? %a+ those of ([%w_]+)[.:]([%w_]+)"
  if not class then return nil end
  return ("%s.%s_options"):format(known[class] or section.name, name)
end

-- The class of a table of options, from the rows of a text.
local function add_options(out, known, section, owner, text)
  if not has_options(text) then return end
  local also = options_of_other(known, section, text)
  table.insert(out, "---@class " .. options_class(section, owner) .. (also and ": " .. also or ""))
  for _, piece in ipairs(comments.pieces(text)) do
    for _, row in ipairs(piece.kind == "options" and piece.rows or {}) do
      for _, name in ipairs(row.names) do
        local mark = row.text:find "^needed" and "" or "?"
        table.insert(out, ("---@field %s%s %s # %s"):format(name, mark,
          type_of(known, section, owner, name), row.text))
      end
    end
  end
  table.insert(out, "")
end

-- Arguments as LuaLS takes them: behind any number of something nothing else is told apart.
local function plain_arguments(arguments)
  local list = {}
  for _, one in ipairs(arguments) do
    table.insert(list, one)
    if one.rest then break end
  end
  return list
end

local function type_of_options(known, section, owner, text)
  if has_options(text) then return options_class(section, owner) end
  if has_options(section.text) then return options_class(section, section.short) end
  return options_of_other(known, section, text) or type_of(known, section, owner, "options")
end

local function type_of_argument(known, section, owner, argument, text)
  local own = names.of[owner .. "." .. argument.name]
  if own then return expand(known, own) end
  if argument.name == "..." then return "any" end
  if argument.name == "options" then return type_of_options(known, section, owner, text) end
  return type_of(known, section, owner, argument.name)
end

local function add_function(out, known, section, entry, signature)
  local owner, shown = signature.name, {}
  add_text(out, entry.text)
  for _, one in ipairs(plain_arguments(signature.arguments)) do
    local name = one.rest and "..." or one.name
    local mark = one.optional and not one.rest and "?" or ""
    table.insert(out, ("---@param %s%s %s"):format(name, mark,
      type_of_argument(known, section, owner, one, entry.text)))
    table.insert(shown, name)
  end
  for _, one in ipairs(results_of(known, section, owner, signature.results)) do
    table.insert(out, one == "..." and "---@return any ..." or "---@return " .. one)
  end
  table.insert(out, ("function %s%s%s(%s) end\n"):format(section.short, signature.separator, owner,
    table.concat(shown, ", ")))
end

local function add_overload(out, known, section, entry, signature)
  local shown = {}
  for _, one in ipairs(plain_arguments(signature.arguments)) do
    local name = one.rest and "..." or one.name .. (one.optional and "?" or "")
    table.insert(shown, name .. ": " .. type_of_argument(known, section, section.short, one,
      entry.text))
  end
  local results = results_of(known, section, section.short, signature.results)
  table.insert(out, ("---@overload fun(%s)%s"):format(table.concat(shown, ", "),
    #results > 0 and ": " .. table.concat(results, ", ") or ""))
end

local function add_fields(out, known, section)
  for _, piece in ipairs(comments.pieces(section.text)) do
    for _, row in ipairs(piece.kind == "fields" and piece.rows or {}) do
      local kind, text = row.text:match "^([%w_%[%].|?]+): (.*)$"
      if not kind then
        error(("%s: the field %s has no type"):format(section.file, row.names[1]), 0)
      end
      for _, name in ipairs(row.names) do
        table.insert(out, ("---@field %s %s # %s"):format(name, known[kind] or kind, text))
      end
    end
  end
end

-- Modules are fields of the one that they are named after.
local function add_submodules(out, sections, section)
  for _, other in ipairs(sections) do
    local name = other.kind == "module" and other.name:match("^" .. section.name .. "%.([%w_]+)$")
    if name and names.submodules[other.name] then
      table.insert(out, ("---@field %s %s"):format(name, other.name))
    end
  end
end

local function add_section(out, known, sections, section)
  add_options(out, known, section, section.short, section.text)
  for _, entry in ipairs(section.entries) do
    local signature = entry.signatures[1]
    add_options(out, known, section, signature.name or section.short, entry.text)
  end
  add_text(out, section.text)
  table.insert(out, "---@class " .. class_of(section))
  add_fields(out, known, section)
  if section.kind == "module" then add_submodules(out, sections, section) end
  local indexed = names.indexed[class_of(section)]
  if indexed then table.insert(out, "---@field [string] " .. indexed) end
  for _, entry in ipairs(section.entries) do
    for _, signature in ipairs(entry.signatures) do
      if signature.called then add_overload(out, known, section, entry, signature) end
    end
  end
  table.insert(out, ("local %s = {}\n"):format(section.short))
  for _, entry in ipairs(section.entries) do
    for _, signature in ipairs(entry.signatures) do
      if signature.name then add_function(out, known, section, entry, signature) end
    end
  end
end

local function file_of(module)
  return "types/" .. module:gsub("%.", "/") .. ".lua"
end

--- types.write(sections) -> { [path] = text }
function types.write(sections)
  local known, files = {}, {}
  for _, section in ipairs(sections) do
    if section.kind == "type" then known[section.name] = class_of(section) end
    if section.kind == "module" then known[section.name] = section.name end
  end
  local function add_all(kind)
    for _, section in ipairs(sections) do
      if section.kind == kind then
        local module = section.of or section.name
        local out = files[module] or { "---@meta " .. module, "",
          "-- Made by scripts/reference from the comments at the bindings.", "" }
        files[module] = out
        add_section(out, known, sections, section)
      end
    end
  end
  add_all "type" -- first: what a file returns has the name that was declared last
  add_all "module"
  local texts = {}
  for module, out in pairs(files) do
    table.insert(out, ("return %s\n"):format(module:match "[^.]*$"))
    texts[file_of(module)] = table.concat(out, "\n")
  end
  return texts
end

return types
