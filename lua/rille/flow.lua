--[[ rille.flow: the part of rille about structured concurrency, several fibers as one piece of
-- work.
Not for scripts, which find it in rille. scope, all and race never leave a fiber behind: they
return,
or raise, only when every fiber they started has ended. ]]

local core = require "rille.core"
local rille = require "rille"

local flow = {}

local Scope = {}
Scope.__index = Scope
Scope.__name = "scope"

local function new_scope()
  local scope = { region = core.region(), children = {}, open = true, due = core.due() }
  return setmetatable(scope, Scope)
end

-- Ends whatever still runs in the scope. The first reason stands.
local function stop(scope, reason)
  if scope.stopped then return end
  scope.stopped = true
  core.cancel(scope.region, reason)
  for child in pairs(scope.children) do child:cancel(reason) end
end

-- `of_child`: its traceback ends in the child's fiber.
local function fail(scope, err, of_child)
  if scope.failed then return end
  scope.failed, scope.err, scope.of_child = true, err, of_child
  stop(scope, "cancelled: another fiber of the scope failed")
end

local function is_late(scope, ok)
  return not ok and core.is_past(scope.due)
end

-- Runs in the child's own fiber: what fn does there decides about the scope. One that computed when
-- the time was over in which the scope is, is cancelled as soon as its parent hears of that.
local function child_over(scope, child, ok, ...)
  if is_late(scope, ok) and not core.is_cancelled() then rille.sleep(math.huge) end
  scope.children[child] = nil
  if ok then return ... end
  if not core.is_cancelled() then fail(scope, (...), true) end
  error((...), 0)
end

local function child_main(scope, handle, fn, ...)
  return child_over(scope, handle.task, core.run(core.region(scope.due), fn, ...))
end

local function start(scope, fn, ...)
  local handle = {}
  handle.task = rille.spawn(child_main, scope, handle, fn, ...)
  core.observe(handle.task)
  scope.children[handle.task] = true
  return handle.task
end

--- The type scope of rille: what the function of rille.scope gets. It lasts until that call
-- returns, in its domain.

--- scope:spawn(fn, ...) -> task
--
-- As rille.spawn, but the scope ends only after this fiber, and fails with it. Does not suspend.
function Scope:spawn(fn, ...)
  if getmetatable(self) ~= Scope then
    error("'spawn' is a method of a scope: call it with a colon, scope:spawn(...)", 2)
  end
  if not self.open then error("the scope has ended", 2) end
  if type(fn) ~= "function" then
    error("bad argument #1 to 'spawn' (function expected, got " .. type(fn) .. ")", 2)
  end
  local task = start(self, fn, ...)
  if self.stopped then task:cancel("cancelled: the scope is ending") end
  return task
end

local function settle_all(scope, shielded)
  local child = next(scope.children)
  while child do
    core.settle(child, shielded)
    scope.children[child] = nil -- one that was cancelled before it began has not done so itself
    child = next(scope.children)
  end
end

-- Waits for the children. If the caller itself is cancelled meanwhile, so are they, and the wait
-- for their end goes on.
local function join(scope)
  local ok, err = core.run(core.region(), settle_all, scope, false)
  if not ok then
    if not scope.failed then scope.failed, scope.err = true, err end
    stop(scope, "cancelled")
    settle_all(scope, true)
  end
  scope.open = false
end

-- The caller of scope, all or race sees the error, with its own traceback after the child's.
local function raise(scope)
  if scope.of_child then core.raise(scope.err, "awaited at") end
  error(scope.err, 0)
end

local function conclude(scope, ok, ...)
  if not ok then fail(scope, (...)) end
  join(scope)
  if scope.failed then raise(scope) end
  return ...
end

--- rille.scope(fn) -> results
--
-- Calls fn with a scope whose method scope:spawn(fn, ...) starts fibers, and returns what fn does.
-- Ends when fn has returned and all these fibers have ended. The first error, of fn or of a fiber,
-- cancels the rest and is raised with its traceback. May suspend.
function flow.scope(fn)
  if type(fn) ~= "function" then
    error("bad argument #1 to 'scope' (function expected, got " .. type(fn) .. ")", 2)
  end
  local scope = new_scope()
  return conclude(scope, core.run(scope.region, fn, scope))
end

-- The functions and tasks given to all or race: as arguments, or as one list.
local function entries_of(name, ...)
  local list, count = { ... }, select("#", ...)
  if count == 1 and type((...)) == "table" then list, count = ..., #... end
  for i = 1, count do
    local kind = type(list[i])
    if kind ~= "function" and not (kind == "userdata" and list[i].await) then
      local text = "bad argument #%d to '%s' (function or task expected, got %s)"
      error(text:format(i, name, kind), 3)
    end
  end
  return list, list == ...
end

-- Awaits a task that somebody else started, which is cancelled with us.
local function await(task)
  local ok, err = core.run(core.region(), core.settle, task)
  if ok then return task:await() end
  task:cancel(err)
  error(err, 0)
end

local function start_entry(scope, entry)
  if type(entry) == "function" then return start(scope, entry) end
  core.observe(entry)
  return start(scope, await, entry)
end

local function collect(scope, list)
  local tasks, results = {}, {}
  for i, entry in ipairs(list) do tasks[i] = start_entry(scope, entry) end
  for i, task in ipairs(tasks) do results[i] = (task:await()) end
  return results
end

--- rille.all(...) -> results
--
-- The first result of each, in order. Each argument is a function, which is called in a fiber of
-- its own, or a task; one table with a list of these is accepted too, and then a list of results is
-- returned. The first error cancels the rest and is raised. May suspend.
function flow.all(...)
  local list, as_list = entries_of("all", ...)
  local results = flow.scope(function(scope) return collect(scope, list) end)
  if as_list then return results end
  return table.unpack(results, 1, #list)
end

--- rille.race(...) -> results
--
-- All results of the first that ends. Arguments as for rille.all. The others are cancelled; if the
-- first to end failed, its error is raised. May suspend.
function flow.race(...)
  local list = entries_of("race", ...)
  if #list == 0 then error("race: nothing to run", 2) end
  local scope, winner = new_scope(), nil
  local function run(entry)
    local outcome
    if type(entry) == "function" then
      outcome = table.pack(core.run(core.region(), entry))
    else
      outcome = table.pack(core.run(core.region(), await, entry))
    end
    if winner or core.is_cancelled() or is_late(scope, outcome[1]) then error(outcome[2], 0) end
    winner = outcome
    stop(scope, "cancelled: another one won the race")
  end
  for _, entry in ipairs(list) do
    if type(entry) ~= "function" then core.observe(entry) end
    start(scope, run, entry)
  end
  join(scope)
  if not winner then raise(scope) end
  if not winner[1] then core.raise(winner[2], "awaited at") end
  return table.unpack(winner, 2, winner.n)
end

return flow
