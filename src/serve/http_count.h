/* HTTP count: requests by route and status, how long they take, bytes and connections, for the
 * metrics. Nothing is counted until these are asked for; from then on each domain counts in cells
 * of its own, found once for each route. Threads: the domain's only. */
#ifndef RL_SERVE_HTTP_COUNT_H
#define RL_SERVE_HTTP_COUNT_H

#include "base/metric.h"
#include "serve/http.h"

enum { RL_HTTP_STATUSES = 8 }; /* of a route; further ones are looked for each time */

/* What a route counts in. */
struct rl_http_tally {
  struct rl_metric_cell *duration;
  unsigned known;
  struct {
    int status;
    struct rl_metric_cell *requests;
  } by[RL_HTTP_STATUSES];
};

struct rl_http_meters {
  struct rl_metric *requests, *duration;
  struct rl_metric_cell *received, *sent, *accepted, *open;
  struct rl_http_tally unmatched; /* where no route leads */
};

/* A connection is about to be opened: begins to count, if that is wanted and was not before. */
void rl_http_count_accept(struct rl_http *http);

/* One that was, is closed. */
void rl_http_count_close(struct rl_http *http);

/* A request is over, or was refused; its exchange is still as it was. */
void rl_http_count_over(struct rl_http_exchange *exchange);

void rl_http_count_free(struct rl_http *http);

static inline void rl_http_count_received(struct rl_http *http, size_t bytes) {
  if (http->meters)
    rl_metric_add(http->meters->received, (double)bytes);
}

static inline void rl_http_count_sent(struct rl_http *http, uint64_t bytes) {
  if (http->meters)
    rl_metric_add(http->meters->sent, (double)bytes);
}

#endif
