/* HTTP settle: what was read has been served as far as possible; the answers are written, and what
 * comes next is found out: more of this request, the next one, or the end.
 *
 * At the end a connection lingers: a client that still sends would lose the answer to a reset if
 * the socket were closed with bytes unread. It is told that nothing more comes, and read from
 * until it closes, or has been silent for the time of RL_HTTP_LINGER, or for 15 to 30 seconds.
 * Threads: the domain's only. Nothing raises. */
#ifndef RL_SERVE_HTTP_SETTLE_H
#define RL_SERVE_HTTP_SETTLE_H

#include "serve/http.h"

/* True when writing has made room for the answers to requests that were held back. The exchange may
 * be given back, and the connection closed. */
bool rl_http_settle(struct rl_http_connection *connection);

/* The exchange outlives the read, and waits for what `phase` says: it is counted, so that the
 * program does not end before it. */
void rl_http_settle_stay(struct rl_http_connection *connection, enum rl_http_phase phase);

/* The last answer is written. */
void rl_http_settle_linger(struct rl_http_connection *connection);

/* Something came from a client of which nothing is wanted any more. */
void rl_http_settle_pass_over(struct rl_http_connection *connection);

/* The client has left, and a handler goes on. */
void rl_http_settle_outlive(struct rl_http_exchange *exchange);

#endif
