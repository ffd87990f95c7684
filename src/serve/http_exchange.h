/* HTTP exchange: a request whose head is there is led to its handler, and what the handler returns
 * becomes the answer. Threads: the domain's only. */
#ifndef RL_SERVE_HTTP_EXCHANGE_H
#define RL_SERVE_HTTP_EXCHANGE_H

#include "serve/http.h"

/* The head was read: answers at once, or starts the handler. `now`: the handler may run here, which
 * is outside any fiber; otherwise it is made ready. When the stage is no longer HANDLING
 * afterwards, the answer is in the output. Does not raise. */
void rl_http_exchange_begin(struct rl_http_exchange *exchange, bool now);

/* Answers a request that was refused; the connection is to be closed. */
void rl_http_exchange_refuse(struct rl_http_exchange *exchange, int status);

/* The handler is not over in this pass: whatever it may still look at is kept. 0, or -1 when there
 * is no memory. */
int rl_http_exchange_keep(struct rl_http_exchange *exchange);

/* Gives the handler, which is not over, that many seconds from now, instead of the server's
 * handler_timeout; 0, also of one that is over: that again. 0, or -1 when there is no memory. */
int rl_http_exchange_time(struct rl_http_exchange *exchange, double seconds);

/* The status of the answer to an error in the handler: 500, unless its time is over or the client
 * did something wrong. */
int rl_http_exchange_failure(const struct rl_http_exchange *exchange);

/* The handler's time is over: it is cancelled, and the answer is 503. */
void rl_http_exchange_expire(struct rl_http_exchange *exchange);

#endif
