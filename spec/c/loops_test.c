/* rille.h with several loops: what an embedding program gets, also when allocations fail at any
 * point. That nothing is left behind is asserted where a runtime is freed. */
#include "check.h"

#include <pthread.h>
#include <unistd.h>

#include "domain/domain.h"
#include "rille.h"

enum { LOOPS = 3 };

static void log_nothing(void *context, const char *text, size_t size) {
  (void)context, (void)text, (void)size;
}

static rille_t *start(const char *text, int loops) {
  struct rille_options options = {.grace = 1, .loops = loops};
  struct rille_script script = {
      .name = "=script", .text = text, .size = strlen(text), .script_at = -1};
  rille_t *runtime = rille_new(&options);
  assert_non_null(runtime);
  struct rl_settings *settings = ((struct rl_domain *)(void *)runtime)->settings;
  settings->log.write = log_nothing;
  assert_int_equal(rille_start(runtime, &script), 0);
  return runtime;
}

static int run(const char *text, int loops) {
  alarm(60); /* a run that hangs ends the test */
  rille_t *runtime = start(text, loops);
  int status = rille_run(runtime);
  rille_free(runtime);
  alarm(0);
  return status;
}

static void all_loops_run_the_script(void **state) {
  (void)state;
  static const char text[] = "local number, count = require('rille').loop()\n"
                             "assert(count == 3)\n"
                             "if number == 3 then os.exit(5) end";
  assert_int_equal(run(text, LOOPS), 5);
}

static void no_number_means_one_loop(void **state) {
  (void)state;
  assert_int_equal(run("assert(select(2, require('rille').loop()) == 1)", 0), 0);
}

static void a_negative_number_means_one_a_core(void **state) {
  (void)state;
  static const char text[] = "local rille = require 'rille'\n"
                             "assert(select(2, rille.loop()) == rille.domains.recommended())";
  assert_int_equal(run(text, -1), 0);
}

static void a_runtime_may_be_freed_without_having_run(void **state) {
  (void)state;
  rille_free(start("error 'it has run'", LOOPS));
}

/* Listens, computes, and meets the others. */
static const char whole[] = "local rille = require 'rille'\n"
                            "here = rille.loop()\n"
                            "local listener = rille.net.listen('tcp://127.0.0.1:0', print)\n"
                            "local got = rille.detach(function()\n"
                            "  return require('rille').run_in_main(function() return here end)\n"
                            "end)\n"
                            "assert(got == here)\n"
                            "rille.submit(function() require('rille').sleep(60) end)\n"
                            "listener:close()\n"
                            "if here == 2 then os.exit(6) end\n"
                            "rille.sleep(60)";

static void *run_whole(void *status) {
  *(int *)status = run(whole, LOOPS);
  return NULL;
}

static void several_runtimes_have_loops_in_one_process(void **state) {
  (void)state;
  enum { RUNTIMES = 3 };
  pthread_t threads[RUNTIMES];
  int status[RUNTIMES] = {0};
  for (int i = 0; i < RUNTIMES; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, run_whole, &status[i]), 0);
  for (int i = 0; i < RUNTIMES; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(status[i], 6);
  }
}

#ifdef RILLE_FAULTS
/* The status of a run whose n-th allocation fails, on whichever loop; and perhaps all others. */
static int status_with_fault(long n, bool for_ever) {
  alarm(60);
  rille_t *runtime = start(whole, LOOPS);
  struct rl_settings *settings = ((struct rl_domain *)(void *)runtime)->settings;
  atomic_store(&settings->heap->fail_on, for_ever);
  atomic_store(&settings->heap->fail_in, n);
  int status = rille_run(runtime);
  atomic_store(&settings->heap->fail_in, 0);
  rille_free(runtime);
  alarm(0);
  return status;
}

static void without_memory_the_program_ends_with_a_failure(void **state) {
  (void)state;
  enum { MOST = 12000, STEP = 37 };
  for (long n = 1; n < MOST; n += STEP) {
    int status = status_with_fault(n, n % 2 == 0);
    assert_true(status == 6 || status == 1);
  }
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_loops_run_the_script),
      cmocka_unit_test(no_number_means_one_loop),
      cmocka_unit_test(a_negative_number_means_one_a_core),
      cmocka_unit_test(a_runtime_may_be_freed_without_having_run),
      cmocka_unit_test(several_runtimes_have_loops_in_one_process),
#ifdef RILLE_FAULTS
      cmocka_unit_test(without_memory_the_program_ends_with_a_failure),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
