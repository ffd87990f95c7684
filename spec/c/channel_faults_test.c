/* Channels and locks, in every way, while allocations fail; see script_trial.h. */
#include "script_trial.h"

/* Each step may fail, none may hang: what waits has a time limit, or is cancelled. */
static const char script[] =
    "local rille = require 'rille'\n"
    "pcall(function()\n"
    "  local channel = rille.channel(2)\n"
    "  channel:send { 1, { 2 }, channel }\n"
    "  channel:send(('x'):rep(50000))\n"
    "  channel:try_send(3)\n"
    "  channel:send(4, 0.001)\n"
    "  channel:receive()\n"
    "  channel:try_receive()\n"
    "  channel:receive(0.001)\n"
    "  channel:send(channel)\n" /* and there it stays */
    "end)\n"
    "pcall(function()\n"
    "  local channel <close> = rille.channel()\n"
    "  local task <close> = setmetatable({}, { __close = function(t) t.task:cancel() end })\n"
    "  task.task = rille.submit(function()\n"
    "    for value in channel:values() do channel:send({ value }, 0.01) end\n"
    "  end)\n"
    "  for i = 1, 3 do channel:send('value ' .. i, 0.01) channel:receive(0.01) end\n"
    "end)\n"
    "pcall(function()\n"
    "  local channel = rille.channel()\n"
    "  local task = rille.spawn(function() return channel:receive(0.01) end)\n"
    "  rille.sleep(0)\n"
    "  channel:try_send { 'given back' }\n"
    "  task:cancel()\n"
    "  pcall(task.await, task)\n"
    "  channel:receive(0.01)\n"
    "  rille.detach(function() channel:send(channel, 0.001) channel:close() end)\n"
    "end)\n"
    "pcall(function()\n"
    "  local a, b = rille.channel(), rille.channel(1)\n"
    "  local task = rille.spawn(rille.sleep, 0)\n"
    "  rille.select { a, b:sending { 1 }, task, 0.01 }\n"
    "  rille.select { a = a, task = task, late = 0.01 }\n"
    "  rille.select { a, b, 0.01 }\n"
    "  rille.select { task }\n"
    "end)\n"
    "pcall(function()\n"
    "  local mutex, semaphore = rille.mutex(), rille.semaphore(2)\n"
    "  local task = rille.spawn(function()\n"
    "    local held <close> = mutex:lock(0.01)\n"
    "    semaphore:acquire(2, 0.01)\n"
    "    rille.sleep(0)\n"
    "  end)\n"
    "  rille.sleep(0)\n"
    "  mutex:with(function() return {} end)\n"
    "  semaphore:acquire(1, 0.01)\n"
    "  rille.detach(function() mutex:lock(0.01) semaphore:acquire(2, 0.01) end)\n"
    "  mutex:try_lock()\n"
    "  task:await()\n"
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
