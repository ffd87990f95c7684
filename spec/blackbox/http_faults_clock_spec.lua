-- Row 68 of the list of faults: the wall clock jumps. The server gets a clock of ours, which is
-- ahead by as many seconds as a file says. So does a server whose times are too long to wait for,
-- with a clock that runs faster.

local folders = require "spec.support.folder"
local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local rille = require "rille"
local server = require "spec.support.server"

local CLOCK = [[
  #include <stdio.h>
  #include <stdlib.h>
  #include <sys/syscall.h>
  #include <time.h>
  #include <unistd.h>

  static long ahead(void) {
    long seconds = 0;
    FILE *file = fopen(getenv("SPEC_CLOCK"), "r");
    if (file && fscanf(file, "%ld", &seconds) != 1)
      seconds = 0;
    if (file)
      fclose(file);
    return seconds;
  }

  static void hasten(struct timespec *now, int speed) {
    long long all = (now->tv_sec * 1000000000LL + now->tv_nsec) * speed;
    now->tv_sec = all / 1000000000;
    now->tv_nsec = all % 1000000000;
  }

  int clock_gettime(clockid_t id, struct timespec *now) {
    int status = (int)syscall(SYS_clock_gettime, id, now);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
      now->tv_sec += ahead();
    else if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)
      hasten(now, atoi(getenv("SPEC_SPEED")));
    return status;
  }

  time_t time(time_t *now) {
    struct timespec all;
    clock_gettime(CLOCK_REALTIME, &all);
    if (now)
      *now = all.tv_sec;
    return all.tv_sec;
  }
]]

local SITE = [[
  local http, rille = require "rille.http", require "rille"
  local app = http.app()
  app:get("/sleep", function() rille.sleep(0.5) return "slept" end)
  app:get("/time", function() return tostring(os.time()) end)
  print(app:listen { port = 0, handler_timeout = 20, idle_timeout = 20 }:address())
  io.stdout:flush()
]]

local YEAR = 365 * 24 * 60 * 60
local MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"

--- What a Date says, in seconds, if it was local time.
local function seconds_of(date)
  local day, month, year, hour, min, sec = date:match "(%d+) (%a+) (%d+) (%d+):(%d+):(%d+) GMT$"
  month = (MONTHS:find(month, 1, true) + 2) // 3
  return os.time { year = year, month = month, day = day, hour = hour, min = min, sec = sec }
end

local function is_near(expected, seconds)
  assert.is_true(math.abs(expected - seconds) < 600)
end

--- A server with that clock, and the folder that belongs to it.
local function serve(speed)
  local folder = folders.new { ["clock.c"] = CLOCK, ahead = "0" }
  assert.is_true(os.execute(("cc -shared -fPIC -o %s %s"):format(folder:at "clock.so",
    folder:at "clock.c")))
  local self, address = server.start {
    script = SITE,
    before = ("export SPEC_CLOCK=%s SPEC_SPEED=%d LD_PRELOAD=%s;"):format(folder:at "ahead", speed,
      folder:at "clock.so"),
  }
  return folder, self, address
end

local build = os.getenv "RILLE_BUILD"
if build == "asan" or build == "tsan" then
  pending "a clock of ours (sanitizers have these functions already)"
  return
end

describe("a client that goes on sending after its bad request", function()
  it("has its answer, and is closed in the end", function()
    local speed = 20
    local folder <close>, child, address = serve(speed)
    local self <close> = child
    local conn <close> = assert(net.connect(address, { timeout = 15 }))
    conn:write "GET / nonsense\r\n\r\n"
    assert.equal(400, raw_http.read_answer(conn).status)
    local begun = rille.now()
    local function seconds() return (rille.now() - begun) * speed end
    repeat rille.sleep(0.01) until not conn:write "more" or seconds() > 200
    assert.is_true(seconds() > 14 and seconds() < 200)
    assert.equal(0, server.stop(self).status)
    assert.is_table(folder)
  end)
end)

describe("a wall clock that jumps", function()
  it("row 68: moves Date, and no time that is waited for", function()
    local folder <close>, child, address = serve(1)
    local self <close> = child
    local conn <close> = assert(net.connect(address, { timeout = 15 }))
    local start = seconds_of(os.date "!%d %b %Y %H:%M:%S GMT")
    for _, ahead in ipairs { 0, YEAR, -YEAR, 0 } do
      conn:write(raw_http.get "/sleep")
      folder:write("ahead", tostring(ahead))
      local slept = raw_http.read_answer(conn)
      assert.same({ 200, "slept" }, { slept.status, slept.body })
      conn:write(raw_http.get "/time")
      local answer = raw_http.read_answer(conn)
      is_near(start + ahead, seconds_of(answer.headers.date))
      is_near(os.time() + ahead, tonumber(answer.body))
    end
    assert.equal(0, server.stop(self).status)
  end)
end)
