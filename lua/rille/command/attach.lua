-- rille.command.attach: what `rille repl --attach` talks to: see rille.command.control.
-- Not for scripts.

local json = require "rille.json"
local net = require "rille.net"
local options = require "rille.command.options"

local HINTS = {
  { "no such file", "nothing is there; start the server with --control %s" },
  { "connection refused", "nobody listens there; start the server with --control %s" },
  { "permission denied", "only the owner of the server may open it" },
}

local function connect(path)
  local conn, err = net.connect("unix:" .. path, { max_line = 16 << 20 })
  if conn then return conn end
  for _, hint in ipairs(HINTS) do
    if err:find(hint[1], 1, true) then
      options.fail("repl", "%s: %s", path, (hint[2]:gsub("%%s", (path:gsub("%%", "%%%%")))))
    end
  end
  options.fail("repl", "%s", err)
end

--- attach(path) -> a place where text runs: { run, complete, interrupt }
return function(path)
  local conn = connect(path)
  local function read()
    local line = conn:read "line"
    local answer = line and json.decode(line)
    if not answer then options.fail("repl", "%s: the server has ended", path) end
    return answer
  end
  local function send(request) conn:write(json.encode(request), "\n") end
  local function ask(request)
    send(request)
    return read()
  end
  local greeting = read()
  if greeting.error then options.fail("repl", "%s: %s", path, greeting.error) end
  local asked -- to interrupt what runs
  return {
    run = function(text)
      asked = false
      return ask { run = text }
    end,
    complete = function(text) return ask { complete = text } end,
    interrupt = function() -- the server then answers; if not, its loop is held up
      if asked then options.fail("repl", "%s: the server does not answer", path) end
      asked = true
      send { interrupt = true }
    end,
  }
end
