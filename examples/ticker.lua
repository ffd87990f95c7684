-- Prices that change all the time, sent to every page that watches, as server-sent events. A client
-- that has lost its connection gets what it missed. Open http://127.0.0.1:8080/ in some windows.
-- Usage: rille examples/ticker.lua [PORT [SECONDS BETWEEN PRICES]]     (8080, 1)

local http = require "rille.http"
local rille = require "rille"

local pace = tonumber(arg[2] or 1)
local ticks, last = {}, 0 -- the latest 100, by number

local PAGE = [[<!doctype html>
<meta charset="utf-8"><title>Ticker</title>
<p id="price">waiting</p>
<ol id="list"></ol>
<script>
  const source = new EventSource("/ticks");
  source.addEventListener("price", event => {
    const tick = JSON.parse(event.data);
    document.getElementById("price").textContent = tick.price.toFixed(2);
    const item = document.createElement("li");
    item.value = event.lastEventId;
    item.textContent = tick.price.toFixed(2);
    document.getElementById("list").prepend(item);
  });
</script>
]]

-- The one who tells: a fiber like any other.
rille.spawn(function()
  local price = 100
  while true do
    price = price * (1 + (math.random() - 0.5) / 50)
    last = last + 1
    ticks[last], ticks[last - 100] = { price = price }, nil
    rille.sleep(pace)
  end
end)

local app = http.app()

app:get("/", function(_, res) res:html(PAGE) end)

-- Those who listen: each goes on from what its client has seen, as fast as that takes it.
app:sse("/ticks", function(events)
  local seen = math.min(tonumber(events.last_id) or last - 1, last)
  while true do
    for i = math.max(seen + 1, last - 99), last do
      events:send(ticks[i], { event = "price", id = i })
      seen = i
    end
    rille.sleep(pace / 10)
  end
end, { retry = 1 })

local server = app:listen { port = tonumber(arg[1] or 8080) }
print("listening on " .. server:address())
io.stdout:flush()
