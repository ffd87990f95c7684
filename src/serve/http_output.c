/* HTTP output: one call for all that is there; what the kernel does not take stays in the
 * exchange's buffer, and the connection is watched until it does. */
#include "serve/http_output.h"

#include <lauxlib.h>

#include "domain/rest.h"
#include "serve/http_count.h"
#include "serve/http_file.h"
#include "serve/http_pool.h"
#include "serve/http_wire.h"

enum { BUFFERED = 256 }; /* what a write costs that goes nowhere yet; see rest.h */

static void forget(struct rl_http_exchange *exchange) {
  exchange->written = 0;
  if (exchange->out.capacity > RL_HTTP_HIGH || exchange->out.failed)
    rl_buffer_free(&exchange->out);
  exchange->out.size = 0;
}

/* The client's time begins. What it takes shows in what the system still holds for it: a socket
 * with a large buffer becomes writable again only after a slow client has taken much of that. */
static void begin_time(struct rl_http_connection *connection) {
  connection->exchange->offered = rl_thin_unsent(&connection->thin);
  rl_http_wire_enter(connection, RL_HTTP_SENDING);
}

bool rl_http_output_extend(struct rl_http_connection *connection) {
  const struct rl_http_exchange *exchange = connection->exchange;
  bool cold = exchange->file && exchange->file->cold; /* the disk is waited for */
  uint64_t unsent = rl_thin_unsent(&connection->thin);
  if (!cold && exchange->offered < unsent + RL_HTTP_PROGRESS)
    return false;
  begin_time(connection);
  return true;
}

/* Something is left, after the system has taken `count` bytes. */
static void wait_for(struct rl_http_connection *connection, uint64_t count, bool disk) {
  int others = connection->watched & UV_READABLE;
  if (connection->phase == RL_HTTP_SENDING)
    connection->exchange->offered += count;
  else
    begin_time(connection);
  rl_http_wire_watch(connection, disk ? others : others | UV_WRITABLE);
}

/* 0: all is written; 1: the socket is full. */
static int write_bytes(struct rl_http_exchange *exchange) {
  struct rl_buffer *out = &exchange->out;
  while (exchange->written < out->size) {
    ssize_t count = rl_thin_write(&exchange->connection->thin, out->bytes + exchange->written,
                                  out->size - exchange->written);
    if (count < 0)
      return count == UV_EAGAIN ? 1 : (int)count;
    exchange->written += (size_t)count;
  }
  return 0;
}

static int write_file(struct rl_http_exchange *exchange) {
  struct rl_slice before = {(const char *)exchange->out.bytes + exchange->written,
                            rl_http_output_pending(exchange)};
  int status = rl_http_file_send(exchange, &before);
  exchange->written = exchange->out.size - before.size;
  return status;
}

/* Bytes that the system has taken, as far as they are counted. */
static uint64_t taken(const struct rl_http_exchange *exchange) {
  return exchange->written + (exchange->file ? exchange->file->body.sent : 0);
}

int rl_http_output_flush(struct rl_http_exchange *exchange) {
  struct rl_http_connection *connection = exchange->connection;
  struct rl_buffer *out = &exchange->out;
  if (!connection) {
    forget(exchange);
    return UV_ECANCELED;
  }
  if (out->failed) { /* an answer of which a part is missing */
    rl_http_wire_close(connection);
    return UV_ENOMEM;
  }
  bool follows = rl_http_file_follows(exchange);
  uint64_t before = taken(exchange), all = out->size + (follows ? exchange->file->length : 0);
  int status = follows ? write_file(exchange) : write_bytes(exchange);
  rl_http_count_sent(exchange->http, (status == 0 ? all : taken(exchange)) - before);
  if (status == 0)
    forget(exchange);
  else if (status > 0)
    wait_for(connection, taken(exchange) - before, follows && exchange->file->cold);
  else
    rl_http_wire_close(connection);
  return status > 0 ? 1 : status;
}

static int push_again(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  struct rl_http_exchange *exchange = rl_http_handle_peek(lua_touserdata(L, 1));
  if (!exchange || !exchange->connection)
    return luaL_error(L, "the client has closed the connection");
  if (rl_http_output_pending(exchange) <= RL_HTTP_HIGH / 2)
    return 0;
  rl_wait_check(L, "res:write");
  return rl_park(L, &exchange->writer, NULL, push_again, 0);
}

int rl_http_output_push(lua_State *L, struct rl_http_exchange *exchange) {
  bool waits = exchange->http->current == exchange && exchange->out.size < RL_HTTP_HIGH;
  size_t effort = waits ? BUFFERED : RL_REST_CALL + rl_http_output_pending(exchange);
  int status = waits ? 0 : rl_http_output_flush(exchange);
  if (status < 0)
    return luaL_error(L, "the client has closed the connection");
  if (status == 0 || rl_http_output_pending(exchange) <= RL_HTTP_HIGH)
    return rl_rest_is_due(L, effort, "res:write") ? rl_rest(L, 0, NULL, 0) : 0;
  if (rl_wait_pending(&exchange->writer))
    return luaL_error(L, "res:write: another fiber waits to write");
  return push_again(L, LUA_OK, 0);
}
