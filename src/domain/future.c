/* Future: see the header. Its user value holds a table of results, or the error value. */
#include "domain/future.h"

#include <lauxlib.h>

#include "domain/context.h"
#include "domain/fiber.h"
#include "domain/hold.h"
#include "domain/knot.h"
#include "domain/pool.h"
#include "domain/task.h"
#include "domain/withdraw.h"
#include "vm/call.h"
#include "vm/check.h"

/* -- life --------------------------------------------------------------------------------- */

struct rl_future *rl_future_new(lua_State *L) {
  struct rl_future *future = lua_newuserdatauv(L, sizeof *future, 1);
  *future = (struct rl_future){.state = RL_FUTURE_RUNNING};
  rl_list_init(&future->link);
  rl_list_init(&future->waiters);
  luaL_setmetatable(L, RL_FUTURE);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, future);
  return future;
}

void rl_future_unanchor(lua_State *L, struct rl_future *future) {
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, future);
}

void rl_future_abandon(lua_State *L, struct rl_future *future) {
  future->awaited = true;
  future->state = RL_FUTURE_CANCELLED;
  rl_future_unanchor(L, future);
}

int rl_future_collect(lua_State *L) {
  struct rl_future *future = lua_touserdata(L, 1);
  rl_future_forget_context(future);
  if (future->task && future->state != RL_FUTURE_RUNNING)
    rl_task_drop(future->task); /* nobody asked for its results */
  future->task = NULL;
  return 0;
}

/* -- who awaits it ------------------------------------------------------------------------- */

/* It awaits it no more. A tie is only its own thread's to make and to undo, but for that to a lock.
 */
static void untie(struct rl_fiber *fiber) {
  if (fiber->tie.awaited || fiber->tie.task)
    rl_knot_leave(fiber);
}

static void wake(struct rl_await *await) {
  untie(RL_OF(await, struct rl_fiber, await));
  rl_wake(&RL_OF(await, struct rl_fiber, await)->own, 0);
}

/* The task is about to be dropped. */
static void untie_waiters(const struct rl_future *future) {
  for (struct rl_list *at = future->waiters.next; at != &future->waiters; at = at->next) {
    struct rl_await *await = RL_OF(at, struct rl_await, link);
    if (await->settled == wake)
      untie(RL_OF(await, struct rl_fiber, await));
  }
}

static void wake_waiters(struct rl_future *future) {
  for (struct rl_list *link; (link = rl_list_take(&future->waiters));) {
    struct rl_await *await = RL_OF(link, struct rl_await, link);
    await->settled(await);
  }
}

/* -- the end of the work ------------------------------------------------------------------- */

/* The outcome is known. A failure stays anchored until somebody awaits it or it is reported. */
static void conclude(lua_State *L, struct rl_future *future, enum rl_future_state state,
                     struct rl_context *context) {
  future->state = state;
  bool lost = state == RL_FUTURE_FAILED && !future->awaited && rl_list_empty(&future->waiters);
  wake_waiters(future);
  if (lost)
    rl_future_watch(L, future, context);
  else
    rl_future_unanchor(L, future);
}

struct ending {
  struct rl_future *future;
  int status, nresults;
};

/* [light userdata ending, values..]: stores the values. */
static int store(lua_State *L) {
  struct ending *ending = lua_touserdata(L, 1);
  struct rl_future *future = ending->future;
  int count = ending->nresults;
  lua_rawgetp(L, LUA_REGISTRYINDEX, future);
  int self = lua_gettop(L);
  if (ending->status != LUA_OK) {
    lua_pushvalue(L, 2);
  } else {
    lua_createtable(L, count, 0);
    for (int i = 1; i <= count; i++) {
      lua_pushvalue(L, i + 1);
      lua_rawseti(L, -2, i);
    }
    future->count = count;
  }
  lua_setiuservalue(L, self, 1);
  return 0;
}

static void fiber_ended(struct rl_fiber *fiber, lua_State *L, int status, int nresults) {
  struct rl_future *future = fiber->owner;
  struct ending ending = {.future = future, .status = status, .nresults = nresults};
  enum rl_future_state state = status == LUA_OK ? RL_FUTURE_DONE : RL_FUTURE_FAILED;
  bool room = lua_checkstack(L, 4);
  if (fiber->whole.seen && room) { /* what it was cancelled for, whatever became of it */
    lua_rawgeti(L, LUA_REGISTRYINDEX, fiber->whole.reason);
    ending.status = LUA_ERRRUN;
    nresults = 1;
    state = RL_FUTURE_CANCELLED;
  }
  future->fiber = NULL;
  int stored = LUA_ERRMEM;
  if (room) {
    lua_pushcfunction(L, store);
    lua_insert(L, -nresults - 1);
    lua_pushlightuserdata(L, &ending);
    lua_insert(L, -nresults - 1);
    stored = lua_pcall(L, nresults + 1, 0, 0);
  }
  if (stored != LUA_OK)
    state = RL_FUTURE_FAILED; /* its user value stays nil: no memory */
  conclude(L, future, state, fiber->carried);
}

struct rl_future *rl_future_spawn(lua_State *L) {
  int nargs = lua_gettop(L) - 1;
  if (rl_domain_of(L)->ending)
    luaL_error(L, "no new fiber: the program is ending");
  struct rl_future *future = rl_future_new(L);
  lua_insert(L, 1); /* [future, fn, args..] */
  struct rl_fiber *fiber = rl_fiber_new(L, fiber_ended, future);
  if (!lua_checkstack(fiber->L, nargs + 1)) {
    rl_fiber_drop(fiber);
    rl_future_abandon(L, future);
    luaL_error(L, "too many arguments");
  }
  future->fiber = fiber;
  lua_xmove(L, fiber->L, nargs + 1);
  rl_fiber_start(fiber);
  return future;
}

/* [future]: makes the task's results the user value, a table. */
static int unpack_into(lua_State *L) {
  struct rl_future *future = lua_touserdata(L, 1);
  struct rl_task *task = future->task;
  future->task = NULL;
  int count = rl_task_results(L, task);
  lua_createtable(L, count, 0);
  lua_insert(L, 2);
  for (int i = count; i >= 1; i--)
    lua_rawseti(L, 2, i);
  future->count = count;
  lua_setiuservalue(L, 1, 1);
  return 0;
}

/* [future, ..] -> [future, ..]: a value that cannot be had here makes the future a failed one. */
static void unpack_results(lua_State *L, struct rl_future *future) {
  lua_pushcfunction(L, unpack_into);
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK)
    return;
  future->state = RL_FUTURE_FAILED;
  lua_setiuservalue(L, 1, 1);
}

static int unpack_early(lua_State *L) {
  struct rl_future *future = lua_touserdata(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, future);
  lua_replace(L, 1);
  unpack_results(L, future);
  return 0;
}

static int unpack_failure(lua_State *L) {
  struct rl_future *future = lua_touserdata(L, 1);
  struct rl_task *task = future->task;
  future->task = NULL;
  lua_rawgetp(L, LUA_REGISTRYINDEX, future);
  bool cancelled = task->outcome == RL_TASK_CANCELLED;
  if (lua_getiuservalue(L, -1, 1) != LUA_TNIL && cancelled) { /* the reason is there already */
    rl_task_drop(task);
    return 0;
  }
  lua_pop(L, 1);
  rl_task_error(L, task);
  lua_setiuservalue(L, -2, 1);
  return 0;
}

/* Results stay packed until somebody awaits them, unless they borrow strings, whose lender waits
 * for them; an error is unpacked, since it may have to be reported. */
void rl_future_task_settled(struct rl_task *task) {
  struct rl_future *future = task->owner;
  if (!future) { /* it was given up */
    rl_task_drop(task);
    return;
  }
  lua_State *L = task->origin->vm.L;
  untie_waiters(future);
  future->cost = rl_task_cost(task);
  bool done = task->outcome == RL_TASK_DONE, cancelled = task->outcome == RL_TASK_CANCELLED;
  if (done && !task->results.lends) {
    conclude(L, future, RL_FUTURE_DONE, NULL);
    return;
  }
  if (done)
    future->state = RL_FUTURE_DONE;
  struct rl_context *context = rl_context_share(task->carried); /* the task is dropped meanwhile */
  if (rl_call_protected(L, done ? unpack_early : unpack_failure, future) != LUA_OK)
    lua_pop(L, 1); /* no memory: the future has failed, with no error value */
  enum rl_future_state failure = cancelled ? RL_FUTURE_CANCELLED : RL_FUTURE_FAILED;
  conclude(L, future, done ? future->state : failure, context);
  rl_context_release(context);
}

/* What those who await it will see; of one that was cancelled, that is the reason, which is there
 * already. */
static int note_stuck(lua_State *L) {
  struct rl_future *future = lua_touserdata(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, future);
  rl_task_push_stuck(L, future->task);
  lua_setiuservalue(L, -2, 1);
  return 0;
}

bool rl_future_task_given_up(struct rl_task *task) {
  struct rl_future *future = task->owner;
  lua_State *L = task->origin->vm.L;
  if (!task->abandoned && rl_call_protected(L, note_stuck, future) != LUA_OK)
    lua_pop(L, 1); /* no memory: it fails without an error value */
  future->task = NULL;
  task->owner = NULL;
  bool unwanted = task->abandoned || task->origin->ending;
  conclude(L, future, unwanted ? RL_FUTURE_CANCELLED : RL_FUTURE_FAILED, task->carried);
  return false;
}

/* -- awaiting ------------------------------------------------------------------------------ */

static struct rl_future *self_of(lua_State *L) {
  return rl_check_self(L, RL_FUTURE);
}

static void undo_await(struct rl_wait *wait) {
  untie(RL_OF(wait, struct rl_fiber, own));
  rl_list_remove(&RL_OF(wait, struct rl_fiber, own)->await.link);
}

static int raise_failure(lua_State *L, struct rl_future *future) {
  lua_getiuservalue(L, 1, 1);
  if (lua_isnil(L, -1))
    lua_pushliteral(L, "not enough memory");
  if (future->state == RL_FUTURE_FAILED)
    rl_traceback_join(L, "awaited at", 1);
  return lua_error(L);
}

static int outcome(lua_State *L, struct rl_future *future) {
  if (!rl_list_empty(&future->link)) {
    rl_list_remove(&future->link);
    rl_future_forget_context(future);
    rl_future_unanchor(L, future);
  }
  future->awaited = true;
  if (future->state == RL_FUTURE_DONE && future->task)
    unpack_results(L, future);
  if (future->state != RL_FUTURE_DONE)
    return raise_failure(L, future);
  int count = future->count;
  luaL_checkstack(L, count + 1, "too many results");
  lua_getiuservalue(L, 1, 1);
  for (int i = 1; i <= count; i++)
    lua_rawgeti(L, -i, i);
  return count;
}

static int awaited(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return outcome(L, self_of(L));
}

void rl_future_observe(struct rl_future *future) {
  future->awaited = true;
}

void rl_future_listen(struct rl_future *future, struct rl_await *await) {
  rl_list_push(&future->waiters, &await->link);
}

static int park_at(lua_State *L, struct rl_future *future, lua_KFunction finish) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  if (future->fiber == fiber)
    luaL_error(L, "a task cannot await itself");
  if (!fiber->shielded && (future->fiber || rl_fiber_is_burdened(fiber)))
    rl_knot_await(L, (struct rl_tie){.awaited = future->fiber, .task = future->task});
  fiber->await.settled = wake;
  rl_future_listen(future, &fiber->await);
  return rl_park(L, &fiber->own, undo_await, finish, 0);
}

int rl_future_await(lua_State *L) {
  struct rl_future *future = self_of(L);
  if (future->state != RL_FUTURE_RUNNING)
    return outcome(L, future);
  rl_wait_check(L, "task:await");
  return park_at(L, future, awaited);
}

static int settled(lua_State *L, int status, lua_KContext context) {
  (void)L, (void)status, (void)context;
  return 0;
}

int rl_future_settle(lua_State *L) {
  struct rl_future *future = self_of(L);
  bool shielded = lua_toboolean(L, 2);
  if (future->state != RL_FUTURE_RUNNING)
    return 0;
  if (shielded)
    rl_wait_check_shielded(L, "task:await");
  else
    rl_wait_check(L, "task:await");
  rl_fiber_running(L)->shielded = shielded;
  return park_at(L, future, settled);
}

bool rl_future_cancel(lua_State *L, struct rl_future *future) {
  if (future->state != RL_FUTURE_RUNNING) {
    lua_pop(L, 1);
    return false;
  }
  if (future->fiber) {
    rl_fiber_cancel(L, future->fiber);
    return true;
  }
  if (!future->task->abandoned) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, future);
    lua_pushvalue(L, -2);
    lua_setiuservalue(L, -2, 1); /* what those who await it will be told */
    lua_pop(L, 1);
  }
  rl_withdraw(L, future->task);
  return true;
}

bool rl_future_queued(lua_State *L, const struct rl_future *future) {
  struct rl_pool *pool = rl_domain_of(L)->settings->pool;
  return future->state == RL_FUTURE_RUNNING && future->task && rl_pool_unbegun(pool, future->task);
}
