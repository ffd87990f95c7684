/* HTTP handle: an exchange as scripts hold it, as `req`, `res` and what is read from them. It is
 * good until the answer is complete; a script that uses it later gets an error, never another
 * request. Threads: the domain's only. Everything may raise. */
#ifndef RL_SERVE_HTTP_HANDLE_H
#define RL_SERVE_HTTP_HANDLE_H

#include "serve/http.h"

/* The exchange of the handle at `index`, which is a userdata of one of the types below. */
struct rl_http_exchange *rl_http_handle_get(lua_State *L, int index);

/* The same, and checks the type. */
struct rl_http_exchange *rl_http_handle_check(lua_State *L, int index, const char *type);

/* [] -> [userdata]: another handle to the same exchange. */
void rl_http_handle_push(lua_State *L, struct rl_http_exchange *exchange, const char *type);

#endif
