/* Pristine: see the header. The registry has a list of the tables, each with a copy of what it
 * held, and at negative indices the metatables of the basic types; C has a snapshot of the tables.
 */
#include "vm/pristine.h"

#include <assert.h>
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "vm/collector.h"
#include "vm/inside.h"
#include "vm/snapshot.h"
#include "vm/vm.h"

/* The basic types whose values share their metatable. */
enum sample {
  SAMPLE_NIL,
  SAMPLE_BOOLEAN,
  SAMPLE_NUMBER,
  SAMPLE_STRING,
  SAMPLE_FUNCTION,
  SAMPLE_THREAD,
  SAMPLE_ADDRESS,
  TYPES
};

/* What the list has of each table, one after the other. */
enum field {
  TABLE = 1,
  COPY,      /* of its fields */
  METATABLE, /* or false */
  EXACT,     /* true: what is added to it is taken out again; a metatable, or a table of ours */
  FIELDS = EXACT
};

enum { LOADED }; /* the number of package.loaded in the list */

struct rl_pristine {
  int list;       /* registry reference */
  int text;       /* the same: a string, which could not be made where nothing may raise */
  unsigned count; /* of tables */
  const void *metatables[TYPES]; /* of the basic types */
  struct rl_snapshot snapshot;   /* of all tables, if they may be looked into */
};

static int place(unsigned number, enum field field) {
  return FIELDS * (int)number + (int)field;
}

/* -- the basic types ------------------------------------------------------------------------ */

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

/* [] -> [value] */
static void push_sample(lua_State *L, const struct rl_pristine *pristine, enum sample type) {
  switch (type) {
  case SAMPLE_NIL: lua_pushnil(L); break;
  case SAMPLE_BOOLEAN: lua_pushboolean(L, false); break;
  case SAMPLE_NUMBER: lua_pushinteger(L, 0); break;
  case SAMPLE_STRING: lua_rawgeti(L, LUA_REGISTRYINDEX, pristine->text); break;
  case SAMPLE_FUNCTION: lua_pushcfunction(L, nothing); break;
  case SAMPLE_THREAD: lua_pushthread(L); break;
  case SAMPLE_ADDRESS: lua_pushlightuserdata(L, NULL); break;
  case TYPES: assert(false);
  }
}

/* [] -> [metatable or false] */
static void push_metatable(lua_State *L, const struct rl_pristine *pristine, enum sample type) {
  push_sample(L, pristine, type);
  if (!lua_getmetatable(L, -1))
    lua_pushboolean(L, false);
  lua_remove(L, -2);
}

static const void *metatable_of(lua_State *L, const struct rl_pristine *pristine,
                                enum sample type) {
  push_metatable(L, pristine, type);
  const void *metatable = lua_topointer(L, -1); /* NULL of what is no table */
  lua_pop(L, 1);
  return metatable;
}

/* [metatable or false] -> [] */
static void set_metatable(lua_State *L, int index) {
  if (lua_isboolean(L, -1)) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
  lua_setmetatable(L, index);
}

static bool is_untouched(struct rl_vm *vm) {
  const struct rl_pristine *pristine = vm->pristine;
  if (!vm->inside || !rl_snapshot_same(&pristine->snapshot))
    return false;
  for (enum sample type = 0; type < TYPES; type++)
    if (metatable_of(vm->L, pristine, type) != pristine->metatables[type])
      return false;
  return true;
}

/* -- the tables ------------------------------------------------------------------------------- */

/* [list] -> [list]: what the table with this number holds now. */
static void copy_table(lua_State *L, unsigned number) {
  int list = lua_gettop(L);
  lua_rawgeti(L, list, place(number, TABLE));
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, list + 1);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, list + 2);
  }
  lua_rawseti(L, list, place(number, COPY));
  if (!lua_getmetatable(L, list + 1))
    lua_pushboolean(L, false);
  lua_rawseti(L, list, place(number, METATABLE));
  lua_settop(L, list);
}

/* [list] -> [list] */
static void take_type(lua_State *L, struct rl_pristine *pristine, enum sample type) {
  push_metatable(L, pristine, type);
  pristine->metatables[type] = lua_topointer(L, -1);
  lua_rawseti(L, -2, -1 - (int)type);
}

static int take(lua_State *L) {
  struct rl_pristine *pristine = lua_touserdata(L, 1);
  lua_settop(L, 0);
  lua_rawgeti(L, LUA_REGISTRYINDEX, pristine->list);
  for (unsigned i = 0; i < pristine->count; i++)
    copy_table(L, i);
  for (enum sample type = 0; type < TYPES; type++)
    take_type(L, pristine, type);
  rl_snapshot_renew(&pristine->snapshot);
  return 0;
}

/* [table, copy] -> [table, copy] */
static void restore_fields(lua_State *L, int table, int copy) {
  for (lua_pushnil(L); lua_next(L, copy); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_rawget(L, table);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    if (same)
      continue;
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, table);
  }
}

/* Whether the key there is the name of a module of Rille's. */
static bool is_our_name(lua_State *L, int key) {
  if (lua_type(L, key) != LUA_TSTRING)
    return false;
  const char *name = lua_tostring(L, key);
  return strncmp(name, "rille", 5) == 0 && (name[5] == 0 || name[5] == '.');
}

/* Takes out what was not there, all of it or what is under names of ours.
 * [table, copy] -> [table, copy] */
static void remove_others(lua_State *L, int table, int copy, bool all) {
  for (lua_pushnil(L); lua_next(L, table);) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    bool known = lua_rawget(L, copy) != LUA_TNIL;
    lua_pop(L, 1);
    if (known || !(all || is_our_name(L, -1)))
      continue;
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, table);
  }
}

/* [list] -> [list] */
static void restore_table(lua_State *L, unsigned number) {
  int list = lua_gettop(L);
  lua_rawgeti(L, list, place(number, TABLE));
  lua_rawgeti(L, list, place(number, COPY));
  lua_rawgeti(L, list, place(number, EXACT));
  bool exact = lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (exact || number == LOADED)
    remove_others(L, list + 1, list + 2, exact);
  restore_fields(L, list + 1, list + 2);
  lua_rawgeti(L, list, place(number, METATABLE));
  set_metatable(L, list + 1);
  lua_settop(L, list);
}

/* [list] -> [list] */
static void restore_type(lua_State *L, const struct rl_pristine *pristine, enum sample type) {
  int list = lua_gettop(L);
  push_sample(L, pristine, type);
  lua_rawgeti(L, list, -1 - (int)type);
  set_metatable(L, list + 1);
  lua_settop(L, list);
}

static int restore(lua_State *L) {
  struct rl_pristine *pristine = lua_touserdata(L, 1);
  lua_settop(L, 0);
  lua_rawgeti(L, LUA_REGISTRYINDEX, pristine->list);
  for (unsigned i = 0; i < pristine->count; i++)
    restore_table(L, i);
  for (enum sample type = 0; type < TYPES; type++)
    if (metatable_of(L, pristine, type) != pristine->metatables[type])
      restore_type(L, pristine, type);
  rl_snapshot_renew(&pristine->snapshot);
  return 0;
}

/* The collector is held: a finalizer might change things again in the middle of it. */
static bool protect(struct rl_vm *vm, lua_CFunction function) {
  lua_State *L = vm->L;
  int top = lua_gettop(L);
  bool done = rl_collector_hold(L, function, vm->pristine) == LUA_OK;
  lua_settop(L, top);
  return done;
}

bool rl_pristine_settle(struct rl_vm *vm) {
  return is_untouched(vm) || protect(vm, vm->preparing ? take : restore);
}

void rl_pristine_clean(lua_State *L) {
  struct rl_vm *vm = rl_vm_of(L);
  if (vm->pristine && !vm->preparing && !is_untouched(vm) &&
      rl_collector_hold(L, restore, vm->pristine) != LUA_OK)
    lua_error(L);
}

/* -- the beginning and the end -------------------------------------------------------------- */

/* [list, table] -> [list]: may raise. */
static void add_table(lua_State *L, struct rl_pristine *pristine, bool exact) {
  unsigned number = pristine->count;
  struct rl_inside_table *table = rl_inside_of(L, -1);
  lua_rawseti(L, -2, place(number, TABLE));
  lua_pushboolean(L, exact);
  lua_rawseti(L, -2, place(number, EXACT));
  copy_table(L, number);
  if (rl_vm_of(L)->inside && rl_snapshot_add(&pristine->snapshot, table) != 0)
    luaL_error(L, "not enough memory");
  pristine->count++;
}

/* [list, metatable or another value] -> [list] */
static void add_metatable(lua_State *L, struct rl_pristine *pristine) {
  if (lua_istable(L, -1))
    add_table(L, pristine, true);
  else
    lua_pop(L, 1);
}

/* [list, table or another value] -> [list]: the table, and its metatable. */
static void add(lua_State *L, struct rl_pristine *pristine, bool exact) {
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    return;
  }
  if (lua_getmetatable(L, -1)) { // [list, table, metatable]
    lua_pushvalue(L, -3);
    lua_insert(L, -2);
    add_metatable(L, pristine);
    lua_pop(L, 1);
  }
  add_table(L, pristine, exact);
}

/* [list] -> [list]: package.loaded first, whose copy tells later which modules are remembered. The
 * rest of `package` is left out: paths and searchers are there to be changed. */
static void add_modules(lua_State *L, struct rl_pristine *pristine) {
  int list = lua_gettop(L);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, list);
  lua_pushvalue(L, -2);
  add_table(L, pristine, false);
  lua_pop(L, 1);
  for (lua_pushnil(L); lua_next(L, list + 1); lua_settop(L, list + 2)) {
    if (strcmp(lua_tostring(L, -2), LUA_LOADLIBNAME) == 0)
      continue;
    lua_pushvalue(L, list);
    lua_pushvalue(L, -2);
    add(L, pristine, false);
  }
  lua_settop(L, list);
}

/* [list] -> [list]: what the methods of strings and files are found by. */
static void add_methods(lua_State *L, struct rl_pristine *pristine) {
  push_metatable(L, pristine, SAMPLE_STRING);
  add_metatable(L, pristine);
  luaL_getmetatable(L, LUA_FILEHANDLE);
  add_metatable(L, pristine);
  luaL_getmetatable(L, LUA_FILEHANDLE);
  lua_getfield(L, -1, "__index");
  lua_remove(L, -2);
  add(L, pristine, false);
}

/* [] -> [list, what is remembered of package.loaded], or nothing and false */
static bool push_remembered(lua_State *L) {
  const struct rl_pristine *pristine = rl_vm_of(L)->pristine;
  if (!pristine)
    return false;
  lua_rawgeti(L, LUA_REGISTRYINDEX, pristine->list);
  lua_rawgeti(L, -1, place(LOADED, COPY));
  return true;
}

void rl_pristine_add(lua_State *L, const char *module) {
  if (!push_remembered(L))
    return;
  int list = lua_gettop(L) - 1;
  if (lua_getfield(L, -1, module) == LUA_TNIL) { /* or it is loaded again, which will be undone */
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, module);
    lua_pushvalue(L, -1);
    lua_setfield(L, list + 1, module);
    lua_pushvalue(L, list);
    lua_insert(L, -2);
    add(L, rl_vm_of(L)->pristine, true);
  }
  lua_settop(L, list - 1);
}

/* [] -> [what is remembered of the table there, or nil] */
static void push_copy(lua_State *L, int list, int index) {
  const void *table = lua_topointer(L, index);
  for (unsigned i = 0; i < rl_vm_of(L)->pristine->count; i++) {
    lua_rawgeti(L, list, place(i, TABLE));
    bool found = lua_topointer(L, -1) == table;
    lua_pop(L, 1);
    if (found) {
      lua_rawgeti(L, list, place(i, COPY));
      return;
    }
  }
  lua_pushnil(L);
}

void rl_pristine_learn(lua_State *L, int table, int key, const char *module) {
  if (!push_remembered(L))
    return;
  int list = lua_gettop(L) - 1, copy = list + 2, whole = list + 3, value = list + 5;
  push_copy(L, list, table);
  lua_getfield(L, list + 1, module);
  push_copy(L, list, whole);
  if (lua_istable(L, copy) && lua_istable(L, -1)) {
    lua_pushvalue(L, key);
    lua_rawget(L, -2);
    if (!lua_isfunction(L, value))
      lua_copy(L, whole, value);
    lua_pushvalue(L, key);
    lua_insert(L, value);
    lua_rawset(L, copy);
  }
  lua_settop(L, list - 1);
}

void rl_pristine_open(lua_State *L) {
  struct rl_vm *vm = rl_vm_of(L);
  struct rl_pristine *pristine = vm->pristine = rl_zalloc(vm->heap, sizeof *pristine);
  if (!pristine)
    luaL_error(L, "not enough memory");
  rl_snapshot_init(&pristine->snapshot, vm->heap);
  lua_pushliteral(L, "");
  pristine->text = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_newtable(L);
  add_modules(L, pristine);
  add_methods(L, pristine);
  for (enum sample type = 0; type < TYPES; type++)
    take_type(L, pristine, type);
  pristine->list = luaL_ref(L, LUA_REGISTRYINDEX);
}

void rl_pristine_free(struct rl_pristine *pristine) {
  if (!pristine)
    return;
  struct rl_heap *heap = pristine->snapshot.heap;
  rl_snapshot_free(&pristine->snapshot);
  rl_free(heap, pristine, sizeof *pristine);
}
