/* HTTP count: see the header. Without memory for a metric nothing is counted. */
#include "serve/http_count.h"

#include <stdio.h>
#include <string.h>

#include "base/heap.h"
#include "domain/domain.h"
#include "domain/gauges.h"

static const struct rl_metric_terms requests = {.kind = RL_COUNTER,
                                                .name = "rille_http_requests_total",
                                                .help = "Requests by route and status.",
                                                .labels = {"route", "status"},
                                                .label_count = 2,
                                                .limit = 10 * RL_METRIC_LIMIT};

static const struct rl_metric_terms duration = {
    .kind = RL_HISTOGRAM,
    .name = "rille_http_request_duration_seconds",
    .help = "From the head of a request to the end of its answer.",
    .labels = {"route"},
    .label_count = 1,
    .bounds = {0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
    .bound_count = 13,
    .limit = 10 * RL_METRIC_LIMIT};

static const struct rl_metric_terms received = {.kind = RL_COUNTER,
                                                .name = "rille_http_received_bytes_total",
                                                .help = "Bytes that HTTP clients have sent.",
                                                .limit = 1};

static const struct rl_metric_terms sent = {.kind = RL_COUNTER,
                                            .name = "rille_http_sent_bytes_total",
                                            .help = "Bytes that were sent to HTTP clients.",
                                            .limit = 1};

static const struct rl_metric_terms accepted = {.kind = RL_COUNTER,
                                                .name = "rille_http_accepted_total",
                                                .help = "Connections of HTTP clients, so far.",
                                                .limit = 1};

static const struct rl_metric_terms open_now = {.kind = RL_GAUGE,
                                                .name = "rille_http_connections",
                                                .help = "Connections of HTTP clients, now.",
                                                .limit = 1};

static struct rl_metric *define(struct rl_http *http, const struct rl_metric_terms *terms) {
  struct rl_metric *metric;
  struct rl_metrics *metrics = http->domain->settings->metrics;
  return rl_metrics_define(metrics, terms, &metric) == RL_METRIC_FINE ? metric : NULL;
}

static struct rl_metric_cell *cell_of(struct rl_http *http, struct rl_metric *metric,
                                      const struct rl_slice *values) {
  bool first;
  unsigned slot = rl_gauges_slot(http->domain);
  return metric ? rl_metric_cell(http->domain->settings->metrics, metric, values, slot, &first)
                : NULL;
}

static bool open_meters(struct rl_http *http, struct rl_http_meters *meters) {
  meters->requests = define(http, &requests);
  meters->duration = define(http, &duration);
  meters->received = cell_of(http, define(http, &received), NULL);
  meters->sent = cell_of(http, define(http, &sent), NULL);
  meters->accepted = cell_of(http, define(http, &accepted), NULL);
  meters->open = cell_of(http, define(http, &open_now), NULL);
  return meters->requests && meters->duration && meters->received && meters->sent &&
         meters->accepted && meters->open;
}

/* With the connections that are open already. */
static void begin(struct rl_http *http) {
  struct rl_http_meters *meters = rl_zalloc(http->heap, sizeof *meters);
  if (!meters || !open_meters(http, meters)) {
    rl_free(http->heap, meters, sizeof *meters);
    return;
  }
  http->meters = meters;
  for (struct rl_list *at = http->servers.next; at != &http->servers; at = at->next)
    rl_metric_change(meters->open, RL_OF(at, struct rl_http_server, link)->open);
}

void rl_http_count_accept(struct rl_http *http) {
  if (!http->meters && rl_gauges_wanted(http->domain))
    begin(http);
  if (!http->meters)
    return;
  rl_metric_add(http->meters->accepted, 1);
  rl_metric_change(http->meters->open, 1);
}

void rl_http_count_close(struct rl_http *http) {
  if (http->meters)
    rl_metric_change(http->meters->open, -1);
}

void rl_http_count_free(struct rl_http *http) {
  rl_free(http->heap, http->meters, sizeof *http->meters);
  http->meters = NULL;
}

/* -- requests -------------------------------------------------------------------------------- */

enum { LEFT = 499 }; /* the client has left before there was an answer; as nginx has it */

/* A pattern begins with a slash, so that this is none. */
static struct rl_slice route_of(const struct rl_http_handler *handler) {
  return handler && handler->pattern.size > 0 ? handler->pattern : (struct rl_slice){"none", 4};
}

static struct rl_metric_cell *requests_of(struct rl_http *http, struct rl_http_tally *tally,
                                          struct rl_slice route, int status) {
  char text[16];
  for (unsigned i = 0; i < tally->known; i++)
    if (tally->by[i].status == status)
      return tally->by[i].requests;
  size_t size = (size_t)snprintf(text, sizeof text, "%d", status);
  struct rl_slice values[] = {route, {text, size}};
  struct rl_metric_cell *cell = cell_of(http, http->meters->requests, values);
  if (cell && tally->known < RL_HTTP_STATUSES) {
    tally->by[tally->known].status = status;
    tally->by[tally->known++].requests = cell;
  }
  return cell;
}

/* The route's, made if it has none; NULL without memory. */
static struct rl_http_tally *tally_of(struct rl_http *http, struct rl_http_handler *handler) {
  if (!handler)
    return &http->meters->unmatched;
  if (!handler->tally)
    handler->tally = rl_zalloc(http->heap, sizeof *handler->tally);
  return handler->tally;
}

static struct rl_http_handler *handler_of(const struct rl_http_exchange *exchange) {
  return exchange->handler < 0 ? NULL : &exchange->server->site->handlers[exchange->handler];
}

void rl_http_count_over(struct rl_http_exchange *exchange) {
  struct rl_http *http = exchange->http;
  if (http->ended || !(exchange->began || exchange->slot->ticket))
    return;
  struct rl_http_handler *handler = handler_of(exchange);
  struct rl_http_tally *tally = tally_of(http, handler);
  struct rl_slice route = route_of(handler);
  if (!tally)
    return;
  int status = exchange->began ? exchange->status : LEFT;
  struct rl_metric_cell *cell = requests_of(http, tally, route, status);
  if (cell)
    rl_metric_add(cell, 1);
  if (!tally->duration)
    tally->duration = cell_of(http, http->meters->duration, &route);
  if (tally->duration && exchange->began_at)
    rl_metric_observe(http->meters->duration, tally->duration,
                      (double)(rl_domain_now(http->domain) - exchange->began_at) / 1e9);
  exchange->began_at = 0;
}
