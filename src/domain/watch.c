/* Watch: see the header. */
#include "domain/watch.h"

#include <time.h>

#include "base/clock.h"

uint64_t rl_watch_spent(const struct rl_watch *watch) {
  clockid_t clock;
  struct timespec time;
  if (pthread_getcpuclockid(watch->thread, &clock) != 0 || clock_gettime(clock, &time) != 0)
    return 0;
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t rl_watch_lag(const struct rl_watch *watch) {
  uint64_t spent = rl_watch_spent(watch);
  return rl_clock_real() - spent;
}

uint64_t rl_watch_stalled(const struct rl_watch *watch, uint64_t ran) {
  uint64_t before = atomic_load_explicit(&watch->lag, memory_order_relaxed);
  uint64_t lag = rl_watch_lag(watch);
  uint64_t stalled = lag > before ? lag - before : 0;
  return stalled < ran ? stalled : ran;
}
