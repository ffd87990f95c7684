/* Resolve: the module is required, then the keys are followed. */
#include "vm/resolve.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "vm/require.h"
#include "vm/vm.h"

/* [] -> [module's value] */
static void push_module(lua_State *L, const char *module) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  bool loaded = lua_getfield(L, -1, module) != LUA_TNIL;
  lua_remove(L, -2);
  if (loaded)
    return;
  lua_pop(L, 1);
  rl_require_push(L);
  lua_pushstring(L, module);
  lua_call(L, 1, 1);
}

void rl_resolve_push(lua_State *L, const char *path, size_t size) {
  if (size == 0 || path[size - 1] != 0)
    luaL_error(L, "corrupt parcel");
  rl_vm_of(L)->tempted = true;
  const char *end = path + size, *key = path + strlen(path) + 1;
  push_module(L, path);
  for (; key < end; key += strlen(key) + 1) {
    if (!lua_istable(L, -1) || lua_getfield(L, -1, key) == LUA_TNIL)
      luaL_error(L, "module '%s' has no '%s' in this domain", path, key);
    lua_remove(L, -2);
  }
}
