/* HTTP connection: see serve/http.h for how a read goes. */
#include "serve/http_connection.h"

#include <unistd.h>

#include "domain/domain.h"
#include "io/clients.h"
#include "serve/http_exchange.h"
#include "serve/http_input.h"
#include "serve/http_output.h"
#include "serve/http_pool.h"
#include "serve/http_proxy.h"
#include "serve/http_wire.h"

enum {
  LINGER_READS = 32, /* what a connection that lingers may send before it is closed all the same */
  TURNED_AWAY = 64,  /* clients above a limit that are told so at once */
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
    linger(connection);
  else if (exchange->stage == RL_HTTP_READING && !rl_request_begun(&exchange->request))
    rest(connection);
  else if ((connection->ended || stopping) && exchange->stage != RL_HTTP_HANDLING)
    rl_http_wire_close(connection);
  else
    stay(connection, phase_of(connection));
}

/* The client has left, and a handler goes on. */
static void outlive(struct rl_http_exchange *exchange) {
  if (exchange->fiber && rl_http_exchange_keep(exchange) != 0)
    exchange->slot->ticket = 0; /* for its script the request has ended */
}

bool rl_http_connection_settle(struct rl_http_connection *connection) {
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
 * come before the next answer. Meanwhile one handler more runs: what computes before it waits for
 * anything is not idle when the program stops. */
static void serve_what_is_there(struct rl_http_exchange *exchange, bool now) {
  struct rl_http *http = exchange->http;
  struct rl_http_exchange *before = http->current;
  http->current = exchange;
  http->serving->running++;
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
  http->serving->running--;
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
  } while (rl_http_connection_settle(exchange->connection));
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
  connection->ends = connection->ended = true;
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
  rl_http_input_progress(exchange, size);
  if (exchange->in.size >= RL_HTTP_AHEAD)
    rl_http_wire_watch(connection, connection->watched & UV_WRITABLE);
  rl_http_input_arrived(exchange, 0);
}

static void on_bytes(struct rl_http_connection *connection, const char *bytes, size_t size) {
  if (connection->phase == RL_HTTP_LINGER) {
    if (++connection->lingered > LINGER_READS)
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

/* The client has sent its last byte, while what is before that waits to be read. It may have left,
 * of which its handler is to learn before it has read all of that. */
static void on_disconnect(struct rl_http_connection *connection) {
  connection->ends = true;
  rl_http_wire_watch(connection, connection->watched);
  if (connection->phase == RL_HTTP_RUNNING)
    rl_http_wire_enter(connection, RL_HTTP_HALF);
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  struct rl_http_connection *connection = RL_OF(poll, struct rl_http_connection, thin.poll);
  if (status < 0) {
    rl_http_wire_close(connection);
    return;
  }
  if (events & UV_DISCONNECT)
    on_disconnect(connection);
  if ((events & UV_WRITABLE) && !on_writable(connection))
    return;
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

static int open_connection(struct rl_http_server *server, int fd,
                           struct rl_http_connection **opened) {
  struct rl_http *http = server->http;
  struct rl_http_connection *connection = rl_zalloc(http->heap, sizeof *connection);
  int status = open_thin(connection, http, fd);
  if (status != 0) {
    rl_free(http->heap, connection, sizeof *connection);
    return status;
  }
  connection->server = server;
  server->holders++;
  rl_list_init(&connection->link);
  connection->phase = RL_HTTP_PHASES;
  connection->watched = UV_READABLE;
  rl_thin_watch(&connection->thin, UV_READABLE, on_ready);
  *opened = connection;
  return 0;
}

int rl_http_connection_open(struct rl_http_server *server, int fd, const union rl_endpoint *peer,
                            struct rl_client *client) {
  struct rl_http_connection *connection;
  int status = open_connection(server, fd, &connection);
  if (status != 0) {
    if (client)
      rl_clients_leave(server->http->domain->settings->clients, client);
    return status;
  }
  connection->client = client;
  connection->trusted = rl_http_proxy_trusted(server, peer);
  server->open++;
  rl_http_wire_enter(connection, RL_HTTP_IDLE);
  return 0;
}

/* Lingers, since its request may be on the way already. */
void rl_http_connection_turn_away(struct rl_http_server *server, int fd) {
  static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Retry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  struct rl_http_connection *connection;
  if (server->turned_away >= TURNED_AWAY) {
    close(fd);
    return;
  }
  if (open_connection(server, fd, &connection) != 0)
    return;
  connection->turned_away = true;
  server->turned_away++;
  rl_thin_write(&connection->thin, answer, sizeof answer - 1); /* a new socket has room for that */
  rl_thin_shutdown(&connection->thin);
  rl_http_wire_enter(connection, RL_HTTP_LINGER);
}

/* -- the end ------------------------------------------------------------------------------- */

/* A request that has reached this machine counts as begun, though nobody has read it yet. */
static void stop_reading(struct rl_http_connection *connection) {
  bool comes = rl_thin_readable(&connection->thin);
  if (comes && (connection->exchange || rl_http_pool_borrow(connection)))
    stay(connection, RL_HTTP_HEAD);
  else
    rl_http_wire_close(connection);
}

/* Its answer is written, and only what its handler left of the body is awaited. */
static void stop_draining(struct rl_http_connection *connection) {
  if (connection->exchange->stage == RL_HTTP_DRAINING)
    linger(connection);
}

/* A stream of events has no end of its own; its client comes back by itself. */
static void stop_events(struct rl_http_connection *connection) {
  if (connection->exchange->events)
    rl_http_wire_cancel(connection->exchange, "the server is closing");
}

static void stop_phase(struct rl_http_server *server, enum rl_http_phase phase,
                       void (*stop)(struct rl_http_connection *connection)) {
  struct rl_list *list = &server->phases[phase];
  for (struct rl_list *at = list->next, *next; at != list; at = next) {
    next = at->next;
    stop(RL_OF(at, struct rl_http_connection, link));
  }
}

void rl_http_connection_stop_all(struct rl_http_server *server) {
  server->stopping = true;
  stop_phase(server, RL_HTTP_HEAD, stop_reading);
  stop_phase(server, RL_HTTP_IDLE, stop_reading);
  stop_phase(server, RL_HTTP_BODY, stop_draining);
  stop_phase(server, RL_HTTP_RUNNING, stop_events);
  stop_phase(server, RL_HTTP_HALF, stop_events);
  stop_phase(server, RL_HTTP_SENDING, stop_events);
}

void rl_http_connection_close_all(struct rl_http_server *server) {
  for (int phase = 0; phase < RL_HTTP_PHASES; phase++)
    stop_phase(server, (enum rl_http_phase)phase, rl_http_wire_close);
}
