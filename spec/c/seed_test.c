/* vm/seed.h: the hashes of strings are the seed's, and so is the order of a table's keys. */
#include <lauxlib.h>

#include "check.h"

#include "vm/inside.h"
#include "vm/state.h"

enum { ROOM = 512 };

static void order_of(uint32_t seed, char *order) {
  struct rl_heap heap;
  struct rl_vm vm = {.hashes = seed};
  rl_heap_init(&heap);
  assert_int_equal(rl_vm_open(&vm, &heap), 0);
  assert_int_equal(luaL_dostring(vm.L, "local t, keys = {}, {} "
                                       "for i = 1, 20 do t['key ' .. i] = i end "
                                       "for key in pairs(t) do keys[#keys + 1] = key end "
                                       "return table.concat(keys, ' ')"),
                   LUA_OK);
  strncpy(order, lua_tostring(vm.L, -1), ROOM - 1);
  rl_vm_close(&vm);
  rl_heap_trim(&heap);
}

static void the_order_is_the_same_for_the_same_seed(void **state) {
  (void)state;
  char first[ROOM] = {0}, second[ROOM] = {0}, other[ROOM] = {0};
  order_of(1, first);
  order_of(1, second);
  order_of(2, other);
  assert_string_equal(first, second);
  assert_string_not_equal(first, other);
}

static uint32_t hash_of(const char *text, uint32_t seed) {
  struct rl_heap heap;
  struct rl_vm vm = {.hashes = seed};
  rl_heap_init(&heap);
  assert_int_equal(rl_vm_open(&vm, &heap), 0);
  const struct rl_inside_string *string = rl_inside_made(lua_pushstring(vm.L, text)).datum.object;
  uint32_t hash = string->hash;
  assert_non_null(vm.state);
  assert_non_null(*rl_inside_bucket(&vm.state->strings, hash));
  rl_vm_close(&vm);
  rl_heap_trim(&heap);
  return hash;
}

static void a_string_has_the_same_hash_in_all_states_with_a_seed(void **state) {
  (void)state;
  assert_int_equal(hash_of("text", 1), hash_of("text", 1));
  assert_int_not_equal(hash_of("text", 1), hash_of("text", 2));
  assert_int_not_equal(hash_of("text", 1), hash_of("test", 1));
  hash_of("text", 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_order_is_the_same_for_the_same_seed),
      cmocka_unit_test(a_string_has_the_same_hash_in_all_states_with_a_seed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
