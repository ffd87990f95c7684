/* Refuse: a breadth-first search, made only after a pack has failed, so that it may be slow; the
 * first thing found has the shortest path.
 *
 * Four tables lie on the stack: `values`, the queue; `parents` and `steps`, for each value the one
 * it was found in and how it is reached from there (".name", "[3]"); `seen`, keyed by value. */
#include "vm/refuse.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vm/names.h"
#include "vm/step.h"
#include "vm/vm.h"

struct search {
  int first, count; /* of the roots, then stack indices */
  rl_pack_names *names;
  lua_State *L;
  int values, parents, steps, seen;
  lua_Integer size; /* of the queue */
  lua_Integer at;   /* the value whose fields are looked at */
};

void rl_refuse_describe(lua_State *L, int index) {
  switch (lua_type(L, index)) {
  case LUA_TTHREAD: lua_pushliteral(L, "a coroutine"); return;
  case LUA_TLIGHTUSERDATA: lua_pushliteral(L, "a light userdata"); return;
  case LUA_TFUNCTION: lua_pushliteral(L, "a C function that no loaded module has"); return;
  default: break;
  }
  if (luaL_getmetafield(L, index, "__name") != LUA_TSTRING) {
    lua_pushliteral(L, "a userdata");
    return;
  }
  const char *name = lua_tostring(L, -1);
  const char *article = *name && strchr("aeiouAEIOU", *name) ? "an" : "a";
  lua_pushfstring(L, "%s %s", article, name);
}

/* [] -> [step] */
static void push_capture_step(lua_State *L, int function, const char *variable) {
  lua_Debug about;
  lua_pushvalue(L, function);
  lua_getinfo(L, ">S", &about);
  lua_pushfstring(L, "captured variable '%s' of function <%s:%d>", variable, about.short_src,
                  about.linedefined);
}

/* [step] -> []: puts the value at `value` into the queue, unless it was there or crosses anyhow. */
static void enqueue(struct search *s, int value) {
  lua_State *L = s->L;
  int type = lua_type(L, value);
  lua_pushvalue(L, value);
  if (type < LUA_TTABLE && type != LUA_TLIGHTUSERDATA) {
    lua_pop(L, 2);
    return;
  }
  bool seen = lua_rawget(L, s->seen) != LUA_TNIL;
  lua_pop(L, 1);
  if (seen) {
    lua_pop(L, 1);
    return;
  }
  lua_pushvalue(L, value);
  lua_pushboolean(L, true);
  lua_rawset(L, s->seen);
  lua_rawseti(L, s->steps, ++s->size);
  lua_pushvalue(L, value);
  lua_rawseti(L, s->values, s->size);
  lua_pushinteger(L, s->at);
  lua_rawseti(L, s->parents, s->size);
}

static void enqueue_fields(struct search *s, int table) {
  lua_State *L = s->L;
  int key = lua_gettop(L) + 1;
  for (lua_pushnil(L); lua_next(L, table); lua_settop(L, key)) {
    rl_step_push(L, key);
    enqueue(s, key + 1);
    lua_pushliteral(L, ".(key)");
    enqueue(s, key);
  }
  if (lua_getmetatable(L, table)) {
    lua_pushliteral(L, ".(metatable)");
    enqueue(s, key);
    lua_pop(L, 1);
  }
}

static void enqueue_captures(struct search *s, int function) {
  const char *name;
  for (int i = 1; (name = lua_getupvalue(s->L, function, i)); i++) {
    push_capture_step(s->L, function, name);
    enqueue(s, lua_gettop(s->L) - 1);
    lua_pop(s->L, 1);
  }
}

static bool has_pack(lua_State *L, int value) {
  if (luaL_getmetafield(L, value, "__pack") == LUA_TNIL)
    return false;
  lua_pop(L, 1);
  return true;
}

/* Whether the value at `value` cannot cross; otherwise what it leads to joins the queue. */
static bool is_refused(struct search *s, int value) {
  lua_State *L = s->L;
  if (lua_topointer(L, value) == rl_vm_of(L)->globals)
    return false;
  if (lua_type(L, value) != LUA_TTHREAD && rl_names_find(L, value)) {
    lua_pop(L, 1);
    return false;
  }
  if (lua_istable(L, value))
    enqueue_fields(s, value);
  else if (lua_isfunction(L, value) && !lua_iscfunction(L, value))
    enqueue_captures(s, value);
  else
    return lua_type(L, value) != LUA_TUSERDATA || !has_pack(L, value);
  return false;
}

/* [] -> [path]: the steps from the root to the value `at`; `root` gets the root's number. */
static void push_path(struct search *s, lua_Integer at, lua_Integer *root) {
  lua_State *L = s->L;
  lua_pushliteral(L, "");
  for (;;) {
    lua_rawgeti(L, s->parents, at);
    lua_Integer parent = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (parent == 0)
      break;
    lua_rawgeti(L, s->steps, at);
    const char *step = lua_tostring(L, -1);
    lua_rawgeti(L, s->parents, parent);
    bool joined = *step == 'c' && lua_tointeger(L, -1) != 0;
    lua_pop(L, 1);
    if (joined) { /* words after a path */
      lua_pushliteral(L, ", ");
      lua_insert(L, -2);
      lua_concat(L, 2);
    }
    lua_insert(L, -2);
    lua_concat(L, 2);
    at = parent;
  }
  *root = at;
}

/* [] -> [message] */
static void push_message(struct search *s, lua_Integer at) {
  lua_State *L = s->L;
  lua_Integer root;
  lua_rawgeti(L, s->values, at);
  rl_refuse_describe(L, lua_gettop(L));
  const char *kind = lua_tostring(L, -1);
  push_path(s, at, &root);
  const char *path = lua_tostring(L, -1);
  lua_rawgeti(L, s->steps, root);
  char name[64];
  int offset = (int)lua_tointeger(L, -1);
  snprintf(name, sizeof name, "value %d", offset + 1);
  if (s->names)
    s->names(name, sizeof name, offset);
  lua_pushfstring(L, "%s%s%s is %s and cannot leave its domain", name, *path ? ": " : "", path,
                  kind);
}

static int explain(lua_State *L) { // [search, values...]
  struct search *s = lua_touserdata(L, 1);
  luaL_checkstack(L, 2 * LUA_MINSTACK, NULL);
  s->L = L;
  s->values = lua_gettop(L) + 1;
  s->parents = s->values + 1;
  s->steps = s->values + 2;
  s->seen = s->values + 3;
  for (int i = 0; i < 4; i++)
    lua_newtable(L);
  for (int i = 0; i < s->count; i++) {
    lua_pushinteger(L, i); /* a root's step is its offset */
    enqueue(s, 2 + i);
  }
  for (s->at = 1; s->at <= s->size; s->at++) {
    lua_rawgeti(L, s->values, s->at);
    if (is_refused(s, lua_gettop(L))) {
      push_message(s, s->at);
      return 1;
    }
    lua_settop(L, s->seen);
  }
  lua_pushliteral(L, "something cannot leave its domain");
  return 1;
}

void rl_refuse_explain(lua_State *L, int first, int count, rl_pack_names *names) {
  struct search search = {.count = count, .names = names};
  lua_pushcfunction(L, explain);
  lua_pushlightuserdata(L, &search);
  for (int i = 0; i < count; i++)
    lua_pushvalue(L, first + i);
  lua_pcall(L, count + 1, 1, 0);
}
