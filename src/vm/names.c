/* Names: a table in the registry with weak keys, value to path, behind a set of addresses in C
 * that says in a few nanoseconds that a value has no name, as most have none. An address stays in
 * the set when its object dies, until the set is made anew: it may lie, the table does not. */
#include "vm/names.h"

#include <lauxlib.h>
#include <string.h>

#include "vm/vm.h"

enum { LEAST = 512, DEEPEST = 4, MOST = 4096 /* values named in a module */ };

static const char paths_key = 0; /* in the registry */

/* Makes the set anew from what is alive, at most half full: [paths] -> [paths]. */
static void rebuild(lua_State *L, struct rl_names *names) {
  size_t alive = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    alive++;
  size_t capacity = LEAST;
  while (capacity < 4 * alive)
    capacity *= 2;
  const void **addresses = rl_zalloc(names->heap, capacity * sizeof *addresses);
  if (!addresses)
    luaL_error(L, "not enough memory");
  rl_free(names->heap, names->addresses, names->capacity * sizeof *addresses);
  names->addresses = addresses;
  names->capacity = capacity;
  names->used = alive;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    *rl_names_place(names, rl_names_address(L, -2)) = rl_names_address(L, -2);
}

static bool nameable(lua_State *L, int index) {
  switch (lua_type(L, index)) {
  case LUA_TTABLE:
  case LUA_TFUNCTION:
  case LUA_TUSERDATA:
  case LUA_TLIGHTUSERDATA: return true;
  default: return false;
  }
}

/* One naming of a module: stack indices are absolute. */
struct naming {
  lua_State *L;
  struct rl_names *names;
  int paths; /* index of the table */
  int left;  /* values that may still be named */
  bool all;  /* not only C functions and userdata */
};

static void add_address(struct naming *n, const void *address) {
  struct rl_names *names = n->names;
  if (names->used >= names->capacity / 2) {
    lua_pushvalue(n->L, n->paths);
    rebuild(n->L, names);
    lua_pop(n->L, 1);
  }
  const void **place = rl_names_place(names, address);
  names->used += *place != address;
  *place = address;
}

/* Gives the value at `value` the path at `path` unless it has one. */
static void name_value(struct naming *n, int value, int path) {
  lua_State *L = n->L;
  lua_pushvalue(L, value);
  bool named = lua_rawget(L, n->paths) != LUA_TNIL;
  lua_pop(L, 1);
  bool wanted = n->all || lua_iscfunction(L, value) || lua_isuserdata(L, value);
  if (named || !wanted || n->left-- <= 0)
    return;
  add_address(n, rl_names_address(L, value));
  lua_pushvalue(L, value);
  lua_pushvalue(L, path);
  lua_rawset(L, n->paths);
}

/* Whether `table` is the globals or package.loaded: all hangs there, under worse names. */
static bool is_root(lua_State *L, int table) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  bool root = lua_rawequal(L, table, -1) || lua_topointer(L, table) == rl_vm_of(L)->globals;
  lua_pop(L, 1);
  return root;
}

/* [.., key, value] -> [.., key, value, path] if the key can be part of a path and the value has to
 * be named, else nothing. `path` is that of the table. */
static bool push_path(lua_State *L, int path) {
  if (lua_type(L, -2) != LUA_TSTRING || !nameable(L, -1))
    return false;
  size_t size;
  const char *key = lua_tolstring(L, -2, &size);
  if (memchr(key, 0, size))
    return false;
  lua_pushvalue(L, path);
  lua_pushlstring(L, key, size + 1); /* with the zero that ends it */
  lua_concat(L, 2);
  return true;
}

/* Names what a table holds: first all of this level, then what is below the tables that have their
 * names from here, so that names are short. */
static void name_fields(struct naming *n, int table, int path, int depth) {
  lua_State *L = n->L;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  int key = lua_gettop(L) + 1;
  for (lua_pushnil(L); lua_next(L, table); lua_settop(L, key))
    if (push_path(L, path))
      name_value(n, key + 1, key + 2);
  if (depth == DEEPEST)
    return;
  for (lua_pushnil(L); lua_next(L, table); lua_settop(L, key)) {
    if (!lua_istable(L, key + 1) || is_root(L, key + 1) || !push_path(L, path))
      continue;
    lua_pushvalue(L, key + 1);
    lua_rawget(L, n->paths);
    if (lua_rawequal(L, -1, key + 2))
      name_fields(n, key + 1, key + 2, depth + 1);
  }
}

/* Of the globals only Lua's own functions are by name: the rest is the script's. */
static void name_globals(struct naming *n, int table, int path) {
  lua_State *L = n->L;
  int key = lua_gettop(L) + 1;
  for (lua_pushnil(L); lua_next(L, table); lua_settop(L, key))
    if (lua_iscfunction(L, key + 1) && push_path(L, path))
      name_value(n, key + 1, key + 2);
}

static void name_module(lua_State *L, const char *module, bool all) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  int top = lua_gettop(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &paths_key);
  struct naming n = {
      .L = L, .names = rl_vm_of(L)->names, .paths = top + 1, .left = MOST, .all = all};
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, module);
  int value = lua_gettop(L);
  lua_pushlstring(L, module, strlen(module) + 1);
  if (lua_topointer(L, value) == rl_vm_of(L)->globals) {
    name_globals(&n, value, value + 1);
  } else if (nameable(L, value)) {
    name_value(&n, value, value + 1);
    if (lua_istable(L, value))
      name_fields(&n, value, value + 1, 1);
  }
  lua_settop(L, top);
}

void rl_names_add(lua_State *L, const char *module) {
  name_module(L, module, true);
}

static void name_modules(lua_State *L, bool all) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING && strlen(lua_tostring(L, -2)) == lua_rawlen(L, -2))
      name_module(L, lua_tostring(L, -2), all);
  lua_pop(L, 1);
}

void rl_names_refresh(lua_State *L) {
  name_modules(L, false);
}

bool rl_names_find(lua_State *L, int index) {
  if (!rl_names_maybe(rl_vm_of(L)->names, rl_names_address(L, index)))
    return false;
  lua_pushvalue(L, index);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &paths_key);
  lua_insert(L, -2);
  bool found = lua_rawget(L, -2) == LUA_TSTRING;
  lua_remove(L, -2);
  if (!found)
    lua_pop(L, 1);
  return found;
}

void rl_names_open(lua_State *L) {
  static const char *const first[] = {"string", "table", "math", "io", "os", "utf8", "coroutine"};
  struct rl_vm *vm = rl_vm_of(L);
  vm->names = rl_zalloc(vm->heap, sizeof *vm->names);
  if (!vm->names)
    luaL_error(L, "not enough memory");
  vm->names->heap = vm->heap;
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  rebuild(L, vm->names);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &paths_key);
  for (size_t i = 0; i < sizeof first / sizeof *first; i++)
    name_module(L, first[i], true);
  name_modules(L, true);
}

void rl_names_free(struct rl_names *names) {
  if (!names)
    return;
  rl_free(names->heap, names->addresses, names->capacity * sizeof *names->addresses);
  rl_free(names->heap, names, sizeof *names);
}
