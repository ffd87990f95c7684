-- A client of the Fibonacci servers: many connections at once, on each one request after the other.
--
--   rille examples/fib_client.lua [clients [requests [n [port]]]]     (10, 10, 32, 2000)
--
-- Prints every reply, and at the end the time and the requests per second.

local rille = require "rille"
local net = require "rille.net"

local clients = tonumber(arg[1] or 10)
local requests = tonumber(arg[2] or 10)
local n = tonumber(arg[3] or 32)
local port = tonumber(arg[4] or 2000)

local function client()
  local conn <close> = assert(net.connect("tcp://127.0.0.1:" .. port))
  for _ = 1, requests do
    assert(conn:write(n, "\n"))
    print(assert(conn:read "line"))
  end
end

local started = rille.now()
rille.scope(function(scope)
  for _ = 1, clients do scope:spawn(client) end
end)
local seconds = rille.now() - started

local total = clients * requests
print(("%d requests in %.3f s, %.1f requests per second"):format(total, seconds, total / seconds))
