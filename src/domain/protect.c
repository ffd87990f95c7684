/* Protect: see the header. */
#include "domain/protect.h"

#include <lauxlib.h>

#include "domain/fiber.h"

/* [.., error]: raises it again if nobody may catch it. */
static void pass_on(lua_State *L) {
  rl_budget_explain(L);
  if (rl_fiber_insists(L))
    lua_error(L);
}

/* `extra` values below the results are not for the caller. */
static int over(lua_State *L, int status, lua_KContext extra) {
  if (status == LUA_OK || status == LUA_YIELD)
    return lua_gettop(L) - (int)extra;
  pass_on(L);
  lua_pushboolean(L, 0);
  lua_pushvalue(L, -2);
  return 2;
}

int rl_protect_pcall(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1); /* the first result if there is no error */
  lua_insert(L, 1);
  int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, over);
  return over(L, status, 0);
}

int rl_protect_xpcall(lua_State *L) { // [fn, handler, args..]
  int nargs = lua_gettop(L) - 2;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2); // [fn, handler, true, fn, args..]
  int status = lua_pcallk(L, nargs, LUA_MULTRET, 2, 2, over);
  return over(L, status, 2);
}

/* -- load ------------------------------------------------------------------------------------ */

enum { READER = 1, NAME, MODE, ENVIRONMENT, PIECE /* anchors what the parser reads */ };

static const char *read_piece(lua_State *L, void *data, size_t *size) {
  (void)data;
  luaL_checkstack(L, 2, "too many nested functions");
  lua_pushvalue(L, READER);
  lua_call(L, 0, 1);
  *size = 0;
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    return NULL;
  }
  if (!lua_isstring(L, -1))
    luaL_error(L, "reader function must return a string");
  lua_replace(L, PIECE);
  return lua_tolstring(L, PIECE, size);
}

/* Lua's own catches what its reader raises. */
int rl_protect_load(lua_State *L) { // [text or reader, name, mode, environment]
  bool has_environment = !lua_isnone(L, ENVIRONMENT);
  const char *mode = luaL_optstring(L, MODE, "bt");
  int status;
  size_t size;
  const char *text = lua_tolstring(L, 1, &size);
  if (text) {
    status = luaL_loadbufferx(L, text, size, luaL_optstring(L, NAME, text), mode);
  } else {
    const char *name = luaL_optstring(L, NAME, "=(load)");
    luaL_checktype(L, READER, LUA_TFUNCTION);
    lua_settop(L, PIECE);
    status = lua_load(L, read_piece, NULL, name, mode);
  }
  if (status != LUA_OK) {
    pass_on(L);
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  if (has_environment) {
    lua_pushvalue(L, ENVIRONMENT);
    if (!lua_setupvalue(L, -2, 1))
      lua_pop(L, 1);
  }
  return 1;
}
