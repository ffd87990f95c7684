/* Check: see the header. */
#include "vm/check.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#define HINTS "rille.hints" /* a table of the registry: hints by the global that is missing */

int rl_check_self_fail(lua_State *L, const char *type) {
  lua_Debug method;
  if (!lua_getstack(L, 0, &method) || !lua_getinfo(L, "n", &method) || !method.name)
    return luaL_typeerror(L, 1, type);
  if (strcmp(method.namewhat, "for iterator") == 0)
    return luaL_error(L, "a method of a %s goes with a colon and brackets: for ... in %s:...() do",
                      type, type);
  if (strcmp(method.namewhat, "method") == 0)
    return luaL_typeerror(L, 1, type);
  return luaL_error(L, "'%s' is a method of a %s: call it with a colon, %s:%s(...)", method.name,
                    type, type, method.name);
}

void *rl_check_self(lua_State *L, const char *type) {
  void *self = luaL_testudata(L, 1, type);
  if (!self)
    rl_check_self_fail(L, type);
  return self;
}

static const char *type_of(lua_State *L, int index) {
  if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING)
    return lua_tostring(L, -1);
  return lua_isnone(L, index) ? "no value" : luaL_typename(L, index);
}

void rl_check_function(lua_State *L, int index, const char *name) {
  if (lua_isfunction(L, index))
    return;
  lua_Debug caller;
  bool colon = index == 1 && lua_getstack(L, 0, &caller) && lua_getinfo(L, "n", &caller) &&
               strcmp(caller.namewhat, "method") == 0;
  const char *advice = "; the function itself is given, f and not f(x)";
  if (lua_isnone(L, index))
    advice = "";
  else if (colon)
    advice = "; it is called with a dot, not with a colon";
  luaL_error(L, "bad argument #%d to '%s' (function expected, got %s%s)", index, name,
             type_of(L, index), advice);
}

int rl_check_choice(lua_State *L, int index, const char *fallback, const char *const *names) {
  const char *given = fallback && lua_isnoneornil(L, index) ? fallback : luaL_checkstring(L, index);
  luaL_Buffer all;
  for (int i = 0; names[i]; i++)
    if (strcmp(names[i], given) == 0)
      return i;
  luaL_buffinit(L, &all);
  for (int i = 0; names[i]; i++) {
    luaL_addstring(&all, i == 0 ? "" : ", ");
    luaL_addstring(&all, names[i]);
  }
  luaL_pushresult(&all);
  return luaL_argerror(
      L, index,
      lua_pushfstring(L, "invalid option '%s'; there are %s", given, lua_tostring(L, -1)));
}

void rl_check_teach(lua_State *L, const char *global, const char *hint) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, HINTS);
  lua_pushstring(L, hint);
  lua_setfield(L, -2, global);
  lua_pop(L, 1);
}

void rl_check_hint(lua_State *L) {
  static const char before[] = "a nil value (global '";
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  const char *name = memmem(text, size, before, sizeof before - 1);
  name = name ? name + sizeof before - 1 : NULL;
  size_t length = name ? size - (size_t)(name - text) : 0;
  if (length < 3 || memcmp(name + length - 2, "')", 2) != 0)
    return;
  lua_getfield(L, LUA_REGISTRYINDEX, HINTS);
  lua_pushlstring(L, name, length - 2); // [message, hints, name]
  if (lua_istable(L, -2) && lua_rawget(L, -2) == LUA_TSTRING) {
    lua_pushliteral(L, ": ");
    lua_replace(L, -3);
    lua_concat(L, 3);
  } else {
    lua_pop(L, 2);
  }
}
