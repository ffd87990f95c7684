/* Detach: the origin's side of a detached call: packs it, hands it to the pool, waits for it.
 *
 * Lua functions, to be registered by lib/rille.c, where they are documented. Domain's own thread.
 */
#ifndef RL_DOMAIN_DETACH_H
#define RL_DOMAIN_DETACH_H

#include <lua.h>
#include <stddef.h>

struct rl_job;

/* [fn, args.., handle of the job]: the same for a task of a job, if that is not NULL. */
int rl_detach_job(lua_State *L, struct rl_job *job);
int rl_submit_job(lua_State *L, struct rl_job *job);

/* For rl_pack: names a function and its arguments. */
void rl_detach_name(char *name, size_t size, int offset);

int rl_detach(lua_State *L);
int rl_submit(lua_State *L);
int rl_run_in_main(lua_State *L);

#endif
