-- The parallel Fibonacci server with the computation replaced by a sleep that keeps its domain
-- (luv's, which blocks the thread; rille.sleep would free it): an integer per line in, so many
-- milliseconds are slept, and the integer per line out. Arguments: port, domains.

local rille = require "rille"

local function nap(milliseconds)
  require("luv").sleep(milliseconds)
  return milliseconds
end

local domains = tonumber(arg[2])
rille.domains.set_bounds(domains, domains)
rille.net.listen("tcp://127.0.0.1:" .. arg[1], function(connection)
  for line in connection:lines() do
    connection:write(rille.detach(nap, math.tointeger(tonumber(line))), "\n")
  end
end)
