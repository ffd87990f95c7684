-- rille.command: the commands of the program. Not for scripts, and for no script anything of it is
-- loaded. `rille NAME ...` runs the module rille.command.NAME, a function that gets the words after
-- it and returns the exit status.

local COMMANDS = { "bench", "check", "new", "repl", "run", "test" }

-- How many letters have to be left out, put in, exchanged or swapped with their neighbour.
local function distance(a, b)
  local rows = { [-1] = {}, [0] = {} }
  for j = 0, #b do rows[0][j] = j end
  for i = 1, #a do
    rows[i] = { [0] = i }
    for j = 1, #b do
      local x, y = a:sub(i, i), b:sub(j, j)
      local least = math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1,
        rows[i - 1][j - 1] + (x == y and 0 or 1))
      if i > 1 and j > 1 and x == b:sub(j - 1, j - 1) and y == a:sub(i - 1, i - 1) then
        least = math.min(least, rows[i - 2][j - 2] + 1)
      end
      rows[i][j] = least
    end
  end
  return rows[#a][#b]
end

-- The command that was meant; nil if it is like none.
local function nearest(name)
  local best, least = nil, math.max(1, #name // 2)
  for _, command in ipairs(COMMANDS) do
    local far = distance(name, command)
    if far <= least then best, least = command, far - 1 end
  end
  return best
end

local function refuse(name)
  local meant = nearest(name)
  local hint = meant and ("; did you mean '%s'?"):format(meant) or ""
  io.stderr:write(("rille: no command '%s', and no file of that name%s\n"):format(name, hint),
    "Try 'rille --help'.\n")
  return 1
end

return function(name, ...)
  for _, command in ipairs(COMMANDS) do
    if command == name then os.exit(require("rille.command." .. name)(...)) end
  end
  os.exit(refuse(name))
end
