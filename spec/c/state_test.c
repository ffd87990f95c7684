/* vm/state.c: a state's libraries, its account of bytes, and its way back to its VM. */
#include "states.h"

static void the_bytes_held_are_counted(void **state) {
  struct rl_vm *vm = &((struct states *)*state)->near;
  lua_gc(vm->L, LUA_GCCOLLECT);
  size_t before = vm->ledger.bytes;
  assert_true(before > 10000 && before < 200000);
  lua_newuserdatauv(vm->L, 1 << 20, 0);
  assert_true(vm->ledger.bytes >= before + (1 << 20));
  lua_settop(vm->L, 0);
  lua_gc(vm->L, LUA_GCCOLLECT);
  assert_true(vm->ledger.bytes < before + 4096);
}

static void every_coroutine_knows_its_vm(void **state) {
  struct rl_vm *vm = &((struct states *)*state)->near;
  lua_State *inner = lua_newthread(lua_newthread(vm->L));
  assert_ptr_equal(rl_vm_of(inner), vm);
  lua_settop(vm->L, 0);
}

static void a_finalizer_may_pack_while_its_state_closes(void **state) {
  (void)state;
  void *fresh;
  states_open(&fresh);
  near_check(&fresh,
             "local t = setmetatable({}, { __gc = function() ship(function() end, {}) end })"
             "keep = t");
  states_close(&fresh);
}

static void the_standard_libraries_are_open(void **state) {
  near_check(state, "for _, name in ipairs { 'string', 'table', 'math', 'io', 'os', 'utf8',"
                    "  'coroutine', 'debug', 'package' } do eq(require(name), _G[name]) end");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_bytes_held_are_counted),
      cmocka_unit_test(every_coroutine_knows_its_vm),
      cmocka_unit_test(a_finalizer_may_pack_while_its_state_closes),
      cmocka_unit_test(the_standard_libraries_are_open),
  };
  return cmocka_run_group_tests(tests, states_open, states_close);
}
