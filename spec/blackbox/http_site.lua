-- What the specs of HTTP are served by. Its argument: options of app:listen.

local http, rille = require "rille.http", require "rille"
local app = http.app()
local log = function(...) io.stdout:write(table.concat({ ... }, " "), "\n") io.stdout:flush() end
app:get("/", function() return "hello" end)
app:get("/next", function() return "next" end)
app:get("/host", function(req) return req.host end)
app:get("/n/:n", function(req) return req.params.n end)
app:post("/echo", function(req) return req:body() end)
app:post("/fields", function(req)
  local body, fields = req:body(), req.headers
  return ("%s, %s, %s"):format(body, req.host, tostring(fields.authorization or fields.x))
end)
app:post("/ignore", function() return "ignored" end)
app:get("/sleep/:s", function(req) rille.sleep(tonumber(req.params.s)) return "slept" end)
app:get("/drip", function(_, res)
  res:write "a drop"
  rille.sleep(60)
end)
app:sse("/events", function(events)
  events:send "the only one"
  rille.sleep(1000)
end)
app:get("/ever", function()
  local ok, err = pcall(rille.sleep, 60)
  log("ended:", tostring(ok), err:match "^[^\n]*")
  error(err, 0)
end)
app:get("/large", function() return ("x"):rep(8 * 1024 * 1024) end)
app:get("/stream", function(_, res)
  for i = 1, 3 do res:write("piece ", i, "\n") rille.sleep(0.01) end
end)
app:get("/flood", function(_, res)
  local ok, err = pcall(function() while true do res:write(("x"):rep(65536)) end end)
  log("ended:", tostring(ok), err:match "^[^\n]*")
end)
app:get("/spin", function() while true do end end)
app:post("/pieces", function(req)
  local count = 0
  for piece in req.read, req do count = count + #piece end
  return tostring(count)
end)
app:get("/fail", function(_, res) res:write "some" rille.sleep(0.01) error "boom" end)
local options = load("return " .. (arg[1] or "{}"))()
if not options.address then options.port = 0 end
print(app:listen(options):address())
io.stdout:flush()
