/* base/strand.h: code on two stacks, which go on in turns. */
#include "check.h"

#include "base/strand.h"

enum { STACK = 1 << 20, TURNS = 1000 };

struct pair {
  struct rl_strand here, other;
  unsigned turns;
};

/* Touches more of its stack with each call, which must be there when it is come back to. */
static unsigned descend(struct pair *pair, unsigned depth) {
  volatile unsigned mark[64];
  mark[0] = mark[63] = depth;
  pair->turns++;
  rl_strand_switch(&pair->other, &pair->here);
  unsigned below = depth < TURNS ? descend(pair, depth + 1) : depth;
  assert_int_equal(mark[0] + mark[63], 2 * depth);
  return below;
}

static void run(void *argument) {
  struct pair *pair = argument;
  pair->turns += descend(pair, 1);
  rl_strand_leave(&pair->other, &pair->here);
}

static void a_strand_goes_on_where_it_was_left(void **state) {
  (void)state;
  struct pair pair = {.turns = 0};
  rl_strand_adopt(&pair.here);
  assert_int_equal(rl_strand_open(&pair.other, STACK, run, &pair), 0);
  for (unsigned turn = 1; turn <= TURNS; turn++) {
    rl_strand_switch(&pair.here, &pair.other);
    assert_int_equal(pair.turns, turn);
  }
  rl_strand_switch(&pair.here, &pair.other);
  assert_int_equal(pair.turns, 2 * TURNS);
  rl_strand_close(&pair.other);
  rl_strand_close(&pair.here);
}

static void one_that_was_never_come_to_can_be_closed(void **state) {
  (void)state;
  struct pair pair = {.turns = 0};
  assert_int_equal(rl_strand_open(&pair.other, STACK, run, &pair), 0);
  rl_strand_close(&pair.other);
  assert_int_equal(pair.turns, 0);
}

static void a_stack_that_cannot_be_had_is_an_error(void **state) {
  (void)state;
  struct rl_strand strand;
  assert_int_equal(rl_strand_open(&strand, (size_t)1 << 60, run, NULL), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_strand_goes_on_where_it_was_left),
      cmocka_unit_test(one_that_was_never_come_to_can_be_closed),
      cmocka_unit_test(a_stack_that_cannot_be_had_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
