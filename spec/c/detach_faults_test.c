/* Detaching, in every way, while allocations fail; see script_trial.h. */
#include "script_trial.h"

/* Every way in which domains meet; each step may fail, none may hang. */
static const char script[] =
    "local rille = require 'rille'\n"
    "local shared = { 1, { 2 }, name = 'x' }\n"
    "local function work(t) return t, shared, #t end\n"
    "pcall(rille.detach, work, { 1, 2, { 3 } })\n"
    "pcall(rille.detach, function() error { code = 1 } end)\n"
    "pcall(rille.detach, function() return ('y'):rep(100000) end)\n"
    "pcall(rille.detach, function(s) return #s end, ('z'):rep(100000))\n"
    "pcall(rille.detach, function()\n"
    "  local inner = require 'rille'\n"
    "  return inner.run_in_main(function() inner.sleep(0) return 7 end), inner.detach(math.abs, "
    "-1)\n"
    "end)\n"
    "local ok, task = pcall(rille.submit, function() require('rille').sleep(60) end)\n"
    "if ok then pcall(task.cancel, task, 'enough') pcall(task.await, task) end\n"
    "ok, task = pcall(rille.spawn, function() rille.sleep(0) return 1 end)\n"
    "if ok then pcall(task.await, task) end\n"
    "pcall(rille.timeout, 0.001, rille.sleep, 60)\n"
    "pcall(rille.all, function() rille.sleep(0) end, function() error 'one' end)\n"
    "pcall(function() rille.domains.on_stop(function() return {} end, { 1 }) end)\n"
    "pcall(function()\n"
    "  rille.domains.broadcast(function(s) return { #s } end, ('x'):rep(40000))\n"
    "  rille.domains.broadcast(error, 'one')\n"
    "end)\n"
    "pcall(function()\n"
    "  rille.context.a = 'b'\n"
    "  rille.detach(function() return require('rille').context.a end)\n"
    "end)\n"
    "pcall(function()\n"
    "  local job = rille.job(function(n) return n end, { name = 'j', key = 'k', deadline = 60 })\n"
    "  job(1)\n"
    "  local task = job:submit { 1 }\n"
    "  task:await()\n"
    "  task:cost()\n"
    "  rille.detach(function() return job(2) end)\n"
    "end)\n"
    "pcall(function()\n"
    "  local slow = rille.job(function() require('rille').sleep(60) end,\n"
    "    { max_running = 1, on_full = 'fail' })\n"
    "  rille.domains.set_queue_limit(1)\n"
    "  local tasks = {}\n"
    "  for i = 1, 3 do\n"
    "    local made, one = pcall(slow.submit, slow)\n"
    "    if made then tasks[#tasks + 1] = one else pcall(tostring, one) end\n"
    "  end\n"
    "  for _, one in ipairs(tasks) do one:cancel() end\n"
    "  rille.domains.stats()\n"
    "end)\n";

static void every_allocation_fails_once(void **state) {
  (void)state;
  script_fail_each(script);
}

static void all_allocations_fail_from_some_point_on(void **state) {
  (void)state;
  script_fail_from_each(script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_fails_once),
      cmocka_unit_test(all_allocations_fail_from_some_point_on),
  };
#ifndef RILLE_FAULTS
  print_message("1..0 # SKIP allocations fail only in builds with RILLE_FAULTS\n");
  return tests[0].test_func ? 0 : 1;
#else
  return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
