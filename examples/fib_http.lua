-- The parallel Fibonacci server over HTTP: each request computes on a domain of the pool, and the
-- loop goes on meanwhile. Try http://127.0.0.1:8080/fib/32
-- Usage: rille examples/fib_http.lua [PORT]

local http = require "rille.http"
local rille = require "rille"

local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end

local app = http.app()

app:get("/fib/:n{int}", function(req)
  local n = req.params.n
  if n > 40 then return 400, { error = "n is 40 at most" } end
  return { n = n, fib = rille.detach(fib, n) }
end)

local server = app:listen { port = tonumber(arg[1] or 8080) }
print("listening on " .. server:address())
io.stdout:flush()
