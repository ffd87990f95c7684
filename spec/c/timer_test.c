/* domain/timer.h: by a clock that stands where a test has put it, then by the system's, under a
 * loop. */
#include "check.h"

#include <math.h>
#include <uv.h>

#include "base/clock.h"
#include "base/heap.h"
#include "domain/timer.h"
#include "domain/watch.h"

static const uint64_t BEGIN = 1000;
static const uint64_t MS = 1000000;

enum { MOST = 32 };

struct trial {
  struct rl_heap heap;
  struct rl_clock clock;
  uv_loop_t loop;
  struct rl_timers timers;
  int rung[MOST]; /* the numbers of those that rang, in that order */
  int count;
};

struct bell {
  struct trial *trial;
  int number;
  uint64_t due;
};

static void open_trial(struct trial *trial, bool simulated) {
  *trial = (struct trial){.clock = {.simulated = simulated, .time = BEGIN}};
  rl_heap_init(&trial->heap);
  assert_int_equal(uv_loop_init(&trial->loop), 0);
  rl_timers_init(&trial->timers, &trial->heap, &trial->clock);
  rl_timers_open(&trial->timers, &trial->loop);
}

/* Whatever still runs goes with it. */
static void close_trial(struct trial *trial) {
  rl_timers_free(&trial->timers);
  assert_int_equal(atomic_load(&trial->heap.blocks), 0);
  uv_close((uv_handle_t *)&trial->timers.handle, NULL);
  uv_run(&trial->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&trial->loop), 0);
  rl_heap_destroy(&trial->heap);
}

static void rings(struct rl_timer *timer, void *owner) {
  (void)timer;
  const struct bell *bell = owner;
  struct trial *trial = bell->trial;
  assert_true(rl_clock_now(&trial->clock) >= bell->due);
  assert_true(trial->count < MOST);
  trial->rung[trial->count++] = bell->number;
}

static struct rl_timer *start(struct trial *trial, struct bell *bell, int number, double seconds,
                              bool keeps) {
  *bell = (struct bell){trial, number, rl_clock_now(&trial->clock) + (uint64_t)(seconds * 1e9)};
  struct rl_timer *timer = rl_timer_start(&trial->timers, seconds, keeps, rings, bell);
  assert_non_null(timer);
  return timer;
}

static void fire_at(struct trial *trial, uint64_t time) {
  trial->clock.time = time;
  rl_timer_fire(&trial->timers);
}

static void assert_rung(struct trial *trial, const int *numbers, int count) {
  assert_int_equal(trial->count, count);
  for (int i = 0; i < count; i++)
    assert_int_equal(trial->rung[i], numbers[i]);
  trial->count = 0;
}

#define RUNG(trial, ...)                                                                           \
  assert_rung(trial, (int[]){__VA_ARGS__}, (int)(sizeof(int[]){__VA_ARGS__} / sizeof(int)))
#define SILENT(trial) assert_int_equal((trial)->count, 0)

/* -- by a clock that stands ---------------------------------------------------------------- */

static void they_ring_when_they_are_due_whatever_the_order_of_their_start(void **state) {
  (void)state;
  struct trial trial;
  struct bell bells[3];
  open_trial(&trial, true);
  assert_true(rl_timer_next(&trial.timers) == RL_NEVER);
  start(&trial, &bells[0], 1, 0.0030000, true);
  start(&trial, &bells[1], 2, 0.0010005, true);
  start(&trial, &bells[2], 3, 0.0020000, true);
  uint64_t next = rl_timer_next(&trial.timers);
  assert_in_range(next, BEGIN + MS + 500, BEGIN + MS + 510); /* no two start at one moment */
  fire_at(&trial, BEGIN + MS + 499);
  SILENT(&trial);
  fire_at(&trial, next);
  RUNG(&trial, 2);
  fire_at(&trial, BEGIN + 4 * MS);
  RUNG(&trial, 3, 1);
  assert_true(rl_timer_next(&trial.timers) == RL_NEVER);
  close_trial(&trial);
}

static void those_of_one_length_ring_in_the_order_of_their_start(void **state) {
  (void)state;
  struct trial trial;
  struct bell bells[20];
  open_trial(&trial, true);
  for (int i = 0; i < 20; i++)
    start(&trial, &bells[i], i, i % 2 ? 0.010 : 0.005, true);
  fire_at(&trial, BEGIN + 20 * MS);
  RUNG(&trial, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19);
  close_trial(&trial);
}

static void one_that_is_stopped_does_not_ring_and_leaves_its_block_to_the_next(void **state) {
  (void)state;
  struct trial trial;
  struct bell bells[3];
  open_trial(&trial, true);
  start(&trial, &bells[0], 1, 0.001, true);
  struct rl_timer *stopped = start(&trial, &bells[1], 2, 0.002, true);
  rl_timer_stop(stopped);
  assert_ptr_equal(start(&trial, &bells[2], 3, 0.003, true), stopped);
  assert_int_equal(atomic_load(&trial.heap.blocks), 2);
  fire_at(&trial, BEGIN + 9 * MS);
  RUNG(&trial, 1, 3);
  close_trial(&trial);
}

static void starts_another(struct rl_timer *timer, void *owner) {
  struct bell *bell = owner;
  rings(timer, owner);
  start(bell->trial, bell + 1, bell->number + 1, 0, true);
}

static void what_starts_while_others_ring_has_to_wait(void **state) {
  (void)state;
  struct trial trial;
  struct bell bells[2] = {{&trial, 1, BEGIN}};
  open_trial(&trial, true);
  rl_timer_start(&trial.timers, 0, true, starts_another, &bells[0]);
  fire_at(&trial, BEGIN + MS);
  RUNG(&trial, 1);
  fire_at(&trial, BEGIN + MS + 10);
  RUNG(&trial, 2);
  close_trial(&trial);
}

static void the_longest_wait_is_for_ever(void **state) {
  (void)state;
  struct trial trial;
  struct bell bells[2];
  open_trial(&trial, true);
  start(&trial, &bells[0], 1, 1e9, true);
  rl_timer_start(&trial.timers, HUGE_VAL, true, rings, &bells[1]);
  fire_at(&trial, BEGIN + UINT64_C(1000000000) * 1000 * MS + MS);
  RUNG(&trial, 1);
  fire_at(&trial, UINT64_C(8000000000) * 1000 * MS);
  SILENT(&trial);
  close_trial(&trial);
}

/* -- by the system's, under a loop --------------------------------------------------------- */

static void a_loop_lives_for_those_that_keep_it_alone(void **state) {
  (void)state;
  struct trial trial;
  struct bell bells[2];
  open_trial(&trial, false);
  struct rl_timer *other = start(&trial, &bells[0], 1, 100, false);
  uv_run(&trial.loop, UV_RUN_DEFAULT);
  SILENT(&trial);
  start(&trial, &bells[1], 2, 0.001, true);
  uv_run(&trial.loop, UV_RUN_DEFAULT);
  RUNG(&trial, 2);
  rl_timer_stop(other);
  assert_false(uv_loop_alive(&trial.loop));
  close_trial(&trial);
}

static void one_behind_another_that_was_stopped_rings_in_its_own_time(void **state) {
  (void)state;
  struct trial trial;
  struct bell bells[3];
  open_trial(&trial, false);
  rl_timer_stop(start(&trial, &bells[0], 1, 0.001, true));
  start(&trial, &bells[1], 2, 0.006, true);
  start(&trial, &bells[2], 3, 0.003, true);
  uv_run(&trial.loop, UV_RUN_DEFAULT);
  RUNG(&trial, 3, 2);
  close_trial(&trial);
}

static void do_nothing(uv_idle_t *idle) {
  (void)idle;
}

/* `rings` asserts that it is time. */
static void none_rings_early_in_a_loop_that_something_keeps_awake(void **state) {
  (void)state;
  struct trial trial;
  struct bell bells[MOST];
  uv_idle_t idle;
  open_trial(&trial, false);
  uv_idle_init(&trial.loop, &idle);
  uv_idle_start(&idle, do_nothing);
  uv_unref((uv_handle_t *)&idle);
  for (int i = 0; i < MOST; i++) /* each begins elsewhere in a millisecond of the loop's */
    start(&trial, &bells[i], i, 0.002 + i * 0.00023, true);
  uv_run(&trial.loop, UV_RUN_DEFAULT);
  for (int i = 0; i < MOST; i++)
    assert_int_equal(trial.rung[i], i);
  uv_close((uv_handle_t *)&idle, NULL);
  close_trial(&trial);
}

#ifdef RILLE_FAULTS
static void without_memory_there_is_none(void **state) {
  (void)state;
  struct trial trial;
  struct bell bell = {&trial, 1, 0};
  open_trial(&trial, false);
  atomic_store(&trial.heap.fail_in, 1);
  assert_null(rl_timer_start(&trial.timers, 1, true, rings, &bell));
  assert_false(uv_loop_alive(&trial.loop));
  close_trial(&trial);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(they_ring_when_they_are_due_whatever_the_order_of_their_start),
      cmocka_unit_test(those_of_one_length_ring_in_the_order_of_their_start),
      cmocka_unit_test(one_that_is_stopped_does_not_ring_and_leaves_its_block_to_the_next),
      cmocka_unit_test(what_starts_while_others_ring_has_to_wait),
      cmocka_unit_test(the_longest_wait_is_for_ever),
      cmocka_unit_test(a_loop_lives_for_those_that_keep_it_alone),
      cmocka_unit_test(one_behind_another_that_was_stopped_rings_in_its_own_time),
      cmocka_unit_test(none_rings_early_in_a_loop_that_something_keeps_awake),
#ifdef RILLE_FAULTS
      cmocka_unit_test(without_memory_there_is_none),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
