/* Future: what Lua calls a task: the handle of a fiber that was spawned, or of a call that was
 * submitted to the pool, with the results once there are any. A userdata; while its work runs it is
 * anchored in the registry, so that dropping the handle drops nothing.
 *
 * A failure that nobody awaits within a second, or before the domain closes, is reported with its
 * traceback. Domain's own thread only. */
#ifndef RL_DOMAIN_FUTURE_H
#define RL_DOMAIN_FUTURE_H

#include <lua.h>

#include "base/list.h"
#include "domain/domain.h"
#include "domain/task.h"

#define RL_FUTURE "task" /* its metatable's name, which lib/rille.c fills with methods */

enum rl_future_state { RL_FUTURE_RUNNING, RL_FUTURE_DONE, RL_FUTURE_FAILED, RL_FUTURE_CANCELLED };

struct rl_future {
  enum rl_future_state state;
  struct rl_list link;        /* in domain->unawaited while a failure of it is to be reported */
  struct rl_list waiters;     /* of struct rl_await */
  struct rl_fiber *fiber;     /* spawned here: while it runs */
  struct rl_task *task;       /* submitted: until its results are unpacked */
  uint64_t since;             /* clock when it failed */
  struct rl_context *carried; /* failed and not yet awaited: a reference, for the report */
  int count;                  /* of results, kept in the user value: a table, or the error value */
  struct rl_cost cost;        /* of a submitted task that is over */
  bool awaited;               /* somebody takes care of its errors */
};

/* [] -> [future]: a running one, anchored. Raises for want of memory. */
struct rl_future *rl_future_new(lua_State *L);

/* [fn, args..] at 1: [future]: spawns a fiber of this domain. */
struct rl_future *rl_future_spawn(lua_State *L);

/* For rl_task.settled of a submitted task, whose owner is the future. */
void rl_future_task_settled(struct rl_task *task);

/* For rl_task.given_up of the same. */
bool rl_future_task_given_up(struct rl_task *task);

/* For a future that was anchored but whose work never began: forgets it. */
void rl_future_abandon(lua_State *L, struct rl_future *future);

/* Lua functions with the future as their first argument; documented in lib/rille.c. */
int rl_future_await(lua_State *L);
int rl_future_settle(lua_State *L);
int rl_future_collect(lua_State *L);

/* While it runs: `await` is told when it is settled, unless it is taken out of its list before. */
void rl_future_listen(struct rl_future *future, struct rl_await *await);

/* [.., reason] -> [..]: true if it had not ended. */
bool rl_future_cancel(lua_State *L, struct rl_future *future);

/* Whether it was submitted and has not begun. */
bool rl_future_queued(lua_State *L, const struct rl_future *future);

/* Somebody takes care of its errors: they are not reported. */
void rl_future_observe(struct rl_future *future);

/* -- unawaited.c: failures -- */

/* It has failed, and nobody awaits it yet; with the context that the report names. */
void rl_future_watch(lua_State *L, struct rl_future *future, struct rl_context *context);
void rl_future_forget_context(struct rl_future *future);

/* For unawaited.c: it is over, and goes with its handle. */
void rl_future_unanchor(lua_State *L, struct rl_future *future);

/* Reports what is still unawaited, before the state closes. */
void rl_future_report_all(struct rl_domain *domain);

#endif
