/* HTTP events: a timer for each such answer, which are few among the connections that there are. */
#include "serve/http_events.h"

#include <math.h>

#include "domain/domain.h"
#include "domain/timer.h"
#include "serve/http_answer.h"
#include "serve/http_output.h"
#include "serve/http_wire.h"

struct rl_http_events {
  struct rl_http_ending ending; /* first */
  struct rl_http_exchange *exchange;
  struct rl_timer *timer;
  double seconds;
  uint64_t sent;         /* of the body, when the timer began */
  struct rl_buffer text; /* of the event that is being sent */
};

static void on_request_over(struct rl_http_ending *ending) {
  struct rl_http_events *events = RL_OF(ending, struct rl_http_events, ending);
  struct rl_http_exchange *exchange = events->exchange;
  if (events->timer)
    rl_timer_stop(events->timer);
  exchange->events = NULL;
  rl_buffer_free(&events->text);
  rl_free(exchange->http->heap, events, sizeof *events);
}

const char *rl_http_events_put(struct rl_http_exchange *exchange,
                               const struct rl_sse_event *event) {
  struct rl_buffer *text = &exchange->events->text;
  const char *fault = rl_sse_write(event, text);
  struct rl_slice bytes = {(const char *)text->bytes, text->size};
  if (text->failed)
    fault = "not enough memory";
  if (!fault)
    rl_http_answer_write(exchange, &bytes, 1);
  text->size = 0;
  if (text->capacity > RL_HTTP_SPARE || text->failed)
    rl_buffer_free(text);
  return fault;
}

int rl_http_events_beat(struct rl_http_exchange *exchange) {
  static const struct rl_slice comment = {":\n\n", 3};
  if (!exchange->streaming || rl_http_output_pending(exchange) > 0)
    return 0;
  rl_http_answer_write(exchange, &comment, 1);
  return rl_http_output_flush(exchange);
}

static void on_time(struct rl_timer *timer, void *owner);

static int start(struct rl_http_events *events) {
  struct rl_http_exchange *exchange = events->exchange;
  events->sent = exchange->sent_body;
  events->timer =
      rl_timer_start(&exchange->http->domain->timers, events->seconds, false, on_time, events);
  return events->timer ? 0 : -1;
}

static void on_time(struct rl_timer *timer, void *owner) {
  struct rl_http_events *events = owner;
  struct rl_http_exchange *exchange = events->exchange;
  (void)timer;
  events->timer = NULL;
  if (!exchange->connection) /* the handler goes on without its client */
    return;
  bool silent = events->sent == exchange->sent_body;
  if (silent && rl_http_events_beat(exchange) < 0)
    return;
  if (start(events) != 0)
    rl_http_wire_close(exchange->connection); /* rather than a stream that is taken for alive */
}

int rl_http_events_begin(struct rl_http_exchange *exchange, double seconds) {
  struct rl_http_events *events = rl_zalloc(exchange->http->heap, sizeof *events);
  if (!events)
    return -1;
  events->ending.over = on_request_over;
  events->exchange = exchange;
  events->seconds = seconds;
  rl_buffer_init(&events->text, exchange->http->heap);
  rl_list_push(&exchange->endings, &events->ending.link);
  exchange->events = events;
  if (exchange->server->stopping)
    rl_http_wire_cancel(exchange, RL_HTTP_CLOSING);
  return isinf(seconds) ? 0 : start(events);
}
