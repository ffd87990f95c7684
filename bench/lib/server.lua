--- Server: a contestant of `http` on core 0, and what it uses there. Its load comes from core 1. A
-- contestant is one process.

local uv = require "luv"
local contest = require "contest"
local peers = require "peers"
local process = require "process"

local server = {}
server.__index = server
server.__close = function(self) self.process:stop() end

local CONNECTIONS <const>, SECONDS <const> = 64, 1

--- How many descriptors a server and its load may have: enough for 10,000 connections.
local DESCRIPTORS <const> = 16384

local function limited(argv)
  local shell = ('ulimit -n %d && exec "$@"'):format(DESCRIPTORS)
  return { "sh", "-c", shell, "sh", table.unpack(argv) }
end

local function pinned(core, argv) return { "taskset", "-c", core, table.unpack(argv) } end

--- Starts a server on a free port of 127.0.0.1; `argv_of(port)` is its command. The result may be a
-- to-be-closed variable.
function server.start(argv_of)
  local port = process.free_port()
  local child = process.start(limited(pinned("0", argv_of(tostring(port)))), 120)
  child:wait_for_port(port)
  return setmetatable({ process = child, port = port }, server)
end

function server:url(path) return ("http://127.0.0.1:%d%s"):format(self.port, path) end

--- The body that a request is answered with; more arguments for curl may follow.
function server:fetch(path, ...)
  return process.run({ "curl", "-sS", "--fail", "--max-time", "10", self:url(path), ... }, 20)
end

--- The CPU time of all its threads, in seconds.
function server:cpu()
  local sum = 0
  for _, seconds in pairs(self.process:cpu()) do sum = sum + seconds end
  return sum
end

--- Its resident bytes, counted page by page: what /proc/PID/status says is off by up to 64 pages a
-- core.
function server:resident()
  local file <close> = assert(io.open(("/proc/%d/smaps_rollup"):format(self.process.pid)))
  return 1024 * tonumber(file:read("a"):match("\nRss:%s+(%d+) kB"))
end

function server:descriptors()
  local count = 0
  for _ in uv.fs_scandir_next, assert(uv.fs_scandir(("/proc/%d/fd"):format(self.process.pid))) do
    count = count + 1
  end
  return count
end

local function wrk(self, path, kind)
  return process.start(pinned("1", {
    "wrk", "-t1", "-c" .. CONNECTIONS, "-d" .. SECONDS .. "s", "-s", peers.script "http_wrk.lua",
    self:url(path), "--", kind,
  }), 60)
end

--- Half of a load that nobody looks at.
function server:warm_up(path, kind)
  local load <close> = wrk(self, path, kind)
  uv.sleep(SECONDS * 500)
  load:stop()
end

--- Loads it: requests a second (`rate`), its CPU time for each (`cpu_us`), the share of core 0 that
-- it had (`percent`), and when an answer came (`p50_us`, `p99_us`).
function server:measure(path, kind)
  local before = self:cpu()
  local load <close> = wrk(self, path, kind)
  local text = load:wait()
  local cpu = self:cpu() - before
  local values = contest.values(text)
  if values.errors ~= 0 then error(self.process.name .. ":\n" .. text, 0) end
  return {
    rate = values.requests / values.microseconds * 1e6,
    cpu_us = cpu / values.requests * 1e6,
    percent = 100 * cpu / (values.microseconds * 1e-6),
    p50_us = values.p50_us,
    p99_us = values.p99_us,
  }
end

--- What an idle connection adds to its resident bytes, when `count` have each made one request.
function server:idle_bytes(client, count)
  uv.sleep(500)
  local before = self:resident()
  local argv = limited(pinned("1", { client, tostring(self.port), tostring(count) }))
  local connections <close> = process.start(argv, 60)
  connections:wait_for "ready\n"
  uv.sleep(1000)
  if self:descriptors() < count then
    error(("%s: %d descriptors"):format(self.process.name, self:descriptors()), 0)
  end
  return (self:resident() - before) / count
end

return server
