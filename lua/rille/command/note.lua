-- rille.command.note: notes for the one who watches. Not for scripts. In a script that `rille
-- --watch` runs it writes down the files of the modules that are loaded, in all domains, a line
-- each; with each what it was like before it was read.

local rille = require "rille"

-- In each state; so it captures nothing but the path.
local function note_modules(path)
  local core = require "rille.command.core"
  local find = package.searchers[2]
  package.searchers[2] = function(name)
    local load, file = find(name)
    if type(load) == "function" then
      local notes <close> = io.open(path, "a")
      local about = core.look_at(file)
      if notes and about then notes:write(about.stamp, "\t", file, "\n") end
    end
    return load, file
  end
end

return function(path)
  note_modules(path)
  rille.domains.on_start(note_modules, path)
end
