/* Hook: a script's own debug hooks, which the ticker's hook takes turns with on one Lua thread.
 * What the script has set is kept in the registry, by thread, so that it can be put back. Domain's
 * own thread only. */
#ifndef RL_DOMAIN_HOOK_H
#define RL_DOMAIN_HOOK_H

#include <lua.h>

/* Takes whatever hook is set on L off, and sets the script's again if it has one there, or the one
 * that counts instructions. From a hook
 * too; needs no memory. */
void rl_hook_put_back(lua_State *L);

/* L runs now, or is about to: counts its instructions if those of the running fiber are counted. */
void rl_hook_count(lua_State *L);

/* The script's hook of L, if any, ends with the fiber that L ran. */
void rl_hook_forget(lua_State *L);

/* debug.sethook and debug.gethook, as Lua's manual describes them. */
int rl_hook_set(lua_State *L);
int rl_hook_get(lua_State *L);

#endif
