/* base/large.h and heap.h: large blocks, kept for reuse. */
#include "check.h"

#include "base/heap.h"

enum { MIB = 1 << 20 };

static void a_freed_block_is_used_again(void **state) {
  (void)state;
  struct rl_large_cache cache;
  rl_large_init(&cache);
  unsigned char *block = rl_large_take(&cache, 64 * MIB);
  assert_non_null(block);
  assert_int_equal((uintptr_t)block % 64, 0);
  block[0] = block[64 * MIB - 1] = 7;
  rl_large_give(&cache, block);
  assert_true(atomic_load(&cache.bytes) > 64 * MIB);
  assert_ptr_equal(rl_large_take(&cache, 60 * MIB), block);
  assert_int_equal(atomic_load(&cache.bytes), 0);
  void *other = rl_large_take(&cache, 64 * MIB);
  assert_ptr_not_equal(other, block);
  rl_large_give(&cache, block);
  assert_ptr_not_equal(rl_large_take(&cache, 4 * MIB), block); /* too much of a waste */
  rl_large_give(&cache, other);
  rl_large_trim(&cache);
  assert_int_equal(atomic_load(&cache.bytes), 0);
}

static void what_is_kept_is_bounded(void **state) {
  (void)state;
  struct rl_large_cache cache;
  rl_large_init(&cache);
  void *blocks[40];
  for (int i = 0; i < 40; i++)
    assert_non_null(blocks[i] = rl_large_take(&cache, (size_t)(i % 2 ? 100 : 1) * MIB));
  for (int i = 0; i < 40; i++) {
    rl_large_give(&cache, blocks[i]);
    assert_true(atomic_load(&cache.bytes) <= 160 * MIB);
  }
  rl_large_trim(&cache);
}

static void the_oldest_make_room(void **state) {
  (void)state;
  struct rl_large_cache cache;
  rl_large_init(&cache);
  void *old[8], *new[2];
  for (int i = 0; i < 8; i++)
    assert_non_null(old[i] = rl_large_take(&cache, 16 * MIB));
  for (int i = 0; i < 2; i++)
    assert_non_null(new[i] = rl_large_take(&cache, 64 * MIB));
  for (int i = 0; i < 8; i++)
    rl_large_give(&cache, old[i]);
  for (int i = 0; i < 2; i++)
    rl_large_give(&cache, new[i]);
  void *one = rl_large_take(&cache, 64 * MIB), *two = rl_large_take(&cache, 64 * MIB);
  assert_true((one == new[0] && two == new[1]) || (one == new[1] && two == new[0]));
  rl_large_give(&cache, one);
  rl_large_give(&cache, two);
  rl_large_trim(&cache);
}

static void impossible_sizes_are_refused(void **state) {
  (void)state;
  struct rl_large_cache cache;
  rl_large_init(&cache);
  assert_null(rl_large_take(&cache, SIZE_MAX));
  assert_null(rl_large_take(&cache, SIZE_MAX / 2));
  void *block = rl_large_take(&cache, MIB);
  assert_null(rl_large_resize(&cache, block, SIZE_MAX - 1));
  rl_large_give(&cache, block);
  rl_large_trim(&cache);
}

/* Through every border between kinds of blocks, up and down. */
static void resizing_keeps_the_contents(void **state) {
  (void)state;
  static const size_t sizes[] = {100,     MIB - 1,   MIB,      MIB + 1, 4 * MIB, 64 * MIB,
                                 5 * MIB, 100 * MIB, 3 * MIB,  500,     2 * MIB, 9 * MIB,
                                 MIB,     MIB - 1,   10 * MIB, 10};
  struct rl_heap heap;
  rl_heap_init(&heap);
  size_t old = 0;
  unsigned char *block = NULL;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    block = rl_realloc(&heap, block, old, sizes[i]);
    assert_non_null(block);
    assert_int_equal(atomic_load(&heap.bytes), sizes[i]);
    size_t kept = old < sizes[i] ? old : sizes[i];
    for (size_t at = 0; at < kept; at += 4093)
      assert_int_equal(block[at], at % 251);
    for (size_t at = 0; at < sizes[i]; at++)
      block[at] = (unsigned char)(at % 251);
    old = sizes[i];
  }
  rl_free(&heap, block, old);
  assert_int_equal(atomic_load(&heap.blocks), 0);
  rl_heap_trim(&heap);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_freed_block_is_used_again), cmocka_unit_test(what_is_kept_is_bounded),
      cmocka_unit_test(the_oldest_make_room),        cmocka_unit_test(impossible_sizes_are_refused),
      cmocka_unit_test(resizing_keeps_the_contents),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
