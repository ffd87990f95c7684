/* The limits of a task: how they are set, and what it is told when they are over. Declared in
 * task.h; memory and instructions are budget.c's. */
#include "base/clock.h"
#include "domain/account.h"
#include "domain/domain.h"
#include "domain/job.h"
#include "domain/task.h"
#include "domain/timer.h"
#include "vm/call.h"

static double seconds(uint64_t nanoseconds) {
  return (double)nanoseconds / 1e9;
}

void rl_task_push_overdue(lua_State *L, const struct rl_task *task) {
  const struct rl_account *account = task->job ? task->job->account : NULL;
  if (account)
    lua_pushfstring(L, "job '%s'", account->name);
  else
    lua_pushliteral(L, "the task");
  if (task->deadline != 0 && rl_domain_now(task->origin) >= task->deadline)
    lua_pushfstring(L, "%s was not done by its deadline, %f s after the call", lua_tostring(L, -1),
                    seconds(task->deadline - task->submitted));
  else
    lua_pushfstring(L, "%s ran longer than its timeout of %f s", lua_tostring(L, -1),
                    seconds(task->run_limit));
  lua_remove(L, -2);
}

void rl_task_push_stuck(lua_State *L, const struct rl_task *task) {
  if (task->deadline == 0 && task->run_limit == 0)
    lua_pushliteral(L, "the task was cancelled");
  else
    rl_task_push_overdue(L, task);
  lua_pushfstring(L, "; it is inside %s, which cannot be stopped",
                  task->inside ? task->inside : "a C function");
  lua_concat(L, 2);
}

static void overdue(lua_State *L, struct rl_fiber *fiber) {
  struct rl_task *task = fiber->runs ? fiber->runs : fiber->subject;
  if (!task) {
    lua_pushliteral(L, "past the limits of the task that has spawned this");
    return;
  }
  task->overran = true;
  rl_task_push_overdue(L, task);
}

static int cancel_overdue(lua_State *L) {
  struct rl_task *task = lua_touserdata(L, 1);
  overdue(L, task->fiber);
  rl_kin_cancel(L, task->fiber);
  return 0;
}

/* While it waits; of a task that computes the ticker takes care. */
static void deadline_passed(struct rl_timer *timer, void *owner) {
  (void)timer;
  struct rl_task *task = owner;
  lua_State *L = task->fiber->domain->vm.L;
  task->timer = NULL;
  if (rl_call_protected(L, cancel_overdue, task) != LUA_OK)
    lua_pop(L, 1); /* without memory for the text it goes on until it computes */
}

/* What its job allows it to take, and that of the task that it comes from. */
static void open_budget(lua_State *L, struct rl_task *task) {
  const struct rl_job *job = task->job;
  struct rl_limits limits = task->limited ? task->limits : (struct rl_limits){0};
  if (job) {
    const struct rl_limits *own = &job->settings.limits;
    limits.memory = rl_limits_least(limits.memory, own->memory);
    limits.instructions = rl_limits_least(limits.instructions, own->instructions);
  }
  if (!rl_limits_any(&limits) && task->run_limit == 0)
    return;
  const char *name = "what a job has detached";
  if (job)
    name = lua_pushfstring(L, "job '%s'", job->account->name);
  rl_budget_open(L, task->fiber, &limits, name);
}

void rl_task_limit(lua_State *L, struct rl_task *task) {
  struct rl_fiber *fiber = task->fiber;
  open_budget(L, task);
  fiber->run_limit = task->run_limit;
  fiber->deadline = task->deadline;
  fiber->overdue = overdue;
  if (task->deadline == 0)
    return;
  uint64_t left = task->deadline > task->started ? task->deadline - task->started : 0;
  task->timer = rl_timer_start(&fiber->domain->timers, seconds(left), false, deadline_passed, task);
}
