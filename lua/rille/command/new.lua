-- rille.command.new: `rille new NAME`. Not for scripts. It makes a project that serves and passes
-- its tests at once.

local core = require "rille.command.core"
local options = require "rille.command.options"

local function parser()
  local it = options.parser("new",
    "Makes a project in a new directory: a server, its specs, and what it takes to deploy it.")
  it:argument("name", "The directory, and what the project is called: letters, digits, - and _.")
  return it
end

local function check_name(name)
  if not name:find "^%a[%w_-]*$" or #name > 64 then
    options.fail("new", "'%s' is no name: a letter first, then letters, digits, - and _, "
      .. "64 at most", name)
  end
end

local function write(path, text)
  local file, err = io.open(path, "wb")
  if not file then return nil, err end
  local ok
  ok, err = file:write(text)
  local closed, late = file:close()
  if not (ok and closed) then return nil, ("%s: %s"):format(path, err or late) end
  return true
end

-- Makes each file, and each folder before what is in it; `made` gets what is there to be removed.
local function make_all(name, files, made)
  local function add(path, ok, err)
    if ok then table.insert(made, path) end
    return ok, err
  end
  local ok, err = add(name, core.make_folder(name))
  for _, file in ipairs(files) do
    if not ok then break end
    local path = name .. "/" .. file.name
    if file.text then
      table.insert(made, path) -- even half of it
      ok, err = write(path, file.text)
    else
      ok, err = add(path, core.make_folder(path))
    end
  end
  return ok, err
end

local NEXT = [[
%s is made. What now:

  cd %s
  rille test       # run its specs
  rille app.lua    # serve on port 8080; --watch starts it again after every change
]]

return function(...)
  local name = options.parse("new", parser(), ...).name
  check_name(name)
  if core.look_at(name) then
    options.fail("new", "%s is there already; nothing was changed", name)
  end
  local made = {}
  local ok, err = make_all(name, require "rille.command.skeleton"(name), made)
  if not ok then
    for i = #made, 1, -1 do os.remove(made[i]) end
    options.fail("new", "%s; nothing is left of it", err)
  end
  io.write(NEXT:format(name, name))
  return 0
end
