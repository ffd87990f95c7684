/* vm/assigns.c: which code may assign to what it captures. */
#include "states.h"

#include "vm/assigns.h"

struct dump {
  size_t size;
  unsigned char bytes[1 << 16];
};

static int append(lua_State *L, const void *bytes, size_t size, void *context) {
  (void)L;
  struct dump *dump = context;
  assert_true(size <= sizeof dump->bytes - dump->size);
  memcpy(dump->bytes + dump->size, bytes, size);
  dump->size += size;
  return 0;
}

/* The dump of what the code returns. */
static void dump_of(lua_State *L, const char *code, struct dump *dump) {
  if (luaL_dostring(L, code))
    fail_msg("%s", lua_tostring(L, -1));
  dump->size = 0;
  assert_int_equal(lua_dump(L, append, dump, 0), 0);
  lua_settop(L, 0);
}

static bool assigns(void **state, const char *code) {
  struct dump dump;
  dump_of(((struct states *)*state)->near.L, code, &dump);
  return rl_assigns_captured(dump.bytes, dump.size);
}

static void it_can_be_told_of_this_lua(void **state) {
  assert_true(rl_assigns_check(((struct states *)*state)->near.L));
}

static void an_assignment_is_seen_however_deep(void **state) {
  assert_true(assigns(state, "return function() _ENV = {} end"));
  assert_true(assigns(state, "local a return function() a = 1 end"));
  assert_true(assigns(state, "local a, b return function() return b, function() a = b end end"));
  assert_true(assigns(state, "return function(a) return function(b) return function()"
                             "  b = a _ENV = b end end end"));
}

static void code_without_one_is_cleared(void **state) {
  assert_false(assigns(state, "return function() x = 1 return _ENV, math.sin(2) end"));
  assert_false(assigns(state, "local a return function() a.x = a local b = a b = 2 end"));
  assert_false(assigns(state, "return function(a, b) return function() a = b return function()"
                              "  b = a print(a) end end end"));
  assert_false(assigns(state, "return function(...) local t <close> = ... local c <const> = 1"
                              "  for i = 1, 10 do local k = function() i = c end end goto l ::l::"
                              "  return 1.5, 'x', ('y'):rep(100), nil, true, 1 << 40 end"));
}

static bool stores(void **state, const char *code) {
  struct dump dump;
  dump_of(((struct states *)*state)->near.L, code, &dump);
  return rl_assigns_tables(dump.bytes, dump.size);
}

static void what_could_change_a_table_is_seen_however_deep(void **state) {
  assert_true(stores(state, "return function() x = 1 end"));
  assert_true(stores(state, "return function(t) t.x = 1 end"));
  assert_true(stores(state, "return function(t, k) return function() t[k] = nil end end"));
  assert_true(stores(state, "return function(t) t[1] = 1 end"));
  assert_true(stores(state, "return function(f) f() end"));
  assert_true(stores(state, "return function(f) return function() return f() end end"));
  assert_true(stores(state, "return function(s) return s:upper() end"));
  assert_true(stores(state, "return function(f) for _ in f do end end"));
  assert_true(stores(state, "return function(v) local x <close> = v end"));
}

static void what_only_computes_is_cleared(void **state) {
  assert_false(stores(state, "return function(n) return n + 1 end"));
  assert_false(stores(state, "return function(t) return #t, t.x, t[1], t[t], -t .. 'x' end"));
  assert_false(stores(state, "return function(a) local n = 0 for i = 1, #a do n = n + a[i] end"
                             "  while n > 9 do n = n // 2 end return {n}, {} end"));
}

static void a_dump_that_makes_no_sense_is_in_doubt(void **state) {
  struct dump dump;
  dump_of(((struct states *)*state)->near.L,
          "return function(a) return function() a = 1 print('x', 2.5) end end", &dump);
  assert_false(rl_assigns_captured(dump.bytes, dump.size));
  for (size_t i = 0; i < dump.size; i++)
    assert_true(rl_assigns_captured(dump.bytes, i) && rl_assigns_tables(dump.bytes, i));
  for (size_t i = 0; i < dump.size; i++) /* must end, whatever it says */
    for (unsigned flip = 1; flip < 256; flip <<= 1) {
      dump.bytes[i] ^= (unsigned char)flip;
      rl_assigns_captured(dump.bytes, dump.size);
      dump.bytes[i] ^= (unsigned char)flip;
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_can_be_told_of_this_lua),
      cmocka_unit_test(an_assignment_is_seen_however_deep),
      cmocka_unit_test(code_without_one_is_cleared),
      cmocka_unit_test(what_could_change_a_table_is_seen_however_deep),
      cmocka_unit_test(what_only_computes_is_cleared),
      cmocka_unit_test(a_dump_that_makes_no_sense_is_in_doubt),
  };
  return cmocka_run_group_tests(tests, states_open, states_close);
}
