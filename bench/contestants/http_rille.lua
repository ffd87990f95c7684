-- The contestants of `http` through rille.http: http_rille.lua PORT DIRECTORY, whose files are
-- served.

local http = require "rille.http"

local app = http.app()

app:get("/", function() return "Hello, World!" end)
app:get("/json", function(req) return { message = "hello", n = tonumber(req.query.n) } end)
app:post("/echo", function(req) return req:body() end)
app:static("/static", arg[2])

app:listen { address = "127.0.0.1", port = tonumber(arg[1]) }
