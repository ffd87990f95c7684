/* HTTP settle: see the header. */
#include "serve/http_settle.h"

#include "domain/domain.h"
#include "serve/http_exchange.h"
#include "serve/http_input.h"
#include "serve/http_output.h"
#include "serve/http_pool.h"
#include "serve/http_wire.h"

enum {
  PROLONG = 1000, /* ms that a connection has lingered when it is prolonged */
  PROLONGED = 15, /* how often it is */
};

static void leave(struct rl_http_connection *connection) {
  if (connection->exchange->counted)
    rl_thin_hold(&connection->thin, false);
  rl_http_pool_give(connection->exchange);
}

void rl_http_settle_linger(struct rl_http_connection *connection) {
  leave(connection);
  if (connection->ended) {
    rl_http_wire_close(connection);
    return;
  }
  rl_thin_shutdown(&connection->thin);
  rl_http_wire_enter(connection, RL_HTTP_LINGER);
  rl_http_wire_watch(connection, UV_READABLE);
}

/* Its time begins anew, but only so often: at most every second. */
void rl_http_settle_pass_over(struct rl_http_connection *connection) {
  uint64_t waited = uv_now(connection->server->http->domain->loop) - connection->since;
  if (connection->turned_away || waited < PROLONG)
    return;
  if (connection->lingered == PROLONGED) {
    rl_http_wire_close(connection);
    return;
  }
  connection->lingered++;
  rl_http_wire_enter(connection, RL_HTTP_LINGER);
}

static void rest(struct rl_http_connection *connection) {
  leave(connection);
  if (connection->ended || connection->server->stopping) {
    rl_http_wire_close(connection);
    return;
  }
  rl_http_wire_enter(connection, RL_HTTP_IDLE);
  rl_http_wire_watch(connection, UV_READABLE);
}

void rl_http_settle_stay(struct rl_http_connection *connection, enum rl_http_phase phase) {
  struct rl_http_exchange *exchange = connection->exchange;
  if (!exchange->counted) {
    exchange->counted = true;
    exchange->http->serving->running++;
    rl_thin_hold(&connection->thin, true);
  }
  if (connection->phase != phase)
    rl_http_wire_enter(connection, phase);
  int reads = exchange->in.size < RL_HTTP_AHEAD ? UV_READABLE : 0;
  rl_http_wire_watch(connection, reads | (connection->watched & UV_WRITABLE));
}

/* What the connection waits for while its exchange goes on. */
static enum rl_http_phase phase_of(const struct rl_http_connection *connection) {
  const struct rl_http_exchange *exchange = connection->exchange;
  switch (exchange->stage) {
  case RL_HTTP_READING: return RL_HTTP_HEAD;
  case RL_HTTP_DRAINING: return RL_HTTP_BODY;
  default: break;
  }
  if (connection->phase == RL_HTTP_BODY || connection->phase == RL_HTTP_HALF)
    return connection->phase;
  return connection->ends ? RL_HTTP_HALF : RL_HTTP_RUNNING;
}

/* What the exchange still needs of the scratch becomes its own. 0, or -1 without memory. */
static int keep(struct rl_http_exchange *exchange) {
  bool needs_head = exchange->stage == RL_HTTP_HANDLING || rl_http_file_follows(exchange);
  if (needs_head && rl_http_exchange_keep(exchange) != 0)
    return -1;
  return rl_http_input_keep(exchange);
}

/* Everything was written; what comes next. */
static void go_on(struct rl_http_connection *connection) {
  struct rl_http_exchange *exchange = connection->exchange;
  bool stopping = connection->server->stopping;
  if (exchange->stage == RL_HTTP_LAST || (exchange->stage == RL_HTTP_DRAINING && stopping))
    rl_http_settle_linger(connection);
  else if (exchange->stage == RL_HTTP_READING && !rl_request_begun(&exchange->request))
    rest(connection);
  else if ((connection->ended || stopping) && exchange->stage != RL_HTTP_HANDLING)
    rl_http_wire_close(connection);
  else
    rl_http_settle_stay(connection, phase_of(connection));
}

void rl_http_settle_outlive(struct rl_http_exchange *exchange) {
  if (exchange->fiber && rl_http_exchange_keep(exchange) != 0)
    exchange->slot->ticket = 0; /* for its script the request has ended */
}

bool rl_http_settle(struct rl_http_connection *connection) {
  struct rl_http_exchange *exchange = connection->exchange;
  bool file = rl_http_file_follows(exchange);
  int status = rl_http_output_flush(exchange);
  if (status < 0) {
    rl_http_settle_outlive(exchange);
    return false;
  }
  if (status == 0 && (file || (exchange->stage == RL_HTTP_READING && exchange->in.size > 0)))
    return true;
  if (keep(exchange) != 0)
    rl_http_wire_close(connection);
  else if (status > 0)
    rl_http_settle_stay(connection, RL_HTTP_SENDING);
  else
    go_on(connection);
  return false;
}
