-- A Fibonacci server that computes on its loop: while it computes for one client, all others wait.
-- It is here to be compared with fib_parallel.lua.
--
--   rille examples/fib_sequential.lua [port]        (1537)
--   rille examples/fib_client.lua 10 10 32 1537     or: nc 127.0.0.1 1537
--
-- A client sends one integer per line and gets its Fibonacci number, one per line.

local net = require "rille.net"

local port = tonumber(arg[1] or 1537)

io.stdout:setvbuf "line" -- so that what is printed shows at once, in a pipe too

local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end

local function answer(line)
  local n = math.tointeger(tonumber(line))
  if not n then return "invalid argument for fib" end
  return fib(n)
end

local listener = assert(net.listen("tcp://127.0.0.1:" .. port, function(conn)
  print "conn"
  for line in conn:lines() do
    conn:write(answer(line), "\n")
  end
end))

print("listening on " .. listener:address())
