--- Terminal: a program at a pseudo-terminal, what it shows, and keys to press.
--
--     local self <close> = terminal.start { "repl", before = "export X=1;" }
--     self:expect "> "            -- waits until it is shown, behind what was expected last
--     self:type "1 + 1\r"
--     local text = self:finish()  -- waits for its end; everything that it has shown
--
-- Options are those of process.start. `script` of util-linux makes the terminal.

local process = require "spec.support.process"
local shell = require "spec.support.shell"
local work = require "spec.support.work"

local terminal = {}
terminal.__index = terminal

function terminal.start(options)
  local words = { shell.quoted(process.program) }
  for _, word in ipairs(options) do table.insert(words, shell.quoted(word)) end
  local inside = (options.before or "") .. " TERM=xterm exec " .. table.concat(words, " ")
  local self = setmetatable({ at = 1 }, terminal)
  self.process = process.start {
    program = "sh", "-c",
    "mkfifo keys; touch shown; exec script --quiet --flush --command " .. shell.quoted(inside)
      .. " shown <keys >/dev/null",
    directory = options.directory, files = options.files, seconds = options.seconds,
  }
  self.home = options.directory or self.process.home
  work.await(function() return io.open(self.home .. "/shown") ~= nil end)
  self.keys = assert(io.open(self.home .. "/keys", "w"))
  self.keys:setvbuf "no"
  return self
end

--- All that it has shown so far, without what moves the cursor.
function terminal:shown()
  local file <close> = assert(io.open(self.home .. "/shown", "rb"))
  return (file:read("a"):gsub("\27%[[%d;?]*%a", ""):gsub("\r", ""))
end

function terminal:expect(text)
  local ok = pcall(work.await, function()
    local _, last = self:shown():find(text, self.at, true)
    self.at = last and last + 1 or self.at
    return last ~= nil
  end, 20)
  if not ok then error(("%q is not shown, but: %s"):format(text, self:shown():sub(self.at)), 2) end
end

function terminal:type(text)
  assert(self.keys:write(text))
end

function terminal:finish()
  self.keys:close()
  work.await(function() return self:shown():find "\nScript done" ~= nil end, 20)
  local text = self:shown()
  self.process:wait()
  return text
end

function terminal:__close()
  self.process:__close()
end

return terminal
