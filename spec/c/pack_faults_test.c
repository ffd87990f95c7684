/* vm/: the n-th allocation fails, for every n, and all later ones too: an error, nothing left
 * behind, and the next attempt succeeds. */
#include "states.h"

#include "vm/inside.h"
#include "vm/names.h"

#ifdef RILLE_FAULTS

static const char *const cases[] = {
    "return function(n) return n + 1 end, 1",
    "local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end return fib, 10",
    "local n, f = 0 f = function() n = n + 1 return f, math.sin(n) end "
    "return f, function() return n end, { f, f }",
    "local t = {} for i = 1, 40 do t[i] = { id = i, name = 'name' .. i } end t.t = t return t",
    "local t = {} for i = 1, 70 do t = { t, [{}] = setmetatable({}, { __gc = type }) } end "
    "return t",
    "local f = print for i = 1, 70 do local g = f f = function() return g end end return f",
    "local s = ('x'):rep(40000) return s, { s, s .. s, [s] = string.format }, io.stdout",
    "local o = io.tmpfile() io.close(o) debug.setmetatable(o, { __pack = function(o) "
    "  return function(...) return { ... } end, { 1, 2 }, 'three' end }) return { o, o }",
    "return { coroutine.create(print) }",
};

static void fail_after(struct rl_heap *heap, long n) {
  atomic_store(&heap->fail_on, n != 0);
  atomic_store(&heap->fail_in, n);
}

/* Packs and unpacks what lies on near's stack, with memory for n allocations: whether it was
 * enough. */
static bool survives(struct states *s, long n) {
  lua_State *near = s->near.L, *far = s->far.L;
  int count = lua_gettop(near);
  struct rl_parcel parcel;
  rl_parcel_init(&parcel, &s->heap);
  fail_after(&s->heap, n);
  bool fine = rl_pack(near, 1, count, &parcel, NULL) == 0;
  if (fine)
    fine = rl_call_protected(far, states_unpack, &parcel) == LUA_OK;
  fail_after(&s->heap, 0);
  rl_parcel_release(near, &parcel);
  rl_parcel_free(&parcel, false);
  lua_State *L = lua_gettop(near) > count ? near : far;
  if (!fine && !strstr(lua_tostring(L, -1), "not enough memory"))
    fine = strstr(lua_tostring(L, -1), "is a coroutine") != NULL;
  lua_settop(near, count);
  lua_settop(far, 0);
  return fine;
}

static void check_case(const char *code) {
  void *state;
  bool fine = false;
  for (long n = 1; !fine; n++) {
    states_open(&state); /* fresh, so that nothing is cached */
    struct states *s = state;
    assert_int_equal(luaL_dostring(s->near.L, code), LUA_OK);
    fine = survives(s, n);
    for (long less = n / 2; less > 0 && !fine; less /= 2)
      survives(s, less); /* with half-filled caches */
    assert_true(survives(s, 0));
    assert_true(survives(s, 0));
    states_close(&state);
  }
}

static void packing_survives_want_of_memory(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check_case(cases[i]);
}

static void opening_a_state_survives_want_of_memory(void **state) {
  (void)state;
  struct rl_heap heap;
  rl_heap_init(&heap);
  for (long n = 1;; n++) {
    struct rl_vm vm = {.compute = true, .number = 1};
    fail_after(&heap, n);
    int status = rl_vm_open(&vm, &heap);
    fail_after(&heap, 0);
    if (status == 0) {
      rl_vm_close(&vm);
      assert_true(n > 100);
      break;
    }
    assert_int_equal(vm.ledger.bytes, 0);
    assert_int_equal(atomic_load(&heap.blocks), 0);
  }
}

static void a_single_failure_is_mended_or_reported(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    void *fresh;
    states_open(&fresh);
    struct states *s = fresh;
    assert_int_equal(luaL_dostring(s->near.L, cases[i]), LUA_OK);
    for (long n = 1; n < 300; n++) {
      survives(s, 0);
      lua_gc(s->near.L, LUA_GCCOLLECT);
      atomic_store(&s->heap.fail_in, n);
      struct rl_parcel parcel;
      rl_parcel_init(&parcel, &s->heap);
      int count = lua_gettop(s->near.L);
      if (rl_pack(s->near.L, 1, count, &parcel, NULL) == 0)
        rl_call_protected(s->far.L, states_unpack, &parcel);
      atomic_store(&s->heap.fail_in, 0);
      rl_parcel_release(s->near.L, &parcel);
      rl_parcel_free(&parcel, false);
      lua_settop(s->near.L, count);
      lua_settop(s->far.L, 0);
    }
    states_close(&fresh);
  }
}

static void without_memory_strings_stay_where_they_are(void **state) {
  (void)state;
  void *fresh;
  states_open(&fresh);
  struct states *s = fresh;
  const struct rl_inside_strings *strings = &s->far.state->strings;
  struct rl_inside_strings before = *strings;
  fail_after(&s->heap, 1);
  rl_inside_widen(s->far.L, 1 << 16);
  assert_null(rl_inside_take(s->far.L, 100));
  fail_after(&s->heap, 0);
  assert_ptr_equal(strings->buckets, before.buckets);
  assert_int_equal(strings->size, before.size);
  rl_inside_widen(s->far.L, 1 << 16);
  assert_int_equal(strings->used, before.used);
  assert_true(strings->size >= before.used + (1 << 16));
  states_close(&fresh);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_memory_strings_stay_where_they_are),
      cmocka_unit_test(opening_a_state_survives_want_of_memory),
      cmocka_unit_test(packing_survives_want_of_memory),
      cmocka_unit_test(a_single_failure_is_mended_or_reported),
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
