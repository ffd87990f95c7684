-- What nginx's worker threads run: run_worker_thread finds functions by module and name.

local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end

return {
  add_one = function(n) return n + 1 end,
  length = function(value) return #value end,
  fib = fib,
}
