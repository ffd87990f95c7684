-- What nginx's worker threads run: run_worker_thread finds functions by module and name.

return {
  add_one = function(n) return n + 1 end,
  length = function(value) return #value end,
}
