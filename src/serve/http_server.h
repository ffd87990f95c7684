/* HTTP server: listens, and takes its clients on. Threads: the domain's only. */
#ifndef RL_SERVE_HTTP_SERVER_H
#define RL_SERVE_HTTP_SERVER_H

#include "serve/http.h"

/* What holds unless the script says otherwise. */
void rl_http_server_defaults(struct rl_http_options *options);

/* Serves the site at index `site`, listening at the address, or, without one, only what
 * rl_http_server_inject brings. [] -> [userdata] and 1; or [nil, text] and 2 when the address
 * cannot be had. Raises for want of memory, or if the address is a name other than "localhost". */
int rl_http_server_listen(lua_State *L, int site, const struct rl_address *address,
                          const struct rl_http_options *options);

/* Stops listening: connections that wait for a request end, the others after theirs. May be called
 * again. Does not raise. */
void rl_http_server_close(struct rl_http_server *server);

/* [] -> [socket]: the client's end of a new connection to the server. Raises. */
int rl_http_server_inject(lua_State *L, struct rl_http_server *server);

/* The server at a stack index. Raises if it is anything else. */
struct rl_http_server *rl_http_server_check(lua_State *L, int index);

/* __gc of the userdata: lets go, without closing. */
int rl_http_server_collect(lua_State *L);

#endif
