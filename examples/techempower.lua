-- Two tests of the TechEmpower web framework benchmarks: /plaintext and /json. Their rules ask for
-- the headers Server and Date, the latter of which every answer has, and for a JSON object that is
-- made and encoded anew for each request.
-- Usage: rille examples/techempower.lua [PORT]; one core serves, `rille --loops N` uses more

local http = require "rille.http"

local app = http.app()

app:get("/plaintext", function(_, res)
  res.headers["Server"] = "rille"
  return "Hello, World!"
end)

app:get("/json", function(_, res)
  res.headers["Server"] = "rille"
  return { message = "Hello, World!" }
end)

local server = app:listen { port = tonumber(arg[1] or 8080) }
print("listening on " .. server:address())
io.stdout:flush()
