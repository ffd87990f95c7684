/* domain/ticker.h: threads that want it at any time, with nothing but it between them: what it
 * takes for granted of their order is for the thread sanitizer to see. */
#include "check.h"

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/ticker.h"

enum { WAKERS = 3, MILLISECOND = 1000 };

struct wakers {
  struct rl_ticker ticker;
  atomic_int came, turn;
};

/* One after the other, whenever it sleeps. Relaxed, since it must not be the test that puts their
 * writes in order. */
static void *wake_in_turn(void *argument) {
  struct wakers *wakers = argument;
  int own = atomic_fetch_add_explicit(&wakers->came, 1, memory_order_relaxed);
  while (atomic_load_explicit(&wakers->turn, memory_order_relaxed) != own ||
         atomic_load_explicit(&wakers->ticker.awake, memory_order_relaxed))
    usleep(MILLISECOND);
  rl_ticker_want(&wakers->ticker);
  atomic_store_explicit(&wakers->turn, own + 1, memory_order_relaxed);
  return NULL;
}

static void any_thread_starts_and_wakes_it(void **state) {
  (void)state;
  struct rl_clock clock = {.simulated = false};
  struct rl_log log;
  struct wakers wakers = {.turn = 0};
  pthread_t threads[WAKERS];
  rl_log_init(&log);
  rl_ticker_init(&wakers.ticker, &log, &clock);
  for (int i = 0; i < WAKERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, wake_in_turn, &wakers), 0);
  for (int i = 0; i < WAKERS; i++)
    pthread_join(threads[i], NULL);
  assert_true(wakers.ticker.started);
  rl_ticker_destroy(&wakers.ticker);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_thread_starts_and_wakes_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
