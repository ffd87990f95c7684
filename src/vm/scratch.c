/* Scratch: see the header. */
#include "vm/scratch.h"

#include "vm/vm.h"

#define METATABLE "rille.scratch" /* in the registry */

static int release(lua_State *L) {
  rl_buffer_free(lua_touserdata(L, 1));
  return 0;
}

/* [] -> [table]: registered when it is complete, since each step may lack memory. */
static void push_metatable(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, METATABLE) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, release);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__gc");
  lua_setfield(L, -2, "__close");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, METATABLE);
}

struct rl_buffer *rl_scratch_push(lua_State *L) {
  struct rl_buffer *buffer = lua_newuserdatauv(L, sizeof *buffer, 0);
  rl_buffer_init(buffer, rl_vm_of(L)->heap);
  push_metatable(L);
  lua_setmetatable(L, -2);
  return buffer;
}
