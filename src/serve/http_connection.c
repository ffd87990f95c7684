/* HTTP connection: see serve/http.h for how a read goes. */
#include "serve/http_connection.h"

#include <unistd.h>

#include "domain/domain.h"
#include "io/clients.h"
#include "serve/http_count.h"
#include "serve/http_clock.h"
#include "serve/http_exchange.h"
#include "serve/http_input.h"
#include "serve/http_output.h"
#include "serve/http_pool.h"
#include "serve/http_proxy.h"
#include "serve/http_settle.h"
#include "serve/http_wire.h"

enum { TURNED_AWAY = 64 }; /* clients above a limit that are told so at once */

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
      rl_http_settle_outlive(exchange);
      if (!exchange->fiber)
        rl_http_pool_give(exchange);
      return;
    }
  } while (rl_http_settle(exchange->connection));
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

/* The handler goes on for a client that has sent its last byte, and may have left. */
static void enter_half(struct rl_http_connection *connection) {
  rl_http_wire_enter(connection, RL_HTTP_HALF);
  if (!connection->probed && connection->server->options.cancel)
    rl_http_clock_ask(connection->server->http);
}

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
    enter_half(connection);
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
    rl_http_settle_pass_over(connection);
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
    rl_http_count_received(http, (size_t)count);
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
    enter_half(connection);
}

/* Nothing is watched for but a reset; not for urgent bytes, which would be told for ever. */
static void on_news(struct rl_http_connection *connection) {
  if (rl_thin_error(&connection->thin) != 0) {
    rl_http_wire_close(connection);
    return;
  }
  connection->watched = 0;
  rl_thin_watch(&connection->thin, 0, NULL);
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  struct rl_http_connection *connection = RL_OF(poll, struct rl_http_connection, thin.poll);
  if (status < 0) {
    rl_http_wire_close(connection);
    return;
  }
  if (events & UV_PRIORITIZED) {
    on_news(connection);
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
  rl_http_count_accept(server->http);
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
