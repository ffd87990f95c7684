-- rille.command.watch: `rille --watch`. Not for scripts. It runs the script in a program of its
-- own, and again after each change of its files.
--
-- What has changed is found by looking, several times a second: at the script, and at the modules
-- that it has loaded so far, whose files that program writes down (rille.command.note). So it does
-- not matter how an editor writes, nor on which file system. A file that is gone for a moment, or
-- grows, is waited for.

local core = require "rille.command.core"
local rille = require "rille"

local LOOK = 0.1 -- seconds between two looks; what is the same for so long is written
local PATIENCE = 20 -- looks after which a file that is gone has been removed
local GRACE = "1" -- seconds that running handlers get before a new start, unless --grace says so

local function say(format, ...)
  io.stderr:write("rille: ", format:format(...), "\n")
end

local function stamp_of(path)
  local about = core.look_at(path)
  return about and about.stamp or ""
end

-- Adds what the program has loaded since: path -> stamp then.
local function add_notes(loaded, notes)
  for line in io.lines(notes) do
    local stamp, path = line:match "^([^/]*)\t(.*)$"
    if stamp then loaded[path] = loaded[path] or stamp end
  end
end

local function look(loaded)
  local stamps = {}
  for path in pairs(loaded) do stamps[path] = stamp_of(path) end
  return stamps
end

-- A path whose stamp is another one now.
local function changed(before, now)
  for path, stamp in pairs(before) do
    if now[path] ~= stamp then return path end
  end
end

-- After a change of `path`: until nothing more changes, and it is there again.
local function settle(loaded, path)
  local now, looks = look(loaded), 0
  repeat
    rille.sleep(LOOK)
    local before = now
    now, looks = look(loaded), looks + 1
  until not changed(before, now) and (now[path] ~= "" or looks >= PATIENCE)
end

-- Waits for a change, and until that is whole; returns the path.
local function await_change(loaded, notes)
  local path
  repeat
    rille.sleep(LOOK)
    add_notes(loaded, notes)
    path = changed(loaded, look(loaded))
  until path
  settle(loaded, path)
  return path
end

local function tell_end(child)
  local status = child:wait()
  if status == 0 then
    say "the script has ended; a change starts it again"
  else
    say("the script has ended with status %d; a change starts it again", status)
  end
end

-- One run of the script, from its start to the next change.
local function run(words, script, notes)
  assert(io.open(notes, "wb")):close()
  local loaded = { [script] = stamp_of(script) }
  local child = assert(core.start_program(words))
  local _ <close> = setmetatable({}, { __close = function() child:stop() end })
  local ending = rille.spawn(tell_end, child)
  local path = await_change(loaded, notes)
  say("%s has changed", path)
  ending:cancel()
  child:stop()
  child:wait()
end

--- watch(...): the words of the program without --watch, and then the script's path.
return function(...)
  local notes = os.tmpname()
  local _ <close> = setmetatable({}, { __close = function() os.remove(notes) end })
  local words = { arg[0], "--grace", GRACE, "--note-modules", notes, ... }
  local script = table.remove(words)
  while true do run(words, script, notes) end
end
