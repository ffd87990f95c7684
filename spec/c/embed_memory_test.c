/* The memory of a host: all of what its allocator gives comes back, with its size; and whichever
 * call fails, there is an error, and nothing is left. */
#include "embedder.h"

/* Detaches, waits for the network and for time, and uses large blocks. */
static const char lively[] =
    "local rille = require 'rille'\n"
    "local listener = rille.net.listen('tcp://127.0.0.1:0', function(conn)\n"
    "  conn:write(conn:read('line') .. '\\n')\n"
    "end)\n"
    "local tasks = {}\n"
    "for n = 1, 8 do tasks[n] = rille.submit(function(n) return ('x'):rep(n) end, n) end\n"
    "for n = 1, 8 do assert(#tasks[n]:await() == n) end\n"
    "local big = ('x'):rep(3 << 20)\n"
    "assert(rille.detach(function(big) return #big end, big) == 3 << 20)\n"
    "rille.sleep(0.001)\n"
    "local conn = assert(rille.net.connect(listener:address()))\n"
    "assert(conn:write('hello\\n'))\n"
    "assert(conn:read('line') == 'hello')\n"
    "os.exit(7)\n";

static void all_memory_is_the_hosts(void **state) {
  (void)state;
  struct memory memory = {.left = -1};
  struct record record = no_record();
  struct rille_options options = {.log = log_into,
                                  .log_context = &record,
                                  .allocate = memory_allocate,
                                  .allocate_context = &memory};
  rille_t *runtime = start_with(&options, lively);
  assert_true(atomic_load(&memory.bytes) > 20 * 1024); /* a state with its libraries */
  assert_int_equal(rille_run(runtime), 7);
  rille_free(runtime);
  assert_int_equal(atomic_load(&memory.blocks), 0);
  assert_int_equal(atomic_load(&memory.bytes), 0);
  assert_false(atomic_load(&memory.wrong));
}

static int open_module(struct lua_State *L) {
  (void)L;
  return 0;
}

static void post_nothing(rille_t *runtime, void *data) {
  (void)runtime, (void)data;
}

/* From rille_new to rille_free, as far as it comes: the status, or -1 if an earlier call failed. */
static int live(const struct rille_options *options) {
  int status = -1;
  rille_t *runtime = rille_new(options);
  if (runtime && rille_provide(runtime, "mine", open_module) == 0 &&
      start_text(runtime, lively) == 0 && rille_post(runtime, post_nothing, NULL) == 0)
    status = rille_run(runtime);
  rille_free(runtime);
  return status;
}

/* So many runtimes, each of which misses another call: at the beginning every one, then some. What
 * never wants the call that was to fail has done its work. */
static void fail_each(bool for_ever) {
  struct memory memory = {.for_ever = for_ever};
  struct record record;
  struct rille_options options = {.log = log_into,
                                  .log_context = &record,
                                  .allocate = memory_allocate,
                                  .allocate_context = &memory};
  int failures = 0, descriptors = count_descriptors(), threads = count_threads();
  bool came_through = false;
  for (long n = 0; !came_through; n += n < 20 ? 1 : n / (SLOW ? 2 : 20) + 1) {
    record = no_record();
    atomic_store(&memory.left, n);
    int status = live(&options);
    came_through = atomic_load(&memory.left) > 0;
    assert_true(status == -1 || status == 1 || status == 7);
    assert_true(!came_through || status == 7);
    failures += status != 7;
    assert_int_equal(atomic_load(&memory.blocks), 0);
    assert_int_equal(count_descriptors(), descriptors);
    assert_true(threads_are(threads));
  }
  assert_true(failures > 10);
  assert_false(atomic_load(&memory.wrong));
}

static void any_call_may_fail(void **state) {
  (void)state;
  fail_each(false);
}

static void all_calls_may_fail_from_some_on(void **state) {
  (void)state;
  fail_each(true);
}

int main(void) {
  alarm(100); /* what hangs ends the test */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_memory_is_the_hosts),
      cmocka_unit_test(any_call_may_fail),
      cmocka_unit_test(all_calls_may_fail_from_some_on),
  };
  return cmocka_run_group_tests_name("embed_memory", tests, NULL, NULL);
}
