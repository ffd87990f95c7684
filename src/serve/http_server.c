/* HTTP server: see the header. It lives until its userdata, its listener, its connections and their
 * exchanges are gone. */
#include "serve/http_server.h"

#include <errno.h>
#include <lauxlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "domain/domain.h"
#include "io/clients.h"
#include "io/networks.h"
#include "serve/http_clock.h"
#include "serve/http_connection.h"
#include "serve/http_pool.h"
#include "serve/http_proxy.h"
#include "serve/http_site.h"
#include "serve/http_stop.h"
#include "serve/socket.h"
#include "vm/check.h"

void rl_http_server_defaults(struct rl_http_options *options) {
  *options = (struct rl_http_options){
      .limits = RL_HTTP_LIMITS_DEFAULT,
      .time = {[RL_HTTP_IDLE] = 75 * 1000,
               [RL_HTTP_HEAD] = 10 * 1000,
               [RL_HTTP_BODY] = 30 * 1000,
               [RL_HTTP_RUNNING] = 60 * 1000,
               [RL_HTTP_HALF] = 1000,
               [RL_HTTP_SENDING] = 30 * 1000,
               [RL_HTTP_LINGER] = 2 * 1000},
      .compute = 10 * 1000,
      .upload = (uint64_t)1 << 30,
      .connections = 16 * 1024,
      .backlog = RL_LISTENER_BACKLOG,
      .shared = true,
      .cancel = true,
  };
}

/* How many connections the address may have; 0: any number. Unless the script says otherwise one
 * address may not take all that there is, but whoever comes over the loopback is a proxy for many;
 * so is one that is trusted. */
static unsigned limit_for(const struct rl_http_server *server, const union rl_endpoint *peer) {
  enum { SHARE = 4 };
  const struct rl_http_options *options = &server->options;
  if (peer->any.sa_family == AF_UNSPEC || rl_http_proxy_trusted(server, peer))
    return 0;
  if (options->per_address)
    return options->per_address;
  if (rl_clients_is_loopback(peer))
    return 0;
  return options->connections / SHARE + 1;
}

static void on_accepted(struct rl_listener *listener, int fd, const union rl_endpoint *peer) {
  struct rl_http_server *server = RL_OF(listener, struct rl_http_server, listener);
  bool welcome = server->open < server->options.connections;
  unsigned limit = welcome ? limit_for(server, peer) : 0;
  struct rl_client *client = NULL;
  if (limit > 0) {
    struct rl_clients *clients = server->http->domain->settings->clients;
    client = rl_clients_enter(clients, peer, listener->address.port, limit);
    welcome = client != NULL;
  }
  if (welcome)
    rl_http_connection_open(server, fd, peer, client);
  else
    rl_http_connection_turn_away(server, fd);
  rl_http_clock_start(server->http);
}

static void on_listener_closed(struct rl_listener *listener) {
  rl_http_pool_release(RL_OF(listener, struct rl_http_server, listener));
}

void rl_http_server_close(struct rl_http_server *server) {
  if (server->stopping)
    return;
  rl_list_remove(&server->listening.link);
  server->holders++; /* its last connection may be closed */
  if (!server->listener.closing) {
    rl_listener_drain(&server->listener);
    rl_listener_close(&server->listener);
  }
  rl_http_stop(server);
  rl_http_pool_release(server);
}

static void stop(struct rl_closable *closable) {
  rl_http_server_close(RL_OF(closable, struct rl_http_server, listening));
}

/* With the domain. */
static void close_hard(struct rl_closable *closable) {
  struct rl_http_server *server = RL_OF(closable, struct rl_http_server, connections);
  server->holders++;
  rl_http_server_close(server);
  rl_http_stop_now(server);
  rl_http_pool_release(server);
}

/* A handler that never waits is past its time, too, when its turn has lasted so long. */
static uint64_t turn_limit(const struct rl_http_options *options) {
  uint64_t limit = options->compute, time = options->time[RL_HTTP_RUNNING];
  return (time != 0 && (limit == 0 || time < limit) ? time : limit) * RL_HTTP_MILLISECOND;
}

/* With its options. NULL when there is no memory. */
static struct rl_http_server *allocate(struct rl_heap *heap,
                                       const struct rl_http_options *options) {
  struct rl_http_server *server = rl_zalloc(heap, sizeof *server);
  if (!server)
    return NULL;
  server->options = *options;
  if (!options->trust)
    return server;
  server->options.trust = rl_networks_copy(heap, options->trust);
  if (server->options.trust)
    return server;
  rl_free(heap, server, sizeof *server);
  return NULL;
}

/* [] -> [userdata] */
static struct rl_http_server *create(lua_State *L, int site,
                                     const struct rl_http_options *options) {
  struct rl_http *http = rl_http_pool_of(L);
  http->over = rl_http_connection_over;
  struct rl_http_server **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, RL_HTTP_SERVER);
  lua_pushvalue(L, site);
  int anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  struct rl_http_server *server = allocate(http->heap, options);
  if (!server) {
    luaL_unref(L, LUA_REGISTRYINDEX, anchor);
    luaL_error(L, "not enough memory");
  }
  *box = server;
  server->http = http;
  http->holders++;
  server->site = rl_http_site_check(L, site);
  server->anchor = anchor;
  server->turn_limit = turn_limit(options);
  server->holders = 1;
  server->listener.closing = true; /* there is nothing to close */
  server->listening.close = stop;
  server->connections.close = close_hard;
  for (int i = 0; i < RL_HTTP_PHASES; i++)
    rl_list_init(&server->phases[i]);
  rl_list_push(&http->servers, &server->link);
  rl_list_push(&http->serving->servers, &server->listening.link);
  rl_list_push(&http->serving->sockets, &server->connections.link);
  return server;
}

int rl_http_server_listen(lua_State *L, int site, const struct rl_address *address,
                          const struct rl_http_options *options) {
  static const struct rl_listener_events events = {on_accepted, on_listener_closed};
  struct rl_http_server *server = create(L, site, options);
  if (!address)
    return 1;
  struct rl_domain *domain = server->http->domain;
  struct rl_address where = rl_serving_resolve(L, address);
  struct rl_ports_wish wish = {where, options->backlog, !options->shared};
  int status = rl_listener_open(&server->listener, domain->loop, domain->settings->ports, &wish,
                                &domain->settings->log, &events);
  if (status == 0) {
    server->holders++;
    server->local = where.kind == RL_ADDRESS_UNIX;
    return 1;
  }
  char url[RL_ADDRESS_TEXT];
  server->listener.closing = true;
  rl_http_server_close(server);
  rl_address_url(&where, url, sizeof url);
  luaL_pushfail(L);
  lua_pushfstring(L, "cannot listen on %s: %s", url, uv_strerror(status));
  return 2;
}

int rl_http_server_inject(lua_State *L, struct rl_http_server *server) {
  int ends[2];
  struct rl_socket *socket = rl_socket_new(L, server->http->serving);
  if (server->stopping)
    return luaL_error(L, "the server is closed");
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
    return luaL_error(L, "no socket: %s", uv_strerror(uv_translate_sys_error(errno)));
  int status = rl_socket_open(socket, ends[0], true);
  if (status == 0)
    status = rl_http_connection_open(server, ends[1], &server->guest, NULL);
  else
    close(ends[1]);
  rl_http_clock_start(server->http);
  return status == 0 ? 1 : luaL_error(L, "no socket: %s", uv_strerror(status));
}

struct rl_http_server *rl_http_server_check(lua_State *L, int index) {
  struct rl_http_server **box =
      index == 1 ? rl_check_self(L, RL_HTTP_SERVER) : luaL_checkudata(L, index, RL_HTTP_SERVER);
  luaL_argcheck(L, *box, index, "server was collected");
  return *box;
}

int rl_http_server_collect(lua_State *L) {
  struct rl_http_server **box = luaL_checkudata(L, 1, RL_HTTP_SERVER);
  if (*box)
    rl_http_pool_release(*box);
  *box = NULL;
  return 0;
}
