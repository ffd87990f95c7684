/* Rest: see the header. Effort is counted rather than timed: it is told at each write, and reading
 * the clock costs more than that. */
#include "domain/rest.h"

#include <lauxlib.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/timer.h"

enum { MOST = 512 * 1024 }; /* in a turn: some 100 us of large writes, some 500 us of small ones */

/* A resting fiber holds the timer, found again by undo through the fiber. */
static void over(struct rl_timer *timer, void *owner) {
  (void)timer;
  struct rl_fiber *fiber = owner;
  rl_wake(&fiber->own, 0);
}

static void undo(struct rl_wait *wait) {
  rl_timer_stop(RL_OF(wait, struct rl_fiber, own)->timer);
}

int rl_rest(lua_State *L, double seconds, lua_KFunction finish, lua_KContext context) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  fiber->timer = rl_timer_start(&rl_domain_of(L)->timers, seconds, true, over, fiber);
  if (!fiber->timer)
    return luaL_error(L, "not enough memory");
  return rl_park(L, &fiber->own, undo, finish, context);
}

bool rl_rest_is_due(lua_State *L, size_t effort, const char *what) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  if (!fiber)
    return false;
  fiber->effort += effort < MOST ? (unsigned)effort : MOST;
  if (fiber->effort < MOST || !rl_wait_possible(L))
    return false;
  rl_wait_check(L, what);
  return true;
}
