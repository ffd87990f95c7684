/* A script for which the n-th allocation fails, for every n that its run takes, on whichever domain
 * that is; and for which all further ones fail as well. Whatever it does must end in a result or an
 * error, the program must end, and the heap must be empty then (which freeing a runtime asserts).
 */
#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include "domain/domain.h"
#include "rille.h"

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

static void log_nothing(void *context, const char *text, size_t size) {
  (void)context, (void)text, (void)size;
}

static long failures_left(struct rl_heap *heap) {
  return atomic_load(&heap->fail_in);
}

/* Whether the n-th allocation of the run was reached. */
static bool fails_at(long n, bool for_ever) {
  alarm(60); /* a run that hangs ends the test */
  rille_t *runtime = rille_new(NULL);
  assert_non_null(runtime);
  struct rl_settings *settings = ((struct rl_domain *)(void *)runtime)->settings;
  settings->log.write = log_nothing;
  struct rille_script run = {
      .name = "=script", .text = script, .size = sizeof script - 1, .script_at = -1};
  assert_int_equal(rille_start(runtime, &run), 0);
  atomic_store(&settings->heap->fail_on, for_ever);
  atomic_store(&settings->heap->fail_in, n);
  int status = rille_run(runtime);
  bool reached =
      failures_left(settings->heap) <= 1 && (for_ever || failures_left(settings->heap) == 0);
  atomic_store(&settings->heap->fail_in, 0);
  if (!reached)
    assert_int_equal(status, 0);
  rille_free(runtime);
  alarm(0);
  return reached;
}

/* Each run takes long under the thread sanitizer, which sees no more in the next one. */
#ifdef __SANITIZE_THREAD__
enum { STEP = 5 };
#else
enum { STEP = 1 };
#endif

static void every_allocation_fails_once(void **state) {
  (void)state;
  enum { AT_MOST = 20000 };
  long n = 1;
  while (fails_at(n, false)) {
    n += STEP;
    assert_true(n < AT_MOST);
  }
  assert_true(n > 100);
}

/* The later part of a run is the same as with a single failure; a coarser step is enough. */
static void all_allocations_fail_from_some_point_on(void **state) {
  (void)state;
  for (long n = 1; n < 2000; n += 7 * STEP)
    fails_at(n, true);
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
