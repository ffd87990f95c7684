/* HTTP site: what is served: routes by host, and the handlers they lead to. Filled by the Lua
 * module; routes are matched in C, before any Lua runs. Owner: a userdata, whose finalizer frees
 * it; servers keep that. Threads: the domain's only. */
#ifndef RL_SERVE_HTTP_SITE_H
#define RL_SERVE_HTTP_SITE_H

#include "serve/http.h"

/* [] -> [userdata]. Raises for want of memory. */
struct rl_http_site *rl_http_site_new(lua_State *L);
struct rl_http_site *rl_http_site_check(lua_State *L, int index);
int rl_http_site_collect(lua_State *L);

/* Adds a route to the function at `index`, or to the files of an rl_http_static, for a host ("" for
 * all others; "*.example.com") and methods, bits 1 << rl_method; the function takes that many of
 * req and res. Raises, with what is wrong with it. */
void rl_http_site_add(lua_State *L, struct rl_http_site *site, struct rl_slice host,
                      struct rl_slice pattern, uint64_t methods, int index, int arguments);

/* The function at `index` answers where no route leads. */
void rl_http_site_catch(lua_State *L, struct rl_http_site *site, int index);

/* Finds the handler of a request whose `path` is canonical: its number; or -1, and what the answer
 * is to be: `status`, and for 405 or an automatic answer to OPTIONS, `allowed`. */
int rl_http_site_find(struct rl_http_site *site, const struct rl_head *head, struct rl_slice path,
                      struct rl_route_match *match, int *status, uint64_t *allowed);

/* What the parameter `name` of the route captured: 1, with `integer` set if the pattern asks for
 * one; or 0. Undecoded. */
int rl_http_site_param(const struct rl_http_handler *handler, const struct rl_route_match *match,
                       struct rl_slice name, struct rl_slice *value, bool *integer);

#endif
