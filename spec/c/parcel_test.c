/* vm/parcel.c: what a parcel says about itself, lent strings, and bytes kept for reuse. */
#include "states.h"

static void pack_top(struct states *s, struct rl_parcel *parcel, int count) {
  lua_State *L = s->near.L;
  assert_int_equal(rl_pack(L, lua_gettop(L) - count + 1, count, parcel, NULL), 0);
  assert_int_equal(parcel->values, count);
}

static void only_scalars_make_a_scalar_parcel(void **state) {
  struct states *s = *state;
  lua_State *L = s->near.L;
  struct rl_parcel parcel;
  rl_parcel_init(&parcel, &s->heap);
  lua_pushnil(L);
  lua_pushboolean(L, true);
  lua_pushnumber(L, 1.5);
  pack_top(s, &parcel, 3);
  assert_true(parcel.scalar);
  assert_int_equal(rl_unpack(s->far.L, &parcel), 3);
  rl_parcel_free(&parcel, true);
  lua_pushliteral(L, "x");
  pack_top(s, &parcel, 4);
  assert_false(parcel.scalar);
  rl_parcel_free(&parcel, false);
  lua_newtable(L);
  pack_top(s, &parcel, 1);
  assert_false(parcel.scalar);
  rl_parcel_free(&parcel, false);
  lua_settop(L, 0);
  lua_settop(s->far.L, 0);
}

static void small_buffers_are_kept(void **state) {
  struct states *s = *state;
  lua_State *L = s->near.L;
  struct rl_parcel parcel;
  rl_parcel_init(&parcel, &s->heap);
  lua_pushinteger(L, 1);
  pack_top(s, &parcel, 1);
  unsigned char *bytes = parcel.bytes.bytes;
  assert_non_null(bytes);
  rl_parcel_free(&parcel, true);
  assert_ptr_equal(parcel.bytes.bytes, bytes);
  pack_top(s, &parcel, 1);
  assert_ptr_equal(parcel.bytes.bytes, bytes);
  rl_parcel_free(&parcel, false);
  assert_null(parcel.bytes.bytes);
  lua_settop(L, 0);
}

static void a_long_string_is_lent_and_anchored(void **state) {
  struct states *s = *state;
  lua_State *L = s->near.L;
  struct rl_parcel parcel;
  rl_parcel_init(&parcel, &s->heap);
  assert_int_equal(luaL_dostring(L, "local s = ('x'):rep(1 << 20) return s, { s, s }"), LUA_OK);
  pack_top(s, &parcel, 2);
  assert_true(parcel.lends);
  assert_true(parcel.bytes.size < 200);
  lua_settop(L, 0);
  lua_gc(L, LUA_GCCOLLECT);
  assert_true(s->near.ledger.bytes > 1 << 20); /* not collected while it is lent */
  assert_int_equal(rl_unpack(s->far.L, &parcel), 2);
  rl_parcel_release(L, &parcel);
  assert_false(parcel.lends);
  rl_parcel_free(&parcel, false);
  lua_gc(L, LUA_GCCOLLECT);
  assert_true(s->near.ledger.bytes < 1 << 20);
  size_t size;
  const char *text = lua_tolstring(s->far.L, 1, &size);
  assert_int_equal(size, 1 << 20);
  assert_int_equal(text[size - 1], 'x');
  lua_rawgeti(s->far.L, 2, 2);
  assert_true(lua_rawequal(s->far.L, 1, -1));
  lua_settop(s->far.L, 0);
}

static void an_empty_parcel_unpacks_to_nothing(void **state) {
  struct states *s = *state;
  struct rl_parcel parcel;
  rl_parcel_init(&parcel, &s->heap);
  pack_top(s, &parcel, 0);
  assert_int_equal(rl_unpack(s->far.L, &parcel), 0);
  rl_parcel_free(&parcel, false);
}

static void cut_or_wrong_bytes_are_an_error(void **state) {
  struct states *s = *state;
  lua_State *L = s->near.L, *far = s->far.L;
  struct rl_parcel parcel;
  rl_parcel_init(&parcel, &s->heap);
  assert_int_equal(luaL_dostring(L, "local t = { 1, 2.5, 'abc', -70000, x = { y = 'z' }, [{}] = 1 }"
                                    " t.t = t return t, ('x'):rep(300)"),
                   LUA_OK);
  pack_top(s, &parcel, 2);
  size_t size = parcel.bytes.size;
  for (size_t i = 0; i < size; i++) {
    parcel.bytes.size = i;
    assert_int_equal(rl_call_protected(far, states_unpack, &parcel), LUA_ERRRUN);
    lua_settop(far, 0);
  }
  parcel.bytes.size = size;
  for (size_t i = 0; i < size; i++) {
    unsigned char byte = parcel.bytes.bytes[i];
    for (unsigned other = 0; other < 256; other++) {
      parcel.bytes.bytes[i] = (unsigned char)other;
      rl_call_protected(far, states_unpack, &parcel);
      lua_settop(far, 0);
    }
    parcel.bytes.bytes[i] = byte;
  }
  assert_int_equal(rl_call_protected(far, states_unpack, &parcel), LUA_OK);
  rl_parcel_free(&parcel, false);
  lua_settop(L, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_scalars_make_a_scalar_parcel),
      cmocka_unit_test(small_buffers_are_kept),
      cmocka_unit_test(a_long_string_is_lent_and_anchored),
      cmocka_unit_test(an_empty_parcel_unpacks_to_nothing),
      cmocka_unit_test(cut_or_wrong_bytes_are_an_error),
  };
  return cmocka_run_group_tests(tests, states_open, states_close);
}
