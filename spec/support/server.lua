--- Server: a script that listens, as a process of its own, and what can be seen of it from outside.
--
--     local self <close>, address = server.start { script = [[...prints its address first...]] }
--     server.stop(self)
--
-- It may also be a file, `path`, below the repository's root.

local process = require "spec.support.process"
local work = require "spec.support.work"

local server = {}

--- Starts a server: the process, as from process.start, and its first line, which is where it
-- listens. Options are those of process.start, and `grace` in seconds (5).
function server.start(options)
  local path = options.path and process.root .. "/" .. options.path or "server.lua"
  local self = process.start {
    "--grace", tostring(options.grace or 5), path, options.argument,
    files = { ["server.lua"] = options.script },
    before = options.before, seconds = options.seconds or 60,
  }
  return self, self:line()
end

--- Asks it to end, and waits: its result as from process.
function server.stop(self)
  self:signal "TERM"
  return self:wait()
end

--- How many descriptors it has open.
function server.descriptors(self)
  local pipe = assert(io.popen(("ls /proc/%d/fd | wc -l"):format(self.pid)))
  local count = pipe:read "n"
  pipe:close()
  return count
end

--- Waits until it has no more open than `count`; fails if that does not come.
function server.await_descriptors(self, count)
  work.await(function() return server.descriptors(self) <= count end, 20)
end

--- The processor time that it has used, in seconds.
function server.processor_time(self)
  local file <close> = assert(io.open(("/proc/%d/stat"):format(self.pid)))
  local fields = {}
  for field in file:read("a"):match("%) (.*)"):gmatch "%S+" do table.insert(fields, field) end
  return (fields[12] + fields[13]) / 100 -- ticks of user and system
end

--- Its resident memory, in bytes.
function server.memory(self)
  local file <close> = assert(io.open(("/proc/%d/status"):format(self.pid)))
  return file:read("a"):match "VmRSS:%s+(%d+) kB" * 1024
end

return server
