/* Inside: the check, and what the API has no call for. The check builds tables of known contents
 * and shapes with the API and looks whether they are found where they are expected; small fields
 * are compared before pointers are followed. */
#include "vm/inside.h"

#include <lauxlib.h>
#include <string.h>

#include "vm/vm.h"

enum { MOST_BUCKETS = 1 << 24 };

static const char long_text[] = "forty-one bytes: the least of a long text";

static bool holds_integers(const struct rl_inside_table *table, size_t room, size_t count) {
  if (rl_inside_room(table) != room || rl_inside_pairs(table) != 0)
    return false;
  for (size_t i = 0; i < room; i++) {
    const struct rl_inside_value *value = &table->array[i];
    if (i < count ? value->kind != RL_INSIDE_INTEGER || value->datum.integer != (lua_Integer)i + 1
                  : !rl_inside_nil(value->kind))
      return false;
  }
  return true;
}

/* A sequence as it grows and shrinks, which moves the limit about. */
static bool sequences_are_as_expected(lua_State *L) {
  lua_newtable(L);
  const struct rl_inside_table *table = rl_inside_of(L, -1);
  bool fine = holds_integers(table, 0, 0);
  for (lua_Integer i = 1; i <= 100; i++) {
    lua_pushinteger(L, i);
    lua_rawseti(L, -2, i);
  }
  fine = fine && holds_integers(table, 128, 100) && lua_rawlen(L, -1) == 100 &&
         holds_integers(table, 128, 100);
  for (lua_Integer i = 100; fine && i > 70; i--) {
    lua_pushnil(L);
    lua_rawseti(L, -2, i);
    fine = lua_rawlen(L, -1) == (lua_Unsigned)i - 1 && holds_integers(table, 128, (size_t)i - 1);
  }
  lua_createtable(L, 3, 0);
  lua_pushinteger(L, 1);
  lua_rawseti(L, -2, 1);
  fine = fine && holds_integers(rl_inside_of(L, -1), 3, 1);
  lua_pop(L, 2);
  return fine;
}

static bool has_text(const void *object, const char *expected) {
  size_t size;
  const char *text = rl_inside_text(object, &size);
  return size == strlen(expected) && memcmp(text, expected, size) == 0;
}

static bool pair_is_as_expected(const struct rl_inside_pair *pair) {
  if (pair->key_kind == RL_INSIDE_SHORT && has_text(pair->key.object, "integer"))
    return pair->kind == RL_INSIDE_INTEGER && pair->value.integer == LUA_MAXINTEGER;
  if (pair->key_kind == RL_INSIDE_LONG && has_text(pair->key.object, long_text))
    return pair->kind == RL_INSIDE_LONG && has_text(pair->value.object, long_text);
  if (pair->key_kind == RL_INSIDE_FLOAT && pair->key.number == 0.5)
    return pair->kind == RL_INSIDE_FLOAT && pair->value.number == -1.25;
  if (pair->key_kind == RL_INSIDE_INTEGER && pair->key.integer == -7)
    return pair->kind == RL_INSIDE_TRUE;
  return pair->key_kind == RL_INSIDE_TRUE && pair->kind == RL_INSIDE_FALSE;
}

static void fill(lua_State *L) {
  lua_pushinteger(L, LUA_MAXINTEGER);
  lua_setfield(L, -2, "integer");
  lua_pushstring(L, long_text);
  lua_setfield(L, -2, long_text);
  lua_pushnumber(L, 0.5);
  lua_pushnumber(L, -1.25);
  lua_rawset(L, -3);
  lua_pushboolean(L, true);
  lua_rawseti(L, -2, -7);
  lua_pushboolean(L, true);
  lua_pushboolean(L, false);
  lua_rawset(L, -3);
}

static bool pairs_are_as_expected(lua_State *L) {
  lua_createtable(L, 0, 5);
  fill(L);
  lua_pushvalue(L, -1);
  lua_setmetatable(L, -2);
  const struct rl_inside_table *table = rl_inside_of(L, -1);
  unsigned found = 0;
  bool fine = rl_inside_room(table) == 0 && rl_inside_pairs(table) == 8;
  for (size_t i = 0; fine && i < 8; i++)
    if (!rl_inside_nil(table->pairs[i].kind)) {
      found++;
      fine = pair_is_as_expected(&table->pairs[i]);
    }
  fine = fine && found == 5 && table->metatable == table;
  lua_pop(L, 1);
  return fine;
}

/* What is alive when the collector becomes generational is black, and white when it is no more. */
static bool marks_are_as_expected(lua_State *L) {
  lua_newtable(L);
  const struct rl_inside_table *table = rl_inside_of(L, -1);
  bool fine = !rl_inside_black(table);
  lua_gc(L, LUA_GCGEN, 0, 0);
  fine = fine && rl_inside_black(table);
  lua_gc(L, LUA_GCINC, 0, 0, 0);
  fine = fine && !rl_inside_black(table);
  lua_pop(L, 1);
  return fine;
}

bool rl_inside_check(lua_State *L) {
  return lua_version(L) == 504 && sizeof(void *) == 8 && sequences_are_as_expected(L) &&
         pairs_are_as_expected(L) && marks_are_as_expected(L);
}

static bool strings_are_as_expected(lua_State *L, const struct rl_inside_strings *strings) {
  static const char text[] = "is it where it is looked for?";
  if (strings->size <= 0 || (strings->size & (strings->size - 1)) != 0)
    return false;
  const char *bytes = lua_pushstring(L, text);
  const struct rl_inside_string *own = rl_inside_made(bytes).datum.object;
  const struct rl_inside_string *at = *rl_inside_bucket(strings, own->hash);
  for (int passed = 0; at && at != own && passed < strings->used; passed++)
    at = at->beside;
  bool fine = at == own && has_text(at, text);
  lua_pop(L, 1);
  return fine;
}

static bool holds_what_lua_says(lua_State *L, const struct rl_inside_state *state) {
  size_t says = ((size_t)lua_gc(L, LUA_GCCOUNT) << 10) + (size_t)lua_gc(L, LUA_GCCOUNTB);
  return state->bytes + (size_t)state->debt == says;
}

bool rl_inside_check_state(lua_State *L, const struct rl_inside_state *state) {
  void *context;
  if (!state || state->allocate != lua_getallocf(L, &context) || state->context != context)
    return false;
  bool fine = strings_are_as_expected(L, &state->strings) && holds_what_lua_says(L, state);
  lua_createtable(L, 0, 8);
  fine = fine && holds_what_lua_says(L, state);
  lua_pop(L, 1);
  return fine;
}

void *rl_inside_take(lua_State *L, size_t size) {
  const struct rl_vm *vm = rl_vm_of(L);
  struct rl_inside_state *state = vm->state;
  if (!rl_ledger_allows(&vm->ledger, size))
    return NULL;
  void *block = state->allocate(state->context, NULL, 0, size);
  if (block)
    state->debt += (ptrdiff_t)size;
  return block;
}

static void give(struct rl_inside_state *state, void *block, size_t size) {
  state->allocate(state->context, block, size, 0);
  state->debt -= (ptrdiff_t)size;
}

/* Into `buckets`, of which there are `size`. */
static void move_strings(const struct rl_inside_strings *strings, struct rl_inside_string **buckets,
                         int size) {
  memset(buckets, 0, (size_t)size * sizeof *buckets);
  for (int i = 0; i < strings->size; i++) {
    for (struct rl_inside_string *string = strings->buckets[i], *next; string; string = next) {
      struct rl_inside_string **bucket = &buckets[string->hash & (uint32_t)(size - 1)];
      next = string->beside;
      string->beside = *bucket;
      *bucket = string;
    }
  }
}

void rl_inside_widen(lua_State *L, size_t more) {
  struct rl_inside_state *state = rl_vm_of(L)->state;
  struct rl_inside_strings *strings = &state->strings;
  int size = strings->size;
  while (size < MOST_BUCKETS && (size_t)size < (size_t)strings->used + more)
    size *= 2;
  if (size == strings->size)
    return;
  struct rl_inside_string **buckets = rl_inside_take(L, (size_t)size * sizeof *buckets);
  if (!buckets)
    return;
  move_strings(strings, buckets, size);
  give(state, strings->buckets, (size_t)strings->size * sizeof *buckets);
  strings->buckets = buckets;
  strings->size = size;
}

static struct rl_inside_thread *thread_of(lua_State *L) {
  return (struct rl_inside_thread *)(void *)L;
}

static void probe(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  lua_pushboolean(L, thread_of(L)->hooks == 0);
  lua_error(L);
}

bool rl_inside_check_thread(lua_State *L) {
  const struct rl_inside_thread *thread = thread_of(L);
  int top = lua_gettop(L);
  if (lua_version(L) != 504 || thread->type != LUA_TTHREAD || thread->status != LUA_OK ||
      thread->hooks != 1)
    return false;
  luaL_loadstring(L, "return");
  lua_sethook(L, probe, LUA_MASKCOUNT, 1);
  bool fine = lua_pcall(L, 0, 0, 0) == LUA_ERRRUN && lua_toboolean(L, -1) && thread->hooks == 1;
  lua_settop(L, top);
  return fine;
}
