/* Open: what a fresh state gets: Rille's modules, in C and in Lua, and the changes to Lua's own
 * libraries. */
#ifndef RL_HOST_OPEN_H
#define RL_HOST_OPEN_H

#include <lua.h>

/* Has `require` find the modules; none is loaded yet. May raise for want of memory. */
void rl_open_modules(lua_State *L);

#endif
