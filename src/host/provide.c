/* Provide: fills package.preload. */
#include "host/provide.h"

#include <lauxlib.h>
#include <string.h>

#include "host/native.h"

struct rl_provided *rl_provided_new(struct rl_heap *heap, const char *name, lua_CFunction open) {
  size_t length = strlen(name) + 1, size = sizeof(struct rl_provided) + length;
  struct rl_provided *module = rl_alloc(heap, size);
  if (!module)
    return NULL;
  *module = (struct rl_provided){.open = open, .size = size};
  memcpy(module->name, name, length);
  return module;
}

void rl_provided_free(struct rl_heap *heap, struct rl_provided *list) {
  while (list) {
    struct rl_provided *next = list->next;
    rl_natives_free(heap, list->natives);
    rl_free(heap, list, list->size);
    list = next;
  }
}

/* [preload] */
static void register_one(lua_State *L, const struct rl_provided *module) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)module);
  lua_pushcclosure(L, module->open, 1);
  lua_setfield(L, -2, module->name);
}

void rl_provided_register(lua_State *L, const struct rl_provided *list) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (; list; list = list->next)
    register_one(L, list);
  lua_pop(L, 1);
}

const struct rl_provided *rl_provided_opened(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}
