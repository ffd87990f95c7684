/* domain/account.h: what is learned of how long tasks run, and whether they are alike. */
#include "check.h"

#include "domain/account.h"

enum { ENOUGH = 32, LONG = 100 * 1000 * 1000 /* ns */ };

static void learn(struct rl_likeness *likeness, int runs, uint64_t ran) {
  for (int i = 0; i < runs; i++)
    rl_likeness_learn(likeness, ran, false);
}

static void few_runs_are_no_likeness(void **state) {
  (void)state;
  struct rl_likeness likeness = {0};
  learn(&likeness, ENOUGH - 1, LONG);
  assert_int_equal(0, rl_likeness_run(&likeness));
  learn(&likeness, 1, LONG);
  assert_int_equal(LONG, rl_likeness_run(&likeness));
}

static void a_third_more_or_less_is_alike(void **state) {
  (void)state;
  struct rl_likeness likeness = {0};
  learn(&likeness, ENOUGH, LONG);
  for (int i = 0; i < 100; i++) {
    learn(&likeness, 1, i % 2 == 0 ? LONG + LONG / 3 : LONG - LONG / 3);
    assert_true(rl_likeness_run(&likeness) > 0);
  }
}

static void a_short_one_is_remembered_for_as_many(void **state) {
  (void)state;
  struct rl_likeness likeness = {0};
  learn(&likeness, ENOUGH, LONG);
  learn(&likeness, 1, LONG / 2 - 1);
  for (int i = 0; i < ENOUGH; i++) {
    assert_int_equal(0, rl_likeness_run(&likeness));
    learn(&likeness, 1, LONG);
  }
  assert_true(rl_likeness_run(&likeness) > 0);
}

static void a_long_one_makes_the_others_short_for_a_while(void **state) {
  (void)state;
  struct rl_likeness likeness = {0};
  learn(&likeness, ENOUGH, LONG);
  learn(&likeness, 1, UINT64_C(100) * LONG);
  assert_true(rl_likeness_run(&likeness) > UINT64_C(10) * LONG);
  learn(&likeness, 1, LONG);
  assert_int_equal(0, rl_likeness_run(&likeness));
  learn(&likeness, 3 * ENOUGH, LONG);
  assert_in_range(rl_likeness_run(&likeness), LONG, LONG + LONG / 100);
}

static void one_that_was_stopped_early_says_nothing(void **state) {
  (void)state;
  struct rl_likeness likeness = {0};
  learn(&likeness, ENOUGH, LONG);
  rl_likeness_learn(&likeness, LONG / 4, true);
  assert_int_equal(LONG, rl_likeness_run(&likeness));
}

static void one_that_was_stopped_late_says_it_was_long(void **state) {
  (void)state;
  struct rl_likeness likeness = {0};
  learn(&likeness, ENOUGH, LONG);
  rl_likeness_learn(&likeness, UINT64_C(100) * LONG, true);
  assert_true(rl_likeness_run(&likeness) > UINT64_C(10) * LONG);
}

static void none_but_stopped_ones_are_no_likeness(void **state) {
  (void)state;
  struct rl_likeness likeness = {0};
  for (int i = 0; i < 2 * ENOUGH; i++)
    rl_likeness_learn(&likeness, LONG, true);
  assert_int_equal(0, rl_likeness_run(&likeness));
}

static void figures_expect_what_the_latest_runs_took(void **state) {
  (void)state;
  struct rl_figures figures = {0};
  rl_figures_learn(&figures, LONG, false);
  assert_int_equal(LONG, figures.expected);
  rl_figures_learn(&figures, 9 * (uint64_t)LONG, false);
  assert_int_equal(2 * LONG, figures.expected);
  rl_figures_learn(&figures, LONG, true);
  assert_int_equal(2 * LONG, figures.expected);
  assert_int_equal(3, figures.runs);
  assert_int_equal(11 * (uint64_t)LONG, figures.run);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(few_runs_are_no_likeness),
      cmocka_unit_test(a_third_more_or_less_is_alike),
      cmocka_unit_test(a_short_one_is_remembered_for_as_many),
      cmocka_unit_test(a_long_one_makes_the_others_short_for_a_while),
      cmocka_unit_test(one_that_was_stopped_early_says_nothing),
      cmocka_unit_test(one_that_was_stopped_late_says_it_was_long),
      cmocka_unit_test(none_but_stopped_ones_are_no_likeness),
      cmocka_unit_test(figures_expect_what_the_latest_runs_took),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
