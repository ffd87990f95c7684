-- rille.command.bench_client: the clients of `rille bench`. Not for scripts. It runs on compute
-- domains; what it finds out goes back as a table.

local core = require "rille.core"
local net = require "rille.net"
local rille = require "rille"

local client = {}

-- -- times: a histogram whose steps are 2 % ---------------------------------------------------

local Times = {}
Times.__index = Times
client.Times = Times -- so that it goes to other domains by name

local STEP = math.log(1.02)
local SHORTEST = 1e-6

local function add_time(times, seconds)
  local slot = seconds > SHORTEST and math.ceil(math.log(seconds / SHORTEST) / STEP) or 0
  times[slot] = (times[slot] or 0) + 1
  times.most = math.max(times.most, seconds)
end

-- The time in seconds that such a part of all took at most, from 0 to 1.
function Times:share(part)
  local slots, total = {}, 0
  for slot, count in pairs(self) do
    if slot ~= "most" then
      table.insert(slots, slot)
      total = total + count
    end
  end
  table.sort(slots)
  local seen = 0
  for _, slot in ipairs(slots) do
    seen = seen + self[slot]
    if seen >= part * total then return math.min(self.most, SHORTEST * math.exp(slot * STEP)) end
  end
  return self.most
end

-- -- results ----------------------------------------------------------------------------------

function client.new_result()
  return {
    answers = 0, bytes = 0, statuses = {}, errors = {},
    times = setmetatable({ most = 0 }, Times),
  }
end

local function add_counts(into, counts)
  for key, count in pairs(counts) do into[key] = (into[key] or 0) + count end
end

function client.add(total, result)
  total.answers = total.answers + result.answers
  total.bytes = total.bytes + result.bytes
  add_counts(total.statuses, result.statuses)
  add_counts(total.errors, result.errors)
  local most = math.max(total.times.most, result.times.most)
  add_counts(total.times, result.times)
  total.times.most = most
end

-- -- answers ----------------------------------------------------------------------------------

local function need(value, err)
  if value == nil then error(err or "the connection was closed", 0) end
  return value
end

-- Returns what of the head matters, and its size.
local function read_head(conn)
  local line = need(conn:read "line")
  local minor, status = line:match "^HTTP/1%.(%d) (%d%d%d)"
  if not status then error("not HTTP: " .. ("%q"):format(line:sub(1, 40)), 0) end
  local head, size = { status = status, keeps = minor == "1" }, #line + 2
  while true do
    line = need(conn:read "line")
    size = size + #line + 2
    if line == "" then return head, size end
    local name, value = line:match "^([^:]+):%s*(.-)%s*$"
    name = name and name:lower()
    if name == "content-length" then
      head.length = need(math.tointeger(value), "Content-Length is no number")
    elseif name == "transfer-encoding" then
      head.chunked = true
    elseif name == "connection" then
      head.keeps = not value:lower():find "close" and (head.keeps or value:lower() == "keep-alive")
    end
  end
end

local function read_exactly(conn, size)
  local bytes = need(conn:read(size))
  if #bytes < size then error("the answer was cut off", 0) end
end

local function read_chunks(conn)
  local total = 0
  while true do
    local line = need(conn:read "line")
    local size = need(tonumber(line:match "^%x+", 16), "a chunk without a size")
    total = total + #line + size + 4
    if size == 0 then
      repeat until need(conn:read "line") == ""
      return total
    end
    read_exactly(conn, size + 2)
  end
end

local function read_body(conn, head, is_head)
  if is_head or head.status == "204" or head.status == "304" then return 0 end
  if head.chunked then return read_chunks(conn) end
  if head.length then
    if head.length > 0 then read_exactly(conn, head.length) end
    return head.length
  end
  head.keeps = false
  return #need(conn:read "all")
end

-- One request; returns whether the connection can be used again.
local function ask(conn, load, result)
  local started = rille.now()
  need(conn:write(load.request))
  local head, size, more
  repeat
    head, more = read_head(conn)
    size = (size or 0) + more
  until head.status:sub(1, 1) ~= "1"
  size = size + read_body(conn, head, load.is_head)
  add_time(result.times, rille.now() - started)
  result.answers = result.answers + 1
  result.bytes = result.bytes + size
  result.statuses[head.status] = (result.statuses[head.status] or 0) + 1
  return head.keeps
end

-- -- clients ----------------------------------------------------------------------------------

local RETRY = 0.1 -- seconds before a client whose connection failed makes another

local function converse(load, result, ends)
  local conn <close> = need(net.connect(load.address))
  repeat local keeps = ask(conn, load, result) until not keeps or rille.now() >= ends
end

-- Until its time is over; what is under way then is not waited for.
local function be_client(load, result, ends)
  repeat
    local ok, err = pcall(converse, load, result, ends)
    if not ok and not core.is_cancelled() then
      err = tostring(err)
      result.errors[err] = (result.errors[err] or 0) + 1
      rille.sleep(RETRY)
    end
  until rille.now() >= ends or core.is_cancelled()
end

--- client.run(load, count) -> result: so many clients at once, for load.duration seconds.
function client.run(load, count)
  local result = client.new_result()
  local ends = rille.now() + load.duration
  pcall(rille.timeout, load.duration, rille.scope, function(scope)
    for _ = 1, count do scope:spawn(be_client, load, result, ends) end
  end)
  return result
end

return client
