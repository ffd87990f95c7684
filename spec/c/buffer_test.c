/* base/buffer.h: growth, dropping, and what a failed allocation does. */
#include "check.h"

#include "base/buffer.h"

static void check_freed(struct rl_heap *heap) {
  assert_int_equal(atomic_load(&heap->blocks), 0);
  assert_int_equal(atomic_load(&heap->bytes), 0);
}

static void an_empty_buffer_holds_no_memory(void **state) {
  (void)state;
  struct rl_heap heap;
  struct rl_buffer buffer;
  rl_heap_init(&heap);
  rl_buffer_init(&buffer, &heap);
  rl_buffer_append(&buffer, NULL, 0);
  assert_null(buffer.bytes);
  check_freed(&heap);
  rl_buffer_free(&buffer);
  check_freed(&heap);
}

static void it_keeps_what_was_appended(void **state) {
  (void)state;
  struct rl_heap heap;
  struct rl_buffer buffer;
  rl_heap_init(&heap);
  rl_buffer_init(&buffer, &heap);
  for (int i = 0; i < 10000; i++) {
    rl_buffer_byte(&buffer, (unsigned char)i);
    rl_buffer_append(&buffer, "abc", 3);
  }
  assert_false(buffer.failed);
  assert_int_equal(buffer.size, 40000);
  assert_int_equal(atomic_load(&heap.bytes), buffer.capacity);
  for (size_t i = 0; i < 10000; i++) {
    assert_int_equal(buffer.bytes[4 * i], i & 255);
    assert_memory_equal(buffer.bytes + 4 * i + 1, "abc", 3);
  }
  rl_buffer_free(&buffer);
  assert_int_equal(buffer.size, 0);
  check_freed(&heap);
}

static void extending_gives_room_that_counts_as_used(void **state) {
  (void)state;
  struct rl_heap heap;
  struct rl_buffer buffer;
  rl_heap_init(&heap);
  rl_buffer_init(&buffer, &heap);
  rl_buffer_byte(&buffer, 'x');
  unsigned char *room = rl_buffer_extend(&buffer, 1000);
  assert_ptr_equal(room, buffer.bytes + 1);
  memset(room, 'y', 1000);
  assert_int_equal(buffer.size, 1001);
  rl_buffer_free(&buffer);
}

static void lent_room_is_used_until_it_is_too_small(void **state) {
  (void)state;
  struct rl_heap heap;
  struct rl_buffer buffer;
  unsigned char room[8];
  rl_heap_init(&heap);
  rl_buffer_init(&buffer, &heap);
  rl_buffer_lend(&buffer, room, sizeof room);
  rl_buffer_append(&buffer, "12345678", 8);
  assert_ptr_equal(buffer.bytes, room);
  check_freed(&heap);
  rl_buffer_byte(&buffer, '9');
  assert_ptr_not_equal(buffer.bytes, room);
  assert_memory_equal(buffer.bytes, "123456789", 9);
  assert_int_equal(atomic_load(&heap.blocks), 1);
  rl_buffer_free(&buffer);
  check_freed(&heap);
}

static void lent_room_is_not_freed(void **state) {
  (void)state;
  struct rl_heap heap;
  struct rl_buffer buffer;
  unsigned char room[8];
  rl_heap_init(&heap);
  rl_buffer_init(&buffer, &heap);
  rl_buffer_lend(&buffer, room, sizeof room);
  rl_buffer_free(&buffer);
  assert_null(buffer.bytes);
  assert_int_equal(buffer.capacity, 0);
  rl_buffer_byte(&buffer, 'x'); /* on its own again */
  assert_ptr_not_equal(buffer.bytes, room);
  rl_buffer_free(&buffer);
  check_freed(&heap);
}

static void dropping_moves_the_rest_to_the_front(void **state) {
  (void)state;
  struct rl_heap heap;
  struct rl_buffer buffer;
  rl_heap_init(&heap);
  rl_buffer_init(&buffer, &heap);
  rl_buffer_append(&buffer, "one line\nrest", 13);
  rl_buffer_drop(&buffer, 9);
  assert_int_equal(buffer.size, 4);
  assert_memory_equal(buffer.bytes, "rest", 4);
  rl_buffer_drop(&buffer, 4);
  assert_int_equal(buffer.size, 0);
  rl_buffer_free(&buffer);
}

static void an_impossible_size_fails_the_buffer_for_good(void **state) {
  (void)state;
  struct rl_heap heap;
  struct rl_buffer buffer;
  rl_heap_init(&heap);
  rl_buffer_init(&buffer, &heap);
  rl_buffer_append(&buffer, "kept", 4);
  assert_int_equal(rl_buffer_grow(&buffer, SIZE_MAX), -1);
  assert_int_equal(rl_buffer_grow(&buffer, SIZE_MAX / 2), -1);
  assert_true(buffer.failed);
  assert_null(rl_buffer_extend(&buffer, 1000));
  assert_memory_equal(buffer.bytes, "kept", 4);
  rl_buffer_free(&buffer);
  assert_false(buffer.failed);
  check_freed(&heap);
}

#ifdef RILLE_FAULTS
static void every_failed_allocation_is_noticed_and_nothing_leaks(void **state) {
  (void)state;
  for (long n = 1;; n++) {
    struct rl_heap heap;
    struct rl_buffer buffer;
    rl_heap_init(&heap);
    rl_buffer_init(&buffer, &heap);
    atomic_store(&heap.fail_in, n);
    for (int i = 0; i < 1000; i++)
      rl_buffer_append(&buffer, "0123456789", 10);
    bool reached = atomic_load(&heap.fail_in) == 0;
    assert_int_equal(buffer.failed, reached);
    rl_buffer_free(&buffer);
    check_freed(&heap);
    if (!reached)
      return;
  }
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_buffer_holds_no_memory),
      cmocka_unit_test(it_keeps_what_was_appended),
      cmocka_unit_test(extending_gives_room_that_counts_as_used),
      cmocka_unit_test(lent_room_is_used_until_it_is_too_small),
      cmocka_unit_test(lent_room_is_not_freed),
      cmocka_unit_test(dropping_moves_the_rest_to_the_front),
      cmocka_unit_test(an_impossible_size_fails_the_buffer_for_good),
#ifdef RILLE_FAULTS
      cmocka_unit_test(every_failed_allocation_is_noticed_and_nothing_leaks),
#endif
  };
  return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
