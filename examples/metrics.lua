-- A server that counts: a die to roll, and what Prometheus is told of it.
-- Usage: rille examples/metrics.lua [PORT]
--
--   curl localhost:8080/roll/6
--   curl localhost:8080/metrics

local http = require "rille.http"
local log = require "rille.log"
local metrics = require "rille.metrics"
local rille = require "rille"

local rolls = metrics.counter {
  name = "dice_rolls_total", help = "Rolls of dice.", labels = { "sides" },
}
local patience = metrics.histogram {
  name = "dice_roll_seconds", help = "How long dice roll.", buckets = { 0.001, 0.01, 0.1, 1 },
}
local rolling = metrics.gauge { name = "dice_rolling", help = "Dice that roll now." }

-- On a compute domain: what is counted there is in the same sum.
local function roll(sides)
  local sum = 0
  for _ = 1, 100000 do sum = sum + math.random(sides) end
  return sum % sides + 1
end

local app = http.app()
app:metrics "/metrics"

app:get("/roll/:sides{int}", function(req)
  local sides = req.params.sides
  if sides < 2 or sides > 100 then error(http.error(400, "2 to 100 sides\n")) end
  local start = rille.now()
  rolling:inc()
  local result = rille.detach(roll, sides)
  rolling:dec()
  rolls:inc(1, { sides = sides })
  patience:observe(rille.now() - start)
  log.info("rolled", { sides = sides, result = result })
  return result .. "\n"
end)

local server = app:listen { port = tonumber(arg[1] or 8080) }
print("listening on " .. server:address())
io.stdout:flush()
