/* HTTP wire: a connection is in exactly one list of its server. A phase has one length for all
 * connections of a server, so each list is in the order in which its times are up. */
#include "serve/http_wire.h"

#include <lauxlib.h>

#include "domain/domain.h"
#include "io/clients.h"
#include "serve/http_count.h"
#include "serve/http_pool.h"
#include "vm/call.h"

void rl_http_wire_enter(struct rl_http_connection *connection, enum rl_http_phase phase) {
  struct rl_http_server *server = connection->server;
  connection->since = uv_now(server->http->domain->loop);
  connection->phase = (uint8_t)phase;
  rl_list_remove(&connection->link);
  rl_list_push(&server->phases[phase], &connection->link);
}

void rl_http_wire_watch(struct rl_http_connection *connection, int events) {
  events &=
      connection->ended ? UV_WRITABLE : UV_READABLE | UV_WRITABLE; /* else for ever readable */
  if (!(events & UV_READABLE) && !connection->ends)
    events |= UV_DISCONNECT;
  if (events == 0)
    events = UV_PRIORITIZED; /* a reset is told to whoever watches for anything */
  if (connection->watched == events)
    return;
  connection->watched = (uint8_t)events;
  rl_thin_watch(&connection->thin, events, NULL);
}

static void on_closed(uv_handle_t *handle) {
  struct rl_http_connection *connection = RL_OF(handle, struct rl_http_connection, thin.poll);
  struct rl_http_server *server = connection->server;
  if (connection->turned_away) {
    server->turned_away--;
  } else {
    server->open--;
    rl_http_count_close(server->http);
  }
  if (connection->client)
    rl_clients_leave(server->http->domain->settings->clients, connection->client);
  rl_free(server->http->heap, connection, sizeof *connection);
  rl_http_pool_release(server);
}

struct cancelling {
  struct rl_http_exchange *exchange;
  const char *reason;
};

static int cancel(lua_State *L) {
  struct cancelling *cancelling = lua_touserdata(L, 1);
  lua_pushstring(L, cancelling->reason);
  rl_fiber_cancel(L, cancelling->exchange->fiber);
  return 0;
}

void rl_http_wire_cancel(struct rl_http_exchange *exchange, const char *reason) {
  struct cancelling cancelling = {exchange, reason};
  lua_State *L = exchange->http->domain->vm.L;
  if (!exchange->fiber)
    return;
  if (rl_call_protected(L, cancel, &cancelling) == LUA_OK)
    return;
  lua_pop(L, 1);
  rl_fiber_end(exchange->fiber); /* needs no memory */
}

/* The handler goes on without its client. */
static void part(struct rl_http_exchange *exchange, bool cancels) {
  exchange->connection->exchange = NULL;
  exchange->connection = NULL;
  exchange->keep_alive = false;
  if (cancels)
    rl_http_wire_cancel(exchange, "the client has closed the connection");
  rl_wake(&exchange->reader, 0);
  rl_wake(&exchange->writer, 0);
}

int rl_http_wire_take(struct rl_http_connection *connection) {
  connection->exchange->connection = NULL;
  connection->exchange = NULL;
  rl_list_remove(&connection->link);
  return rl_thin_release(&connection->thin, on_closed);
}

void rl_http_wire_close(struct rl_http_connection *connection) {
  struct rl_http_exchange *exchange = connection->exchange;
  bool cancels = connection->server->options.cancel && !connection->server->http->ended;
  rl_list_remove(&connection->link);
  rl_thin_close(&connection->thin, on_closed);
  if (!exchange)
    return;
  if (exchange->fiber)
    part(exchange, cancels);
  else
    rl_http_pool_give(exchange);
}
