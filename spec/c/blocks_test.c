/* base/blocks.c: a set of addresses, near and far from one another. */
#include <stdlib.h>

#include "base/blocks.h"
#include "base/heap.h"
#include "check.h"

enum { MANY = 20000 };

static void blocks_are_found_until_they_are_removed(void **state) {
  (void)state;
  struct rl_heap heap;
  struct rl_blocks blocks;
  rl_heap_init(&heap);
  rl_blocks_init(&blocks, &heap);
  char *many[MANY];
  for (size_t i = 0; i < MANY; i++) {
    many[i] = malloc(i % 3000 + 1); /* over many pages */
    assert_false(rl_blocks_has(&blocks, many[i]));
    assert_true(rl_blocks_add(&blocks, many[i]));
  }
  for (size_t i = 0; i < MANY; i += 2)
    assert_true(rl_blocks_remove(&blocks, many[i]));
  for (size_t i = 0; i < MANY; i++) {
    assert_int_equal(rl_blocks_has(&blocks, many[i]), i % 2);
    assert_int_equal(rl_blocks_remove(&blocks, many[i]), i % 2);
    free(many[i]);
  }
  rl_blocks_free(&blocks);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

static void neighbours_of_eight_bytes_are_told_apart(void **state) {
  (void)state;
  struct rl_heap heap;
  struct rl_blocks blocks;
  rl_heap_init(&heap);
  rl_blocks_init(&blocks, &heap);
  uint64_t place[2];
  assert_true(rl_blocks_add(&blocks, &place[0]));
  assert_false(rl_blocks_has(&blocks, &place[1]));
  assert_false(rl_blocks_remove(&blocks, &place[1]));
  assert_true(rl_blocks_has(&blocks, &place[0]));
  rl_blocks_free(&blocks);
}

#ifdef RILLE_FAULTS
static void without_memory_a_block_is_not_noted(void **state) {
  (void)state;
  struct rl_heap heap;
  struct rl_blocks blocks;
  rl_heap_init(&heap);
  rl_blocks_init(&blocks, &heap);
  int place;
  for (long n = 1; n <= 2; n++) {
    atomic_store(&heap.fail_in, n);
    assert_false(rl_blocks_add(&blocks, &place));
    assert_false(rl_blocks_has(&blocks, &place));
  }
  assert_true(rl_blocks_add(&blocks, &place));
  rl_blocks_free(&blocks);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_are_found_until_they_are_removed),
      cmocka_unit_test(neighbours_of_eight_bytes_are_told_apart),
#ifdef RILLE_FAULTS
      cmocka_unit_test(without_memory_a_block_is_not_noted),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
