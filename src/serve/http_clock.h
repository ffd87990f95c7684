/* HTTP clock: once a second, while there are connections, ends what takes too long: see enum
 * rl_http_phase; and asks clients that may have left. A loop that was held up reads first what has
 * come meanwhile. Threads: the domain's only. Nothing raises. */
#ifndef RL_SERVE_HTTP_CLOCK_H
#define RL_SERVE_HTTP_CLOCK_H

#include "serve/http.h"

/* There are connections. */
void rl_http_clock_start(struct rl_http *http);

/* There is a client that has said that it sends no more, and whose handler goes on: in a moment it
 * is asked whether it is still there. */
void rl_http_clock_ask(struct rl_http *http);

#endif
