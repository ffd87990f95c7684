-- rille.command.launch: runs a script where something is to be done first, as `--control` and
-- `--watch` want it. Not for scripts. The script's `arg`, where it finds modules and what
-- tracebacks call it are as they are without that.

local rille = require "rille"

local function load_script(kind, script)
  if kind == "text" then return load(script, "=(command line)", "t") end
  if kind == "input" then return load(io.read "a", "=stdin", "t") end
  local file, err = io.open(script, "rb")
  if not file then return nil, "cannot read " .. err end
  file:close()
  return loadfile(script, "t")
end

-- What is wrong with the socket, or with a script that does not even begin, is the caller's affair:
-- no traceback.
local function stop(err)
  io.stderr:write("rille: ", tostring(err), "\n")
  os.exit(1)
end

local function open_control(path)
  local ok, err = pcall(require("rille.command.control").listen, path)
  if not ok then stop(err) end
end

local function look_beside(script)
  local folder = script:match "^(.*)/[^/]*$" or "."
  package.path = ("%s/?.lua;%s/?/init.lua;%s"):format(folder, folder, package.path)
end

--- launch(control, note, kind, script, ...): `control` is the path of a socket and `note` that of a
-- file, "" for none; `kind` says what `script` is: "file", "text" or "input".
return function(control, note, kind, script, ...)
  local words = { [-1] = arg[0], [0] = script, ... }
  if kind == "text" then words[0] = "-e" end
  _G.arg = words
  if kind == "file" then look_beside(script) end
  if note ~= "" then require "rille.command.note"(note, script) end
  if control ~= "" and rille.loop() == 1 then open_control(control) end
  local run, err = load_script(kind, script)
  if not run then stop(err) end
  return run(...)
end
