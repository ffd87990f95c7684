/* HTTP upgrade: the descriptor moves from the connection, which ends, to a socket. What the server
 * counts as its connections still has it in: a block of ours holds the place, and the socket, until
 * the exchange is over. */
#include "serve/http_upgrade.h"

#include <lauxlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "domain/domain.h"
#include "http/lines.h"
#include "http/response.h"
#include "http/scan.h"
#include "serve/http_count.h"
#include "serve/http_exchange.h"
#include "serve/http_output.h"
#include "serve/http_wire.h"
#include "serve/socket.h"

struct upgrade {
  struct rl_http_ending ending; /* first */
  struct rl_http_server *server;
  struct rl_socket *socket; /* held */
};

static void on_request_over(struct rl_http_ending *ending) {
  struct upgrade *upgrade = RL_OF(ending, struct upgrade, ending);
  struct rl_http_server *server = upgrade->server;
  rl_socket_close(upgrade->socket);
  rl_socket_let_go(upgrade->socket);
  server->open--;
  rl_http_count_close(server->http);
  rl_free(server->http->heap, upgrade, sizeof *upgrade);
}

static bool is_asked_for(const struct rl_head *head, struct rl_slice protocol) {
  const struct rl_field *field = NULL;
  if (!head->upgrade)
    return false;
  while ((field = rl_field_known(&head->fields, RL_HEADER_UPGRADE, field))) {
    struct rl_slice list = rl_field_value(head->bytes, field), member;
    while (rl_scan_member(&list, &member))
      if (member.size == protocol.size && rl_scan_is(member, protocol.bytes))
        return true;
  }
  return false;
}

/* Raises where a connection cannot be taken over any more. */
static void check(lua_State *L, const struct rl_http_exchange *exchange) {
  bool body = exchange->request.head.body != RL_BODY_NONE;
  if (exchange->began)
    luaL_error(L, "req:upgrade: the head of the answer is already sent");
  if (!exchange->connection)
    luaL_error(L, "the client has closed the connection");
  if (body && !(exchange->body_begun && exchange->body.done))
    luaL_error(L, "req:upgrade: the body of the request must be read first");
}

static void write_head(struct rl_http_exchange *exchange, struct rl_slice protocol) {
  static const struct rl_slice upgrade = {"Upgrade", 7}, connection = {"Connection", 10};
  struct rl_buffer *out = &exchange->out;
  rl_lines_remove(&exchange->headers, upgrade);
  rl_response_begin(out, 101);
  rl_buffer_append(out, exchange->headers.bytes, exchange->headers.size);
  rl_response_field(out, connection, upgrade);
  rl_response_field(out, upgrade, protocol);
  rl_buffer_append(out, "\r\n", 2);
}

/* What has to be there before the point of no return. [] -> [socket] */
static struct upgrade *prepare(lua_State *L, struct rl_http_exchange *exchange) {
  struct rl_socket *socket = rl_socket_new(L, exchange->http->serving);
  struct upgrade *upgrade = rl_http_exchange_keep(exchange) == 0
                                ? rl_zalloc(exchange->http->heap, sizeof *upgrade)
                                : NULL;
  if (!upgrade)
    luaL_error(L, "not enough memory");
  upgrade->ending.over = on_request_over;
  upgrade->server = exchange->server;
  upgrade->socket = socket;
  rl_socket_hold(socket);
  return upgrade;
}

/* From now on the exchange has no connection, and its handler the socket. */
static void hand_over(struct rl_http_exchange *exchange, struct upgrade *upgrade) {
  rl_list_push(&exchange->endings, &upgrade->ending.link);
  exchange->server->open++;
  if (!exchange->counted)
    exchange->http->serving->running++;
  exchange->counted = exchange->began = exchange->upgraded = true;
  exchange->status = 101;
  exchange->keep_alive = false;
}

/* Opens the socket on the connection's descriptor: 0 or an error; the connection is gone. */
static int move(struct rl_http_exchange *exchange, struct rl_socket *socket) {
  union rl_endpoint own = {.any.sa_family = AF_UNSPEC};
  socklen_t size = sizeof own, peer_size = sizeof socket->peer;
  int fd = rl_http_wire_take(exchange->connection);
  getsockname(fd, &own.any, &size);
  if (own.any.sa_family != AF_UNIX)
    getpeername(fd, &socket->peer.any, &peer_size);
  return rl_socket_open(socket, fd, own.any.sa_family == AF_UNIX);
}

/* What waits on both ways goes into the socket. 0 or an error. */
static int carry(struct rl_http_exchange *exchange, struct rl_socket *socket) {
  struct rl_slice out = {(const char *)exchange->out.bytes + exchange->written,
                         rl_http_output_pending(exchange)};
  int status = exchange->out.failed ? UV_ENOMEM : rl_stream_send(&socket->stream, out);
  if (status == 0)
    status = rl_stream_unread(&socket->stream, exchange->in);
  exchange->out.size = exchange->written = 0;
  exchange->in = (struct rl_slice){"", 0};
  return status;
}

int rl_http_upgrade(lua_State *L, struct rl_http_exchange *exchange, struct rl_slice protocol) {
  if (!is_asked_for(&exchange->request.head, protocol)) {
    luaL_pushfail(L);
    lua_pushfstring(L, "the client has not asked for \"%s\"", protocol.bytes);
    return 2;
  }
  check(L, exchange);
  struct upgrade *upgrade = prepare(L, exchange);
  write_head(exchange, protocol);
  hand_over(exchange, upgrade);
  int status = move(exchange, upgrade->socket);
  if (status == 0)
    status = carry(exchange, upgrade->socket);
  return status == 0 ? 1 : luaL_error(L, "req:upgrade: %s", uv_strerror(status));
}
