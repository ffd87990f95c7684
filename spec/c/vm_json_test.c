/* vm/json.h where memory ends: the n-th allocation fails, for every n: an error, nothing left
 * behind, and the next attempt succeeds. What JSON means is in spec/json_spec.lua. */
#include "states.h"

#include "vm/json.h"

#ifdef RILLE_FAULTS

static const char text[] =
    "{\"a\":[1,2.5,-0,null,true,[],{}],\"escaped \\n\\ud83d\\ude00\":\"\\u00e4 and more than forty"
    " bytes, so that it is a long "
    "string\",\"list\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,"
    "19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40],\"deep\":[[[[[[[[]]]]]]]]}";

struct work {
  const char *text;
  struct rl_json_style style;
  bool right;
};

/* Decodes, encodes, and decodes again: the two texts are equal. */
static int run(lua_State *L) { // [work]
  struct work *work = lua_touserdata(L, 1);
  lua_pushstring(L, work->text);
  bool good = rl_json_decode(L, 2, RL_JSON_DEPTH); // [work, text, value]
  if (good) {
    rl_json_encode(L, 3, &work->style); // [.., text]
    good = rl_json_decode(L, 4, RL_JSON_DEPTH);
    rl_json_encode(L, 5, &work->style);
    work->right = good && (!work->style.sorted || lua_rawequal(L, 4, 6));
    assert_int_equal(lua_gettop(L), 6);
  } else {
    assert_int_equal(lua_gettop(L), 3);
    lua_error(L);
  }
  return 0;
}

static int run_with(struct rl_vm *vm, struct work *work, long n) {
  atomic_store(&vm->heap->fail_on, n != 0);
  atomic_store(&vm->heap->fail_in, n);
  int status = rl_call_protected(vm->L, run, work);
  atomic_store(&vm->heap->fail_in, 0);
  atomic_store(&vm->heap->fail_on, false);
  return status;
}

/* Every n; the error is either want of memory or `expected`. */
static void check(struct work *work, const char *expected) {
  void *state;
  states_open(&state);
  struct rl_vm *vm = &((struct states *)state)->near;
  int status = LUA_ERRRUN;
  long n = 1;
  bool memory = true;
  for (; memory; n++) {
    lua_gc(vm->L, LUA_GCCOLLECT);
    rl_buffer_free(&vm->text);
    status = run_with(vm, work, n);
    memory = status != LUA_OK && strstr(lua_tostring(vm->L, -1), "not enough memory");
    if (status != LUA_OK && !memory)
      assert_non_null(strstr(lua_tostring(vm->L, -1), expected));
    lua_settop(vm->L, 0);
  }
  assert_true(n > 2);
  status = run_with(vm, work, 0);
  assert_int_equal(status == LUA_OK, expected == NULL);
  lua_settop(vm->L, 0);
  states_close(&state);
}

static void both_directions_survive_want_of_memory(void **state) {
  (void)state;
  struct work work = {text, rl_json_plain, false};
  check(&work, NULL);
  assert_true(work.right);
}

static void so_does_sorting(void **state) {
  (void)state;
  struct work work = {text, rl_json_plain, false};
  work.style.sorted = true;
  work.style.indent = 2;
  check(&work, NULL);
  assert_true(work.right);
}

static void so_do_errors(void **state) {
  (void)state;
  struct work work = {"{\"a\":[1,{\"b\\n\":2},\"x\n\"]}", rl_json_plain, false};
  check(&work, "line 1, column 21: a control character");
  work.text = "{\"a\":[1,{\"b\\n\":2}]}";
  work.style.depth = 2;
  check(&work, "nested more than 2 deep");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_directions_survive_want_of_memory),
      cmocka_unit_test(so_does_sorting),
      cmocka_unit_test(so_do_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void failing_allocations_need_a_build_with_faults(void **state) {
  (void)state;
  skip();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(failing_allocations_need_a_build_with_faults),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
