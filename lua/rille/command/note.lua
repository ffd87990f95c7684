-- rille.command.note: notes for the one who watches. Not for scripts. In a script that `rille
-- --watch` runs it writes down the files of the modules that are asked for, in all domains, a line
-- each; with each what it was like before it was read. Also of one that does not compile, and where
-- a module that is missing may come to be: a change there is what the script waits for.

local rille = require "rille"

-- In each state; so it captures nothing but the path.
local function note_modules(path)
  local core = require "rille.command.core"
  local find = package.searchers[2]
  package.searchers[2] = function(name)
    local file, tried = package.searchpath(name, package.path)
    local notes <close> = io.open(path, "a")
    for found in (file and ("'%s'"):format(file) or tried):gmatch "'([^'\n]+)'" do
      local about = core.look_at(found)
      if notes then notes:write(about and about.stamp or "", "\t", found, "\n") end
    end
    return find(name)
  end
end

return function(path)
  note_modules(path)
  rille.domains.on_start(note_modules, path)
end
