--- Process: the real program as a child process, bounded in time, with what it printed and how it
-- ended. Needs nothing but a shell, so that it judges the program from outside.
--
--     local result = process.run { script = [[print "hello"]] }
--     result.stdout, result.stderr, result.status
--
-- Options: the list part is the program's arguments; `script` is the source of script.lua, put
-- before them; `files` maps names to contents; `input` is its standard input; `seconds` the time it
-- may take (30); `before` a piece of shell that runs first; `program` another program to run. It
-- runs in a fresh directory that holds the files, or in `directory`.

local shell = require "spec.support.shell"

local process = {}
process.__index = process

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return (text:gsub("\n$", ""))
end

--- The program's absolute path.
process.program = output_of("realpath " .. shell.quoted(os.getenv "RILLE_PROGRAM" or "build/rille"))

--- Where the repository is: specs are run from its root.
process.root = output_of "pwd"

local function write_file(path, text)
  os.execute(("mkdir -p %s"):format(shell.quoted(path:match "^(.*)/")))
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function read_file(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function prepare(options, home)
  for name, text in pairs(options.files or {}) do write_file(home .. "/" .. name, text) end
  write_file(home .. "/.input", options.input or "")
  local words = { shell.quoted(options.program or process.program) }
  if options.script then
    write_file(home .. "/script.lua", options.script)
    table.insert(words, "script.lua")
  end
  for _, argument in ipairs(options) do table.insert(words, shell.quoted(argument)) end
  return table.concat(words, " ")
end

--- Starts the program. The result may be a to-be-closed variable, which ends it.
function process.start(options)
  local home = output_of "mktemp -d"
  local line = prepare(options, home)
  local bounded = ([[cd %s && %s exec timeout -k 5 %d sh -c 'echo $$; exec "$@"' sh %s <%s 2>%s]])
    :format(shell.quoted(options.directory or home), options.before or "", options.seconds or 30,
      line, shell.quoted(home .. "/.input"), shell.quoted(home .. "/.stderr"))
  local self = setmetatable({ home = home, pipe = assert(io.popen(bounded)) }, process)
  self.pid = self.pipe:read "n"
  self.pipe:read "l"
  return self
end

--- The next line of its standard output; nil at its end.
function process:line()
  return self.pipe:read "l"
end

--- Sends it a signal ("TERM", "INT", "KILL").
function process:signal(name)
  os.execute(("kill -%s %d"):format(name, self.pid))
end

--- Waits for its end: { status, stdout (what was not read yet), stderr }. Death by a signal is
-- status 128 + its number, as in a shell; 124 means that the time was up.
function process:wait()
  local result = { stdout = self.pipe:read "a" }
  local _, kind, code = self.pipe:close()
  self.pipe = nil
  result.status = kind == "signal" and 128 + code or code
  result.stderr = read_file(self.home .. "/.stderr")
  os.execute("rm -rf " .. shell.quoted(self.home))
  return result
end

function process:__close()
  if not self.pipe then return end
  self:signal "KILL"
  self:wait()
end

--- Starts the program and waits for its end.
function process.run(options)
  return process.start(options):wait()
end

return process
