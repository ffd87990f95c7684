/* HTTP input: the body of a request, as its handler asks for it. Only what is asked for is decoded;
 * what arrives ahead of that waits in the exchange's input, and beyond a bound in the kernel.
 *
 * What is wrong with a body (too long, cut short, too slow, badly framed) is an error at the call
 * that reads it; if the handler lets it pass, the answer has the status that says so.
 * Threads: the domain's only. */
#ifndef RL_SERVE_HTTP_INPUT_H
#define RL_SERVE_HTTP_INPUT_H

#include "serve/http.h"

/* Pushes the whole body, a string of at most `limit` bytes, or what of it was not read yet. The
 * request is at index 1. May suspend; raises. To be returned. */
int rl_http_input_all(lua_State *L, struct rl_http_exchange *exchange, uint64_t limit);

/* [string] -> []: what the body is from now on, to whoever asks for all of it. */
void rl_http_input_replace(lua_State *L, struct rl_http_exchange *exchange);

/* Pushes what has arrived of it, a string; or nil at its end. May suspend; raises. To be returned.
 */
int rl_http_input_some(lua_State *L, struct rl_http_exchange *exchange);

/* Bytes have arrived while the exchange is in use: they are kept behind those that wait. 0, or -1
 * when there is no memory. Does not raise. */
int rl_http_input_append(struct rl_http_exchange *exchange, const char *bytes, size_t size);

/* Makes what waits the exchange's own, if it is in the scratch. 0 or -1. */
int rl_http_input_keep(struct rl_http_exchange *exchange);

/* So many bytes have arrived for it: a client that sends fast enough gets its time anew. */
void rl_http_input_progress(struct rl_http_exchange *exchange, size_t size);

/* Wakes the reader: bytes are there, or with `trouble` not 0 never will be. */
void rl_http_input_arrived(struct rl_http_exchange *exchange, int trouble);

/* After the handler: passes over what is left of the body, as far as it is there. 1 when the body
 * is over, 0 when there is more to come, -1 when the connection cannot go on. */
int rl_http_input_drain(struct rl_http_exchange *exchange);

#endif
