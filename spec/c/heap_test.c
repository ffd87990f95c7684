/* base/heap.h: the count of blocks and bytes, and allocations that fail on demand. */
#include "check.h"

#include "base/allocator.h"
#include "base/heap.h"

static void blocks_and_bytes_are_counted(void **state) {
  (void)state;
  struct rl_heap heap;
  rl_heap_init(&heap);
  void *a = rl_alloc(&heap, 100), *b = rl_alloc(&heap, 28);
  assert_non_null(a);
  assert_non_null(b);
  assert_int_equal(atomic_load(&heap.blocks), 2);
  assert_int_equal(atomic_load(&heap.bytes), 128);
  a = rl_realloc(&heap, a, 100, 1000);
  assert_int_equal(atomic_load(&heap.bytes), 1028);
  a = rl_realloc(&heap, a, 1000, 10);
  assert_int_equal(atomic_load(&heap.blocks), 2);
  assert_int_equal(atomic_load(&heap.bytes), 38);
  rl_free(&heap, a, 10);
  rl_free(&heap, b, 28);
  rl_free(&heap, NULL, 28);
  assert_int_equal(atomic_load(&heap.blocks), 0);
  assert_int_equal(atomic_load(&heap.bytes), 0);
}

static void zeroed_blocks_are_zero(void **state) {
  (void)state;
  struct rl_heap heap;
  rl_heap_init(&heap);
  for (int round = 0; round < 100; round++) {
    unsigned char *block = rl_zalloc(&heap, 300);
    for (int i = 0; i < 300; i++)
      assert_int_equal(block[i], 0);
    memset(block, 255, 300);
    rl_free(&heap, block, 300);
  }
}

static void blocks_of_lines_begin_with_one(void **state) {
  (void)state;
  struct rl_heap heap;
  unsigned char *blocks[50];
  rl_heap_init(&heap);
  for (size_t i = 0; i < 50; i++) {
    blocks[i] = rl_zalloc_lines(&heap, 100 + i);
    assert_non_null(blocks[i]);
    assert_int_equal((uintptr_t)blocks[i] % RL_CACHE_LINE, 0);
    for (size_t at = 0; at < 100 + i; at++)
      assert_int_equal(blocks[i][at], 0);
    memset(blocks[i], 255, 100 + i);
  }
  assert_int_equal(atomic_load(&heap.blocks), 50);
  for (size_t i = 0; i < 50; i++)
    rl_free_lines(&heap, blocks[i], 100 + i);
  assert_int_equal(atomic_load(&heap.blocks), 0);
  assert_int_equal(atomic_load(&heap.bytes), 0);
}

static void a_lua_state_is_served_uncounted(void **state) {
  (void)state;
  struct rl_heap heap;
  rl_heap_init(&heap);
  void *block = rl_heap_lua(&heap, NULL, 5, 64);
  assert_non_null(block);
  block = rl_heap_lua(&heap, block, 64, 128);
  assert_non_null(block);
  assert_int_equal(atomic_load(&heap.blocks), 0);
  assert_null(rl_heap_lua(&heap, block, 128, 0));
}

static void the_allocator_has_a_name(void **state) {
  (void)state;
  assert_true(strlen(rl_allocator_name()) > 0);
}

#ifdef RILLE_FAULTS
static void the_nth_allocation_fails_and_only_that(void **state) {
  (void)state;
  struct rl_heap heap;
  rl_heap_init(&heap);
  atomic_store(&heap.fail_in, 3);
  void *a = rl_alloc(&heap, 8), *b = rl_alloc(&heap, 8);
  assert_non_null(a);
  assert_non_null(b);
  assert_null(rl_realloc(&heap, a, 8, 16));
  assert_int_equal(atomic_load(&heap.bytes), 16);
  a = rl_realloc(&heap, a, 8, 16);
  assert_non_null(a);
  rl_free(&heap, a, 16);
  rl_free(&heap, b, 8);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

static void all_later_ones_fail_too_when_told_so(void **state) {
  (void)state;
  struct rl_heap heap;
  rl_heap_init(&heap);
  atomic_store(&heap.fail_on, true);
  atomic_store(&heap.fail_in, 2);
  void *a = rl_alloc(&heap, 8);
  assert_non_null(a);
  for (int i = 0; i < 10; i++)
    assert_null(rl_alloc(&heap, 8));
  atomic_store(&heap.fail_in, 0);
  void *b = rl_alloc(&heap, 8);
  assert_non_null(b);
  rl_free(&heap, a, 8);
  rl_free(&heap, b, 8);
}

static void shrinking_for_lua_never_fails(void **state) {
  (void)state;
  struct rl_heap heap;
  rl_heap_init(&heap);
  void *block = rl_heap_lua(&heap, NULL, 0, 1000);
  assert_non_null(block);
  atomic_store(&heap.fail_on, true);
  atomic_store(&heap.fail_in, 1);
  block = rl_heap_lua(&heap, block, 1000, 10);
  assert_non_null(block);
  assert_null(rl_heap_lua(&heap, block, 10, 1000));
  assert_null(rl_heap_lua(&heap, NULL, 0, 10));
  rl_heap_lua(&heap, block, 10, 0);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_and_bytes_are_counted),
      cmocka_unit_test(zeroed_blocks_are_zero),
      cmocka_unit_test(blocks_of_lines_begin_with_one),
      cmocka_unit_test(a_lua_state_is_served_uncounted),
      cmocka_unit_test(the_allocator_has_a_name),
#ifdef RILLE_FAULTS
      cmocka_unit_test(the_nth_allocation_fails_and_only_that),
      cmocka_unit_test(all_later_ones_fail_too_when_told_so),
      cmocka_unit_test(shrinking_for_lua_never_fails),
#endif
  };
  return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
