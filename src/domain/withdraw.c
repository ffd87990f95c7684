/* Withdraw: see the header. */
#include "domain/withdraw.h"

#include <stdio.h>

#include "base/clock.h"
#include "domain/domain.h"
#include "domain/pool.h"
#include "domain/task.h"

/* It had not begun: back at the origin without having left. */
static void settle_unbegun(lua_State *L, struct rl_task *task) {
  task->outcome = RL_TASK_CANCELLED;
  task->started = rl_domain_now(task->origin);
  rl_parcel_release(L, &task->arguments);
  rl_domain_settle(task->origin);
  task->settled(task);
}

static void name_reason(char *name, size_t size, int offset) {
  (void)offset;
  snprintf(name, size, "the reason");
}

void rl_withdraw(lua_State *L, struct rl_task *task) {
  int reason = lua_gettop(L);
  bool first = !task->abandoned;
  task->abandoned = true;
  if (first && rl_pack(L, reason, 1, &task->reason, name_reason) != 0)
    lua_pop(L, 1); /* a reason that cannot cross: the runner says "cancelled" */
  lua_settop(L, reason - 1);
  if (!first)
    return;
  if (!task->pool)
    rl_task_tell(task);
  else if (rl_pool_cancel(task->pool, task))
    settle_unbegun(L, task);
}
