-- Payloads through ngx.run_worker_thread, in the request of a fresh nginx.

local payloads = require "payloads"

ngx.print(payloads.measure(require "nginx_clock", function(value)
  local ok, length = ngx.run_worker_thread("pool", "nginx_worker", "length", value)
  assert(ok, length)
  return length
end))
