/* JSON mark. */
#include "vm/json_mark.h"

#include <string.h>

#include "vm/json.h"

/* Their addresses are keys of the registry. */
static const char array, name;

void rl_json_mark_open(lua_State *L) {
  lua_pushliteral(L, "__jsontype");
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, -2);
  lua_pushliteral(L, "array");
  lua_rawset(L, -3);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &array);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &name);
}

void rl_json_array(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &array);
}

enum rl_json_mark rl_json_mark_of(lua_State *L, int index) {
  enum rl_json_mark mark = RL_JSON_UNMARKED;
  if (!lua_getmetatable(L, index))
    return mark;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &name);
  if (lua_rawget(L, -2) == LUA_TSTRING) {
    const char *text = lua_tostring(L, -1);
    if (strcmp(text, "array") == 0)
      mark = RL_JSON_ARRAY;
    else if (strcmp(text, "object") == 0)
      mark = RL_JSON_OBJECT;
  }
  lua_pop(L, 2);
  return mark;
}
