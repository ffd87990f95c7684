/* HTTP exchange: see the header. The handler is the fiber's function itself, without a frame of
 * ours around it; a string that it returns is copied from its stack into the output. */
#include "serve/http_exchange.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "domain/domain.h"
#include "domain/report.h"
#include "domain/timer.h"
#include "http/lines.h"
#include "http/percent.h"
#include "http/response.h"
#include "http/scan.h"
#include "http/status.h"
#include "serve/http_answer.h"
#include "serve/http_context.h"
#include "serve/http_file.h"
#include "serve/http_pool.h"
#include "serve/http_proxy.h"
#include "serve/http_result.h"
#include "serve/http_site.h"
#include "serve/http_static.h"
#include "serve/http_wire.h"
#include "vm/call.h"

/* -- answers of the server's own ----------------------------------------------------------- */

static void answer_plainly(struct rl_http_exchange *exchange, int status) {
  char text[64];
  snprintf(text, sizeof text, "%s\n", rl_status_reason(status));
  rl_http_answer_status(exchange, status, text);
}

void rl_http_exchange_refuse(struct rl_http_exchange *exchange, int status) {
  exchange->stage = RL_HTTP_LAST;
  exchange->request.head.minor = 1;
  exchange->headers.size = 0;
  answer_plainly(exchange, status);
}

/* -- the handler's time ---------------------------------------------------------------------- */

static void on_time(struct rl_timer *timer, void *owner) {
  struct rl_http_exchange *exchange = owner;
  (void)timer;
  exchange->timer = NULL;
  rl_http_exchange_expire(exchange);
}

void rl_http_exchange_expire(struct rl_http_exchange *exchange) {
  exchange->expired = true;
  rl_http_wire_cancel(exchange, "the handler's time is over");
}

/* What rl_http_exchange_expire is to one that waits: it computes. */
static void push_overdue(lua_State *L, struct rl_fiber *fiber) {
  struct rl_http_exchange *exchange = fiber->owner;
  exchange->expired = true;
  lua_pushliteral(L, "the handler has computed for too long (what computes belongs on a compute "
                     "domain, by rille.detach)");
}

/* Its own time ends it where it computes, too; the server's handler_timeout is no bound then. */
static void bound(struct rl_http_exchange *exchange, double seconds) {
  uint64_t compute = exchange->server->options.compute;
  bool ends = !isinf(seconds) && seconds < 1e9;
  uint64_t deadline = ends ? rl_domain_now(exchange->http->domain) + (uint64_t)(seconds * 1e9) : 0;
  rl_fiber_bound(exchange->fiber, compute * RL_HTTP_MILLISECOND, deadline);
}

int rl_http_exchange_time(struct rl_http_exchange *exchange, double seconds) {
  if (exchange->timer)
    rl_timer_stop(exchange->timer);
  exchange->timer = NULL;
  exchange->own_time = seconds > 0;
  if (seconds > 0)
    bound(exchange, seconds);
  if (seconds > 0 && !isinf(seconds))
    exchange->timer =
        rl_timer_start(&exchange->http->domain->timers, seconds, false, on_time, exchange);
  return exchange->own_time && !isinf(seconds) && !exchange->timer ? -1 : 0;
}

/* -- the end of the handler ---------------------------------------------------------------- */

static struct rl_slice method_of(const struct rl_http_exchange *exchange) {
  const struct rl_head *head = &exchange->request.head;
  return rl_head_slice(head, head->method_text);
}

static void log_failure(struct rl_http_exchange *exchange, const char *text, size_t size) {
  char prefix[256], id[RL_HTTP_ID];
  struct rl_slice path = exchange->path, method = method_of(exchange);
  rl_http_pool_id(exchange, id);
  snprintf(prefix, sizeof prefix,
           "error in the handler of %.*s %.*s (request %s): ", (int)method.size, method.bytes,
           path.size < 150 ? (int)path.size : 150, path.bytes, id);
  rl_report_text(exchange->http->domain, rl_report_context(exchange->fiber), RL_LOG_ERROR, prefix,
                 text, size);
}

int rl_http_exchange_failure(const struct rl_http_exchange *exchange) {
  bool ends = exchange->server->stopping && exchange->fiber->whole.cancelled;
  if (exchange->expired || ends)
    return 503;
  if (exchange->trouble >= 400)
    return exchange->trouble;
  return exchange->malformed ? 400 : 500;
}

/* To those who develop: the error, and the id by which it is found in the log. */
static void answer_openly(struct rl_http_exchange *exchange, struct rl_slice error) {
  char line[RL_HTTP_ID + 16], id[RL_HTTP_ID];
  struct rl_buffer *page = &exchange->http->json;
  rl_http_pool_id(exchange, id);
  int size = snprintf(line, sizeof line, "\n\nrequest %s\n", id);
  rl_http_pool_empty(page);
  rl_buffer_append(page, error.bytes, error.size);
  rl_buffer_append(page, line, (size_t)size);
  struct rl_slice body = {(const char *)page->bytes, page->size};
  rl_http_answer(exchange, 500, "text/plain; charset=utf-8", page->failed ? error : body);
  rl_http_pool_empty(page);
}

/* [.., error]: the answer to a handler that failed. */
static void answer_failure(struct rl_http_exchange *exchange, lua_State *L) {
  char line[128], id[RL_HTTP_ID];
  size_t size;
  int status = rl_http_exchange_failure(exchange);
  bool left = exchange->fiber->whole.cancelled && !exchange->expired; /* the client has */
  rl_http_result_explain(L, exchange);
  const char *text = rl_traceback_text(L, -1, &size);
  if (!left && (status == 500 || exchange->expired))
    log_failure(exchange, text, size);
  rl_http_answer_failed(exchange);
  if (status != 500) {
    if (exchange->expired || exchange->trouble || status == 503)
      exchange->stage = RL_HTTP_LAST;
    answer_plainly(exchange, status);
  } else if (exchange->server->options.development) {
    answer_openly(exchange, (struct rl_slice){text, size});
  } else {
    rl_http_pool_id(exchange, id);
    snprintf(line, sizeof line, "Internal Server Error\nrequest %s\n", id);
    rl_http_answer_status(exchange, 500, line);
  }
  lua_pop(L, 1);
}

/* Not that of the client, who has sent something wrong or has left. */
static bool is_own_fault(const struct rl_http_exchange *exchange) {
  if (exchange->expired)
    return true;
  return !exchange->trouble && !exchange->malformed && !exchange->fiber->whole.cancelled &&
         (exchange->connection || exchange->upgraded);
}

/* An answer that was begun cannot become another one: it is cut off, which the client sees. */
static void cut(struct rl_http_exchange *exchange, lua_State *L, const char *why) {
  size_t size = strlen(why);
  if (L)
    why = rl_traceback_text(L, -1, &size);
  if (is_own_fault(exchange))
    log_failure(exchange, why, size);
  if (L)
    lua_pop(L, 1);
  exchange->streaming = exchange->keep_alive = false;
  exchange->stage = RL_HTTP_LAST;
}

/* Seconds in words of the protocol: whole ones, at least 1. */
static void answer_later(struct rl_http_exchange *exchange, lua_Number seconds) {
  enum { MOST = 24 * 60 * 60 };
  static const struct rl_slice name = {"Retry-After", 11};
  char text[16];
  int whole = 1;
  if (seconds > 1)
    whole = seconds < MOST ? (int)ceil(seconds) : MOST;
  snprintf(text, sizeof text, "%d", whole);
  rl_http_answer_failed(exchange);
  rl_lines_remove(&exchange->headers, name);
  rl_response_field(&exchange->headers, name, rl_scan_text(text));
  rl_http_answer_status(exchange, 503, "Service Unavailable\n");
}

/* [.., error]: one that is an answer, a table with a status and a body, becomes that: LUA_OK; so
 * does one that says when to try again, such as a refused task's; or what it was. */
static int answer_error(struct rl_http_exchange *exchange, lua_State *L, int status) {
  if (exchange->began || !lua_istable(L, -1))
    return status;
  int error = lua_absindex(L, -1);
  lua_pushliteral(L, "status");
  lua_rawget(L, error);
  lua_pushliteral(L, "body");
  lua_rawget(L, error);
  if (lua_isinteger(L, -2)) {
    rl_http_answer_anew(exchange);
    return rl_http_result(exchange, L, 2);
  }
  lua_pushliteral(L, "retry_after");
  lua_rawget(L, error);
  if (lua_type(L, -1) == LUA_TNUMBER) {
    answer_later(exchange, lua_tonumber(L, -1));
    status = LUA_OK;
  }
  lua_pop(L, 3);
  return status;
}

static void on_ended(struct rl_fiber *fiber, lua_State *L, int status, int nresults) {
  struct rl_http_exchange *exchange = fiber->owner;
  exchange->stage = RL_HTTP_DRAINING;
  if (status == LUA_OK && !exchange->expired)
    status = rl_http_result(exchange, L, nresults);
  else if (!exchange->expired)
    status = answer_error(exchange, L, status);
  if (exchange->expired && status == LUA_OK) { /* it swallowed its cancellation */
    lua_pushliteral(L, "the handler's time is over");
    status = LUA_ERRRUN;
  }
  if (status != LUA_OK && !exchange->began)
    answer_failure(exchange, L);
  else if (status != LUA_OK)
    cut(exchange, L, "");
  else if (exchange->streaming && rl_http_answer_end(exchange) != 0)
    cut(exchange, NULL, "the answer is shorter than its Content-Length");
  exchange->fiber = NULL;
  rl_http_exchange_time(exchange, 0);
  if (exchange->http->current != exchange)
    exchange->http->over(exchange);
}

/* -- the beginning ------------------------------------------------------------------------- */

static void push_handle(lua_State *L, struct rl_http_exchange *exchange, int metatable) {
  struct rl_http_handle *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  handle->slot = exchange->slot;
  handle->ticket = exchange->slot->ticket;
  lua_rawgeti(L, LUA_REGISTRYINDEX, metatable);
  lua_setmetatable(L, -2);
}

/* Inside the fiber: its function and arguments. */
static int enter(struct rl_fiber *fiber, lua_State *L) {
  struct rl_http_exchange *exchange = fiber->owner;
  const struct rl_http_handler *handler = &exchange->server->site->handlers[exchange->handler];
  lua_rawgeti(L, LUA_REGISTRYINDEX, handler->function);
  if (handler->arguments > 0)
    push_handle(L, exchange, exchange->http->request_meta);
  if (handler->arguments > 1)
    push_handle(L, exchange, exchange->http->response_meta);
  return 1 + handler->arguments;
}

static int make_fiber(lua_State *L) {
  struct rl_http_exchange *exchange = lua_touserdata(L, 1);
  exchange->fiber = rl_fiber_new(L, on_ended, exchange);
  return 0;
}

/* 0, or -1 when there is no memory or the program ends. A fiber of the cache cannot raise. */
static int get_fiber(struct rl_http_exchange *exchange) {
  struct rl_domain *domain = exchange->http->domain;
  if (!domain->ending && !rl_list_empty(&domain->free_fibers)) {
    exchange->fiber = rl_fiber_new(domain->vm.L, on_ended, exchange);
    return 0;
  }
  if (rl_call_protected(domain->vm.L, make_fiber, exchange) == LUA_OK)
    return 0;
  lua_pop(domain->vm.L, 1);
  return -1;
}

static int start(struct rl_http_exchange *exchange, bool now) {
  if (get_fiber(exchange) != 0)
    return -1;
  exchange->fiber->enter = enter;
  exchange->fiber->introduce = rl_http_context_make;
  exchange->fiber->overdue = push_overdue;
  exchange->fiber->turn_limit = exchange->server->turn_limit;
  if (now)
    rl_fiber_run(exchange->fiber);
  else
    rl_fiber_start(exchange->fiber);
  return 0;
}

/* There is nothing here: a script answers, or false when the answer was given. */
static bool miss(struct rl_http_exchange *exchange, int status) {
  exchange->status = status;
  exchange->handler = exchange->server->site->missing;
  exchange->match.captured = 0;
  if (exchange->handler >= 0)
    return true;
  answer_plainly(exchange, status);
  return false;
}

/* Files are answered at once; but one that is missing, as whatever is. */
static bool lead_to_files(struct rl_http_exchange *exchange, struct rl_http_static *files) {
  return !rl_http_static_serve(exchange, files) && miss(exchange, 404);
}

/* Finds the handler; false if the answer was given. */
static bool lead(struct rl_http_exchange *exchange) {
  const struct rl_head *head = &exchange->request.head;
  struct rl_http_site *site = exchange->server->site;
  int status;
  uint64_t allowed;
  size_t where;
  if (rl_percent_canonical(rl_head_path(head), &exchange->path_room, &exchange->path, &where) !=
      0) {
    rl_http_exchange_refuse(exchange, 400);
    return false;
  }
  exchange->handler =
      rl_http_site_find(site, head, exchange->path, &exchange->match, &status, &allowed);
  if (exchange->handler >= 0) {
    struct rl_http_static *files = site->handlers[exchange->handler].files;
    return !files || lead_to_files(exchange, files);
  }
  if (status != 404)
    rl_http_answer_allow(exchange, allowed);
  return miss(exchange, status);
}

void rl_http_exchange_begin(struct rl_http_exchange *exchange, bool now) {
  exchange->slot->ticket = ++exchange->http->ticket;
  exchange->started = uv_now(exchange->http->domain->loop);
  if (exchange->http->meters)
    exchange->began_at = rl_domain_now(exchange->http->domain);
  exchange->connection->requests++;
  exchange->connection->phase = RL_HTTP_PHASES; /* not that of the request before, nor its time */
  exchange->stage = RL_HTTP_DRAINING;
  if (exchange->connection->trusted)
    rl_http_proxy_read(exchange);
  if (!lead(exchange))
    return;
  exchange->stage = RL_HTTP_HANDLING;
  if (start(exchange, now) != 0)
    rl_http_exchange_refuse(exchange, 503);
}

/* -- what a handler that waits still needs ------------------------------------------------- */

static void move(struct rl_slice *slice, const char *from, size_t size, const char *to) {
  if (slice->bytes >= from && slice->bytes < from + size)
    slice->bytes = to + (slice->bytes - from);
}

int rl_http_exchange_keep(struct rl_http_exchange *exchange) {
  struct rl_request *request = &exchange->request;
  const char *from = request->head.bytes;
  size_t size = request->head.size;
  if (rl_request_keep(request) != 0)
    return -1;
  move(&exchange->path, from, size, request->head.bytes);
  for (unsigned i = 0; i < exchange->match.captured; i++)
    move(&exchange->match.captures[i], from, size, request->head.bytes);
  return 0;
}
