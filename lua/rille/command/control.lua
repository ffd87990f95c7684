-- rille.command.control: `rille --control PATH`, and who comes in there. Not for scripts.
--
-- A Unix socket, for the owner of the program and root only: its file says so, it lies where nobody
-- else can put another one in its place, and the system says of each client whose it is. A client
-- is greeted with a line of JSON, sends such lines, and gets one for each:
--
--                            { "rille": "control" } | { "error": .. }
--     { "run": text }        { "output": .. } | { "error": .. } | { "incomplete": true }
--     { "complete": text }   { "names": [ .. ], "typed": 2 }
--     { "interrupt": true }  (nothing: what runs for the client is cancelled, and answered so)
--
-- What runs is cancelled as well when its client leaves, and when it holds up the loop for long: as
-- long as it does, nobody could say so here.

local core = require "rille.command.core"
local evaluate = require "rille.command.evaluate"
local fibers = require "rille.core"
local json = require "rille.json"
local net = require "rille.net"
local rille = require "rille"

local control = { MOST_LINE = 16 << 20 }

local LONGEST_TURN = 5 -- s
local OWNER_ONLY = 384 -- rw-------
local OTHERS_WRITE = 18 -- -w--w-

local function run(text, seen)
  core.bound_turn(LONGEST_TURN)
  return evaluate.run(text, seen)
end

-- The answer to a line that is run, by the task that does it.
local function outcome(task, seen)
  local ok, answer = pcall(task.await, task)
  if ok then return answer end
  if fibers.is_cancelled() then error(answer, 0) end
  return { error = seen.trace or tostring(answer) }
end

local function complete(text)
  local found = evaluate.complete(text)
  return { names = json.array(found.names), typed = found.typed }
end

-- Text that is no UTF-8 is none in JSON either.
local function encode(answer)
  for key, value in pairs(answer) do
    if type(value) == "string" and not utf8.len(value) then
      answer[key] = value:gsub("[\x80-\xff]", "?")
    end
  end
  return json.encode(answer) .. "\n"
end

local function send(client, answer) client.conn:write(encode(answer)) end

local function start(client, text)
  local seen = {}
  local task = rille.spawn(run, text, seen)
  client.task = task
  rille.spawn(function()
    local answer = outcome(task, seen)
    client.task = nil
    send(client, answer)
  end)
end

local function interrupt(client, reason)
  if client.task then client.task:cancel(reason) end
end

local function heed(client, line)
  local request, err = json.decode(line)
  if type(request) ~= "table" then
    send(client, { error = err or "not a request" })
  elseif request.interrupt then
    interrupt(client, "interrupted")
  elseif client.task then
    send(client, { error = "one line at a time" })
  elseif type(request.run) == "string" then
    start(client, request.run)
  elseif type(request.complete) == "string" then
    send(client, complete(request.complete))
  else
    send(client, { error = "not a request" })
  end
end

local function serve(conn)
  local who = core.peer(conn)
  local client <close> = setmetatable({ conn = conn }, {
    __close = function(self) interrupt(self, "the client has left") end,
  })
  if who ~= core.user() and who ~= 0 then
    send(client, { error = "only the owner of the server is let in" })
    return
  end
  if rawget(_G, "rille") == nil then _G.rille = rille end -- at hand, as at every prompt
  send(client, { rille = "control" })
  for line in conn:lines() do heed(client, line) end
end

local function check_folder(path)
  local folder = path:match "^(.*)/[^/]*$" or "."
  local about, err = core.look_at(folder == "" and "/" or folder)
  if not about then error("--control: " .. err, 0) end
  if about.kind ~= "folder" or about.owner ~= core.user() or about.mode & OTHERS_WRITE ~= 0 then
    error(("--control: %s must be a directory of your own, which nobody else can write to")
      :format(folder), 0)
  end
end

--- control.listen(path): from now on. It does not keep the program from ending.
function control.listen(path)
  check_folder(path)
  local listener, err = net.listen("unix:" .. path, serve,
    { max_line = control.MOST_LINE, shared = false })
  if not listener then error("--control: " .. err, 0) end
  local ok
  ok, err = core.restrict(path, OWNER_ONLY)
  if not ok then
    listener:close()
    error("--control: " .. err, 0)
  end
  core.let_end(listener)
end

return control
