-- The smallest server: try http://127.0.0.1:8080/hello/world
-- Usage: rille examples/hello.lua [PORT]

local http = require "rille.http"

local app = http.app()

app:get("/", function() return "hello, world\n" end)

app:get("/hello/:name", function(req)
  local name = req.params.name
  if not utf8.len(name) then return 400, { error = "a name is UTF-8" } end -- as all of JSON
  return { message = "hello, " .. name }
end)

local server = app:listen { port = tonumber(arg[1] or 8080) }
print("listening on " .. server:address())
io.stdout:flush()
