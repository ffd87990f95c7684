/* base/arena.h: blocks that are apart, keep their contents, and are where they were the last time.
 */
#include "check.h"

#include "base/arena.h"
#include "base/draw.h"

enum { BLOCKS = 200, STEPS = 20000 };

struct block {
  unsigned char *bytes;
  size_t size;
};

static size_t draw_size(struct rl_draw *draw) {
  return 1 + rl_draw_below(draw, 1u << rl_draw_below(draw, 18));
}

static void fill(struct block *block, int number) {
  memset(block->bytes, number, block->size);
}

static void check(const struct block *block, int number, size_t size) {
  for (size_t i = 0; i < size; i++)
    assert_int_equal(block->bytes[i], number);
}

static void change(struct rl_arena *arena, struct rl_draw *draw, struct block *block, int number) {
  size_t size = draw_size(draw);
  if (!block->bytes) {
    block->bytes = rl_arena_take(arena, size);
  } else if (rl_draw_below(draw, 2)) {
    size_t kept = size < block->size ? size : block->size;
    block->bytes = rl_arena_resize(arena, block->bytes, block->size, size);
    check(block, number, kept);
  } else {
    check(block, number, block->size);
    rl_arena_release(arena, block->bytes, block->size);
    block->bytes = NULL;
    return;
  }
  assert_non_null(block->bytes);
  assert_int_equal((uintptr_t)block->bytes % 16, 0);
  block->size = size;
  fill(block, number);
}

/* The thread sanitizer has no such place. */
static bool open(struct rl_arena *arena) {
  return rl_arena_open(arena) == 0;
}

static uintptr_t play(void) {
  static struct block blocks[BLOCKS];
  memset(blocks, 0, sizeof blocks);
  struct rl_arena arena;
  struct rl_draw draw = {.state = 1};
  uintptr_t sum = 0;
  if (!open(&arena))
    return 0;
  for (int step = 0; step < STEPS; step++) {
    unsigned which = rl_draw_below(&draw, BLOCKS);
    change(&arena, &draw, &blocks[which], (int)which);
    sum = sum * 31 + (uintptr_t)blocks[which].bytes;
  }
  rl_arena_close(&arena);
  return sum;
}

static void blocks_are_apart_and_where_they_were(void **state) {
  (void)state;
  assert_true(play() == play());
}

static void there_is_one_in_a_process(void **state) {
  (void)state;
  struct rl_arena one, two;
  if (!open(&one))
    skip();
  assert_false(open(&two));
  rl_arena_close(&one);
}

static void what_no_region_holds_is_not_given(void **state) {
  (void)state;
  struct rl_arena arena;
  if (!open(&arena))
    skip();
  assert_null(rl_arena_take(&arena, SIZE_MAX / 2));
  assert_null(rl_arena_take(&arena, (size_t)1 << 39));
  assert_non_null(rl_arena_take(&arena, 1));
  rl_arena_close(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_are_apart_and_where_they_were),
      cmocka_unit_test(there_is_one_in_a_process),
      cmocka_unit_test(what_no_region_holds_is_not_given),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
