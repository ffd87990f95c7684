/* TCP session: see the header. Whatever makes Lua values runs protected, since a libuv callback
 * has nobody to catch what it raises. */
#include "serve/tcp.h"

#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/report.h"
#include "serve/socket.h"
#include "vm/call.h"
#include "vm/check.h"

/* A client on its way from accept to its fiber. */
struct arrival {
  struct rl_server *server;
  const union rl_endpoint *peer;
  int fd;                   /* -1 once the socket has it */
  struct rl_socket *socket; /* held; NULL before */
};

static void log_error(const struct rl_serving *serving, lua_State *L, const char *prefix) {
  size_t size;
  const char *text = rl_traceback_text(L, -1, &size);
  rl_report_text(serving->domain, NULL, RL_LOG_ERROR, prefix, text, size);
  lua_pop(L, 1);
}

/* The handler is over. */
static void on_ended(struct rl_fiber *fiber, lua_State *L, int status, int nresults) {
  struct rl_socket *socket = fiber->owner;
  struct rl_serving *serving = socket->serving;
  (void)nresults;
  rl_socket_close(socket);
  rl_socket_let_go(socket);
  serving->running--;
  if (status != LUA_OK && !fiber->whole.cancelled)
    log_error(serving, L, "error in a connection's handler: ");
}

/* Nothing that raises may follow rl_fiber_new. */
static int begin(lua_State *L) {
  struct arrival *arrival = lua_touserdata(L, 1);
  struct rl_server *server = arrival->server;
  struct rl_serving *serving = server->serving;
  struct rl_socket *socket = rl_socket_new(L, serving); // [arrival, socket]
  rl_socket_hold(socket);
  arrival->socket = socket;
  socket->max_line = server->options.max_line;
  socket->timeout = server->options.timeout;
  socket->peer = *arrival->peer;
  struct rl_fiber *fiber = rl_fiber_new(L, on_ended, socket);
  bool local = server->listener.address.kind == RL_ADDRESS_UNIX;
  int status = rl_socket_open(socket, arrival->fd, local);
  arrival->fd = -1;
  if (status != 0) {
    rl_fiber_drop(fiber);
    return luaL_error(L, "%s", uv_strerror(status));
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, server->handler);
  lua_insert(L, -2); // [arrival, handler, socket]
  lua_xmove(L, fiber->L, 2);
  serving->running++;
  rl_fiber_start(fiber);
  return 0;
}

static void on_accepted(struct rl_listener *listener, int fd, const union rl_endpoint *peer) {
  struct rl_server *server = RL_OF(listener, struct rl_server, listener);
  struct rl_serving *serving = server->serving;
  struct arrival arrival = {.server = server, .peer = peer, .fd = fd};
  lua_State *L = serving->domain->vm.L;
  if (rl_call_protected(L, begin, &arrival) == LUA_OK)
    return;
  log_error(serving, L, "a connection could not be begun: ");
  lua_pop(L, 1);
  if (arrival.fd >= 0)
    close(arrival.fd);
  if (arrival.socket) {
    rl_socket_close(arrival.socket);
    rl_socket_let_go(arrival.socket);
  }
}

static void let_go(struct rl_server *server) {
  if (--server->holders == 0)
    rl_free(server->heap, server, sizeof *server);
}

static void on_closed(struct rl_listener *listener) {
  let_go(RL_OF(listener, struct rl_server, listener));
}

void rl_tcp_close(struct rl_server *server) {
  if (server->listener.closing)
    return;
  rl_list_remove(&server->closable.link);
  rl_listener_close(&server->listener);
  luaL_unref(server->serving->domain->vm.L, LUA_REGISTRYINDEX, server->handler);
  server->handler = LUA_NOREF;
}

static void close_hard(struct rl_closable *closable) {
  rl_tcp_close(RL_OF(closable, struct rl_server, closable));
}

/* [handler] -> [handler, userdata]: a server that does not listen yet. */
static struct rl_server *create(lua_State *L, const struct rl_tcp_options *options) {
  struct rl_serving *serving = rl_serving_of(L);
  struct rl_server **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, RL_SERVER_TYPE);
  struct rl_heap *heap = serving->domain->settings->heap;
  struct rl_server *server = rl_zalloc(heap, sizeof *server);
  if (!server)
    luaL_error(L, "not enough memory");
  *box = server;
  rl_list_init(&server->closable.link);
  server->closable.close = close_hard;
  server->serving = serving;
  server->heap = heap;
  server->options = *options;
  server->handler = LUA_NOREF;
  server->holders = 1;
  server->listener.closing = true; /* there is nothing to close */
  return server;
}

int rl_tcp_listen(lua_State *L, const struct rl_address *address,
                  const struct rl_tcp_options *options) {
  static const struct rl_listener_events events = {on_accepted, on_closed};
  struct rl_address where = rl_serving_resolve(L, address);
  struct rl_server *server = create(L, options); // [.., handler, userdata]
  struct rl_serving *serving = server->serving;
  lua_pushvalue(L, -2);
  server->handler = luaL_ref(L, LUA_REGISTRYINDEX);
  struct rl_ports_wish wish = {where, options->backlog, !options->shared};
  struct rl_domain *domain = serving->domain;
  int status = rl_listener_open(&server->listener, domain->loop, domain->settings->ports, &wish,
                                &serving->domain->settings->log, &events);
  if (status == 0) {
    server->holders++;
    rl_list_push(&serving->servers, &server->closable.link);
    return 1;
  }
  char url[RL_ADDRESS_TEXT];
  server->listener.closing = true;
  luaL_unref(L, LUA_REGISTRYINDEX, server->handler);
  rl_address_url(&where, url, sizeof url);
  luaL_pushfail(L);
  lua_pushfstring(L, "cannot listen on %s: %s", url, uv_strerror(status));
  return 2;
}

struct rl_server *rl_tcp_check(lua_State *L) {
  struct rl_server **box = rl_check_self(L, RL_SERVER_TYPE);
  luaL_argcheck(L, *box, 1, "listener was collected");
  return *box;
}

int rl_tcp_collect(lua_State *L) {
  struct rl_server **box = luaL_checkudata(L, 1, RL_SERVER_TYPE);
  if (*box)
    let_go(*box);
  *box = NULL;
  return 0;
}
