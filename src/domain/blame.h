/* Blame: says which C function keeps a fiber from being suspended. */
#ifndef RL_DOMAIN_BLAME_H
#define RL_DOMAIN_BLAME_H

#include <lua.h>

/* Raises on L an error that names the function on `stuck`'s call stack across which Lua cannot
 * yield; `what` names the call that wanted to wait. Never returns. */
_Noreturn void rl_blame(lua_State *L, lua_State *stuck, const char *what);

#endif
