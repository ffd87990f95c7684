/* HTTP connection: see serve/http.h for how a read goes. */
#include "serve/http_connection.h"

#include <unistd.h>

#include "domain/domain.h"
#include "io/clients.h"
#include "serve/http_events.h"
#include "serve/http_exchange.h"
#include "serve/http_input.h"
#include "serve/http_output.h"
#include "serve/http_pool.h"
#include "serve/http_wire.h"

enum {
  LINGER_READS = 32, /* what a connection that lingers may send before it is closed all the same */
  PROGRESS = 16 * 1024, /* what must arrive of a body within the time for it, for more time */
};

/* -- after serving ------------------------------------------------------------------------- */

static void leave(struct rl_http_connection *connection) {
  if (connection->exchange->counted)
    rl_thin_hold(&connection->thin, false);
  rl_http_pool_give(connection->exchange);
}

/* The last answer is written. A client that still sends would lose it to a reset if the socket were
 * closed with bytes unread: so it is told that nothing more comes, and read from for a while. */
static void linger(struct rl_http_connection *connection) {
  leave(connection);
  if (connection->ended) {
    rl_http_wire_close(connection);
    return;
  }
  rl_thin_shutdown(&connection->thin);
  connection->requests = 0; /* now counts reads */
  rl_http_wire_enter(connection, RL_HTTP_LINGER);
  rl_http_wire_watch(connection, UV_READABLE);
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

/* The exchange outlives the read: it is counted, so that the program does not end before it. */
static void stay(struct rl_http_connection *connection, enum rl_http_phase phase) {
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
  return connection->ended ? RL_HTTP_HALF : RL_HTTP_RUNNING;
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
  if (exchange->stage == RL_HTTP_LAST)
    linger(connection);
  else if (exchange->stage == RL_HTTP_READING && !rl_request_begun(&exchange->request))
    rest(connection);
  else if (connection->ended && exchange->stage != RL_HTTP_HANDLING)
    rl_http_wire_close(connection);
  else
    stay(connection, phase_of(connection));
}

/* The client has left, and a handler goes on. */
static void outlive(struct rl_http_exchange *exchange) {
  if (exchange->fiber && rl_http_exchange_keep(exchange) != 0)
    exchange->ticket = 0; /* for its script the request has ended */
}

/* What was read has been served as far as possible: writes the answers. True when that has made
 * room for those to requests that were held back, or has completed the one that is a file. */
static bool settle(struct rl_http_connection *connection) {
  struct rl_http_exchange *exchange = connection->exchange;
  bool file = rl_http_file_follows(exchange);
  int status = rl_http_output_flush(exchange);
  if (status < 0) {
    outlive(exchange);
    return false;
  }
  if (status == 0 && (file || (exchange->stage == RL_HTTP_READING && exchange->in.size > 0)))
    return true;
  if (keep(exchange) != 0)
    rl_http_wire_close(connection);
  else if (status > 0)
    stay(connection, RL_HTTP_SENDING);
  else
    go_on(connection);
  return false;
}

/* -- serving ------------------------------------------------------------------------------- */

/* The answer is in the output: on to the next request. False when there is none yet. */
static bool finish(struct rl_http_exchange *exchange) {
  if (exchange->stage == RL_HTTP_LAST)
    return false;
  if (!exchange->keep_alive) {
    exchange->stage = RL_HTTP_LAST;
    return false;
  }
  int drained = rl_http_input_drain(exchange);
  if (drained < 0)
    exchange->stage = RL_HTTP_LAST;
  if (drained <= 0)
    return false;
  rl_http_pool_reset(exchange);
  return true;
}

/* Takes a head from what has arrived. False when it is not whole. */
static bool read_head(struct rl_http_exchange *exchange, bool now) {
  size_t used = 0;
  struct rl_slice *in = &exchange->in;
  enum rl_request_step step = rl_request_feed(&exchange->request, in->bytes, in->size, &used);
  if (step == RL_REQUEST_BAD) {
    rl_http_exchange_refuse(exchange, exchange->request.refusal.status);
    return true;
  }
  in->bytes += used;
  in->size -= used;
  if (step == RL_REQUEST_MORE)
    return false;
  rl_http_exchange_begin(exchange, now);
  return true;
}

/* Serves request after request, until something has to be waited for. A file ends that: its bytes
 * come before the next answer. */
static void serve_what_is_there(struct rl_http_exchange *exchange, bool now) {
  struct rl_http *http = exchange->http;
  struct rl_http_exchange *before = http->current;
  http->current = exchange;
  bool goes_on = true;
  while (goes_on && exchange->connection) {
    switch (exchange->stage) {
    case RL_HTTP_READING:
      goes_on = exchange->in.size > 0 && rl_http_output_pending(exchange) < RL_HTTP_HIGH &&
                read_head(exchange, now);
      break;
    case RL_HTTP_DRAINING: goes_on = !exchange->file && finish(exchange); break;
    default: goes_on = false;
    }
  }
  http->current = before;
}

/* `now`: outside any fiber. The exchange may be given back. */
static void serve(struct rl_http_exchange *exchange, bool now) {
  do {
    serve_what_is_there(exchange, now);
    if (!exchange->connection) { /* the client left while its handler ran */
      outlive(exchange);
      if (!exchange->fiber)
        rl_http_pool_give(exchange);
      return;
    }
  } while (settle(exchange->connection));
}

void rl_http_connection_over(struct rl_http_exchange *exchange) {
  struct rl_http_connection *connection = exchange->connection;
  if (!connection) {
    rl_http_pool_give(exchange);
    return;
  }
  serve(exchange, false);
}

/* -- events -------------------------------------------------------------------------------- */

static void on_end(struct rl_http_connection *connection) {
  struct rl_http_exchange *exchange = connection->exchange;
  bool waits = exchange && (exchange->fiber || rl_http_output_waits(exchange));
  connection->ended = true;
  if (!waits) {
    rl_http_wire_close(connection);
    return;
  }
  rl_http_wire_watch(connection, connection->watched & UV_WRITABLE);
  if (rl_wait_pending(&exchange->reader))
    rl_http_input_arrived(exchange, 0);
  else if (connection->phase == RL_HTTP_RUNNING)
    rl_http_wire_enter(connection, RL_HTTP_HALF);
}

/* Bytes for an exchange whose handler runs, or whose head is in pieces. */
static void on_more(struct rl_http_connection *connection, const char *bytes, size_t size) {
  struct rl_http_exchange *exchange = connection->exchange;
  if (exchange->stage == RL_HTTP_READING && exchange->in.size == 0) {
    exchange->in = (struct rl_slice){bytes, size};
    serve(exchange, true);
    return;
  }
  if (rl_http_input_append(exchange, bytes, size) != 0) {
    rl_http_wire_close(connection);
    return;
  }
  if (exchange->stage != RL_HTTP_HANDLING) {
    serve(exchange, true);
    return;
  }
  exchange->arrived += size;
  if (connection->phase == RL_HTTP_BODY && exchange->arrived >= PROGRESS)
    rl_http_wire_enter(connection, RL_HTTP_BODY);
  if (exchange->in.size >= RL_HTTP_AHEAD)
    rl_http_wire_watch(connection, connection->watched & UV_WRITABLE);
  rl_http_input_arrived(exchange, 0);
}

static void on_bytes(struct rl_http_connection *connection, const char *bytes, size_t size) {
  if (connection->phase == RL_HTTP_LINGER) {
    if (++connection->requests > LINGER_READS)
      rl_http_wire_close(connection);
    return;
  }
  if (connection->exchange) {
    on_more(connection, bytes, size);
    return;
  }
  struct rl_http_exchange *exchange = rl_http_pool_borrow(connection);
  if (!exchange) {
    rl_http_wire_close(connection);
    return;
  }
  exchange->in = (struct rl_slice){bytes, size};
  serve(exchange, true);
}

static void on_readable(struct rl_http_connection *connection) {
  struct rl_http *http = connection->server->http;
  char *scratch = http->serving->scratch;
  ssize_t count = rl_thin_read(&connection->thin, scratch, RL_STREAM_SCRATCH);
  if (count > 0)
    on_bytes(connection, scratch, (size_t)count);
  else if (count == 0)
    on_end(connection);
  else if (count != UV_EAGAIN)
    rl_http_wire_close(connection);
}

/* The client has taken something. False when the connection is gone. */
static bool on_writable(struct rl_http_connection *connection) {
  struct rl_http_exchange *exchange = connection->exchange;
  int status = rl_http_output_flush(exchange);
  if (status < 0)
    return false;
  if (status == 0)
    rl_http_wire_watch(connection, connection->watched & UV_READABLE);
  if (rl_http_output_pending(exchange) <= RL_HTTP_HIGH / 2)
    rl_wake(&exchange->writer, 0);
  if (status > 0)
    return true;
  if (exchange->stage == RL_HTTP_HANDLING) {
    if (rl_wait_pending(&exchange->reader))
      rl_http_wire_enter(connection, RL_HTTP_BODY);
    else
      rl_http_wire_run(connection);
    return true;
  }
  serve(exchange, true);
  return false;
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  struct rl_http_connection *connection = RL_OF(poll, struct rl_http_connection, thin.poll);
  if (status < 0)
    rl_http_wire_close(connection);
  else if (!(events & UV_WRITABLE) || on_writable(connection))
    if (events & UV_READABLE)
      on_readable(connection);
}

/* -- life ---------------------------------------------------------------------------------- */

/* A handle for the descriptor, which is closed if there is none. */
static int open_thin(struct rl_http_connection *connection, struct rl_http *http, int fd) {
  if (connection)
    return rl_thin_open(&connection->thin, http->domain->loop, fd);
  close(fd);
  return UV_ENOMEM;
}

int rl_http_connection_open(struct rl_http_server *server, int fd, struct rl_client *client) {
  struct rl_http *http = server->http;
  struct rl_http_connection *connection = rl_zalloc(http->heap, sizeof *connection);
  int status = open_thin(connection, http, fd);
  if (status != 0) {
    rl_free(http->heap, connection, sizeof *connection);
    if (client)
      rl_clients_leave(http->domain->settings->clients, client);
    return status;
  }
  connection->server = server;
  connection->client = client;
  server->holders++;
  server->open++;
  rl_list_init(&connection->link);
  connection->phase = RL_HTTP_PHASES;
  rl_http_wire_enter(connection, RL_HTTP_IDLE);
  connection->watched = UV_READABLE;
  rl_thin_watch(&connection->thin, UV_READABLE, on_ready);
  rl_http_pool_tick(http, rl_http_connection_sweep);
  return 0;
}

static void close_phase(struct rl_http_server *server, enum rl_http_phase phase) {
  struct rl_list *list = &server->phases[phase];
  while (!rl_list_empty(list))
    rl_http_wire_close(RL_OF(list->next, struct rl_http_connection, link));
}

void rl_http_connection_stop_all(struct rl_http_server *server) {
  server->stopping = true;
  close_phase(server, RL_HTTP_IDLE);
}

void rl_http_connection_close_all(struct rl_http_server *server) {
  for (int phase = 0; phase < RL_HTTP_PHASES; phase++)
    close_phase(server, (enum rl_http_phase)phase);
}

/* -- time ---------------------------------------------------------------------------------- */

/* An interim answer, which every client must bear with (RFC 9110, 15.2), where one may be sent: 0
 * or an error. */
static ssize_t ask(struct rl_http_connection *connection) {
  static const char line[] = "HTTP/1.1 102 Processing\r\n\r\n";
  const struct rl_http_exchange *exchange = connection->exchange;
  bool can_ask =
      exchange->request.head.minor > 0 && !exchange->began && rl_http_output_pending(exchange) == 0;
  ssize_t status = can_ask ? rl_thin_write(&connection->thin, line, sizeof line - 1) : 0;
  return status == UV_EAGAIN || status > 0 ? 0 : status;
}

/* A client that sends no more may have left, or only be done with sending. Saying something that
 * means nothing tells: who has left resets the connection. */
static void probe(struct rl_http_connection *connection) {
  bool first = !connection->probed;
  connection->probed = true;
  ssize_t status = rl_thin_error(&connection->thin);
  if (status == 0 && first && connection->exchange->events) {
    if (rl_http_events_beat(connection->exchange) != 0)
      return; /* it is gone, or has to take something first */
  } else if (status == 0 && first) {
    status = ask(connection);
  }
  if (status < 0)
    rl_http_wire_close(connection);
  else
    rl_http_wire_enter(connection, RL_HTTP_HALF);
}

/* The time of the connection's phase is over. */
static void expire(struct rl_http_connection *connection) {
  struct rl_http_exchange *exchange = connection->exchange;
  switch ((enum rl_http_phase)connection->phase) {
  case RL_HTTP_HEAD:
    rl_http_exchange_refuse(exchange, 408);
    settle(connection);
    return;
  case RL_HTTP_BODY:
    if (exchange->stage != RL_HTTP_HANDLING)
      break;
    rl_http_wire_enter(connection, RL_HTTP_RUNNING);
    rl_http_input_arrived(exchange, 408);
    return;
  case RL_HTTP_RUNNING:
    rl_http_wire_enter(connection, RL_HTTP_RUNNING);
    if (!exchange->streaming && !exchange->expired && !exchange->own_time)
      rl_http_exchange_expire(exchange);
    return;
  case RL_HTTP_HALF: probe(connection); return;
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

void rl_http_connection_sweep(uv_timer_t *clock) {
  struct rl_http *http = clock->data;
  uint64_t now = uv_now(http->domain->loop);
  unsigned open = 0;
  for (struct rl_list *at = http->servers.next, *next; at != &http->servers; at = next) {
    struct rl_http_server *server = RL_OF(at, struct rl_http_server, link);
    server->holders++; /* its last connection may end */
    for (int phase = 0; phase < RL_HTTP_PHASES; phase++)
      sweep_phase(server, (enum rl_http_phase)phase, now);
    open += server->open;
    next = at->next;
    rl_http_pool_release(server);
  }
  if (open == 0) {
    http->ticks = false;
    uv_timer_stop(clock);
  }
}
