/* Task results: what becomes of a task at its origin, inside the fiber that wants to know. Declared
 * in task.h. */
#include <lauxlib.h>

#include "domain/fiber.h"
#include "domain/task.h"
#include "vm/call.h"

static int unpack_results(lua_State *L) {
  return rl_unpack(L, lua_touserdata(L, 1));
}

/* [..] -> [.., values]: unpacks without letting an error pass; -1 leaves the error on the stack. */
static int unpack_protected(lua_State *L, struct rl_parcel *parcel) {
  if (parcel->scalar)
    return rl_unpack(L, parcel);
  int top = lua_gettop(L);
  lua_pushcfunction(L, unpack_results);
  lua_pushlightuserdata(L, parcel);
  int status = lua_pcall(L, 1, LUA_MULTRET, 0);
  if (status != LUA_OK)
    rl_budget_explain(L);
  return status == LUA_OK ? lua_gettop(L) - top : -1;
}

/* [.., error, traceback or nil] -> [.., error] */
static void attach(lua_State *L) {
  if (lua_isnil(L, -1))
    lua_pop(L, 1);
  else
    rl_traceback_attach(L);
}

void rl_task_error(lua_State *L, struct rl_task *task) {
  const char *refusal = task->refusal;
  struct rl_overload overload = task->overload;
  bool lost = task->outcome == RL_TASK_LOST, told = task->results.values > 0;
  int count = lost || !told ? 0 : unpack_protected(L, &task->results);
  rl_task_drop(task); /* before anything that may raise */
  if (lost)
    lua_pushliteral(L, "not enough memory (in the task)");
  else if (overload.reason)
    rl_overload_push(L, &overload);
  else if (!told)
    lua_pushstring(L, refusal);
  else if (count > 0)
    attach(L);
  /* else the error of unpacking takes its place */
}

int rl_task_results(lua_State *L, struct rl_task *task) {
  const char *heading = task->heading;
  if (task->outcome == RL_TASK_DONE) {
    int count = unpack_protected(L, &task->results);
    rl_task_drop(task);
    return count < 0 ? lua_error(L) : count;
  }
  rl_task_error(L, task);
  rl_traceback_join(L, heading, 1);
  return lua_error(L);
}
