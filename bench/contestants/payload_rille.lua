-- Payloads through rille.detach.

package.path = arg[0]:match("^.*/") .. "../lib/?.lua;" .. package.path
local rille = require "rille"
local payloads = require "payloads"

local function length(value) return #value end

io.write(payloads.measure(rille.now, function(value) return rille.detach(length, value) end))
