/* HTTP pool: see the header. As many exchanges are kept as a second has needed: what lay unused all
 * the time between two ticks of the clock is freed, so that a burst leaves its slots behind, and
 * nothing else. */
#include "serve/http_pool.h"

#include <lauxlib.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "domain/domain.h"
#include "io/networks.h"
#include "serve/http_count.h"
#include "serve/http_file.h"

static const char pool_key = 0; /* its address: the key in the registry */

static void free_exchange(struct rl_http_exchange *exchange) {
  rl_http_file_drop(exchange);
  rl_request_free(&exchange->request);
  rl_buffer_free(&exchange->input);
  rl_buffer_free(&exchange->text);
  rl_buffer_free(&exchange->path_room);
  rl_buffer_free(&exchange->headers);
  rl_buffer_free(&exchange->trailers);
  rl_buffer_free(&exchange->out);
  rl_free(exchange->http->heap, exchange, sizeof *exchange);
}

static void free_slots(struct rl_http *http, struct rl_list *list) {
  for (struct rl_list *link; (link = rl_list_take(list));) {
    struct rl_http_slot *slot = RL_OF(link, struct rl_http_slot, link);
    if (slot->exchange)
      free_exchange(slot->exchange);
    rl_free(http->heap, slot, sizeof *slot);
  }
}

/* Also the slots: whoever held a handle to one was collected with the state. */
static void let_go(struct rl_http *http) {
  if (--http->holders > 0)
    return;
  free_slots(http, &http->taken);
  free_slots(http, &http->vacant);
  rl_buffer_free(&http->json);
  rl_http_count_free(http);
  rl_free(http->heap, http, sizeof *http);
}

static void clock_closed(uv_handle_t *handle) {
  let_go(handle->data);
}

static int collect(lua_State *L) {
  struct rl_http **box = lua_touserdata(L, 1);
  if (*box) {
    (*box)->ended = true;
    uv_close((uv_handle_t *)&(*box)->clock, clock_closed);
    uv_close((uv_handle_t *)&(*box)->asking, clock_closed);
  }
  *box = NULL;
  return 0;
}

static int reference(lua_State *L, const char *type) {
  luaL_getmetatable(L, type);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* It keeps no loop alive. */
static void open_timer(struct rl_http *http, uv_timer_t *timer) {
  uv_timer_init(http->domain->loop, timer);
  timer->data = http;
  uv_unref((uv_handle_t *)timer);
}

/* [] -> [box] */
static struct rl_http *create(lua_State *L) {
  struct rl_serving *serving = rl_serving_of(L);
  struct rl_http **box = lua_newuserdatauv(L, sizeof *box, 0); // [box]
  *box = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  int request = reference(L, RL_HTTP_REQUEST), response = reference(L, RL_HTTP_RESPONSE);
  struct rl_heap *heap = serving->domain->settings->heap;
  struct rl_http *http = rl_zalloc(heap, sizeof *http);
  if (!http)
    luaL_error(L, "not enough memory");
  *box = http;
  http->serving = serving;
  http->domain = serving->domain;
  http->heap = heap;
  rl_buffer_init(&http->json, heap);
  http->request_meta = request;
  http->response_meta = response;
  http->boot = rl_domain_now(http->domain) ^ (uint64_t)time(NULL) << 20;
  http->holders = 2;
  rl_list_init(&http->free);
  rl_list_init(&http->taken);
  rl_list_init(&http->vacant);
  rl_list_init(&http->servers);
  open_timer(http, &http->clock);
  open_timer(http, &http->asking);
  return http;
}

struct rl_http *rl_http_pool_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &pool_key);
  struct rl_http **box = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (box && *box)
    return *box;
  struct rl_http *http = create(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &pool_key);
  return http;
}

static struct rl_http_slot *get_slot(struct rl_http *http) {
  struct rl_list *link = rl_list_take(&http->vacant);
  struct rl_http_slot *slot =
      link ? RL_OF(link, struct rl_http_slot, link) : rl_zalloc(http->heap, sizeof *slot);
  if (!slot)
    return NULL;
  rl_list_init(&slot->link);
  rl_list_push(&http->vacant, &slot->link);
  return slot;
}

static void move_slot(struct rl_http_slot *slot, struct rl_http_exchange *exchange,
                      struct rl_list *to) {
  slot->exchange = exchange;
  rl_list_remove(&slot->link);
  rl_list_push(to, &slot->link);
}

static struct rl_http_exchange *new_exchange(struct rl_http *http) {
  struct rl_http_slot *slot = get_slot(http);
  struct rl_http_exchange *exchange = slot ? rl_zalloc(http->heap, sizeof *exchange) : NULL;
  if (!exchange)
    return NULL;
  move_slot(slot, exchange, &http->taken);
  exchange->http = http;
  exchange->slot = slot;
  rl_list_init(&exchange->link);
  rl_list_init(&exchange->endings);
  rl_buffer_init(&exchange->input, http->heap);
  rl_buffer_init(&exchange->text, http->heap);
  rl_buffer_init(&exchange->path_room, http->heap);
  rl_buffer_init(&exchange->headers, http->heap);
  rl_buffer_init(&exchange->trailers, http->heap);
  rl_buffer_init(&exchange->out, http->heap);
  exchange->fields = exchange->body_text = exchange->whole = LUA_NOREF;
  exchange->length = exchange->handler = -1;
  return exchange;
}

static struct rl_http_exchange *get_exchange(struct rl_http *http) {
  struct rl_list *link = rl_list_take(&http->free);
  if (!link)
    return new_exchange(http);
  if (--http->unused < http->unneeded)
    http->unneeded = http->unused;
  return RL_OF(link, struct rl_http_exchange, link);
}

bool rl_http_pool_trim(struct rl_http *http) {
  for (; http->unneeded > 0; http->unneeded--, http->unused--) {
    struct rl_http_exchange *last = RL_OF(http->free.previous, struct rl_http_exchange, link);
    rl_list_remove(&last->link);
    move_slot(last->slot, NULL, &http->vacant);
    free_exchange(last);
  }
  http->unneeded = http->unused;
  return http->unused > 0;
}

struct rl_http_exchange *rl_http_pool_borrow(struct rl_http_connection *connection) {
  struct rl_http_server *server = connection->server;
  struct rl_http_exchange *exchange = get_exchange(server->http);
  if (!exchange)
    return NULL;
  if (!exchange->request.limits)
    rl_request_init(&exchange->request, server->http->heap, &server->options.limits);
  exchange->request.limits = &server->options.limits;
  exchange->server = server;
  server->holders++;
  exchange->connection = connection;
  exchange->stage = RL_HTTP_READING;
  connection->exchange = exchange;
  return exchange;
}

static void drop(struct rl_http_exchange *exchange, int *reference) {
  if (!exchange->http->ended)
    luaL_unref(exchange->http->domain->vm.L, LUA_REGISTRYINDEX, *reference);
  *reference = LUA_NOREF;
}

static inline void unref(struct rl_http_exchange *exchange, int *reference) {
  if (*reference != LUA_NOREF)
    drop(exchange, reference);
}

static inline void wake(struct rl_wait *wait) {
  if (wait->fiber)
    rl_wake(wait, 0);
}

void rl_http_pool_reset(struct rl_http_exchange *exchange) {
  if (exchange->http->meters)
    rl_http_count_over(exchange);
  exchange->handler = -1;
  exchange->slot->ticket = 0;
  for (struct rl_list *link; (link = rl_list_take(&exchange->endings));) {
    struct rl_http_ending *ending = RL_OF(link, struct rl_http_ending, link);
    ending->over(ending);
  }
  wake(&exchange->reader); /* a fiber that the handler started */
  wake(&exchange->writer);
  rl_http_file_drop(exchange);
  rl_request_reset(&exchange->request);
  if (exchange->body_begun)
    rl_body_free(&exchange->body);
  rl_http_pool_empty(&exchange->text);
  rl_http_pool_empty(&exchange->path_room);
  rl_http_pool_empty(&exchange->headers);
  rl_http_pool_empty(&exchange->trailers);
  unref(exchange, &exchange->fields);
  unref(exchange, &exchange->body_text);
  unref(exchange, &exchange->whole);
  exchange->stage = RL_HTTP_READING;
  exchange->fiber = NULL;
  exchange->body_begun = exchange->continued = exchange->expired = false;
  exchange->began = exchange->streaming = exchange->bodyless = exchange->chunked = false;
  exchange->upgraded = exchange->secure = exchange->malformed = false;
  exchange->remote.any.sa_family = AF_UNSPEC;
  exchange->drained = exchange->sent_body = exchange->awaited = 0;
  exchange->arrived = 0;
  exchange->type = NULL;
  exchange->trouble = exchange->status = 0;
  exchange->length = -1;
}

void rl_http_pool_give(struct rl_http_exchange *exchange) {
  struct rl_http *http = exchange->http;
  rl_http_pool_reset(exchange);
  rl_http_pool_empty(&exchange->input);
  rl_http_pool_empty(&exchange->out);
  exchange->in = (struct rl_slice){"", 0};
  exchange->written = 0;
  if (exchange->counted && !http->ended)
    http->serving->running--;
  exchange->counted = false;
  if (exchange->connection)
    exchange->connection->exchange = NULL;
  exchange->connection = NULL;
  rl_list_push(http->free.next, &exchange->link); /* first: it is in the cache */
  http->unused++;
  rl_http_pool_release(exchange->server);
  exchange->server = NULL;
}

void rl_http_pool_release(struct rl_http_server *server) {
  struct rl_http *http = server->http;
  if (--server->holders > 0)
    return;
  if (!http->ended)
    luaL_unref(http->domain->vm.L, LUA_REGISTRYINDEX, server->anchor);
  rl_networks_free(http->heap, server->options.trust);
  rl_list_remove(&server->link);
  rl_list_remove(&server->listening.link);
  rl_list_remove(&server->connections.link);
  rl_free(http->heap, server, sizeof *server);
  let_go(http);
}

int64_t rl_http_pool_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

void rl_http_pool_id(const struct rl_http_exchange *exchange, char text[RL_HTTP_ID]) {
  snprintf(text, RL_HTTP_ID, "%08x-%llx", (unsigned)exchange->http->boot,
           (unsigned long long)exchange->slot->ticket);
}
