-- rille.command.repl: `rille repl`. Not for scripts. What is typed runs in a fiber, and the loop
-- goes on while somebody types: sleeps, servers and tasks that were started at the prompt as well.

local core = require "rille.command.core"
local evaluate = require "rille.command.evaluate"
local json = require "rille.json"
local net = require "rille.net"
local options = require "rille.command.options"
local rille = require "rille"

local PROMPT, GO_ON = "> ", ">> "
local WIDTH = 78

local function parser()
  local it = options.parser("repl", "Runs what is typed: Lua, or an expression whose value is "
    .. "shown. Tab completes names; what is not finished goes on in the next line; Ctrl-C drops "
    .. "what was typed, Ctrl-D ends.")
  it:option("--attach", "In the running program whose control socket is at PATH: what was started "
    .. "as `rille --control PATH ...`."):argname "PATH"
  return it
end

-- -- where it runs ---------------------------------------------------------------------------

local HINTS = {
  { "no such file", "nothing is there; start the server with --control %s" },
  { "connection refused", "nobody listens there; start the server with --control %s" },
  { "permission denied", "only the owner of the server may open it" },
}

local function attach(path)
  local conn, err = net.connect("unix:" .. path, { max_line = 16 << 20 })
  if not conn then
    for _, hint in ipairs(HINTS) do
      if err:find(hint[1], 1, true) then
        options.fail("repl", "%s: %s", path, (hint[2]:gsub("%%s", (path:gsub("%%", "%%%%")))))
      end
    end
    options.fail("repl", "%s", err)
  end
  local function read()
    local line = conn:read "line"
    local answer = line and json.decode(line)
    if not answer then options.fail("repl", "%s: the server has ended", path) end
    return answer
  end
  local function ask(request)
    conn:write(json.encode(request), "\n")
    return read()
  end
  local greeting = read()
  if greeting.error then options.fail("repl", "%s: %s", path, greeting.error) end
  return {
    run = function(text) return ask { run = text } end,
    complete = function(text) return ask { complete = text } end,
  }
end

-- -- a line at a terminal --------------------------------------------------------------------

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

-- Returns "line" and a text, "end" or "interrupt".
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
  return function(prompt)
    local event, text = type_line(editor, place, prompt)
    if event == "interrupt" then io.write "^C\n" end
    if event == "end" then io.write "\n" end
    if event == "line" and text:find "%S" then
      editor:remember(text)
      if path then editor:save(path) end
    end
    return event, text
  end
end

-- Where nobody types, or without an editor.
local function plain_reader(shows)
  local input = core.open_input()
  return function(prompt)
    if shows then io.write(prompt) end
    io.flush()
    input:await()
    local text = io.read "l"
    if not text then return "end" end
    return "line", text
  end
end

local function new_reader(place)
  if not core.is_terminal() then return plain_reader(false) end
  os.setlocale("", "ctype") -- for the width of what is typed
  local editor, err = require("rille.command.editor").open()
  if editor then return terminal_reader(editor, place) end
  io.stderr:write("rille repl: ", err, "\n")
  return plain_reader(true)
end

-- -- the loop --------------------------------------------------------------------------------

-- Returns whether it was an error.
local function tell(answer)
  if answer.error then
    io.stderr:write(answer.error, "\n")
  elseif answer.output ~= "" then
    io.write(answer.output, "\n")
  end
  io.flush()
  return answer.error ~= nil
end

-- Reads and runs until the end; returns whether something failed.
local function converse(read, place)
  local typed, failed = nil, false
  while true do
    local event, text = read(typed and GO_ON or PROMPT)
    if event == "end" then
      if typed then failed = tell { error = "the input ends within: " .. typed } end
      return failed
    elseif event == "interrupt" then
      typed = nil
    else
      text = typed and typed .. "\n" .. text or text
      local answer = text:find "%S" and place.run(text) or { output = "" }
      typed = answer.incomplete and text or nil
      if not typed then failed = tell(answer) or failed end
    end
  end
end

return function(...)
  local args = options.parse("repl", parser(), ...)
  local place = args.attach and attach(args.attach) or evaluate
  _G.rille = rille -- at hand
  local failed = converse(new_reader(place), place)
  return failed and not core.is_terminal() and 1 or 0
end
