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

/* What was read has been served as far as possible: writes the answers, and finds out what to wait
 * for. True when that has made room for the answers to requests that were held back. The exchange
 * may be given back, and the connection closed. */
bool rl_http_connection_settle(struct rl_http_connection *connection);

/* For http->over: an exchange was answered outside the serving of a read. */
void rl_http_connection_over(struct rl_http_exchange *exchange);

/* Ends the connections of a server that wait for a request, or for the rest of one, and cancels the
 * handlers of streams of events; the others end after theirs. */
void rl_http_connection_stop_all(struct rl_http_server *server);

/* Ends all of them now. */
void rl_http_connection_close_all(struct rl_http_server *server);

#endif
