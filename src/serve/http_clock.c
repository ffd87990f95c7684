/* HTTP clock: the lists of a server are in the order in which their times are up, so a tick looks
 * at what has expired and no further. */
#include "serve/http_clock.h"

#include "domain/domain.h"
#include "serve/http_events.h"
#include "serve/http_exchange.h"
#include "serve/http_input.h"
#include "serve/http_output.h"
#include "serve/http_pool.h"
#include "serve/http_settle.h"
#include "serve/http_wire.h"

enum { TICK = 1000, LATE = 1500, MOMENT = 100 }; /* ms */

/* An interim answer, which every client must bear with (RFC 9110, 15.2), where one may be sent: 0
 * or an error. */
static int ask(struct rl_http_connection *connection) {
  static const char line[] = "HTTP/1.1 102 Processing\r\n\r\n";
  const struct rl_http_exchange *exchange = connection->exchange;
  bool can_ask =
      exchange->request.head.minor > 0 && !exchange->began && rl_http_output_pending(exchange) == 0;
  ssize_t status = can_ask ? rl_thin_write(&connection->thin, line, sizeof line - 1) : 0;
  return status == UV_EAGAIN || status > 0 ? 0 : (int)status;
}

/* A client that sends no more may have left, or only be done with sending. Saying something that
 * means nothing tells: who has left resets the connection. False when it is gone, or has to take
 * something first. */
static bool probe(struct rl_http_connection *connection) {
  bool asks = connection->server->options.cancel && !connection->probed;
  connection->probed = true;
  int status = rl_thin_error(&connection->thin);
  if (status == 0 && asks && connection->exchange->events)
    return rl_http_events_beat(connection->exchange) == 0;
  if (status == 0 && asks)
    status = ask(connection);
  if (status < 0)
    rl_http_wire_close(connection);
  return status == 0;
}

static void expire_handler(struct rl_http_exchange *exchange) {
  if (!exchange->streaming && !exchange->expired && !exchange->own_time)
    rl_http_exchange_expire(exchange);
}

/* The handler's time goes on while its client is asked whether it is still there. */
static void expire_half(struct rl_http_connection *connection) {
  struct rl_http_exchange *exchange = connection->exchange;
  uint64_t now = uv_now(exchange->http->domain->loop);
  uint32_t time = connection->server->options.time[RL_HTTP_RUNNING];
  if (!probe(connection))
    return;
  rl_http_wire_enter(connection, RL_HTTP_HALF);
  if (time && exchange->started + time <= now)
    expire_handler(exchange);
}

/* The time of the connection's phase is over. */
static void expire(struct rl_http_connection *connection) {
  struct rl_http_exchange *exchange = connection->exchange;
  switch ((enum rl_http_phase)connection->phase) {
  case RL_HTTP_HEAD:
    rl_http_exchange_refuse(exchange, 408);
    rl_http_settle(connection);
    return;
  case RL_HTTP_BODY:
    if (exchange->stage != RL_HTTP_HANDLING)
      break;
    rl_http_wire_run(connection);
    rl_http_input_arrived(exchange, 408);
    return;
  case RL_HTTP_RUNNING:
    rl_http_wire_enter(connection, RL_HTTP_RUNNING);
    expire_handler(exchange);
    return;
  case RL_HTTP_HALF: expire_half(connection); return;
  case RL_HTTP_SENDING:
    if (rl_http_output_extend(connection))
      return;
    rl_thin_forsake(&connection->thin);
    break;
  default: break;
  }
  rl_http_wire_close(connection);
}

/* The first of a list is due first; expiring takes it out or to the end. */
static void sweep_phase(struct rl_http_server *server, enum rl_http_phase phase, uint64_t now) {
  struct rl_list *list = &server->phases[phase];
  uint64_t time = server->options.time[phase];
  while (time && !rl_list_empty(list)) {
    struct rl_http_connection *connection = RL_OF(list->next, struct rl_http_connection, link);
    if (connection->since + time > now)
      return;
    expire(connection);
  }
}

/* Timers go before what is to be read: a loop that was held up would take clients for late whose
 * bytes have been there for long. So these have a tick's time to be read first; but the next tick
 * counts, for a loop may be held up again and again. */
static bool is_late(struct rl_http *http, uint64_t now) {
  http->late = !http->late && now - http->ticked > LATE;
  http->ticked = now;
  return http->late;
}

/* Calls `visit` for each server; true if any returned that. */
static bool visit_servers(struct rl_http *http, uint64_t now,
                          bool (*visit)(struct rl_http_server *server, uint64_t now)) {
  bool any = false;
  for (struct rl_list *at = http->servers.next, *next; at != &http->servers; at = next) {
    struct rl_http_server *server = RL_OF(at, struct rl_http_server, link);
    server->holders++; /* its last connection may end */
    any |= visit(server, now);
    next = at->next;
    rl_http_pool_release(server);
  }
  return any;
}

/* True if there are connections left. */
static bool sweep(struct rl_http_server *server, uint64_t now) {
  for (int phase = 0; phase < RL_HTTP_PHASES; phase++)
    sweep_phase(server, (enum rl_http_phase)phase, now);
  return server->open + server->turned_away > 0;
}

static void on_tick(uv_timer_t *clock) {
  struct rl_http *http = clock->data;
  uint64_t now = uv_now(clock->loop);
  if (is_late(http, now))
    return;
  bool open = visit_servers(http, now, sweep), unused = rl_http_pool_trim(http);
  if (open || unused)
    return;
  http->ticks = false;
  uv_timer_stop(clock);
}

/* True if there are others, for whom it is too early. */
static bool ask_half(struct rl_http_server *server, uint64_t now) {
  struct rl_list *list = &server->phases[RL_HTTP_HALF];
  bool more = false;
  for (struct rl_list *at = list->next, *next; server->options.cancel && at != list; at = next) {
    struct rl_http_connection *connection = RL_OF(at, struct rl_http_connection, link);
    next = at->next;
    if (connection->probed)
      continue;
    if (connection->since + MOMENT > now)
      more = true;
    else
      probe(connection);
  }
  return more;
}

static void on_moment(uv_timer_t *timer) {
  if (visit_servers(timer->data, uv_now(timer->loop), ask_half))
    uv_timer_start(timer, on_moment, MOMENT, 0);
}

void rl_http_clock_ask(struct rl_http *http) {
  if (!uv_is_active((uv_handle_t *)&http->asking) && !http->ended)
    uv_timer_start(&http->asking, on_moment, MOMENT, 0);
}

void rl_http_clock_start(struct rl_http *http) {
  if (http->ticks || http->ended)
    return;
  http->ticks = true;
  http->late = false;
  http->ticked = uv_now(http->domain->loop);
  uv_timer_start(&http->clock, on_tick, TICK, TICK);
}
