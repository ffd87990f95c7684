/* HTTP upload: a file that a handler writes from what its client sends, and that does not outlive
 * the request unless it was moved to where it is to stay. Threads: the domain's only. */
#ifndef RL_SERVE_HTTP_UPLOAD_H
#define RL_SERVE_HTTP_UPLOAD_H

#include "serve/http.h"

#define RL_HTTP_UPLOAD "rille.http.upload" /* name of the metatable, which the Lua module makes */

/* [] -> [userdata]: begins a file whose name begins with `prefix`. May suspend; raises for want of
 * memory. To be returned; or [nil, text]. */
int rl_http_upload_open(lua_State *L, struct rl_http_exchange *exchange, struct rl_slice prefix,
                        unsigned mode);

/* The upload at index 1 and the bytes at index 2, a string: [true], or [nil, text]. */
int rl_http_upload_write(lua_State *L);

/* The upload at index 1, and at index 2 the path where it is to stay, a string, or nil: [path,
 * size], or [nil, text]. */
int rl_http_upload_finish(lua_State *L);

/* __gc and __close of the userdata: one that is not finished is removed. */
int rl_http_upload_collect(lua_State *L);

#endif
