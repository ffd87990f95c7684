/* HTTP connection: a client from accept to close: reads, serves what was read, request after
 * request, writes, and ends what takes too long. Threads: the domain's only. Nothing raises. */
#ifndef RL_SERVE_HTTP_CONNECTION_H
#define RL_SERVE_HTTP_CONNECTION_H

#include "serve/http.h"

/* Takes over a connected, non-blocking descriptor from `peer`, counted at `client` unless that is
 * NULL. 0; or an error, and it is closed, and counted no more. */
int rl_http_connection_open(struct rl_http_server *server, int fd, const union rl_endpoint *peer,
                            struct rl_client *client);

/* More clients than the server takes: this one is told to come again. The descriptor is as above.
 */
void rl_http_connection_turn_away(struct rl_http_server *server, int fd);

/* For http->over: an exchange was answered outside the serving of a read. */
void rl_http_connection_over(struct rl_http_exchange *exchange);

#endif
