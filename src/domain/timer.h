/* Timer: one-shot timers of a domain, recycled. Domain's thread only. */
#ifndef RL_DOMAIN_TIMER_H
#define RL_DOMAIN_TIMER_H

#include <lua.h>
#include <stdbool.h>
#include <uv.h>

#include "base/list.h"

struct rl_domain;

struct rl_timer {
  uv_timer_t handle;
  struct rl_list link; /* in the domain's free list while idle */
  struct rl_domain *domain;
  void (*fire)(struct rl_timer *timer, void *owner); /* the timer is already back in the list */
  void *owner;
  uint64_t due; /* clock, in a simulation */
};

/* Calls fire(timer, owner) once, after `seconds` (>= 0, rounded up to a millisecond). The loop
 * stays alive for it if `keeps` is true. NULL when there is no memory. */
struct rl_timer *rl_timer_start(struct rl_domain *domain, double seconds, bool keeps,
                                void (*fire)(struct rl_timer *timer, void *owner), void *owner);

/* Before it fires: stops it and gives it back; the pointer is dead then. */
void rl_timer_stop(struct rl_timer *timer);

/* In a simulation, where nobody else fires them: clock of the next one, or RL_NEVER; and fires
 * those that are due. */
uint64_t rl_timer_next(const struct rl_domain *domain);
void rl_timer_fire(struct rl_domain *domain);

/* For a C function: argument `arg`, seconds that must not be negative; and the same as a limit,
 * which may be left out: negative then, for any time. Raises. */
double rl_timer_check(lua_State *L, int arg);
double rl_timer_check_limit(lua_State *L, int arg);

/* Closes all timers of a domain that shuts down. */
void rl_timer_close_all(struct rl_domain *domain);

#endif
