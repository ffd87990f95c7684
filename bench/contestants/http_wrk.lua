-- The load of `http`, run by wrk: wrk ... -s http_wrk.lua URL -- KIND. GET requests, unless KIND is
-- "post" (1 KiB each) or "pipelined" (16 at once). Prints "key value" lines.
-- luacheck: globals wrk init done

function init(args)
  if args[1] == "post" then
    wrk.method, wrk.body = "POST", ("x"):rep(1024)
    wrk.headers["Content-Type"] = "text/plain"
  elseif args[1] == "pipelined" then
    local format = wrk.format
    function wrk.format(...) return format(...):rep(16) end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(("requests %d\nmicroseconds %d\np50_us %d\np99_us %d\nerrors %d\n"):format(
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
