-- The contestant of `fairness`. Arguments: the port, the number of domains, and n of fib(n).

local rille = require "rille"

local port, count, n = arg[1], tonumber(arg[2]), tonumber(arg[3])

local function fib(i) if i < 2 then return i end return fib(i - 1) + fib(i - 2) end

rille.domains.set_bounds(count, count)
local app = rille.http.app()
app:get("/", function() return "Hello, World!" end)
app:get("/fib", function() return tostring(rille.detach(fib, n)) end)
app:listen { port = tonumber(port) }
