/* Shared: see the header. What tells a handle from other userdata is the function under __pack,
 * which is never called by the packer: it takes a reference instead. */
#include "vm/shared.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "vm/check.h"
#include "vm/resolve.h"
#include "vm/weak.h"

/* Its address is the registry key of the state's handles, by the addresses of their objects. */
static const char handles;

struct handle {
  struct rl_shared *shared; /* NULL: none yet, or collected */
};

void rl_shared_release(struct rl_shared *shared) {
  if (atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) == 1)
    shared->kind->destroy(shared);
}

/* __pack of every handle. */
static int pack(lua_State *L) {
  return luaL_error(L, "the object crosses by reference: __pack is not to be called");
}

static int collect(lua_State *L) {
  struct handle *handle = lua_touserdata(L, 1);
  if (handle && rl_shared_at(L, 1)) {
    rl_shared_release(handle->shared);
    handle->shared = NULL;
  }
  return 0;
}

struct rl_shared *rl_shared_at(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || luaL_getmetafield(L, index, "__pack") == LUA_TNIL)
    return NULL;
  bool is_handle = lua_tocfunction(L, -1) == pack;
  lua_pop(L, 1);
  return is_handle ? ((struct handle *)lua_touserdata(L, index))->shared : NULL;
}

struct rl_shared *rl_shared_check(lua_State *L, const struct rl_shared_kind *kind) {
  struct rl_shared *shared = rl_shared_at(L, 1);
  if (!shared || shared->kind != kind)
    rl_check_self_fail(L, kind->metatable);
  return shared;
}

static void push_metatable(lua_State *L, const struct rl_shared_kind *kind) {
  if (luaL_getmetatable(L, kind->metatable) != LUA_TNIL)
    return;
  lua_pop(L, 1);
  rl_resolve_push(L, kind->module, strlen(kind->module) + 1);
  lua_pop(L, 1);
  luaL_getmetatable(L, kind->metatable);
}

void rl_shared_prepare(lua_State *L, const struct rl_shared_kind *kind) {
  struct handle *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  handle->shared = NULL;
  push_metatable(L, kind);
  lua_setmetatable(L, -2);
}

void rl_shared_fill(lua_State *L, struct rl_shared *shared) {
  struct handle *handle = lua_touserdata(L, -1);
  handle->shared = shared;
  rl_weak_push(L, &handles, "v");
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, shared);
  lua_pop(L, 1);
}

void rl_shared_push(lua_State *L, struct rl_shared *shared) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  rl_weak_push(L, &handles, "v");
  lua_rawgetp(L, -1, shared);
  lua_remove(L, -2);
  if (!lua_isnil(L, -1))
    return;
  lua_pop(L, 1);
  rl_shared_prepare(L, shared->kind);
  rl_shared_fill(L, rl_shared_keep(shared));
}

void rl_shared_open(lua_State *L, const struct rl_shared_kind *kind, const luaL_Reg *methods) {
  luaL_newmetatable(L, kind->metatable);
  lua_pushcfunction(L, pack);
  lua_setfield(L, -2, "__pack");
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
}
