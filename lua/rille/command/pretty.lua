-- rille.command.pretty: values as somebody reads them. Not for scripts.

local WIDTH = 78
local DEPTH, ITEMS, TEXT = 6, 200, 4000 -- what is deeper, or more, is "..."

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\", ['"'] = '\\"' }

local function quote(text)
  local rest = #text - TEXT
  if rest > 0 then text = text:sub(1, TEXT) end
  text = text:gsub('[%c\\"\x7f]', function(char)
    return ESCAPES[char] or ("\\x%02X"):format(char:byte())
  end)
  if not utf8.len(text) then
    text = text:gsub("[\x80-\xff]", function(char) return ("\\x%02X"):format(char:byte()) end)
  end
  return '"' .. text .. '"' .. (rest > 0 and (" .. %d bytes more"):format(rest) or "")
end

local ORDER = { number = 1, string = 2, boolean = 3 }

local function comes_before(a, b)
  local kind, other = type(a), type(b)
  if kind ~= other then return (ORDER[kind] or 9) < (ORDER[other] or 9) end
  if kind == "number" or kind == "string" then return a < b end
  return tostring(a) < tostring(b)
end

local KEYWORDS = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat "
  .. "return then true until while"):gmatch "%a+" do
  KEYWORDS[word] = true
end

local show

local function show_key(key, depth, path)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" and not KEYWORDS[key] then return key end
  return "[" .. show(key, depth + 1, path) .. "]"
end

local function items_of(value, depth, path)
  local items, keys, length = {}, {}, rawlen(value)
  for i = 1, math.min(length, ITEMS) do
    table.insert(items, show(rawget(value, i), depth + 1, path))
  end
  for key in next, value do
    if math.type(key) ~= "integer" or key < 1 or key > length then table.insert(keys, key) end
  end
  table.sort(keys, comes_before)
  for _, key in ipairs(keys) do
    if #items >= ITEMS then break end
    table.insert(items, show_key(key, depth, path) .. " = "
      .. show(rawget(value, key), depth + 1, path))
  end
  if length + #keys > #items then
    table.insert(items, ("... %d more"):format(length + #keys - #items))
  end
  return items
end

local function show_table(value, depth, path)
  if path[value] then return "(itself)" end
  if next(value) == nil then return "{}" end
  if depth >= DEPTH then return "{ ... }" end
  path[value] = true
  local items = items_of(value, depth, path)
  path[value] = nil
  local line = "{ " .. table.concat(items, ", ") .. " }"
  if #line + 2 * depth <= WIDTH and not line:find "\n" then return line end
  local indent = ("  "):rep(depth)
  return "{\n" .. indent .. "  " .. table.concat(items, ",\n" .. indent .. "  ") .. ",\n"
    .. indent .. "}"
end

function show(value, depth, path)
  local kind = type(value)
  if kind == "string" then return quote(value) end
  local meta = debug.getmetatable(value)
  if kind == "table" and not (meta and rawget(meta, "__tostring")) then
    return show_table(value, depth, path)
  end
  local ok, text = pcall(tostring, value)
  return ok and text or ("%s whose __tostring fails"):format(kind)
end

--- pretty(value) -> text, of one line or several
return function(value) return show(value, 0, {}) end
