/* The library os: Lua's, with os.exit ending the program in order, and in a simulation with its
 * time. Any domain has it. */
#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "lib/modules.h"

/* Where the fiber cannot be suspended, or the program ends already, it is unwound by an error that
 * no pcall stops. */
static void leave_by_error(lua_State *L, struct rl_fiber *fiber) {
  rl_fiber_end(fiber);
  rl_fiber_insist(L); /* does not return */
}

/* os.exit([code [, close]])
 *
 * Ends the program: listeners close, other fibers are cancelled and their to-be-closed variables
 * run, compute domains stop, output is flushed. `code` is true (status 0, the default), false (1)
 * or an integer; `close` is accepted and makes no difference, for the state is always closed. Does
 * not return. In a task it is an error of that task: only the main domain ends the program. May
 * suspend. */
static int os_exit(lua_State *L) {
  int status = EXIT_SUCCESS;
  if (lua_isboolean(L, 1))
    status = lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE;
  else
    status = (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_fiber *fiber = rl_fiber_running(L);
  if (domain->feed || (fiber && fiber->detached))
    return luaL_error(L, "os.exit: a task cannot end the program");
  if (!fiber)
    return luaL_error(L, "os.exit: no fiber is running");
  bool suspends = rl_wait_possible(L);
  if (!domain->settings->exit(domain, suspends ? fiber : NULL, status) || !suspends)
    leave_by_error(L, fiber);
  fiber->shielded = true;
  return rl_park(L, &fiber->own, NULL, NULL, 0);
}

/* -- in a simulation ----------------------------------------------------------------------- */

static const lua_Number EPOCH =
    946684799; /* so that it begins with the year 2000, at a clock of 1 s */

static lua_Number seconds(lua_State *L) {
  return (lua_Number)rl_domain_now(rl_domain_of(L)) / 1e9;
}

/* Of os.clock: what the processor has done, of which there is one. */
static int simulated_clock(lua_State *L) {
  lua_pushnumber(L, seconds(L));
  return 1;
}

/* [arguments..], upvalue: Lua's function; the simulation's time takes the place of argument `arg`
 * where that would be now. */
static int call_with_time(lua_State *L, int arg) {
  if (lua_isnoneornil(L, arg)) {
    lua_settop(L, arg - 1);
    lua_pushinteger(L, (lua_Integer)(EPOCH + seconds(L)));
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* Of os.time([table]) and os.date([format [, time]]): as Lua's. */
static int simulated_time(lua_State *L) {
  if (!lua_isnoneornil(L, 1))
    return call_with_time(L, 1);
  lua_pushinteger(L, (lua_Integer)(EPOCH + seconds(L)));
  return 1;
}

static int simulated_date(lua_State *L) {
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_pushliteral(L, "%c");
  }
  return call_with_time(L, 2);
}

/* [os] -> [os] */
static void wrap(lua_State *L, const char *name, lua_CFunction function) {
  lua_getfield(L, -1, name);
  lua_pushcclosure(L, function, 1);
  lua_setfield(L, -2, name);
}

void rl_lib_replace_os(lua_State *L) {
  lua_getglobal(L, "os");
  lua_pushcfunction(L, os_exit);
  lua_setfield(L, -2, "exit");
  if (rl_domain_of(L)->settings->simulation) {
    wrap(L, "clock", simulated_clock);
    wrap(L, "time", simulated_time);
    wrap(L, "date", simulated_date);
  }
  lua_pop(L, 1);
}
