/* The `os` library: Lua's, with os.exit ending the program in order. */
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
 * not return. In a task it is an error of that task: only the main domain ends the program. */
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

void rl_lib_replace_os(lua_State *L) {
  lua_getglobal(L, "os");
  lua_pushcfunction(L, os_exit);
  lua_setfield(L, -2, "exit");
  lua_pop(L, 1);
}
