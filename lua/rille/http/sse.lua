-- rille.http.sse: server-sent events. Not for scripts, which find it in rille.http.

local check = require "rille.http.check"
local core = require "rille.http.core"
local options = require "rille.http.options"

local RULES = {
  heartbeat = { type = "number", default = 15, check = function(seconds)
    if seconds <= 0 then return "seconds above 0 expected" end
  end },
  retry = { type = "number" },
}

--- The type events of rille.http: a stream of events to one client, which lasts until its handler
-- returns, in its domain.
--
-- Fields:
--
--     last_id   string|nil: the id of the last event that the client got before it lost its
--               connection
local Events = {}
Events.__index = Events
Events.__name = "events"

local FIELDS = { data = true, event = true, id = true, retry = true }

-- A table of the script's own that is meant as data is the usual reason.
local function fail_unknown(key, single)
  check.fail("events:send: unknown field %q%s", tostring(key), not single and "" or
    " (a table to be sent as JSON is the field data: events:send { data = ... })")
end

--- events:send(data [, options])
--
-- Data: text, of as many lines as it likes, or a table, which becomes JSON. Or all by names: a
-- single table of the options, with a field `data` besides. Waits while the client is slow; raises
-- when it has left, or when event or id has a CR, LF or NUL. May suspend.
--
-- Options:
--
--     event   its name in the browser, "message" without one
--     id      what the client says with its next connection, see events.last_id
--     retry   seconds until that is tried after a loss
function Events:send(data, more)
  check.method(getmetatable(self) == Events, "events", "send")
  local single = more == nil
  if single then
    if data == nil then check.fail "events:send: there is nothing to send" end
    if type(data) ~= "table" then return check.call(core.send_event, self.res, data) end
    more, data = data, data.data
  end
  for key in pairs(more) do
    if not FIELDS[key] then fail_unknown(key, single) end
  end
  check.call(core.send_event, self.res, data, more.event, more.id, more.retry)
end

local function serve(handler, settings)
  return function(req, res)
    local headers = res.headers
    headers["Content-Type"] = "text/event-stream"
    headers["Content-Length"] = nil
    headers["Cache-Control"] = "no-store"
    headers["X-Accel-Buffering"] = "no" -- nginx would collect them
    res:write()
    if not core.takes_body(res) then return end
    core.begin_events(res, settings.heartbeat)
    local events = setmetatable({ res = res, last_id = req.headers["Last-Event-ID"] }, Events)
    if settings.retry then core.send_event(res, nil, nil, nil, settings.retry) end
    handler(events, req)
  end
end

--- app:sse(pattern [, middleware...], handler [, options]) -> app
--
-- A route to a stream of events: handler(events, req) sends them with events:send, and may wait in
-- between; the stream ends when it returns. A client that leaves cancels the handler. The head goes
-- out before the handler begins: whoever is not to get any events is refused by a middleware.
--
-- Options:
--
--     heartbeat   15: seconds of silence, after which a comment is sent; math.huge: never
--     retry       seconds, as of events:send, sent first
return function(app, pattern, ...)
  local arguments = { ... }
  local count = #arguments
  local given, meta = arguments[count], getmetatable(arguments[count])
  if type(given) == "table" and not (type(meta) == "table" and meta.__call) then
    count = count - 1
  else
    given = nil
  end
  local settings = options("sse", given, RULES)
  if count == 0 then check.fail "app:sse: a handler expected, got nil" end
  for i = 1, count do arguments[i] = check.callable(arguments[i], i + 1, "sse") end
  arguments[count] = serve(arguments[count], settings)
  return app:get(pattern, table.unpack(arguments, 1, count))
end
