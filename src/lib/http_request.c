/* The type req of rille.http: what a handler gets of its request. It ends with the request, and
 * cannot leave its domain: what is needed later is copied before. Nothing is read from the head
 * before a script asks. Fields that are not listed here may be set, to hand something on to the
 * next middleware: req.user = user.
 *
 * Fields:
 *
 *     method         string: as it came, "GET"
 *     path           string: as it was sent, in canonical form
 *     target         string: path and query, as they were sent
 *     query_string   string: what stands behind the "?", undecoded
 *     query          view: its parameters, decoded
 *     params         view: what the route has named, decoded; an integer where it says {int}
 *     headers        view: by name in any case; several are joined by commas
 *     cookies        view: those that the client sent
 *     trailers       view: headers behind a chunked body, to be asked when that has been read
 *     host           string: of the target or the header Host, with its port
 *     scheme         string: "http"; "https" if a trusted proxy says so
 *     version        string: of HTTP, "1.1" or "1.0"
 *     remote         string: "127.0.0.1:51234"; port 0 if a trusted proxy says none
 *     id             string: of this request, as in the log */
#include <lauxlib.h>

#include "io/address.h"
#include "lib/modules.h"
#include "serve/http_exchange.h"
#include "serve/http_handle.h"
#include "serve/http_input.h"
#include "serve/http_pool.h"

enum field {
  METHOD = 1,
  PATH,
  TARGET,
  QUERY_STRING,
  HOST,
  SCHEME,
  VERSION,
  REMOTE,
  ID,
  QUERY,
  PARAMS,
  HEADERS,
  COOKIES,
  TRAILERS
};

static const char *const fields[] = {"method", "path",    "target",  "query_string", "host",
                                     "scheme", "version", "remote",  "id",           "query",
                                     "params", "headers", "cookies", "trailers"};

static void push(lua_State *L, struct rl_slice text) {
  lua_pushlstring(L, text.bytes, text.size);
}

/* -- the request --------------------------------------------------------------------------- */

static void push_remote(lua_State *L, const struct rl_http_exchange *exchange) {
  union rl_endpoint peer = {.any.sa_family = AF_UNSPEC};
  socklen_t size = sizeof peer;
  char text[RL_ADDRESS_TEXT];
  if (exchange->remote.any.sa_family != AF_UNSPEC)
    peer = exchange->remote;
  else if (exchange->connection)
    getpeername(rl_thin_fd(&exchange->connection->thin), &peer.any, &size);
  if (peer.any.sa_family == AF_UNIX)
    peer = exchange->server->guest;
  rl_address_format(&peer, text);
  lua_pushstring(L, text);
}

static void push_id(lua_State *L, const struct rl_http_exchange *exchange) {
  char id[RL_HTTP_ID];
  rl_http_pool_id(exchange, id);
  lua_pushstring(L, id);
}

static int push_field(lua_State *L, struct rl_http_exchange *exchange, enum field field) {
  const struct rl_head *head = &exchange->request.head;
  switch (field) {
  case METHOD: push(L, rl_head_slice(head, head->method_text)); break;
  case PATH: push(L, exchange->path); break;
  case TARGET: push(L, rl_head_slice(head, head->target)); break;
  case QUERY_STRING: push(L, rl_head_slice(head, head->query)); break;
  case HOST: push(L, rl_head_slice(head, head->authority)); break;
  case SCHEME: lua_pushstring(L, exchange->secure ? "https" : "http"); break;
  case VERSION: lua_pushstring(L, head->minor ? "1.1" : "1.0"); break;
  case REMOTE: push_remote(L, exchange); break;
  case ID: push_id(L, exchange); break;
  default: rl_http_handle_push(L, exchange, fields[field - METHOD]);
  }
  return 1;
}

/* upvalue: name -> number of a field, or method */
static int request_index(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_get(L, 1);
  lua_pushvalue(L, 2);
  switch (lua_rawget(L, lua_upvalueindex(1))) {
  case LUA_TNUMBER: return push_field(L, exchange, (enum field)lua_tointeger(L, -1));
  case LUA_TNIL: break;
  default: return 1;
  }
  if (exchange->fields == LUA_NOREF)
    return 1;
  lua_rawgeti(L, LUA_REGISTRYINDEX, exchange->fields);
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  return 1;
}

static int request_newindex(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_get(L, 1);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return luaL_error(L, "req.%s cannot be set", luaL_tolstring(L, 2, NULL));
  if (exchange->fields == LUA_NOREF) {
    lua_newtable(L);
    exchange->fields = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, exchange->fields);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_rawset(L, -3);
  return 0;
}

static int request_tostring(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_peek(luaL_checkudata(L, 1, RL_HTTP_REQUEST));
  if (!exchange) {
    lua_pushliteral(L, "request (ended)");
    return 1;
  }
  lua_pushliteral(L, "request (");
  push_field(L, exchange, METHOD);
  lua_pushliteral(L, " ");
  push_field(L, exchange, PATH);
  lua_pushliteral(L, ")");
  lua_concat(L, 5);
  return 1;
}

/* req:body([limit]) -> text
 *
 * The whole body, or what req:read() has left of it; "" if there is none; the same however often it
 * is asked for. Waits until it is there. The limit is the server's max_body, or so many bytes.
 * A body over the limit, malformed, cut short or too slow is an error, and the answer's status then
 * says so, unless the handler gives another answer. May suspend. */
static int request_body(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_REQUEST);
  uint64_t usual = exchange->server->options.limits.body;
  if (lua_isnoneornil(L, 2))
    return rl_http_input_all(L, exchange, usual);
  lua_Integer limit = luaL_checkinteger(L, 2);
  luaL_argcheck(L, limit >= 0, 2, "a number of bytes expected");
  return rl_http_input_all(L, exchange, (uint64_t)limit);
}

/* req:read() -> bytes | nil
 *
 * What has arrived of the body, at least one byte; nil at its end. While nothing is read the client
 * is held back. The limit is the server's max_upload; errors are as for req:body(). May suspend. */
static int request_read(lua_State *L) {
  return rl_http_input_some(L, rl_http_handle_check(L, 1, RL_HTTP_REQUEST));
}

/* req:timeout(seconds): how long the handler may go on from now; then it is cancelled, and the
 * answer is 503. math.huge: for ever. Does not suspend. Raises once the handler has ended, where a
 * fiber that it has spawned still has `req`. */
static int request_timeout(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_REQUEST);
  lua_Number seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds > 0, 2, "seconds above 0 expected");
  if (!exchange->fiber)
    return luaL_error(L, "req:timeout: the handler has ended");
  if (rl_http_exchange_time(exchange, seconds) != 0)
    return luaL_error(L, "not enough memory");
  return 0;
}

/* [module]: adds `request`, the table of methods, to which the Lua module adds its own. */
void rl_lib_http_request(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"body", request_body}, {"read", request_read}, {"timeout", request_timeout}, {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__index", request_index}, {"__newindex", request_newindex}, {NULL, NULL}};
  luaL_newlib(L, methods);
  for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++) {
    lua_pushinteger(L, METHOD + i);
    lua_setfield(L, -2, fields[i]);
  }
  luaL_newmetatable(L, RL_HTTP_REQUEST); // [module, methods, metatable]
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, meta, 1);
  lua_pushcfunction(L, request_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, RL_HTTP_REQUEST);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  lua_setfield(L, -2, "request");
}
