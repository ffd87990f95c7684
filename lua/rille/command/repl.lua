-- rille.command.repl: `rille repl`. Not for scripts. What is typed runs in a fiber, and the loop
-- goes on while somebody types: sleeps, servers and tasks that were started at the prompt as well.
--
-- Reading a line and running it are tasks, one after the other; at a terminal Ctrl-C ends the one
-- that is there.

local core = require "rille.command.core"
local evaluate = require "rille.command.evaluate"
local fibers = require "rille.core"
local options = require "rille.command.options"
local rille = require "rille"
local typing = require "rille.command.typing"

local PROMPT, GO_ON = "> ", ">> "

local function parser()
  local it = options.parser("repl", "Runs what is typed: Lua, or an expression whose value is "
    .. "shown. Tab completes names; what is not finished goes on in the next line; Ctrl-C ends the "
    .. "line that runs, or drops the one that is typed; Ctrl-D, or Ctrl-C twice, ends the prompt.")
  it:option("--attach", "In the running program whose control socket is at PATH: what was started "
    .. "as `rille --control PATH ...`."):argname "PATH"
  return it
end

-- -- Ctrl-C ----------------------------------------------------------------------------------

local interrupt -- ends what is there to be ended; nil: nothing

local function heed_interrupts()
  while true do
    core.await_interrupt()
    if interrupt then interrupt() end
  end
end

-- Runs fn(...): its results, or nothing if it was interrupted. `ends` interrupts it, if it does not
-- suffice to cancel it here.
local function attempt(ends, fn, ...)
  local task = rille.spawn(fn, ...)
  interrupt = ends or function() task:cancel "interrupted" end
  local results = table.pack(pcall(task.await, task))
  interrupt = nil
  if results[1] then return table.unpack(results, 2, results.n) end
  if fibers.is_cancelled() or task:status() ~= "cancelled" then error(results[2], 0) end
end

-- -- the loop --------------------------------------------------------------------------------

-- Returns whether it was an error.
local function tell(answer)
  if answer.error then
    io.stderr:write(answer.error, "\n")
  elseif answer.output ~= "" then
    io.write(answer.output, "\n")
  end
  io.flush()
  return answer.error ~= nil
end

local function run(place, text)
  if not text:find "%S" then return { output = "" } end
  local seen = {}
  local answer = attempt(place.interrupt, place.run, text, seen)
  return answer or { error = "\n" .. (seen.trace or "interrupted") } -- behind the ^C
end

-- Reads and runs until the end; returns whether something failed.
local function converse(reader, place)
  local typed, failed, warned = nil, false, false
  while true do
    local event, text = attempt(nil, reader.read, typed and GO_ON or PROMPT)
    if event == "line" then
      text = typed and typed .. "\n" .. text or text
      local answer = run(place, text)
      typed = answer.incomplete and text or nil
      if not typed then failed = tell(answer) or failed end
      warned = false
    elseif event == "end" then
      if typed then failed = tell { error = "the input ends within: " .. typed } end
      return failed
    else
      local empty = not typed and reader.typed() == ""
      io.write(reader.mark)
      if empty and warned then return failed end
      if empty then io.write "(Ctrl-C again, or Ctrl-D, ends the prompt)\n" end
      typed, warned = nil, empty
    end
  end
end

return function(...)
  local args = options.parse("repl", parser(), ...)
  local place = args.attach and require "rille.command.attach"(args.attach) or evaluate
  _G.rille = rille -- at hand
  if core.is_terminal() then rille.spawn(heed_interrupts) end
  local failed = converse(typing.open(place), place)
  return failed and not core.is_terminal() and 1 or 0
end
