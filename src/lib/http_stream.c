/* What streamed answers need beyond res:write (see lua/rille/http/stream.lua), taking a connection
 * over, and res.trailers: fields behind the body of a chunked answer, which are checked as headers
 * are (see http_response.c). */
#include <lauxlib.h>

#include "http/header.h"
#include "http/lines.h"
#include "http/response.h"
#include "lib/modules.h"
#include "serve/http_handle.h"
#include "serve/http_upgrade.h"

static struct rl_slice check_slice(lua_State *L, int index) {
  struct rl_slice slice;
  slice.bytes = luaL_checklstring(L, index, &slice.size);
  return slice;
}

static int trailers_index(lua_State *L) {
  const struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_TRAILERS);
  size_t at = 0;
  struct rl_slice value = rl_lines_find(&exchange->trailers, check_slice(L, 2), &at);
  if (!value.bytes)
    return 0;
  lua_pushlstring(L, value.bytes, value.size);
  return 1;
}

static int trailers_newindex(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_TRAILERS);
  struct rl_slice name = check_slice(L, 2), value = {"", 0};
  bool removes = lua_isnil(L, 3);
  if (!removes)
    value.bytes = luaL_tolstring(L, 3, &value.size);
  const char *fault = rl_response_field_fault(name, value);
  if (!fault && rl_header_of(name.bytes, name.size) != RL_HEADER_OTHER)
    fault = "it belongs into the head";
  if (fault)
    return luaL_error(L, "bad trailer \"%s\": %s", name.bytes, fault);
  if (exchange->began && !exchange->streaming)
    return luaL_error(L, "trailer \"%s\": the answer is complete", name.bytes);
  rl_lines_remove(&exchange->trailers, name);
  if (!removes)
    rl_response_field(&exchange->trailers, name, value);
  return exchange->trailers.failed ? luaL_error(L, "not enough memory") : 0;
}

/* core.takes_body(res) -> whether what is written after the head is sent: not to HEAD, nor with 204
 * and 304. */
static int takes_body(lua_State *L) {
  const struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_RESPONSE);
  lua_pushboolean(L, exchange->streaming && !exchange->bodyless);
  return 1;
}

/* core.upgrade(req, protocol) -> conn | nil, message; see req:upgrade */
static int upgrade(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_REQUEST);
  return rl_http_upgrade(L, exchange, check_slice(L, 2));
}

/* [module] */
void rl_lib_http_stream(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"takes_body", takes_body}, {"upgrade", upgrade}, {NULL, NULL}};
  static const luaL_Reg trailers[] = {
      {"__index", trailers_index}, {"__newindex", trailers_newindex}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, RL_HTTP_TRAILERS);
  luaL_setfuncs(L, trailers, 0);
  lua_pushliteral(L, RL_HTTP_TRAILERS);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
