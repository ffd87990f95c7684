/* Pristine: see the header. The registry has a list of the tables, each with a copy of what it held
 * and its metatable, or false, and at negative indices the metatables of the basic types; C has the
 * addresses and bytes of the tables' hash parts. */
#include "vm/pristine.h"

#include <assert.h>
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "vm/collector.h"
#include "vm/inside.h"
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

/* One table, as memory. */
struct part {
  const struct rl_inside_table *table; /* alive: the list in the registry holds it */
  const void *pairs, *metatable;
  size_t at, size; /* where its pairs are in `bytes` */
  bool exact;      /* a metatable: what is added to it is taken out again */
};

struct rl_pristine {
  struct rl_heap *heap;
  int list;       /* registry reference: table, copy, metatable; table, ... */
  int text;       /* the same: a string, which could not be made where nothing may raise */
  unsigned count; /* of tables */
  unsigned room;  /* for so many of them in `parts` */
  struct part *parts;
  const void *metatables[TYPES]; /* of the basic types */
  struct rl_buffer bytes;
};

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

/* -- as memory ------------------------------------------------------------------------------ */

static size_t size_of(const struct rl_inside_table *table) {
  return rl_inside_pairs(table) * sizeof *table->pairs;
}

/* [.., list] -> [.., list] */
static void photograph(lua_State *L, struct rl_pristine *pristine, unsigned number) {
  if (!rl_vm_of(L)->inside)
    return;
  struct part *part = &pristine->parts[number];
  lua_rawgeti(L, -1, 3 * (lua_Integer)number + 1);
  part->table = rl_inside_of(L, -1);
  lua_pop(L, 1);
  part->pairs = part->table->pairs;
  part->metatable = part->table->metatable;
  part->at = pristine->bytes.size;
  part->size = size_of(part->table);
  rl_buffer_append(&pristine->bytes, part->pairs, part->size);
}

/* [.., list] -> [.., list]: without memory it is done again when it is next needed. */
static void photograph_all(lua_State *L, struct rl_pristine *pristine) {
  if (pristine->bytes.failed)
    rl_buffer_free(&pristine->bytes);
  pristine->bytes.size = 0;
  for (unsigned i = 0; i < pristine->count; i++)
    photograph(L, pristine, i);
}

static bool is_same(const struct rl_pristine *pristine, const struct part *part) {
  const struct rl_inside_table *table = part->table;
  return table->pairs == part->pairs && table->metatable == part->metatable &&
         size_of(table) == part->size &&
         memcmp(table->pairs, pristine->bytes.bytes + part->at, part->size) == 0;
}

static bool is_untouched(struct rl_vm *vm) {
  const struct rl_pristine *pristine = vm->pristine;
  if (!vm->inside || pristine->bytes.failed)
    return false;
  for (unsigned i = 0; i < pristine->count; i++)
    if (!is_same(pristine, &pristine->parts[i]))
      return false;
  for (enum sample type = 0; type < TYPES; type++)
    if (metatable_of(vm->L, pristine, type) != pristine->metatables[type])
      return false;
  return true;
}

/* -- as values ------------------------------------------------------------------------------ */

/* [list] -> [list]: what the table with this number holds now. */
static void copy_table(lua_State *L, unsigned number) {
  int list = lua_gettop(L), at = 3 * (int)number;
  lua_rawgeti(L, list, at + 1);
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, list + 1);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, list + 2);
  }
  lua_rawseti(L, list, at + 2);
  if (!lua_getmetatable(L, list + 1))
    lua_pushboolean(L, false);
  lua_rawseti(L, list, at + 3);
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
  photograph_all(L, pristine);
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

/* [table, copy] -> [table, copy] */
static void remove_others(lua_State *L, int table, int copy) {
  for (lua_pushnil(L); lua_next(L, table);) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    bool ours = lua_rawget(L, copy) != LUA_TNIL;
    lua_pop(L, 1);
    if (ours)
      continue;
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, table);
  }
}

/* [list] -> [list] */
static void restore_table(lua_State *L, const struct rl_pristine *pristine, unsigned number) {
  int list = lua_gettop(L), at = 3 * (int)number;
  lua_rawgeti(L, list, at + 1);
  lua_rawgeti(L, list, at + 2);
  if (pristine->parts[number].exact)
    remove_others(L, list + 1, list + 2);
  restore_fields(L, list + 1, list + 2);
  lua_rawgeti(L, list, at + 3);
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
    restore_table(L, pristine, i);
  for (enum sample type = 0; type < TYPES; type++)
    if (metatable_of(L, pristine, type) != pristine->metatables[type])
      restore_type(L, pristine, type);
  photograph_all(L, pristine);
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

bool rl_pristine_take(struct rl_vm *vm) {
  return protect(vm, take);
}

bool rl_pristine_restore(struct rl_vm *vm) {
  return is_untouched(vm) || protect(vm, restore);
}

/* -- the beginning and the end -------------------------------------------------------------- */

/* [list, table] -> [list]: may raise. */
static void add_table(lua_State *L, struct rl_pristine *pristine, bool exact) {
  size_t size = sizeof *pristine->parts;
  unsigned room = pristine->count + 1;
  struct part *parts =
      rl_realloc(pristine->heap, pristine->parts, pristine->room * size, room * size);
  if (!parts)
    luaL_error(L, "not enough memory");
  pristine->parts = parts;
  pristine->room = room;
  parts[pristine->count].exact = exact;
  lua_rawseti(L, -2, 3 * (lua_Integer)pristine->count + 1);
  copy_table(L, pristine->count);
  photograph(L, pristine, pristine->count++);
}

/* [list, metatable or another value] -> [list] */
static void add_metatable(lua_State *L, struct rl_pristine *pristine) {
  if (lua_istable(L, -1))
    add_table(L, pristine, true);
  else
    lua_pop(L, 1);
}

/* [list, table or another value] -> [list]: the table, and its metatable. */
static void add(lua_State *L, struct rl_pristine *pristine) {
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
  add_table(L, pristine, false);
}

/* [list] -> [list]: `package` is left out, whose tables are there to be changed. */
static void add_modules(lua_State *L, struct rl_pristine *pristine) {
  int list = lua_gettop(L);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  for (lua_pushnil(L); lua_next(L, list + 1); lua_settop(L, list + 2)) {
    if (strcmp(lua_tostring(L, -2), LUA_LOADLIBNAME) == 0)
      continue;
    lua_pushvalue(L, list);
    lua_pushvalue(L, -2);
    add(L, pristine);
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
  add(L, pristine);
}

static bool is_ours(const char *module) {
  return strncmp(module, "rille", 5) == 0 && (module[5] == 0 || module[5] == '.');
}

void rl_pristine_add(lua_State *L, const char *module) {
  struct rl_pristine *pristine = rl_vm_of(L)->pristine;
  if (!pristine || !is_ours(module))
    return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, pristine->list);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, module);
  lua_remove(L, -2);
  add(L, pristine);
  lua_pop(L, 1);
}

void rl_pristine_open(lua_State *L) {
  struct rl_vm *vm = rl_vm_of(L);
  struct rl_pristine *pristine = vm->pristine = rl_zalloc(vm->heap, sizeof *pristine);
  if (!pristine)
    luaL_error(L, "not enough memory");
  pristine->heap = vm->heap;
  rl_buffer_init(&pristine->bytes, vm->heap);
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
  rl_buffer_free(&pristine->bytes);
  rl_free(pristine->heap, pristine->parts, pristine->room * sizeof *pristine->parts);
  rl_free(pristine->heap, pristine, sizeof *pristine);
}
