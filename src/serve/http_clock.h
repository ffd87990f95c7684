/* HTTP clock: once a second, while there are connections, ends what takes too long: see enum
 * rl_http_phase. A loop that was held up reads first what has come meanwhile. Threads: the
 * domain's only. Nothing raises. */
#ifndef RL_SERVE_HTTP_CLOCK_H
#define RL_SERVE_HTTP_CLOCK_H

#include "serve/http.h"

/* There are connections. */
void rl_http_clock_start(struct rl_http *http);

#endif
