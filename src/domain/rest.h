/* Rest: pauses of a fiber, those it asks for and those that are due. A fiber that moves bytes as
 * fast as its peer takes them need never wait, and would keep its loop for itself. Domain's thread
 * only. */
#ifndef RL_DOMAIN_REST_H
#define RL_DOMAIN_REST_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Suspends the calling fiber for that long, 0 until others and sockets have had their turn. As
 * rl_park, which see for `finish`; after rl_wait_check. */
int rl_rest(lua_State *L, double seconds, lua_KFunction finish, lua_KContext context);

/* What a call of the system costs, in bytes that it moves. */
enum { RL_REST_CALL = 4 * 1024 };

/* The calling fiber has done that much without waiting, in bytes: whether it has now done so much
 * in this turn that it should rest, and can. Raises if it is cancelled then; `what` is as of
 * rl_wait_check. */
bool rl_rest_is_due(lua_State *L, size_t effort, const char *what);

#endif
