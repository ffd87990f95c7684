/* Require: as the Lua 5.4 manual describes it, on the tables of Lua's package library. */
#include "vm/require.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "vm/names.h"
#include "vm/pristine.h"

static const char require_key = 0; /* of the function, in the registry */

enum { NAME = 1, LOADED, SEARCHERS }; /* stack indices in require */

/* [name, loaded, searchers] -> [.., loader, loader data]; raises what all searchers said. */
static void find_loader(lua_State *L, const char *name) {
  luaL_Buffer said;
  luaL_buffinit(L, &said);
  for (lua_Integer i = 1; lua_rawgeti(L, SEARCHERS, i) != LUA_TNIL; i++) {
    lua_pushvalue(L, NAME);
    lua_call(L, 1, 2);
    if (lua_isfunction(L, -2))
      return;
    if (lua_isstring(L, -2)) {
      lua_pop(L, 1);
      lua_pushliteral(L, "\n\t");
      lua_insert(L, -2);
      lua_concat(L, 2);
      luaL_addvalue(&said);
    } else {
      lua_pop(L, 2);
    }
  }
  lua_pop(L, 1);
  luaL_pushresult(&said);
  luaL_error(L, "module '%s' not found:%s", name, lua_tostring(L, -1));
}

/* A loader's data */
static bool is_ours(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), RL_REQUIRE_OURS) == 0;
}

static int require(lua_State *L) {
  const char *name = luaL_checkstring(L, NAME);
  lua_settop(L, NAME);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, LOADED, name);
  if (lua_toboolean(L, -1))
    return 1;
  lua_pop(L, 1);
  if (lua_getfield(L, lua_upvalueindex(1), "searchers") != LUA_TTABLE)
    luaL_error(L, "'package.searchers' must be a table");
  find_loader(L, name); // [.., loader, data]
  bool ours = is_ours(L, -1);
  if (ours)
    rl_pristine_clean(L);
  lua_insert(L, -2);
  lua_pushvalue(L, NAME);
  lua_pushvalue(L, -3);
  lua_call(L, 2, 1); // [.., data, result]
  if (lua_isnil(L, -1))
    lua_pop(L, 1);
  else
    lua_setfield(L, LOADED, name);
  if (lua_getfield(L, LOADED, name) == LUA_TNIL) {
    lua_pushboolean(L, true);
    lua_copy(L, -1, -2);
    lua_setfield(L, LOADED, name);
  }
  rl_names_add(L, name);
  if (ours)
    rl_pristine_add(L, name);
  lua_insert(L, -2);
  return 2;
}

void rl_require_push(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &require_key);
}

void rl_require_open(lua_State *L) {
  lua_getglobal(L, "package");
  lua_pushcclosure(L, require, 1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &require_key);
  lua_setglobal(L, "require");
}
