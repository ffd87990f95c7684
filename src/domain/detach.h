/* Detach: the origin's side of a detached call: packs it, hands it to the pool, waits for it.
 *
 * Lua functions, to be registered by lib/rille.c, where they are documented. Domain's own thread.
 */
#ifndef RL_DOMAIN_DETACH_H
#define RL_DOMAIN_DETACH_H

#include <lua.h>

int rl_detach(lua_State *L);
int rl_submit(lua_State *L);
int rl_run_in_main(lua_State *L);

#endif
