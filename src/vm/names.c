/* Names: a table in the registry with weak keys, value to path, behind a set of addresses in C
 * that says in a few nanoseconds that a value has no name, as most have none. An address stays in
 * the set when its object dies, until the set is made anew: it may lie, the table does not. */
#include "vm/names.h"

#include <lauxlib.h>
#include <string.h>

#include "vm/vm.h"

enum {
  LEAST = 512,   /* room in the set of addresses */
  USUAL = 200,   /* values that the standard libraries hold, about */
  DEEPEST = 4,   /* keys in a path, */
  LONGEST = 512, /* and its length */
  MOST = 4096    /* values named in a module */
};

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
  const void *loaded; /* package.loaded */
  int paths;          /* index of the table */
  int left;           /* values that may still be named */
  bool all;           /* not only C functions and userdata */
  char path[LONGEST]; /* of what is being looked at, */
  size_t size;        /* each part of it ended by a zero byte */
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

/* Adds the string at `key` to the path; false if it is none, or cannot be part of one. */
static bool enter(struct naming *n, int key) {
  size_t size;
  if (lua_type(n->L, key) != LUA_TSTRING)
    return false;
  const char *text = lua_tolstring(n->L, key, &size);
  if (size >= sizeof n->path - n->size || memchr(text, 0, size))
    return false;
  memcpy(n->path + n->size, text, size + 1);
  n->size += size + 1;
  return true;
}

/* Gives the value at `value`, which is reached by `key`, a path unless it has one. */
static void name_value(struct naming *n, int key, int value) {
  lua_State *L = n->L;
  size_t before = n->size;
  if (!nameable(L, value) || !(n->all || lua_iscfunction(L, value) || lua_isuserdata(L, value)) ||
      n->left <= 0)
    return;
  lua_pushvalue(L, value);
  bool named = lua_rawget(L, n->paths) != LUA_TNIL;
  lua_pop(L, 1);
  if (named || !enter(n, key))
    return;
  n->left--;
  add_address(n, rl_names_address(L, value));
  lua_pushvalue(L, value);
  lua_pushlstring(L, n->path, n->size);
  lua_rawset(L, n->paths);
  n->size = before;
}

/* Whether the table at `value` has just the path it is reached by, and is to be entered. The
 * globals and package.loaded are not: everything hangs there, under worse names. */
static bool is_ours(struct naming *n, int value) {
  const void *table = lua_topointer(n->L, value);
  size_t size;
  if (table == n->loaded || table == rl_vm_of(n->L)->globals)
    return false;
  lua_pushvalue(n->L, value);
  lua_rawget(n->L, n->paths);
  const char *path = lua_tolstring(n->L, -1, &size);
  bool same = path && size == n->size && memcmp(path, n->path, size) == 0;
  lua_pop(n->L, 1);
  return same;
}

/* Names what a table holds: first all of this level, then what is below the tables that have their
 * names from here, so that names are short. */
static void name_fields(struct naming *n, int table, int depth) {
  lua_State *L = n->L;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  int key = lua_gettop(L) + 1;
  size_t before = n->size;
  for (lua_pushnil(L); lua_next(L, table); lua_settop(L, key))
    name_value(n, key, key + 1);
  if (depth == DEEPEST)
    return;
  for (lua_pushnil(L); lua_next(L, table); lua_settop(L, key), n->size = before)
    if (lua_istable(L, key + 1) && enter(n, key) && is_ours(n, key + 1))
      name_fields(n, key + 1, depth + 1);
}

/* Of the globals only Lua's own functions are by name: the rest is the script's. */
static void name_globals(struct naming *n, int table) {
  int key = lua_gettop(n->L) + 1;
  for (lua_pushnil(n->L); lua_next(n->L, table); lua_settop(n->L, key))
    if (lua_iscfunction(n->L, key + 1))
      name_value(n, key, key + 1);
}

/* [module's name] -> [module's name] */
static void name_module(lua_State *L, bool all) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  int name = lua_gettop(L), value = name + 3;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &paths_key);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  struct naming n = {
      .L = L, .names = rl_vm_of(L)->names, .paths = name + 1, .left = MOST, .all = all};
  n.loaded = lua_topointer(L, -1);
  lua_pushvalue(L, name);
  lua_rawget(L, -2);
  if (lua_topointer(L, value) == rl_vm_of(L)->globals) {
    if (enter(&n, name))
      name_globals(&n, value);
  } else {
    name_value(&n, name, value);
    if (lua_istable(L, value) && enter(&n, name))
      name_fields(&n, value, 1);
  }
  lua_settop(L, name);
}

void rl_names_add(lua_State *L, const char *module) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  lua_pushstring(L, module);
  name_module(L, true);
  lua_pop(L, 1);
}

static void name_modules(lua_State *L, bool all) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  for (lua_pushnil(L); lua_next(L, -2);) {
    lua_pop(L, 1);
    name_module(L, all);
  }
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
  struct rl_vm *vm = rl_vm_of(L);
  vm->names = rl_zalloc(vm->heap, sizeof *vm->names);
  if (!vm->names)
    luaL_error(L, "not enough memory");
  vm->names->heap = vm->heap;
  lua_createtable(L, 0, USUAL);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  rebuild(L, vm->names);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &paths_key);
  name_modules(L, true);
}

void rl_names_free(struct rl_names *names) {
  if (!names)
    return;
  rl_free(names->heap, names->addresses, names->capacity * sizeof *names->addresses);
  rl_free(names->heap, names, sizeof *names);
}
