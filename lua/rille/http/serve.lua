-- rille.http.serve: an app on several cores. Not for scripts, which find it in rille.http.

local check = require "rille.http.check"
local fibers = require "rille.core"

local MOST = 1024

local function check_loops(loops)
  local number = type(loops) == "number" and math.tointeger(loops)
  if loops == nil or loops == "auto" or (number and number >= 1 and number <= MOST) then return end
  local shown = type(loops) == "string" and ("%q"):format(loops) or tostring(loops)
  check.fail("http.serve: option \"loops\": a number from 1 to %d or \"auto\" expected, got %s",
    MOST, shown)
end

--- http.serve(options) -> server
--
-- Serves an app on several cores: `http.serve { app = app, port = 8080, loops = 4 }`. The call
-- starts what is lacking; in a loop that was started by it (or by `rille --loops`) it only listens.
-- Each runs the script from its beginning, so it is the last thing that a script does, and what
-- only one of them is to do asks `if rille.loop() == 1`. Returns the server of this loop, as
-- app:listen does. Main domains only. Does not suspend.
--
-- Options, and those of app:listen:
--
--     app      the app to serve
--     loops    how many main domains are to run this script, each on a thread of its own, sharing
--              the port and the compute domains: a number, or "auto" for one a core. Missing: no
--              more than there are
return function(options)
  check.argument(type(options) == "table", 1, "serve", "table of options", options)
  local rest = {}
  for name, value in pairs(options) do rest[name] = value end
  local app, loops = rest.app, rest.loops
  rest.app, rest.loops = nil, nil
  if options.listen then
    check.fail "http.serve takes options: http.serve { app = app, port = 8080 }"
  elseif type(app) ~= "table" or not app.listen then
    check.fail("http.serve: option \"app\": an app expected, which http.app() makes, got %s",
      type(app))
  end
  check_loops(loops)
  local server = app:listen(rest) -- first: a port that is taken is better known before
  if loops then check.call(fibers.add_loops, loops) end
  return server
end
