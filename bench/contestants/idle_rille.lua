-- CPU time of an idle pool: its domains started and used once, then four seconds of nothing.

local rille = require "rille"

local domains = rille.domains.recommended()
rille.domains.set_bounds(domains, domains)
for _ = 1, 100 do rille.detach(function() end) end
rille.sleep(0.5)
local cpu, wall = os.clock(), rille.now()
rille.sleep(4)
io.write(("percent %.3f\n"):format(100 * (os.clock() - cpu) / (rille.now() - wall)))
