/* HTTP handle: tickets are never given out twice, and slots never freed while the state lives. */
#include "serve/http_handle.h"

#include <lauxlib.h>

#include "vm/check.h"

static struct rl_http_exchange *open_handle(lua_State *L, const struct rl_http_handle *handle) {
  struct rl_http_exchange *exchange = handle ? rl_http_handle_peek(handle) : NULL;
  if (!exchange)
    luaL_error(L, "the request has ended: what is needed of it later must be copied before");
  return exchange;
}

struct rl_http_exchange *rl_http_handle_get(lua_State *L, int index) {
  return open_handle(L, lua_touserdata(L, index));
}

struct rl_http_exchange *rl_http_handle_check(lua_State *L, int index, const char *type) {
  return open_handle(L, index == 1 ? rl_check_self(L, type) : luaL_checkudata(L, index, type));
}

void rl_http_handle_push(lua_State *L, struct rl_http_exchange *exchange, const char *type) {
  struct rl_http_handle *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  handle->slot = exchange->slot;
  handle->ticket = exchange->slot->ticket;
  luaL_setmetatable(L, type);
}
