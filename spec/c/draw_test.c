/* base/draw.h: the sequence that its authors have published, and its bounds. */
#include "check.h"

#include "base/draw.h"

static void the_sequence_is_that_of_splitmix64(void **state) {
  (void)state;
  struct rl_draw draw = {.state = 1234567};
  assert_true(rl_draw(&draw) == 6457827717110365317u);
  assert_true(rl_draw(&draw) == 3203168211198807973u);
  assert_true(rl_draw(&draw) == 9817491932198370423u);
}

static void all_numbers_below_the_limit_come(void **state) {
  (void)state;
  struct rl_draw draw = {.state = 0};
  unsigned seen[5] = {0};
  for (int i = 0; i < 1000; i++)
    seen[rl_draw_below(&draw, 5)]++;
  for (int i = 0; i < 5; i++)
    assert_true(seen[i] > 150);
  assert_int_equal(rl_draw_below(&draw, 1), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_sequence_is_that_of_splitmix64),
      cmocka_unit_test(all_numbers_below_the_limit_come),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
