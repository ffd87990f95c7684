/* Kin: the fibers of one task: the one that runs it, and what that has spawned. What bounds the
 * task bounds them all: they are cancelled together, draw on one time and one budget, and their
 * running is on the task's bill. When the first has ended, the others go on within the limits, and
 * can no more be cancelled from outside. Declared in fiber.h; domain's own thread only. */
#include <lauxlib.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/limits.h"

void rl_kin_join(struct rl_fiber *fiber, struct rl_fiber *parent) {
  if (!parent->belongs)
    return;
  fiber->belongs = true;
  fiber->detached = parent->detached;
  rl_list_push(&parent->kin, &fiber->kin);
  fiber->subject = parent->subject;
  fiber->stop = parent->stop;
  fiber->usage = parent->usage;
  fiber->run_limit = parent->run_limit;
  fiber->deadline = parent->deadline;
  fiber->overdue = parent->overdue;
  if (parent->whole.cancelled)
    rl_fiber_end_for(fiber, fiber->domain->cancelled_reason);
}

void rl_kin_cancel(lua_State *L, struct rl_fiber *fiber) {
  for (struct rl_list *at = fiber->kin.next; at != &fiber->kin; at = at->next) {
    lua_pushvalue(L, -1);
    rl_fiber_cancel(L, RL_OF(at, struct rl_fiber, kin));
  }
  rl_fiber_cancel(L, fiber);
}

static void orphan(struct rl_fiber *fiber) {
  struct rl_budget *budget = fiber->budget;
  fiber->subject = NULL;
  fiber->stop = NULL;
  fiber->usage = budget ? &budget->usage : NULL;
}

void rl_kin_orphan(struct rl_fiber *fiber) {
  if (rl_list_empty(&fiber->kin))
    return;
  if (fiber->budget)
    fiber->budget->usage = *fiber->usage;
  for (struct rl_list *at = fiber->kin.next; at != &fiber->kin; at = at->next)
    orphan(RL_OF(at, struct rl_fiber, kin));
}
