/* HTTP result: what a handler returns, and what a script sets by `res`, becomes the answer.
 * Threads: the domain's only. */
#ifndef RL_SERVE_HTTP_RESULT_H
#define RL_SERVE_HTTP_RESULT_H

#include "serve/http.h"

/* The handler's `nresults` topmost values on L: LUA_OK, or a status with the error alone on top.
 * Does not raise.
 *
 *     (nothing)            what was set or written by `res`; else 204
 *     string               text
 *     table                JSON
 *     status [, body]      */
int rl_http_result(struct rl_http_exchange *exchange, lua_State *L, int nresults);

/* From a script: the same values, from `first` to the top, are kept in the exchange, to be sent
 * when the handler is over. Raises if they are no answer. */
void rl_http_result_set(lua_State *L, struct rl_http_exchange *exchange, int first);

/* Sets a header: checked, and kept as a line. Raises. A nil value at `index` removes it, a list
 * sets one header for each. */
void rl_http_result_header(lua_State *L, struct rl_http_exchange *exchange, struct rl_slice name,
                           int index);

/* Adds a header to those of its name: checked in the same way. Raises. */
void rl_http_result_add(lua_State *L, struct rl_http_exchange *exchange, struct rl_slice name,
                        int index);

/* [error] -> [error]: a string that does not say where it comes from gets the place of the handler,
 * no line of which runs any more (a method that it called last of all has failed); a number, which
 * may have been meant as the answer, says so. The same error without memory. Does not raise. */
void rl_http_result_explain(lua_State *L, struct rl_http_exchange *exchange);

/* A status for an answer, from the stack. Raises. */
int rl_http_result_status(lua_State *L, int index);

#endif
