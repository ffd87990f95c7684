/* Clock: the monotonic time that a runtime goes by, in nanoseconds: the system's, or that of a
 * simulation. Any thread. */
#ifndef RL_BASE_CLOCK_H
#define RL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct rl_clock {
  bool simulated; /* set before anyone looks at it */
  uint64_t time;  /* of a simulation, which moves it; never 0 */
};

/* The system's, where a thread waits for another and not for a time. */
static inline uint64_t rl_clock_real(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t rl_clock_now(const struct rl_clock *clock) {
  return clock->simulated ? clock->time : rl_clock_real();
}

/* Tells the core that this thread spins, so that its sibling or the power budget profits. */
static inline void rl_clock_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

#endif
