--- Process: children that always end. Each leads a process group of its own, so that what it starts
-- ends with it; each is bounded in time, and all are killed by their ids when the benchmark fails,
-- is interrupted or is over. Needs Debian's lua-luv.

local uv = require "luv"

local process = {}
process.__index = process
process.__close = function(self) self:stop() end

local running = {} -- pid -> process

local function kill_all()
  for pid in pairs(running) do uv.kill(-pid, "sigkill") end
  os.exit(1)
end

for _, name in ipairs { "sigint", "sigterm", "sighup" } do
  local signal = uv.new_signal()
  uv.signal_start(signal, name, kill_all)
  uv.unref(signal)
end

--- Turns the loop until `done()` or until `seconds` have passed; returns done(). One more turn at
-- the end finishes what is closing: luv crashes in lua_close otherwise.
local function turn_until(seconds, done)
  local late = false
  local timer = uv.new_timer()
  uv.timer_start(timer, math.ceil(seconds * 1000), 0, function() late = true end)
  while not done() and not late do uv.run("once") end
  uv.close(timer)
  uv.run("nowait")
  return done()
end

--- Starts a program: `argv` is its name and its arguments; it is killed after `seconds`. The result
-- may be a to-be-closed variable.
function process.start(argv, seconds)
  local self = setmetatable({ name = table.concat(argv, " "), text = {} }, process)
  local stdout = uv.new_pipe(false)
  local handle, pid = uv.spawn(argv[1], {
    args = table.move(argv, 2, #argv, 1, {}),
    stdio = { nil, stdout, 2 },
    detached = true,
  }, function(code, signal)
    self.code, self.signal = code, signal
    running[self.pid] = nil
    uv.close(self.limit)
    uv.close(self.handle)
  end)
  if not handle then
    uv.close(stdout)
    uv.run("nowait")
    error(("cannot start %s: %s"):format(argv[1], pid), 0)
  end
  self.handle, self.pid, self.limit = handle, pid, uv.new_timer()
  running[pid] = self
  uv.timer_start(self.limit, seconds * 1000, 0, function()
    self.late = true
    uv.kill(-pid, "sigkill")
  end)
  uv.read_start(stdout, function(_, chunk)
    if chunk then self.text[#self.text + 1] = chunk else uv.close(stdout) end
    self.ended = not chunk
  end)
  return self
end

--- Waits until it has ended and returns what it wrote; an error if it failed or took too long.
function process:wait()
  turn_until(600, function() return self.code and self.ended end)
  if self.late then error(self.name .. ": took too long, killed", 0) end
  if self.code ~= 0 then
    error(("%s: exit status %d, signal %d"):format(self.name, self.code, self.signal), 0)
  end
  return table.concat(self.text)
end

--- Waits until its output has `text` in it.
function process:wait_for(text)
  local found = function() return table.concat(self.text):find(text, 1, true) end
  turn_until(60, function() return found() or self.code and self.ended end)
  if not found() then error(("%s: no %q"):format(self.name, text), 0) end
end

--- The processor seconds that each of its threads has used so far, by their numbers.
function process:cpu()
  local folder, used = ("/proc/%d/task/"):format(self.pid), {}
  for thread in uv.fs_scandir_next, assert(uv.fs_scandir(folder)) do
    local file <close> = io.open(folder .. thread .. "/schedstat")
    local nanoseconds = file and file:read("n") -- none of a thread that has just ended
    if nanoseconds then used[thread] = nanoseconds * 1e-9 end
  end
  return used
end

--- Ends it: asks first, kills after two seconds.
function process:stop()
  if self.code then return end
  uv.kill(-self.pid, "sigterm")
  local ended = function() return self.code end
  if not turn_until(2, ended) then
    uv.kill(-self.pid, "sigkill")
    turn_until(2, ended)
  end
end

--- Asks it to end, and waits until it has; an error if it failed, as by what a sanitizer found.
function process:finish()
  uv.kill(-self.pid, "sigterm")
  return self:wait()
end

--- Runs a program to its end and returns what it wrote.
function process.run(argv, seconds)
  local child <close> = process.start(argv, seconds)
  return child:wait()
end

--- A TCP port of 127.0.0.1 that was free a moment ago.
function process.free_port()
  local socket = uv.new_tcp()
  assert(uv.tcp_bind(socket, "127.0.0.1", 0))
  local port = uv.tcp_getsockname(socket).port
  uv.close(socket)
  return port
end

--- Waits until the server accepts connections on that port.
function process:wait_for_port(port)
  local accepted, refused
  local deadline = uv.hrtime() + 10e9
  repeat
    if self.code or uv.hrtime() > deadline then error(self.name .. ": does not serve", 0) end
    local socket = uv.new_tcp()
    accepted, refused = false, false
    uv.tcp_connect(socket, "127.0.0.1", port, function(failure)
      accepted, refused = not failure, failure ~= nil
      uv.close(socket)
    end)
    turn_until(5, function() return accepted or refused end)
    if refused then uv.sleep(20) end
  until accepted
end

return process
