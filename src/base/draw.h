/* Draw: numbers from a seed, the same on every machine: SplitMix64 (Steele, Lea and Flood, "Fast
 * Splittable Pseudorandom Number Generators", OOPSLA 2014). Good enough to choose by, and no
 * secret. One thread at a time. */
#ifndef RL_BASE_DRAW_H
#define RL_BASE_DRAW_H

#include <stdint.h>

struct rl_draw {
  uint64_t state; /* at first the seed: any */
};

static inline uint64_t rl_draw(struct rl_draw *draw) {
  uint64_t value = draw->state += 0x9e3779b97f4a7c15;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

/* From 0 to limit - 1; limit > 0 is small, so that the remainder favours none noticeably. */
static inline unsigned rl_draw_below(struct rl_draw *draw, unsigned limit) {
  return (unsigned)(rl_draw(draw) % limit);
}

#endif
