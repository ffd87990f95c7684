/* Coroutine: what `coroutine.resume` and its siblings do in a domain.
 *
 * They are Rille's own so that a wait inside a user's coroutine suspends the whole fiber: the
 * coroutine yields to its resumer, which sees that the fiber has parked and yields as well, down to
 * the fiber's base; when the fiber is resumed, each resumer's continuation resumes its coroutine
 * again. A coroutine that is suspended in that way counts as "normal": it is neither to be resumed
 * nor closed by anybody else. Domain's own thread only. */
#ifndef RL_DOMAIN_COROUTINE_H
#define RL_DOMAIN_COROUTINE_H

#include <lua.h>

/* Lua functions, to be registered by lib/coroutine.c; documented there. */
int rl_coroutine_resume(lua_State *L);
int rl_coroutine_wrap(lua_State *L);
int rl_coroutine_yield(lua_State *L);
int rl_coroutine_status(lua_State *L);
int rl_coroutine_close(lua_State *L);
int rl_coroutine_running(lua_State *L);
int rl_coroutine_isyieldable(lua_State *L);

#endif
