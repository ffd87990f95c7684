/* Globals: __index of a compute domain's globals table. Only code that came from another domain is
 * told; a module of this domain may look for a global that is not there, and gets nil. */
#include "vm/globals.h"

#include <lauxlib.h>
#include <stdbool.h>

#include "vm/code.h"
#include "vm/vm.h"

static bool reader_was_shipped(lua_State *L) {
  lua_Debug reader;
  return lua_getstack(L, 1, &reader) && lua_getinfo(L, "S", &reader) &&
         rl_codes_shipped(L, &reader);
}

static int missing(lua_State *L) { // [globals, name]
  if (lua_type(L, 2) != LUA_TSTRING || !reader_was_shipped(L))
    return 0;
  return luaL_error(L,
                    "global '%s' is not defined in compute domain %d: a detached function takes "
                    "only what it captures; capture it in a local, or put it into a module and "
                    "require it there",
                    lua_tostring(L, 2), (int)rl_vm_of(L)->number);
}

void rl_globals_open(lua_State *L) {
  lua_pushglobaltable(L);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, missing);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}
