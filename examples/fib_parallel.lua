-- A Fibonacci server that computes on domains: one client's computation delays another's only when
-- there are more of them than domains, and never the loop.
--
--   rille examples/fib_parallel.lua [domains [port]]     (as many as recommended; 2000)
--   rille examples/fib_client.lua                        or: nc 127.0.0.1 2000
--
-- A client sends one integer per line and gets its Fibonacci number, one per line.

local rille = require "rille"
local net = require "rille.net"

local domains = tonumber(arg[1] or rille.domains.recommended())
local port = tonumber(arg[2] or 2000)

io.stdout:setvbuf "line" -- so that what is printed shows at once, in a pipe too
rille.domains.set_bounds(0, domains)

local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end

local function answer(line)
  local n = math.tointeger(tonumber(line))
  if not n then return "invalid argument for fib" end
  return rille.detach(fib, n) -- this connection waits here; the loop serves the others
end

local listener = assert(net.listen("tcp://127.0.0.1:" .. port, function(conn)
  print "conn"
  for line in conn:lines() do
    conn:write(answer(line), "\n")
  end
end))

print("listening on " .. listener:address())
