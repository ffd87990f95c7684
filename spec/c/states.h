/* Two Lua states as of two domains, in one thread: `near`, where a test's Lua code runs, and `far`,
 * a compute domain's. In near there are
 *
 *   ship(...)    the values, packed into far, and from there back
 *   run(f, ...)  the results of f(...) in far; its error, or that of packing or unpacking, is
 * raised eq(a, b)     raises unless they are rawequal raises(text, f, ...)   raises unless f raises
 * a string that contains the text */
#ifndef RL_SPEC_STATES_H
#define RL_SPEC_STATES_H

#include <lauxlib.h>
#include <stdio.h>

#include "check.h"
#include "vm/call.h"
#include "vm/parcel.h"
#include "vm/state.h"

struct states {
  struct rl_heap heap;
  struct rl_vm near, far;
};

static inline int states_unpack(lua_State *L) { // [parcel]
  struct rl_parcel *parcel = lua_touserdata(L, 1);
  lua_settop(L, 0);
  return rl_unpack(L, parcel);
}

static inline void states_name(char *name, size_t size, int offset) {
  if (offset == 0)
    snprintf(name, size, "the function");
  else
    snprintf(name, size, "argument %d", offset);
}

/* [from: count values] -> [from: nothing] [to: values]: 0, or -1 and an error on `to`. */
static inline int states_move(struct states *s, lua_State *from, lua_State *to, int count) {
  struct rl_parcel parcel;
  rl_parcel_init(&parcel, &s->heap);
  int first = lua_gettop(from) - count + 1;
  if (rl_pack(from, first, count, &parcel, states_name) != 0) {
    lua_pushstring(to, lua_tostring(from, -1));
    lua_settop(from, first - 1);
    return -1;
  }
  assert_int_equal(lua_gettop(from), first + count - 1);
  lua_pushcfunction(to, states_unpack);
  lua_pushlightuserdata(to, &parcel);
  int status = lua_pcall(to, 1, LUA_MULTRET, 0);
  rl_parcel_release(from, &parcel);
  rl_parcel_free(&parcel, false);
  lua_settop(from, first - 1);
  return status == LUA_OK ? 0 : -1;
}

static inline struct states *states_of(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

/* [far: .. above top] -> [near]: moves what lies there, or raises it. */
static inline int states_answer(lua_State *L, int status, int top) {
  struct states *s = states_of(L);
  lua_State *far = s->far.L;
  lua_settop(L, 0);
  if (status == 0)
    status = states_move(s, far, L, lua_gettop(far) - top);
  else
    lua_pushstring(L, luaL_tolstring(far, -1, NULL));
  lua_settop(far, top);
  return status == 0 ? lua_gettop(L) : lua_error(L);
}

static inline int states_ship(lua_State *L) {
  struct states *s = states_of(L);
  int top = lua_gettop(s->far.L);
  return states_answer(L, states_move(s, L, s->far.L, lua_gettop(L)), top);
}

static inline int states_run(lua_State *L) {
  struct states *s = states_of(L);
  lua_State *far = s->far.L;
  int top = lua_gettop(far);
  int status = states_move(s, L, far, lua_gettop(L));
  if (status == 0)
    status = lua_pcall(far, lua_gettop(far) - top - 1, LUA_MULTRET, 0);
  return states_answer(L, status, top);
}

static inline int states_open(void **state) {
  static const char *const helpers =
      "function eq(a, b) if not rawequal(a, b) then"
      "  error(tostring(a) .. ' is not ' .. tostring(b), 2) end end "
      "function raises(text, f, ...) local ok, message = pcall(f, ...)"
      "  if ok or type(message) ~= 'string' or not message:find(text, 1, true) then"
      "    error('got: ' .. tostring(message), 2) end return message end";
  struct states *s = calloc(1, sizeof *s);
  rl_heap_init(&s->heap);
  s->far.compute = true;
  s->far.number = 2;
  s->near.hashes = s->far.hashes = 7;
  assert_int_equal(rl_vm_open(&s->near, &s->heap), 0);
  assert_int_equal(rl_vm_open(&s->far, &s->heap), 0);
  lua_State *L = s->near.L;
  lua_pushlightuserdata(L, s);
  lua_pushcclosure(L, states_ship, 1);
  lua_setglobal(L, "ship");
  lua_pushlightuserdata(L, s);
  lua_pushcclosure(L, states_run, 1);
  lua_setglobal(L, "run");
  assert_int_equal(luaL_dostring(L, helpers), 0);
  *state = s;
  return 0;
}

static inline int states_close(void **state) {
  struct states *s = *state;
  rl_vm_close(&s->near);
  rl_vm_close(&s->far);
  assert_int_equal(s->near.ledger.bytes, 0);
  assert_int_equal(s->far.ledger.bytes, 0);
  assert_int_equal(atomic_load(&s->heap.blocks), 0);
  assert_int_equal(atomic_load(&s->heap.bytes), 0);
  rl_heap_trim(&s->heap);
  free(s);
  return 0;
}

/* Runs Lua code; its error fails the test. */
static inline void states_check(lua_State *L, const char *code) {
  lua_pushcfunction(L, rl_traceback);
  int status = luaL_loadbufferx(L, code, strlen(code), "=test", "t");
  if (status == LUA_OK)
    status = lua_pcall(L, 0, 0, -2);
  if (status != LUA_OK)
    fail_msg("%s", lua_tostring(L, -1));
  lua_pop(L, 1);
}

static inline void near_check(void **state, const char *code) {
  states_check(((struct states *)*state)->near.L, code);
}

#endif
