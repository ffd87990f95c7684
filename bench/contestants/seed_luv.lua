-- The Fibonacci server through luv's pool, under plain Lua 5.4: an integer per line in, its
-- Fibonacci number per line out. Argument: the port. The pool's size comes from UV_THREADPOOL_SIZE.

local uv = require "luv"

local function answer(connection)
  local work = uv.new_work(function(n)
    local function fib(k) if k < 2 then return k end return fib(k - 1) + fib(k - 2) end
    return fib(n)
  end, function(result)
    if not uv.is_closing(connection) then uv.write(connection, result .. "\n") end
  end)
  local rest = ""
  uv.read_start(connection, function(failure, chunk)
    if failure or not chunk then
      uv.close(connection)
      return
    end
    rest = rest .. chunk
    rest = rest:gsub("([^\n]*)\n", function(line)
      local n = math.tointeger(tonumber(line))
      if n then uv.queue_work(work, n) else uv.write(connection, "invalid argument for fib\n") end
      return ""
    end)
  end)
end

local server = uv.new_tcp()
assert(uv.tcp_bind(server, "127.0.0.1", tonumber(arg[1])))
assert(uv.listen(server, 128, function(failure)
  assert(not failure, failure)
  local connection = uv.new_tcp()
  uv.accept(server, connection)
  uv.tcp_nodelay(connection, true)
  answer(connection)
end))
uv.run()
