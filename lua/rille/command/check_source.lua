-- rille.command.check_source: a Lua source as luacheck's parser has it, and what its names stand
-- for. Not for scripts.
--
-- Nodes are tables with a tag, a line and an offset, and their parts in a row. An Id that is a
-- local variable has it in `var`, one table for all mentions; one without is a global.

local check_state = require "luacheck.check_state"
local linearize = require "luacheck.stages.linearize"
local parse = require "luacheck.stages.parse"
local unwrap_parens = require "luacheck.stages.unwrap_parens"

local Source = {}
Source.__index = Source

--- walk(node, visit): calls visit(node) for it and all that is in it; true keeps it from going in.
local function walk(node, visit)
  if node.tag and visit(node) then return end
  for _, part in ipairs(node) do
    if type(part) == "table" then walk(part, visit) end
  end
end
Source.walk = walk

local function assign(self, target, value)
  local key = target.tag == "Id" and (target.var or target[1])
  if not key then return end
  self.values[key] = self.values[key] or {}
  table.insert(self.values[key], value)
end

-- Of `local a, b = ...` and `a, b = ...`: what more than its first value a call gives is unknown.
local function assign_all(self, targets, values)
  for i, target in ipairs(targets) do
    local value = values and values[i]
    if not value then
      local last = values and values[#values]
      local open = last and (last.tag == "Call" or last.tag == "Invoke" or last.tag == "Dots")
      value = open and {} or { tag = "Nil" }
    elseif value.tag == "Dots" then
      value = {}
    end
    assign(self, target, value)
  end
end

local NAMES = { -- which parts of a statement are names that get unknown values
  Fornum = function(node) return { node[1] } end,
  Forin = function(node) return node[1] end,
  Function = function(node) return node[1] end,
}

local function note_values(self)
  walk(self.ast, function(node)
    if node.tag == "Local" or node.tag == "Localrec" or node.tag == "Set" then
      assign_all(self, node[1], node[2])
    elseif node.tag == "OpSet" then
      for _, target in ipairs(node[2]) do assign(self, target, {}) end
    elseif NAMES[node.tag] then
      for _, name in ipairs(NAMES[node.tag](node)) do assign(self, name, { unknown = true }) end
    end
  end)
end

--- read(path, text) -> source; the text compiles.
function Source.read(path, text)
  local state = check_state.new(text)
  parse.run(state)
  unwrap_parens.run(state)
  linearize.run(state)
  local self = setmetatable({ path = path, state = state, ast = state.ast, values = {} }, Source)
  note_values(self)
  return self
end

function Source:column(node)
  return self.state:offset_to_column(node.line, node.offset)
end

--- The only value that the variable of an Id ever gets, if there is one: a node.
function Source:value_of(id)
  local values = self.values[id.var or id[1]]
  if values and not values[2] and values[1].tag then return values[1] end
end

local function text_of(node)
  return node and node.tag == "String" and node[1]
end

--- What an expression is called by module and field: "rille.detach", also through variables and
-- require; nil if it has no such name.
function Source:path_of(node)
  if node.tag == "Id" then
    local value = self:value_of(node)
    if value and value.tag ~= "Function" then return self:path_of(value) end
    return not node.var and not value and node[1] or nil
  elseif node.tag == "Index" then
    local base, name = self:path_of(node[1]), text_of(node[2])
    return base and name and base .. "." .. name
  elseif node.tag == "Call" and node[1].tag == "Id" and not node[1].var
      and node[1][1] == "require" then
    return text_of(node[2])
  end
end

--- The function that an expression is, if that can be seen: a node.
function Source:function_of(node)
  for _ = 1, 10 do -- a name of a name of a name
    if not node or node.tag == "Function" then return node end
    node = node.tag == "Id" and self:value_of(node) or nil
  end
end

return Source
