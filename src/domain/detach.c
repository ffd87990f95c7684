/* Detach: see the header. The task itself is task.c's. */
#include "domain/detach.h"

#include <lauxlib.h>
#include <stdio.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/future.h"
#include "domain/job.h"
#include "domain/knot.h"
#include "domain/pool.h"
#include "domain/task.h"
#include "domain/withdraw.h"
#include "vm/call.h"
#include "vm/check.h"

void rl_detach_name(char *name, size_t size, int offset) {
  if (offset == 0)
    snprintf(name, size, "the function");
  else
    snprintf(name, size, "argument %d", offset);
}

/* [.., fn, args..]: a task that holds the `count` values from `first` on; NULL with an error
 * pushed. */
static struct rl_task *pack_task(lua_State *L, int first, int count, const char *heading) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_task *task = domain->ending ? NULL : rl_task_new(L);
  if (!task) {
    lua_pushstring(L, domain->ending ? "no new task: the program is ending" : "not enough memory");
    return NULL;
  }
  task->heading = heading;
  if (rl_pack(L, first, count, &task->arguments, rl_detach_name) == 0)
    return task;
  rl_task_drop(task);
  return NULL;
}

/* Before it is sent away: nothing can be in the way yet. */
static void tie(lua_State *L, struct rl_task *task) {
  if (!task->burdened)
    return;
  rl_knot_await(L, (struct rl_tie){.task = task});
  task->tied = rl_fiber_running(L);
}

static void untie(struct rl_task *task) {
  if (task->tied)
    rl_knot_leave(task->tied);
  task->tied = NULL;
}

/* The calling fiber goes away: so does the task, and its result will be dropped. */
static void undo_detach(struct rl_wait *wait) {
  struct rl_task *task = RL_OF(wait, struct rl_task, wait);
  lua_State *L = task->origin->vm.L;
  untie(task);
  lua_pushnil(L); /* "cancelled": a string here might need memory, where nothing may raise */
  rl_withdraw(L, task);
}

/* -- detach, submit ------------------------------------------------------------------------ */

static void settled(struct rl_task *task) {
  untie(task);
  if (rl_wait_pending(&task->wait))
    rl_wake(&task->wait, 0);
  else
    rl_task_drop(task);
}

/* The fiber goes on without the task, which will be dropped when it is back; until it has the text
 * of its error it holds the reference that this comes with. */
static bool given_up(struct rl_task *task) {
  untie(task);
  task->stuck = rl_wait_pending(&task->wait);
  rl_wake(&task->wait, 0);
  return task->stuck;
}

static int push_stuck(lua_State *L) {
  rl_task_push_stuck(L, lua_touserdata(L, 1));
  return 1;
}

static int raise_stuck(lua_State *L, struct rl_task *task) {
  const char *heading = task->heading;
  lua_pushcfunction(L, push_stuck);
  lua_pushlightuserdata(L, task);
  lua_pcall(L, 1, 1, 0); /* its own error, for want of memory, takes the place of the text */
  rl_task_release(task);
  rl_traceback_join(L, heading, 1);
  return lua_error(L);
}

static int finish(lua_State *L, int status, lua_KContext context) {
  (void)status;
  struct rl_task *task = (struct rl_task *)context;
  if (task->ending) /* so it ends here, too, only that nobody has come to say so: no failure */
    rl_fiber_end_told(rl_fiber_running(L), rl_domain_of(L)->ending_reason);
  return task->stuck ? raise_stuck(L, task) : rl_task_results(L, task);
}

/* Raises the error of a task that the pool refused. */
static int raise_refusal(lua_State *L, struct rl_task *task) {
  struct rl_overload overload = task->overload;
  untie(task);
  rl_parcel_release(L, &task->arguments);
  rl_task_drop(task);
  rl_overload_push(L, &overload);
  rl_traceback_join(L, "refused at", 1);
  return lua_error(L);
}

/* The function and its arguments; the job's handle lies above them. */
static int count_values(lua_State *L, const struct rl_job *job) {
  return lua_gettop(L) - (job ? 1 : 0);
}

int rl_detach_job(lua_State *L, struct rl_job *job) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_task *task = pack_task(L, 1, count_values(L, job), "detached at");
  if (!task)
    return rl_raise_here(L);
  task->settled = settled;
  task->given_up = given_up;
  task->job = job ? rl_job_share(job) : NULL;
  tie(L, task);
  if (rl_pool_submit(domain->settings->pool, task) == RL_VERDICT_REFUSED)
    return raise_refusal(L, task);
  rl_domain_expect(domain);
  return rl_park(L, &task->wait, undo_detach, finish, (lua_KContext)task);
}

int rl_detach(lua_State *L) {
  rl_check_function(L, 1, "detach");
  rl_wait_check(L, "rille.detach");
  return rl_detach_job(L, NULL);
}

/* At the origin: the held task has room in the queue now. */
static void admitted(struct rl_domain *here, struct rl_message *message) {
  (void)here;
  struct rl_task *task = RL_OF(message, struct rl_task, admitted);
  rl_wake(&task->wait, 0);
  rl_task_release(task);
}

static int submitted(lua_State *L, int status, lua_KContext context) {
  (void)L, (void)status, (void)context;
  return 1; /* the future, which is all that the stack holds */
}

/* [fn, args.., ..] -> [future] and a task for it; NULL with an error pushed. */
static struct rl_task *pack_future(lua_State *L, int count) {
  struct rl_future *future = rl_future_new(L);
  struct rl_task *task = pack_task(L, 1, count, "submitted at");
  if (!task) {
    rl_future_abandon(L, future);
    return NULL;
  }
  lua_replace(L, 1);
  lua_settop(L, 1);
  future->task = task;
  task->owner = future;
  task->settled = rl_future_task_settled;
  task->given_up = rl_future_task_given_up;
  task->admitted.arrive = admitted;
  return task;
}

int rl_submit_job(lua_State *L, struct rl_job *job) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_task *task = pack_future(L, count_values(L, job));
  if (!task)
    return rl_raise_here(L);
  struct rl_future *future = task->owner;
  task->job = job ? rl_job_share(job) : NULL;
  enum rl_verdict verdict = rl_pool_submit(domain->settings->pool, task);
  if (verdict == RL_VERDICT_REFUSED) {
    future->task = NULL;
    rl_future_abandon(L, future);
    return raise_refusal(L, task);
  }
  rl_domain_expect(domain);
  if (verdict == RL_VERDICT_QUEUED)
    return 1;
  return rl_park(L, &task->wait, undo_detach, submitted, 0);
}

int rl_submit(lua_State *L) {
  rl_check_function(L, 1, "submit");
  rl_wait_check(L, "rille.submit");
  return rl_submit_job(L, NULL);
}

/* -- run_in_main --------------------------------------------------------------------------- */

static int called(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return lua_gettop(L);
}

int rl_run_in_main(lua_State *L) {
  rl_check_function(L, 1, "run_in_main");
  rl_wait_check(L, "rille.run_in_main");
  struct rl_domain *domain = rl_domain_of(L), *main = rl_fiber_running(L)->main;
  if (main == domain) {
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, called);
    return called(L, LUA_OK, 0);
  }
  struct rl_task *task = pack_task(L, 1, lua_gettop(L), "run in main at");
  if (!task)
    return rl_raise_here(L);
  task->settled = settled;
  task->runner = main;
  task->message.arrive = rl_task_arrive;
  tie(L, task);
  rl_domain_expect(domain);
  rl_mailbox_push(&main->mailbox, &task->message);
  return rl_park(L, &task->wait, undo_detach, finish, (lua_KContext)task);
}
