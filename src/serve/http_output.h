/* HTTP output: the way of an exchange's bytes to its client. Threads: the domain's only. */
#ifndef RL_SERVE_HTTP_OUTPUT_H
#define RL_SERVE_HTTP_OUTPUT_H

#include "serve/http_file.h"

/* Writes what the client takes at once, of the file that follows too. 0: all of it; 1: a rest waits
 * until it takes more; below 0: the connection is closed, see rl_http_wire_close. Does not raise.
 */
int rl_http_output_flush(struct rl_http_exchange *exchange);

/* The client's time to take what is written is over: true if it has taken enough to have it again;
 * otherwise the connection is to be closed. */
bool rl_http_output_extend(struct rl_http_connection *connection);

/* Bytes that wait, but for those of a file. */
static inline size_t rl_http_output_pending(const struct rl_http_exchange *exchange) {
  return exchange->out.size - exchange->written;
}

/* Is there anything the client has yet to take? */
static inline bool rl_http_output_waits(const struct rl_http_exchange *exchange) {
  return rl_http_output_pending(exchange) > 0 || rl_http_file_follows(exchange);
}

/* From the handler, when it has appended something: writes it, or, while a read is being served,
 * leaves it to the end of that; waits while too much is pending. The request or the response is at
 * index 1; returns nothing to the script. May suspend; raises if the client is gone. */
int rl_http_output_push(lua_State *L, struct rl_http_exchange *exchange);

#endif
