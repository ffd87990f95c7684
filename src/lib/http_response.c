/* The type res of rille.http: the answer as it will be, until it is sent. It ends with the request,
 * and cannot leave its domain.
 *
 * Fields:
 *
 *     status     integer|nil: from 200 to 599
 *     headers    table: res.headers["X-Name"] = value, a list for several, nil to remove; any case;
 *                checked: CR, LF, NUL or another control character is an error
 *     body       string|nil: nil while there is none, when it is a file, or when it was written
 *                piece by piece
 *     length     integer|nil: of the body in bytes, also of a file; nil when it was written piece
 *                by piece
 *     sent       boolean: whether the head is out
 *     trailers   table: res.trailers["Name"] = value, fields behind the body of a chunked answer,
 *                until the handler is over. A client of HTTP/1.0, and one that gets a body of known
 *                length or none, gets no trailers: what it must know belongs into the head */
#include <lauxlib.h>
#include <string.h>

#include "http/lines.h"
#include "http/response.h"
#include "http/scan.h"
#include "http/status.h"
#include "lib/modules.h"
#include "serve/http_answer.h"
#include "serve/http_exchange.h"
#include "serve/http_file.h"
#include "serve/http_handle.h"
#include "serve/http_output.h"
#include "serve/http_result.h"

#define HEADERS "response headers"

enum { FEW = 16 }; /* strings that need no extra memory */

static struct rl_http_exchange *check(lua_State *L) {
  return rl_http_handle_check(L, 1, RL_HTTP_RESPONSE);
}

static struct rl_slice check_name(lua_State *L, int index) {
  struct rl_slice name;
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_error(L, "the name of a header must be a string, not a %s", luaL_typename(L, index));
  name.bytes = luaL_checklstring(L, index, &name.size);
  const char *fault = rl_response_field_fault(name, (struct rl_slice){"", 0});
  if (fault)
    luaL_error(L, "bad header \"%s\": %s", name.bytes, fault);
  return name;
}

/* -- headers ------------------------------------------------------------------------------- */

static int headers_index(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, HEADERS);
  struct rl_slice name, value;
  name.bytes = luaL_checklstring(L, 2, &name.size);
  int count = 0;
  for (size_t at = 0; (value = rl_lines_find(&exchange->headers, name, &at)).bytes; count++) {
    if (count)
      lua_pushliteral(L, ", ");
    lua_pushlstring(L, value.bytes, value.size);
    if (count)
      lua_concat(L, 3);
  }
  if (!count && exchange->type && name.size == 12 && rl_header_same(name.bytes, "content-type", 12))
    count = lua_pushstring(L, exchange->type) != NULL;
  return count > 0;
}

static int headers_newindex(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, HEADERS);
  rl_http_result_header(L, exchange, check_name(L, 2), 3);
  return 0;
}

/* res:add(name, value): a further header of that name, as for Set-Cookie. Does not suspend. */
static int response_add(lua_State *L) {
  struct rl_http_exchange *exchange = check(L);
  struct rl_slice name = check_name(L, 2);
  luaL_checkstring(L, 3);
  rl_http_result_add(L, exchange, name, 3);
  return 0;
}

/* -- the answer ---------------------------------------------------------------------------- */

/* res:send(...): sets the answer to what a handler would return: text, table, status and body. It
 * is sent when the handler is over; until then it may be set again. Does not suspend. */
static int response_send(lua_State *L) {
  rl_http_result_set(L, check(L), 2);
  return 0;
}

/* res:write(...)
 *
 * Sends strings and numbers at once, after the head if that is not out yet; the answer is then of
 * unknown length, unless res.headers["Content-Length"] promised one. Waits while the client takes
 * nothing. May suspend. */
static int response_write(lua_State *L) {
  struct rl_http_exchange *exchange = check(L);
  struct rl_slice few[FEW], *parts = few;
  int count = lua_gettop(L) - 1;
  if (count > FEW)
    parts = lua_newuserdatauv(L, (size_t)count * sizeof *parts, 0);
  for (int i = 0; i < count; i++)
    parts[i].bytes = luaL_checklstring(L, i + 2, &parts[i].size);
  if (exchange->began && !exchange->streaming)
    return luaL_error(L, "res:write: the answer is complete");
  if (exchange->file)
    return luaL_error(L, "res:write: the answer is a file");
  if (!rl_http_answer_fits(exchange, parts, count))
    return luaL_error(L, "res:write: more than its Content-Length of %I bytes",
                      (lua_Integer)exchange->length);
  if (!exchange->began)
    rl_http_answer_begin(exchange, exchange->status ? exchange->status : 200,
                         "text/plain; charset=utf-8");
  rl_http_answer_write(exchange, parts, count);
  return rl_http_output_push(L, exchange);
}

/* How long the body is as far as it is known. */
static void push_length(lua_State *L, const struct rl_http_exchange *exchange) {
  if (exchange->file) {
    lua_pushinteger(L, (lua_Integer)exchange->file->length);
  } else if (exchange->body_text != LUA_NOREF) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, exchange->body_text);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
  } else if (!exchange->began) {
    lua_pushinteger(L, 0);
  }
}

static int response_index(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_get(L, 1);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "headers") == 0)
    rl_http_handle_push(L, exchange, HEADERS);
  else if (strcmp(key, "trailers") == 0)
    rl_http_handle_push(L, exchange, RL_HTTP_TRAILERS);
  else if (strcmp(key, "status") == 0 && exchange->status)
    lua_pushinteger(L, exchange->status);
  else if (strcmp(key, "sent") == 0)
    lua_pushboolean(L, exchange->began);
  else if (strcmp(key, "body") == 0 && exchange->body_text != LUA_NOREF)
    lua_rawgeti(L, LUA_REGISTRYINDEX, exchange->body_text);
  else if (strcmp(key, "length") == 0)
    push_length(L, exchange);
  return 1;
}

static void set_body(lua_State *L, struct rl_http_exchange *exchange) {
  if (!lua_isnil(L, 3) && lua_type(L, 3) != LUA_TSTRING)
    luaL_error(L, "res.body: a string expected, got %s (res:json takes any value)",
               luaL_typename(L, 3));
  rl_http_answer_replace_file(exchange, false);
  luaL_unref(L, LUA_REGISTRYINDEX, exchange->body_text);
  exchange->body_text = LUA_NOREF;
  if (lua_isnil(L, 3))
    return;
  lua_pushvalue(L, 3);
  exchange->body_text = luaL_ref(L, LUA_REGISTRYINDEX);
}

static int response_newindex(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_get(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (exchange->began)
    return luaL_error(L, "res.%s: the head of the answer is already sent", key);
  if (strcmp(key, "status") == 0)
    exchange->status = rl_http_result_status(L, 3);
  else if (strcmp(key, "body") == 0)
    set_body(L, exchange);
  else if (strcmp(key, "headers") == 0 || strcmp(key, "trailers") == 0)
    return luaL_error(L, "res.%s is set name by name: res.%s[name] = value", key, key);
  else
    return luaL_error(L, "res.%s cannot be set: status, body and the fields of headers can", key);
  return 0;
}

/* core.failure(res) -> the status of the answer to an error in the handler */
static int failure(lua_State *L) {
  lua_pushinteger(L, rl_http_exchange_failure(check(L)));
  return 1;
}

/* core.failed(res): what was set gives way to an answer to a failure; see rl_http_answer_failed. */
static int failed(lua_State *L) {
  rl_http_answer_failed(check(L));
  return 0;
}

/* [module]: adds `response`, the table of methods, to which the Lua module adds its own. */
void rl_lib_http_response(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"add", response_add}, {"send", response_send}, {"write", response_write}, {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__index", response_index}, {"__newindex", response_newindex}, {NULL, NULL}};
  static const luaL_Reg headers[] = {
      {"__index", headers_index}, {"__newindex", headers_newindex}, {NULL, NULL}};
  luaL_newlib(L, methods);
  luaL_newmetatable(L, RL_HTTP_RESPONSE); // [module, methods, metatable]
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, meta, 1);
  lua_pushliteral(L, RL_HTTP_RESPONSE);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  lua_setfield(L, -2, "response");
  lua_pushcfunction(L, failed);
  lua_setfield(L, -2, "failed");
  lua_pushcfunction(L, failure);
  lua_setfield(L, -2, "failure");
  luaL_newmetatable(L, HEADERS);
  luaL_setfuncs(L, headers, 0);
  lua_pushliteral(L, HEADERS);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
