-- Computes the same Fibonacci number many times in parallel and checks that all results agree.
--
--   rille examples/fib_list.lua [count [domains [n]]]     (10, 2, 20)

local rille = require "rille"

local count = tonumber(arg[1] or 10)
local domains = tonumber(arg[2] or 2)
local n = tonumber(arg[3] or 20)

rille.domains.set_bounds(0, domains)

local function fib(k)
  if k < 2 then return k end
  return fib(k - 1) + fib(k - 2)
end

local tasks = {}
for i = 1, count do tasks[i] = rille.submit(fib, n) end
local results = rille.all(tasks)

local expected, agree = fib(n), true
for _, result in ipairs(results) do agree = agree and result == expected end

print(table.concat(results, " "))
print(("%d results, all agree: %s"):format(#results, agree))
os.exit(agree)
