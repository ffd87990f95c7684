-- rille.command.typing: lines that somebody types at a terminal, or that come from elsewhere.
-- Not for scripts.

local core = require "rille.command.core"

local WIDTH = 78

local typing = {}

-- What all names have in common behind what is typed.
local function common(names, typed)
  local shared = names[1] or ""
  for _, name in ipairs(names) do
    while name:sub(1, #shared) ~= shared do shared = shared:sub(1, -2) end
  end
  return shared:sub(typed + 1)
end

local function columns(names)
  local widest = 0
  for _, name in ipairs(names) do widest = math.max(widest, #name + 2) end
  local each, lines, line = math.max(1, WIDTH // widest), {}, {}
  for i, name in ipairs(names) do
    table.insert(line, name .. (" "):rep(widest - #name))
    if i % each == 0 or i == #names then
      table.insert(lines, (table.concat(line):gsub("%s+$", "")))
      line = {}
    end
  end
  return table.concat(lines, "\n")
end

local function complete(editor, place, text)
  local found = place.complete(text)
  local more = common(found.names, found.typed)
  if more ~= "" then
    editor:insert(more)
  elseif #found.names > 1 then
    io.write("\n", columns(found.names), "\n")
    io.flush()
    editor:refresh()
  end
end

-- Returns "line" and a text, or "end".
local function type_line(editor, place, prompt)
  editor:begin(prompt)
  local _ <close> = setmetatable({}, { __close = function() editor:finish() end })
  while true do
    local event, text = editor:step()
    if event == "complete" then
      complete(editor, place, text)
    elseif event then
      return event, text
    end
  end
end

local function history_path()
  local home = os.getenv "HOME"
  return os.getenv "RILLE_HISTORY" or home and home .. "/.rille_history"
end

local function terminal_reader(editor, place)
  local path = history_path()
  if path then editor:load(path) end
  local reader = { mark = "^C\n" }
  function reader.typed() return editor:text() end
  function reader.read(prompt)
    local event, text = type_line(editor, place, prompt)
    if event == "end" then io.write "\n" end
    if event == "line" and text:find "%S" then
      editor:remember(text)
      if path then editor:save(path) end
    end
    return event, text
  end
  return reader
end

-- Where nobody types, or without an editor: the terminal shows ^C itself, and drops the line.
local function plain_reader(shows)
  local input = core.open_input()
  local reader = { mark = "\n" }
  function reader.typed() return "" end
  function reader.read(prompt)
    if shows then io.write(prompt) end
    io.flush()
    input:await()
    local text = io.read "l"
    if not text then return "end" end
    return "line", text
  end
  return reader
end

--- typing.open(place) -> reader: `place` completes names. reader.read(prompt) returns "line" and a
-- text, or "end"; it may be cancelled, and reader.typed() is what had been typed then, behind which
-- reader.mark is to be shown.
function typing.open(place)
  if not core.is_terminal() then return plain_reader(false) end
  os.setlocale("", "ctype") -- for the width of what is typed
  local editor, err = require("rille.command.editor").open()
  if editor then return terminal_reader(editor, place) end
  io.stderr:write("rille repl: ", err, "\n")
  return plain_reader(true)
end

return typing
