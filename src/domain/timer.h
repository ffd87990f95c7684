/* Timer: one-shot timers of a domain, recycled. Domain's thread only. */
#ifndef RL_DOMAIN_TIMER_H
#define RL_DOMAIN_TIMER_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"
#include "base/pairing.h"

struct rl_clock;
struct rl_heap;

/* All of a domain. */
struct rl_timers {
  struct rl_heap *memory;
  const struct rl_clock *clock;
  struct rl_pairing *soonest; /* those that run, by the clock at which they are due */
  struct rl_list free;
  uv_timer_t handle;
  uint64_t rings;   /* clock for which the handle is set; RL_NEVER: it is not, 0: nor need it be */
  uint64_t last;    /* clock of the last look at it; each is later than the one before */
  unsigned keeping; /* how many keep the loop alive */
};

struct rl_timer {
  struct rl_pairing node;
  struct rl_list link; /* in the free list while idle */
  struct rl_timers *timers;
  void (*fire)(struct rl_timer *timer, void *owner); /* the timer is already back in the list */
  void *owner;
  bool keeps;
};

/* A domain's begin: first the timers alone; then, when nothing else can fail, the handle, before
 * which none may be started. */
void rl_timers_init(struct rl_timers *timers, struct rl_heap *memory, const struct rl_clock *clock);
void rl_timers_open(struct rl_timers *timers, uv_loop_t *loop);

/* Its end: frees all, those that run, too. To close the handle is the caller's. */
void rl_timers_free(struct rl_timers *timers);

/* Calls fire(timer, owner) once, after `seconds` (>= 0), not a nanosecond less, and as soon after
 * that as the loop wakes, which sleeps in whole milliseconds. The loop stays alive for it if
 * `keeps` is true. NULL when there is no memory. */
struct rl_timer *rl_timer_start(struct rl_timers *timers, double seconds, bool keeps,
                                void (*fire)(struct rl_timer *timer, void *owner), void *owner);

/* Before it fires: stops it and gives it back; the pointer is dead then. */
void rl_timer_stop(struct rl_timer *timer);

/* Clock of the next one, or RL_NEVER; and fires those that are due: in a simulation, where libuv
 * does not. */
uint64_t rl_timer_next(const struct rl_timers *timers);
void rl_timer_fire(struct rl_timers *timers);

/* For a C function: argument `arg`, seconds that must not be negative; and the same as a limit,
 * which may be left out: negative then, for any time. Raises. */
double rl_timer_check(lua_State *L, int arg);
double rl_timer_check_limit(lua_State *L, int arg);

#endif
