/* Step. */
#include "vm/step.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

static bool is_identifier(const char *text) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
  size_t size = strspn(text, letters);
  return size > 0 && text[size] == '\0' && !(*text >= '0' && *text <= '9');
}

void rl_step_push(lua_State *L, int key) {
  const char *text;
  switch (lua_type(L, key)) {
  case LUA_TSTRING:
    text = lua_tostring(L, key);
    lua_pushfstring(L, is_identifier(text) ? ".%s" : "[\"%s\"]", text);
    break;
  case LUA_TNUMBER:
  case LUA_TBOOLEAN:
    text = luaL_tolstring(L, key, NULL);
    lua_pushfstring(L, "[%s]", text);
    lua_remove(L, -2);
    break;
  default: lua_pushfstring(L, "[%s]", luaL_typename(L, key));
  }
}
