-- rille.http.chain: a handler inside its middleware, as one function. Not for scripts. What
-- middleware and on_error are called with, and what they may return, stands in rille/http.lua.

local core = require "rille.http.core"
local fibers = require "rille.core"

local chain = {}

local function is_answered(res)
  return res.sent or res.status or res.body or res.length ~= 0
end

local function place_of(fn)
  local info = debug.getinfo(fn, "S")
  return ("%s:%d"):format(info.short_src, info.linedefined)
end

local function fail_unanswered(middleware)
  local text = "the middleware at %s neither called next() nor answered (as by return 204)"
  error(text:format(place_of(middleware)), 0)
end

-- What a function of the script has returned becomes the answer; if it is none, the error stands at
-- that function.
local function put(fn, res, ...)
  local ok, err = pcall(res.send, res, ...)
  if not ok then error(("%s: %s"):format(place_of(fn), err), 0) end
end

-- Functions of the chain put their answers into res, and return nothing.
local function answering(handler)
  return function(req, res) put(handler, res, handler(req, res)) end
end

local function around(middleware, rest)
  return function(req, res)
    local went_on, over = false, false
    local function next()
      if over then error("next() was called twice: the rest has run already", 2) end
      went_on = true
      rest(req, res)
      over = true
    end
    local first, second, third = middleware(req, res, next)
    if first ~= nil or second ~= nil or third ~= nil then
      put(middleware, res, first, second, third)
    elseif not went_on and not is_answered(res) then
      fail_unanswered(middleware)
    end
  end
end

-- What is raised to be the answer: http.error, or a table like it.
local function is_answer(err)
  return type(err) == "table" and math.type(rawget(err, "status")) == "integer"
end

-- What on_error answered; if it did not, the error takes its usual way.
local function settle(on_error, err, res, status, ...)
  if (...) == nil and res.status == status and res.length == 0 then error(err, 0) end
  put(on_error, res, ...)
end

local function guarded(on_error, rest)
  return function(req, res)
    local ok, err = xpcall(rest, core.traceback, req, res)
    if ok then return end
    if res.sent or is_answer(err) or fibers.is_cancelled() then error(err, 0) end
    local status = core.failure(res)
    core.failed(res)
    res.status, res.body = status, nil
    settle(on_error, err, res, status, on_error(err, req, res))
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
  local fn = answering(handler)
  local plain = fn
  for i = #middleware, 1, -1 do fn = around(middleware[i], fn) end
  while app do
    for i = #app.middleware, 1, -1 do fn = around(app.middleware[i], fn) end
    if app.error_handler then fn = guarded(app.error_handler, fn) end
    app = app.parent
  end
  return fn == plain and handler or fn
end

return chain
