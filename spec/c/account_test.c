/* domain/account.h: what is learned of how long tasks run, and whether they are alike. */
#include "check.h"

#include "domain/account.h"

enum { ENOUGH = 32, LONG = 100 * 1000 * 1000 /* ns */ };

static struct rl_figures learned(int runs, uint64_t ran) {
  struct rl_figures figures = {.runs = 0};
  for (int i = 0; i < runs; i++)
    rl_figures_learn(&figures, ran, false);
  return figures;
}

static void few_runs_are_no_likeness(void **state) {
  (void)state;
  struct rl_figures figures = learned(ENOUGH - 1, LONG);
  assert_false(rl_figures_alike(&figures));
  rl_figures_learn(&figures, LONG, false);
  assert_true(rl_figures_alike(&figures));
  assert_int_equal(figures.expected, LONG);
}

static void a_third_more_or_less_is_alike(void **state) {
  (void)state;
  struct rl_figures figures = learned(ENOUGH, LONG);
  for (int i = 0; i < 100; i++) {
    rl_figures_learn(&figures, i % 2 == 0 ? LONG + LONG / 3 : LONG - LONG / 3, false);
    assert_true(rl_figures_alike(&figures));
  }
}

static void a_short_one_is_remembered_for_as_many(void **state) {
  (void)state;
  struct rl_figures figures = learned(ENOUGH, LONG);
  rl_figures_learn(&figures, LONG / 2 - 1, false);
  for (int i = 0; i < ENOUGH; i++) {
    assert_false(rl_figures_alike(&figures));
    rl_figures_learn(&figures, LONG, false);
  }
  assert_true(rl_figures_alike(&figures));
}

static void few_long_ones_make_the_others_short(void **state) {
  (void)state;
  struct rl_figures figures = learned(ENOUGH, LONG);
  for (int i = 0; i < 20; i++) {
    for (int j = 0; j < 10; j++)
      rl_figures_learn(&figures, LONG, false);
    rl_figures_learn(&figures, UINT64_C(100) * LONG, false);
    rl_figures_learn(&figures, LONG, false);
    assert_false(rl_figures_alike(&figures));
  }
}

static void one_that_was_stopped_early_says_nothing(void **state) {
  (void)state;
  struct rl_figures figures = learned(ENOUGH, LONG);
  rl_figures_learn(&figures, LONG / 4, true);
  assert_true(rl_figures_alike(&figures));
  assert_int_equal(figures.expected, LONG);
  assert_int_equal(figures.runs, ENOUGH + 1);
}

static void none_but_stopped_ones_are_no_likeness(void **state) {
  (void)state;
  struct rl_figures figures = {.runs = 0};
  for (int i = 0; i < 2 * ENOUGH; i++)
    rl_figures_learn(&figures, LONG, true);
  assert_false(rl_figures_alike(&figures));
}

static void one_that_was_stopped_late_says_it_was_long(void **state) {
  (void)state;
  struct rl_figures figures = learned(ENOUGH, LONG);
  rl_figures_learn(&figures, UINT64_C(100) * LONG, true);
  assert_true(figures.expected > UINT64_C(10) * LONG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(few_runs_are_no_likeness),
      cmocka_unit_test(a_third_more_or_less_is_alike),
      cmocka_unit_test(a_short_one_is_remembered_for_as_many),
      cmocka_unit_test(few_long_ones_make_the_others_short),
      cmocka_unit_test(one_that_was_stopped_early_says_nothing),
      cmocka_unit_test(none_but_stopped_ones_are_no_likeness),
      cmocka_unit_test(one_that_was_stopped_late_says_it_was_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
