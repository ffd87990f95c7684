/* HTTP wire: what a connection waits for, until when, and its end. Threads: the domain's only.
 * Nothing raises. */
#ifndef RL_SERVE_HTTP_WIRE_H
#define RL_SERVE_HTTP_WIRE_H

#include "serve/http.h"

/* The phase begins now. */
void rl_http_wire_enter(struct rl_http_connection *connection, enum rl_http_phase phase);

/* Its handler goes on, and nothing else is waited for. */
static inline void rl_http_wire_run(struct rl_http_connection *connection) {
  rl_http_wire_enter(connection, connection->ends ? RL_HTTP_HALF : RL_HTTP_RUNNING);
}

/* What to be called for: UV_READABLE, UV_WRITABLE; nothing happens when that is so already. While
 * nothing is to be read also for the client's end, UV_DISCONNECT, which is behind what it sent. */
void rl_http_wire_watch(struct rl_http_connection *connection, int events);

/* Closes at once. A handler that runs is cancelled, unless the server's options say that it goes
 * on; the exchange is then its alone. Without a handler the exchange is given back: neither it nor
 * the connection may be used afterwards. */
void rl_http_wire_close(struct rl_http_connection *connection);

/* Ends the connection of a handler that goes on without: the descriptor, which is the caller's. */
int rl_http_wire_take(struct rl_http_connection *connection);

#define RL_HTTP_CLOSING "the server is closing" /* such a reason */

/* Cancels the handler of an exchange for that reason. */
void rl_http_wire_cancel(struct rl_http_exchange *exchange, const char *reason);

#endif
