/* Detach: the origin's side of a detached call: packs it, hands it to the pool, waits for it.
 *
 * Lua functions, to be registered by lib/rille.c, where they are documented. Domain's own thread.
 */
#ifndef RL_DOMAIN_DETACH_H
#define RL_DOMAIN_DETACH_H

#include <lua.h>

struct rl_task;

int rl_detach(lua_State *L);
int rl_submit(lua_State *L);
int rl_run_in_main(lua_State *L);

/* [.., reason] -> [..]: the origin wants its task no more. If it had not begun it is settled at
 * once, as cancelled for that reason. */
void rl_detach_cancel(lua_State *L, struct rl_task *task);

#endif
