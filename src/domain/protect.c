/* Protect: see the header. */
#include "domain/protect.h"

#include <lauxlib.h>

#include "domain/fiber.h"

/* `extra` values below the results are not for the caller. */
static int over(lua_State *L, int status, lua_KContext extra) {
  if (status == LUA_OK || status == LUA_YIELD)
    return lua_gettop(L) - (int)extra;
  if (status != LUA_OK)
    rl_budget_explain(L);
  if (rl_fiber_insists(L))
    return lua_error(L);
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
