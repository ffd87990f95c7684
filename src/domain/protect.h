/* Protect: pcall, xpcall and load as in Lua, but that a cancellation which insists is raised again
 * by them: what was told to stop while it computed cannot catch that. Domain's own thread only. */
#ifndef RL_DOMAIN_PROTECT_H
#define RL_DOMAIN_PROTECT_H

#include <lua.h>

/* Lua functions, to be registered by lib/protect.c. */
int rl_protect_pcall(lua_State *L);
int rl_protect_xpcall(lua_State *L);
int rl_protect_load(lua_State *L);

#endif
