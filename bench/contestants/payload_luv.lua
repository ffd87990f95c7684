-- Payloads through luv's new_work under plain Lua 5.4. It takes no tables: those go as JSON.

package.path = arg[0]:match("^.*/") .. "../lib/?.lua;" .. package.path
local uv = require "luv"
local cjson = require "cjson"
local payloads = require "payloads"

local main
local function wake(length) assert(coroutine.resume(main, length)) end

local text = uv.new_work(function(value) return #value end, wake)
local json = uv.new_work(function(value) return #require("cjson").decode(value) end, wake)

local function send(value)
  if type(value) == "string" then
    uv.queue_work(text, value)
  else
    uv.queue_work(json, cjson.encode(value))
  end
  return coroutine.yield()
end

main = coroutine.create(function()
  io.write(payloads.measure(function() return uv.hrtime() * 1e-9 end, send))
end)
assert(coroutine.resume(main))
uv.run()
