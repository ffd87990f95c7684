/* Script trial: a script that runs in this process while its n-th allocation fails, on whichever
 * domain that is, alone or with all that follow. Whatever it does must end in a result or an error,
 * the program must end, and the heap must be empty then (which freeing a runtime asserts). */
#ifndef RILLE_SPEC_SCRIPT_TRIAL_H
#define RILLE_SPEC_SCRIPT_TRIAL_H

#include "check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "domain/domain.h"
#include "rille.h"

static inline void script_log_nothing(void *context, const char *text, size_t size) {
  (void)context, (void)text, (void)size;
}

/* Whether the n-th allocation of the run was reached. */
static inline bool script_fails_at(const char *text, long n, bool for_ever) {
  alarm(60); /* a run that hangs ends the test */
  rille_t *runtime = rille_new(NULL);
  assert_non_null(runtime);
  struct rl_settings *settings = ((struct rl_domain *)(void *)runtime)->settings;
  settings->log.write = script_log_nothing;
  struct rille_script run = {
      .name = "=script", .text = text, .size = strlen(text), .script_at = -1};
  assert_int_equal(rille_start(runtime, &run), 0);
  atomic_store(&settings->heap->fail_on, for_ever);
  atomic_store(&settings->heap->fail_in, n);
  int status = rille_run(runtime);
  long left = atomic_load(&settings->heap->fail_in);
  bool reached = left <= 1 && (for_ever || left == 0);
  atomic_store(&settings->heap->fail_in, 0);
  if (!reached)
    assert_int_equal(status, 0);
  rille_free(runtime);
  alarm(0);
  return reached;
}

/* Each run takes long under the thread sanitizer, which sees no more in the next one. */
#ifdef __SANITIZE_THREAD__
enum { SCRIPT_STEP = 5 };
#else
enum { SCRIPT_STEP = 1 };
#endif

static inline void every_allocation_fails_once(void **state) {
  enum { AT_MOST = 20000 };
  long n = 1;
  while (script_fails_at(*state, n, false)) {
    n += SCRIPT_STEP;
    assert_true(n < AT_MOST);
  }
  assert_true(n > 100);
}

/* The later part of a run is the same as with a single failure; a coarser step is enough. */
static inline void all_allocations_fail_from_some_point_on(void **state) {
  for (long n = 1; n < 2000; n += 7 * SCRIPT_STEP)
    script_fails_at(*state, n, true);
}

/* What main returns. */
static inline int script_trial(const char *text) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(every_allocation_fails_once, (void *)(uintptr_t)text),
      cmocka_unit_test_prestate(all_allocations_fail_from_some_point_on, (void *)(uintptr_t)text),
  };
#ifndef RILLE_FAULTS
  print_message("1..0 # SKIP allocations fail only in builds with RILLE_FAULTS\n");
  return tests[0].test_func ? 0 : 1;
#else
  return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}

#endif
