/* rille.context: strings that travel with the work of a fiber, from domain to domain. A table: its
 * fields are looked up, set and gone over. None of these operations suspends. */
#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "domain/context.h"
#include "domain/domain.h"
#include "domain/fiber.h"
#include "lib/modules.h"

enum { CLOCK_TEXT = 32 };

static struct rl_slice slice_at(lua_State *L, int index) {
  struct rl_slice slice;
  slice.bytes = lua_tolstring(L, index, &slice.size);
  return slice;
}

static bool is_deadline(struct rl_slice key) {
  static const char name[] = "deadline";
  return key.size == sizeof name - 1 && memcmp(key.bytes, name, key.size) == 0;
}

/* The calling fiber, with its context made. */
static struct rl_fiber *fiber_of(lua_State *L) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  if (!fiber)
    luaL_error(L, "rille.context: only a fiber has a context, and this runs outside any");
  else if (!rl_fiber_introduce(fiber))
    luaL_error(L, "not enough memory");
  return fiber;
}

static void push_value(lua_State *L, struct rl_slice value) {
  if (value.bytes)
    lua_pushlstring(L, value.bytes, value.size);
  else
    lua_pushnil(L);
}

/* [] -> [.., text or nil]: the earlier of the two: a task's deadline, and the one that came with
 * the request. */
static void push_deadline(lua_State *L, const struct rl_fiber *fiber) {
  struct rl_slice given =
      rl_context_find(fiber->carried, (struct rl_slice){"deadline", sizeof "deadline" - 1});
  push_value(L, given);
  lua_Number time = given.bytes ? lua_tonumber(L, -1) : HUGE_VAL;
  if (fiber->due == 0 || (lua_Number)fiber->due / 1e9 >= time)
    return;
  char text[CLOCK_TEXT];
  snprintf(text, sizeof text, "%.3f", (lua_Number)fiber->due / 1e9);
  lua_pushstring(L, text);
  lua_replace(L, -2);
}

/* rille.context[key] -> string | nil
 *
 * What this fiber carries under the key. request_id: the request's, in an HTTP handler and all that
 * it starts. deadline: when the work is to be over, in seconds of rille.now(), as text: that of the
 * handler, or of a job's task, whichever is earlier. */
static int get(lua_State *L) { // [context, key]
  if (lua_type(L, 2) != LUA_TSTRING)
    return 0;
  struct rl_fiber *fiber = fiber_of(L);
  struct rl_slice key = slice_at(L, 2);
  if (is_deadline(key)) {
    push_deadline(L, fiber);
    return 1;
  }
  push_value(L, rl_context_find(fiber->carried, key));
  return 1;
}

static void check_pair(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING)
    luaL_error(L, "rille.context: a key must be a string, got a %s", luaL_typename(L, 2));
  if (is_deadline(slice_at(L, 2)))
    luaL_error(L, "rille.context.deadline cannot be set: it is that of the job or the request "
                  "(see rille.job, option deadline)");
  if (!lua_isnil(L, 3) && lua_type(L, 3) != LUA_TSTRING)
    luaL_error(L, "rille.context.%s: the value must be a string, or nil to remove it; got a %s",
               lua_tostring(L, 2), luaL_typename(L, 3));
}

/* rille.context[key] = string | nil
 *
 * From now on this fiber carries the string under the key, and whatever it starts from now on:
 * fibers, tasks on compute domains, calls in the main domain. What runs already does not see it,
 * nor does who started this fiber. Errors: what is no string; more than 64 keys, or 8192 bytes in
 * all. */
static int set(lua_State *L) { // [context, key, value]
  check_pair(L);
  struct rl_fiber *fiber = fiber_of(L);
  struct rl_slice key = slice_at(L, 2), value = {NULL, 0};
  if (!lua_isnil(L, 3))
    value = slice_at(L, 3);
  struct rl_context *made;
  struct rl_heap *heap = rl_domain_of(L)->settings->heap;
  switch (rl_context_with(heap, fiber->carried, key, value, &made)) {
  case RL_CONTEXT_NO_MEMORY: return luaL_error(L, "not enough memory");
  case RL_CONTEXT_TOO_BIG:
    return luaL_error(L,
                      "rille.context.%s: too much for a context, which holds up to %d strings of "
                      "%d bytes in all, keys included",
                      key.bytes, RL_CONTEXT_MOST, RL_CONTEXT_BYTES);
  case RL_CONTEXT_FINE: break;
  }
  rl_context_release(fiber->carried);
  fiber->carried = made;
  return 0;
}

static int next(lua_State *L) {
  lua_settop(L, 2);
  if (lua_next(L, 1))
    return 2;
  lua_pushnil(L);
  return 1;
}

/* pairs(rille.context) -> iterator: the keys and values as they are now, in no order. */
static int each(lua_State *L) {
  struct rl_fiber *fiber = fiber_of(L);
  lua_pushcfunction(L, next);
  lua_newtable(L);
  /* What pushes may run a finalizer that sets a key. */
  for (unsigned i = 0; fiber->carried && i < fiber->carried->count; i++) {
    struct rl_slice key = rl_context_key(fiber->carried, i);
    lua_pushlstring(L, key.bytes, key.size);
    push_value(L, rl_context_find(fiber->carried, slice_at(L, -1)));
    lua_rawset(L, -3);
  }
  push_deadline(L, fiber);
  lua_setfield(L, -2, "deadline");
  lua_pushnil(L);
  return 3;
}

static const luaL_Reg metamethods[] = {
    {"__index", get}, {"__newindex", set}, {"__pairs", each}, {NULL, NULL}};

int luaopen_rille_context(lua_State *L) {
  lua_newtable(L);
  luaL_newlib(L, metamethods);
  lua_setmetatable(L, -2);
  return 1;
}
