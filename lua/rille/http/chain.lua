-- rille.http.chain: a handler inside its middleware, as one function. What middleware and on_error
-- are called with, and what they may return, stands in rille/http.lua.

local core = require "rille.http.core"
local fibers = require "rille.core"

local chain = {}

local function is_answered(res)
  return res.sent or res.status or res.body or res.length ~= 0
end

local function fail_unanswered(middleware)
  local info = debug.getinfo(middleware, "S")
  local text = "the middleware at %s:%d neither called next() nor answered (as by return 204)"
  error(text:format(info.short_src, info.linedefined), 0)
end

-- A handler whose middleware is around it. An answer that the rest returns is kept in res.
local function around(middleware, rest)
  return function(req, res)
    local went_on, over = false, false
    local function next()
      if over then error("next() was called twice: the rest has run already", 2) end
      went_on = true
      res:send(rest(req, res))
      over = true
    end
    local first, second, third = middleware(req, res, next)
    if second ~= nil or third ~= nil then return first, second, third end
    if first ~= nil then return first end
    if not went_on and not is_answered(res) then fail_unanswered(middleware) end
  end
end

-- What is raised to be the answer: http.error, or a table like it.
local function is_answer(err)
  return type(err) == "table" and math.type(rawget(err, "status")) == "integer"
end

-- What on_error answered; if it did not, the error takes its usual way.
local function settled(err, res, status, ...)
  if (...) == nil and res.status == status and res.length == 0 then error(err, 0) end
  return ...
end

local function caught(on_error, req, res, ok, ...)
  if ok then return ... end
  local err = (...)
  if res.sent or is_answer(err) or fibers.is_cancelled() then error(err, 0) end
  local status = core.failure(res)
  core.anew(res)
  res.status, res.body = status, nil
  return settled(err, res, status, on_error(err, req, res))
end

local function guarded(on_error, fn)
  return function(req, res)
    return caught(on_error, req, res, xpcall(fn, core.traceback, req, res))
  end
end

--- chain.arguments_of(fn) -> 0 to 2
-- How many of req and res it takes: what it does not is not made.
function chain.arguments_of(fn)
  local info = debug.getinfo(fn, "u")
  return info.isvararg and 2 or math.min(info.nparams, 2)
end

--- chain.compose(app, handler, middleware) -> handler
-- The handler inside the middleware of its route, then of its app and of the apps around that.
function chain.compose(app, handler, middleware)
  local fn = handler
  for i = #middleware, 1, -1 do fn = around(middleware[i], fn) end
  while app do
    for i = #app.middleware, 1, -1 do fn = around(app.middleware[i], fn) end
    if app.error_handler then fn = guarded(app.error_handler, fn) end
    app = app.parent
  end
  return fn
end

return chain
