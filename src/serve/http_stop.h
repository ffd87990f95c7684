/* HTTP stop: the end of a server's connections. Threads: the domain's only. Nothing raises. */
#ifndef RL_SERVE_HTTP_STOP_H
#define RL_SERVE_HTTP_STOP_H

#include "serve/http.h"

/* Ends the connections that wait for a request, or for the rest of one, and cancels the handlers of
 * streams of events; the others end after theirs. */
void rl_http_stop(struct rl_http_server *server);

/* Ends all of them now. */
void rl_http_stop_now(struct rl_http_server *server);

#endif
