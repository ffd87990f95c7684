/* HTTP result: the usual results go straight into the output; all others take the way of a script
 * that sets the answer, protected. */
#include "serve/http_result.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "domain/domain.h"
#include "http/lines.h"
#include "http/response.h"
#include "http/scan.h"
#include "http/status.h"
#include "serve/http_answer.h"
#include "serve/http_file.h"
#include "serve/http_pool.h"
#include "vm/call.h"
#include "vm/json.h"

static const char TEXT[] = "text/plain; charset=utf-8";
static const char JSON[] = "application/json";

/* -- headers ------------------------------------------------------------------------------- */

static void add_header(lua_State *L, struct rl_http_exchange *exchange, struct rl_slice name,
                       int index) {
  struct rl_slice value;
  if (lua_type(L, index) != LUA_TSTRING && lua_type(L, index) != LUA_TNUMBER)
    luaL_error(L, "bad header \"%s\": a string, a number or a list of them expected, got %s",
               name.bytes, luaL_typename(L, index));
  value.bytes = luaL_tolstring(L, index, &value.size);
  const char *fault = rl_response_field_fault(name, value);
  if (fault)
    luaL_error(L, "bad header \"%s\": %s", name.bytes, fault);
  if (name.size == 14 && rl_header_same(name.bytes, "content-length", 14)) {
    uint64_t length;
    if (!rl_scan_number(value, &length) || length > INT64_MAX)
      luaL_error(L, "bad header \"Content-Length\": it is no length");
    exchange->length = (int64_t)length;
  } else {
    rl_response_field(&exchange->headers, name, value);
  }
  lua_pop(L, 1);
  if (exchange->headers.failed)
    luaL_error(L, "not enough memory");
}

/* Those that say how the message is framed. */
static void check_name(lua_State *L, struct rl_slice name) {
  static const char *const own[] = {"transfer-encoding", "connection", "keep-alive"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (name.size == strlen(own[i]) && rl_header_same(name.bytes, own[i], name.size))
      luaL_error(L, "bad header \"%s\": the server sets it", name.bytes);
}

static void check_open(lua_State *L, const struct rl_http_exchange *exchange,
                       struct rl_slice name) {
  check_name(L, name);
  if (exchange->began)
    luaL_error(L, "header \"%s\": the head of the answer is already sent", name.bytes);
}

void rl_http_result_add(lua_State *L, struct rl_http_exchange *exchange, struct rl_slice name,
                        int index) {
  check_open(L, exchange, name);
  add_header(L, exchange, name, lua_absindex(L, index));
}

void rl_http_result_header(lua_State *L, struct rl_http_exchange *exchange, struct rl_slice name,
                           int index) {
  index = lua_absindex(L, index);
  check_open(L, exchange, name);
  if (name.size == 14 && rl_header_same(name.bytes, "content-length", 14))
    exchange->length = -1;
  rl_lines_remove(&exchange->headers, name);
  if (lua_isnil(L, index))
    return;
  if (!lua_istable(L, index)) {
    add_header(L, exchange, name, index);
    return;
  }
  lua_Integer count = luaL_len(L, index);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_geti(L, index, i);
    add_header(L, exchange, name, -1);
    lua_pop(L, 1);
  }
}

/* -- results ------------------------------------------------------------------------------- */

int rl_http_result_status(lua_State *L, int index) {
  int whole;
  lua_Integer status = lua_tointegerx(L, index, &whole);
  if (lua_type(L, index) != LUA_TNUMBER || !whole || status < 200 || status > 599) {
    const char *text = luaL_tolstring(L, index, NULL), *type = luaL_typename(L, index);
    luaL_error(L, "a status must be a whole number from 200 to 599, not %s (a %s)", text, type);
  }
  return (int)status;
}

/* The value on top is the body: becomes a string, with a content type. */
static void to_body(lua_State *L, struct rl_http_exchange *exchange) {
  switch (lua_type(L, -1)) {
  case LUA_TSTRING: exchange->type = TEXT; return;
  case LUA_TTABLE:
    rl_json_encode(L, -1, &rl_json_plain);
    lua_remove(L, -2);
    exchange->type = JSON;
    return;
  case LUA_TFUNCTION:
    luaL_error(L, "a handler cannot return a function as its answer: is a call missing?");
    return;
  default: {
    bool named = luaL_getmetafield(L, -1, "__name") == LUA_TSTRING;
    luaL_error(L,
               "a handler cannot return a %s as its answer, only a string, a table, or a status "
               "and one of these; or nothing, after `res` was given the answer",
               named ? lua_tostring(L, -1) : luaL_typename(L, -1));
  }
  }
}

/* What stands in the place of nothing, or behind the answer, would be lost without a word. */
static void check_rest(lua_State *L, int first, int body) {
  int last = lua_gettop(L);
  while (last >= first && lua_isnil(L, last))
    last--;
  if (lua_isnil(L, first) && last > first)
    luaL_error(L, "a handler returned nil and %s (an error is raised, by error)",
               luaL_tolstring(L, first + 1, NULL));
  if (last > body)
    luaL_error(L,
               "a handler returned a %s behind its answer: it returns a status and a body, in "
               "this order; headers are set by res.headers (if it is the second result of a "
               "call, put that into brackets)",
               luaL_typename(L, body + 1));
}

/* What http.error makes. */
static bool is_error(lua_State *L, int index) {
  if (!lua_istable(L, index) || !lua_getmetatable(L, index))
    return false;
  luaL_getmetatable(L, RL_HTTP_ERROR);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

/* [.., error] -> [.., status, body] */
static void open_error(lua_State *L) {
  lua_getfield(L, -1, "status");
  lua_getfield(L, -2, "body");
  lua_remove(L, -3);
}

void rl_http_result_set(lua_State *L, struct rl_http_exchange *exchange, int first) {
  if (lua_gettop(L) == first && is_error(L, first))
    open_error(L);
  int count = lua_gettop(L) - first + 1, status = 0, body = first;
  bool has_status = count > 0 && lua_type(L, first) == LUA_TNUMBER;
  check_rest(L, first, has_status ? first + 1 : first);
  if (count <= 0 || lua_isnil(L, first))
    return;
  if (exchange->began)
    luaL_error(L, "a handler that has %s returned a %s besides",
               exchange->upgraded ? "taken its connection over by req:upgrade"
                                  : "written its answer by res:write",
               luaL_typename(L, first));
  if (has_status) {
    status = rl_http_result_status(L, first);
    body = first + 1;
  }
  rl_http_answer_replace_file(exchange, true);
  luaL_unref(L, LUA_REGISTRYINDEX, exchange->body_text);
  exchange->body_text = LUA_NOREF;
  if (body < first + count && !lua_isnil(L, body)) {
    lua_pushvalue(L, body);
    to_body(L, exchange);
    exchange->body_text = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  if (status)
    exchange->status = status;
}

/* An answer in one piece is as long as its Content-Length says, if a script has set that; only the
 * answer to HEAD may do without the body. */
static void check_length(lua_State *L, const struct rl_http_exchange *exchange) {
  if (exchange->length < 0 || exchange->began)
    return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, exchange->body_text);
  uint64_t size = exchange->file ? exchange->file->length : lua_rawlen(L, -1);
  bool head = exchange->request.head.method == RL_METHOD_HEAD;
  if (size != (uint64_t)exchange->length && !(head && size == 0))
    luaL_error(L, "the answer has %I bytes, its Content-Length says %I", (lua_Integer)size,
               (lua_Integer)exchange->length);
  lua_pop(L, 1);
}

/* [results.., exchange] */
static int set_protected(lua_State *L) {
  struct rl_http_exchange *exchange = lua_touserdata(L, -1);
  lua_pop(L, 1);
  rl_http_result_set(L, exchange, 1);
  check_length(L, exchange);
  return 0;
}

static bool is_empty(const struct rl_http_exchange *exchange) {
  return !exchange->began && !exchange->status && !exchange->file &&
         exchange->body_text == LUA_NOREF;
}

/* Sends what was set. */
static void send_set(struct rl_http_exchange *exchange, lua_State *L) {
  if (exchange->file) {
    rl_http_answer_file(exchange, exchange->status);
    return;
  }
  struct rl_slice body = {"", 0};
  int status = exchange->status;
  bool has_body = exchange->body_text != LUA_NOREF;
  if (status == 0)
    status = has_body ? 200 : 204;
  if (has_body) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, exchange->body_text);
    body.bytes = lua_tolstring(L, -1, &body.size);
  } else if (exchange->handler == exchange->server->site->missing && status >= 400) {
    lua_pushfstring(L, "%s\n", rl_status_reason(status));
    body.bytes = lua_tolstring(L, -1, &body.size);
  } else {
    lua_pushnil(L);
  }
  if (exchange->length > 0 && body.size == 0)
    rl_http_answer_begin(exchange, status, ""); /* to HEAD */
  else
    rl_http_answer(exchange, status, exchange->type ? exchange->type : TEXT, body);
  lua_pop(L, 1);
}

/* [table, exchange] -> []: needs neither a string for the text nor a reference to hold it. */
static int answer_json(lua_State *L) {
  struct rl_http_exchange *exchange = lua_touserdata(L, 2);
  struct rl_buffer *text = &exchange->http->json;
  rl_http_pool_empty(text);
  rl_json_append(L, 1, text);
  struct rl_slice body = {(const char *)text->bytes, text->size};
  rl_http_answer(exchange, exchange->status ? exchange->status : 200, JSON, body);
  rl_http_pool_empty(text);
  return 0;
}

/* The handler, or false if its function is a chain of middleware. */
static bool find_handler(lua_State *L, const struct rl_http_exchange *exchange,
                         lua_Debug *handler) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, exchange->server->site->handlers[exchange->handler].function);
  lua_getinfo(L, ">S", handler);
  return strncmp(handler->source, "@rille/", 7) != 0;
}

/* To those who develop: the answer is empty, which may not be what was meant. Does not raise. */
static void note_nothing(const struct rl_http_exchange *exchange, lua_State *L) {
  lua_Debug handler;
  const struct rl_head *head = &exchange->request.head;
  struct rl_slice method = rl_head_slice(head, head->method_text), path = exchange->path;
  char place[LUA_IDSIZE + 16] = "";
  if (find_handler(L, exchange, &handler))
    snprintf(place, sizeof place, "%s:%d: ", handler.short_src, handler.linedefined);
  rl_log_line(
      &exchange->http->domain->settings->log, RL_LOG_WARN,
      "%sthe handler of %.*s %.*s returned nothing and set nothing, so the answer is 204: is "
      "a return missing? (return 204 says that it is not)",
      place, (int)method.size, method.bytes, path.size < 150 ? (int)path.size : 150, path.bytes);
}

/* Whether the first line of a message says where it comes from, "app.lua:12: ". */
static bool has_place(const char *text) {
  size_t line = strcspn(text, "\n");
  for (const char *at = text; (at = memchr(at, ':', line - (size_t)(at - text))); at++) {
    size_t digits = strspn(at + 1, "0123456789");
    if (digits > 0 && at[digits + 1] == ':')
      return true;
  }
  return false;
}

/* [error, exchange] -> [error]: see rl_http_result_explain. */
static int add_place(lua_State *L) {
  const struct rl_http_exchange *exchange = lua_touserdata(L, 2);
  lua_Debug handler;
  lua_settop(L, 1);
  if (lua_isinteger(L, 1)) {
    lua_Integer number = lua_tointeger(L, 1);
    lua_pushfstring(L, "%I was raised: error(http.error(%I)) makes it the answer",
                    (LUAI_UACINT)number, (LUAI_UACINT)number);
    lua_replace(L, 1);
  }
  if (lua_type(L, 1) == LUA_TSTRING && !has_place(lua_tostring(L, 1)) &&
      find_handler(L, exchange, &handler)) {
    lua_pushfstring(L, "%s:%d: ", handler.short_src, handler.linedefined);
    lua_insert(L, 1);
    lua_concat(L, 2);
  }
  return 1;
}

void rl_http_result_explain(lua_State *L, struct rl_http_exchange *exchange) {
  lua_pushcfunction(L, add_place);
  lua_pushvalue(L, -2);
  lua_pushlightuserdata(L, exchange);
  if (lua_pcall(L, 2, 1, 0) == LUA_OK)
    lua_replace(L, -2);
  else
    lua_pop(L, 1);
}

/* [results..] -> [] and LUA_OK, or [message] and another status. */
static int protect(lua_State *L, struct rl_http_exchange *exchange, int nresults,
                   lua_CFunction act) {
  int first = lua_gettop(L) - nresults;
  lua_pushcfunction(L, rl_traceback);
  lua_insert(L, first + 1);
  lua_pushcfunction(L, act);
  lua_insert(L, first + 2);
  lua_pushlightuserdata(L, exchange);
  int status = lua_pcall(L, nresults + 1, 0, first + 1);
  if (status != LUA_OK)
    rl_http_result_explain(L, exchange);
  return status;
}

/* One without a metatable: neither an error nor something that says what it is. */
static bool is_plain_table(lua_State *L) {
  if (lua_type(L, -1) != LUA_TTABLE)
    return false;
  bool plain = !lua_getmetatable(L, -1);
  lua_pop(L, plain ? 0 : 1);
  return plain;
}

int rl_http_result(struct rl_http_exchange *exchange, lua_State *L, int nresults) {
  bool untouched = exchange->body_text == LUA_NOREF && !exchange->began && exchange->length < 0 &&
                   !exchange->file;
  if (nresults == 1 && lua_type(L, -1) == LUA_TSTRING && untouched) {
    struct rl_slice body;
    body.bytes = lua_tolstring(L, -1, &body.size);
    rl_http_answer(exchange, exchange->status ? exchange->status : 200, TEXT, body);
    return LUA_OK;
  }
  if (nresults == 1 && untouched && is_plain_table(L))
    return protect(L, exchange, 1, answer_json);
  if (nresults > 0 || exchange->length >= 0) {
    int status = protect(L, exchange, nresults, set_protected);
    if (status != LUA_OK)
      return status;
  }
  if (exchange->server->options.development && is_empty(exchange))
    note_nothing(exchange, L);
  if (!exchange->began)
    send_set(exchange, L);
  return LUA_OK;
}
