/* rille.core: what the modules written in Lua (lua/rille/) are built from. Not for scripts: it may
 * change at any time. */
#include <lauxlib.h>
#include <string.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/future.h"
#include "lib/modules.h"
#include "vm/call.h"

#define REGION "rille.core.region"

/* core.due() -> integer | nil: the clock at which the caller's innermost piece of work with a time
 * limit is to be over, in a form for the two functions below. */
static int due(lua_State *L) {
  const struct rl_fiber *fiber = rl_fiber_running(L);
  uint64_t clock = fiber ? rl_region_due(fiber) : 0;
  if (clock == 0)
    return 0;
  lua_pushinteger(L, (lua_Integer)clock);
  return 1;
}

/* core.is_past([due]) -> boolean */
static int is_past(lua_State *L) {
  uint64_t clock = (uint64_t)luaL_optinteger(L, 1, 0);
  lua_pushboolean(L, clock != 0 && rl_domain_now(rl_domain_of(L)) >= clock);
  return 1;
}

/* core.region([due]) -> region: a stretch of a fiber's run that another fiber can cancel. Where it
 * computes at `due`, it is ended by an error without meaning. */
static int region_new(lua_State *L) {
  uint64_t clock = (uint64_t)luaL_optinteger(L, 1, 0);
  struct rl_region *region = lua_newuserdatauv(L, sizeof *region, 0);
  *region = (struct rl_region){.reason = LUA_NOREF};
  if (clock != 0) {
    region->deadline = clock;
    region->reason = rl_domain_of(L)->cancelled_reason;
    region->lent = true;
  }
  luaL_setmetatable(L, REGION);
  return 1;
}

/* [region, handler, results..] or [region, handler, error] */
static int region_over(lua_State *L, int status, lua_KContext context) {
  (void)context;
  struct rl_region *region = lua_touserdata(L, 1);
  bool done = status == LUA_OK || status == LUA_YIELD;
  if (done && region->seen) { /* fn swallowed the cancellation; it counts all the same */
    lua_settop(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, region->reason);
    done = false;
  }
  rl_region_leave(L, region);
  lua_pushboolean(L, done);
  lua_replace(L, 2);
  return lua_gettop(L) - 1;
}

/* core.run(region, fn, ...) -> true, results... | false, error with traceback
 *
 * Calls fn inside the region; may suspend. */
static int region_run(lua_State *L) {
  struct rl_region *region = luaL_checkudata(L, 1, REGION);
  luaL_checkany(L, 2);
  luaL_argcheck(L, !region->fiber, 1, "the region is in use");
  rl_wait_check_shielded(L, "rille.core.run");
  rl_region_enter(L, region);
  lua_pushcfunction(L, rl_traceback);
  lua_insert(L, 2);
  int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 2, 0, region_over);
  return region_over(L, status, 0);
}

/* core.cancel(region, reason): every wait in the region fails, until its end. */
static int region_cancel(lua_State *L) {
  struct rl_region *region = luaL_checkudata(L, 1, REGION);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  rl_region_cancel(L, region);
  return 0;
}

/* core.observe(task): somebody takes care of its errors. */
static int observe(lua_State *L) {
  rl_future_observe(luaL_checkudata(L, 1, RL_FUTURE));
  return 0;
}

/* core.is_cancelled() -> boolean: whether the calling fiber as a whole was cancelled. */
static int is_cancelled(lua_State *L) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  lua_pushboolean(L, fiber && fiber->whole.cancelled);
  return 1;
}

/* core.add_loops(count | "auto"): so many main domains are to run the script, if it is fewer. Does
 * nothing in any but the first. */
static int add_loops(lua_State *L) {
  struct rl_domain *here = rl_domain_of(L);
  struct rl_settings *settings = here->settings;
  unsigned count = (unsigned)settings->cores;
  if (lua_type(L, 1) == LUA_TNUMBER)
    count = (unsigned)luaL_checkinteger(L, 1);
  if (here->feed)
    return luaL_error(L, "only a main domain can start others, not a task");
  if (here->ending)
    return luaL_error(L, "no new loop: the program is ending");
  int error = here->vm.number == 1 ? settings->add_loops(here, count) : 0;
  if (error != 0)
    return luaL_error(L, "cannot start %d loops: %s", (int)count, uv_strerror(error));
  return 0;
}

/* The level of the first caller that is not in the source file of the one who called us. */
static int outside_level(lua_State *L) {
  lua_Debug caller, frame;
  int level = 1;
  if (!lua_getstack(L, level, &caller))
    return level;
  lua_getinfo(L, "S", &caller);
  while (lua_getstack(L, ++level, &frame)) {
    lua_getinfo(L, "S", &frame);
    if (strcmp(frame.source, caller.source) != 0)
      break;
  }
  return level;
}

/* core.raise(error, heading)
 *
 * Raises an error that another fiber raised; the heading and the traceback of whoever called the
 * module that calls this are added to its own. */
static int raise_joined(lua_State *L) {
  const char *heading = luaL_checkstring(L, 2);
  lua_pushvalue(L, 1);
  rl_traceback_join(L, heading, outside_level(L));
  return lua_error(L);
}

/* core.settle(task, shielded): waits until the task has ended, however; a shielded wait goes on
 * even if the caller is cancelled. */
static const luaL_Reg functions[] = {
    {"due", due},
    {"is_past", is_past},
    {"region", region_new},
    {"run", region_run},
    {"cancel", region_cancel},
    {"observe", observe},
    {"raise", raise_joined},
    {"is_cancelled", is_cancelled},
    {"add_loops", add_loops},
    {"settle", rl_future_settle},
    {NULL, NULL},
};

int luaopen_rille_core(lua_State *L) {
  luaL_newmetatable(L, REGION);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
