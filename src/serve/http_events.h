/* HTTP events: an answer that is a stream of server-sent events: while it is silent a comment is
 * sent now and then, which keeps proxies from giving it up and finds out whether the client is
 * still there. Threads: the domain's only. */
#ifndef RL_SERVE_HTTP_EVENTS_H
#define RL_SERVE_HTTP_EVENTS_H

#include "http/sse.h"
#include "serve/http.h"

/* The answer, whose head is out, is one: a comment follows each `seconds` of silence. 0, or -1 when
 * there is no memory. Ends with the request. Does not raise. */
int rl_http_events_begin(struct rl_http_exchange *exchange, double seconds);

/* Puts an event into the output, from where rl_http_output_push sends it: NULL, or what is wrong
 * with it; the text is static. */
const char *rl_http_events_put(struct rl_http_exchange *exchange, const struct rl_sse_event *event);

/* Sends a comment, unless something waits to be sent anyway: as rl_http_output_flush. */
int rl_http_events_beat(struct rl_http_exchange *exchange);

#endif
