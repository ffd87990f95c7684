/* http/query.h: pairs of query strings and urlencoded bodies. */
#include "check.h"

#include <stdio.h>

#include "http/percent.h"
#include "http/query.h"
#include "http/scan.h"

static struct rl_heap heap;

/* All pairs as "name=value;"; then the place of the error in brackets, if there is one. */
static void reads(const char *text, unsigned limit, const char *wanted) {
  char seen[256] = "";
  size_t size = 0;
  struct rl_query query;
  struct rl_query_pair pair;
  struct rl_buffer room;
  int found;
  rl_buffer_init(&room, &heap);
  rl_query_init(&query, rl_scan_text(text), limit, &room);
  while ((found = rl_query_next(&query, &pair)) == 1)
    size += (size_t)snprintf(seen + size, sizeof seen - size, "%.*s=%.*s;", (int)pair.name.size,
                             pair.name.bytes, (int)pair.value.size, pair.value.bytes);
  if (found < 0)
    snprintf(seen + size, sizeof seen - size, "[%d at %zu]", found, query.where);
  assert_string_equal(seen, wanted);
  assert_int_equal(rl_query_next(&query, &pair), found);
  rl_buffer_free(&room);
}

static void pairs_come_in_order(void **state) {
  (void)state;
  reads("", 9, "");
  reads("&&", 9, "");
  reads("a=1&b=2&a=3", 9, "a=1;b=2;a=3;");
  reads("a&=b&c=&==", 9, "a=;=b;c=;==;");
  reads("&a=1&&b=2&", 9, "a=1;b=2;");
  reads("a=b=c;d", 9, "a=b=c;d;");
}

static void both_halves_are_decoded(void **state) {
  (void)state;
  reads("a+b=c%26d&%3D=%3d&x=+", 9, "a b=c&d;===;x= ;");
  reads("plain=%C3%A9&q%20=plain", 9, "plain=\xc3\xa9;q =plain;");
}

static void a_bad_escape_ends_it_for_good(void **state) {
  (void)state;
  reads("a=1&b=%4", 9, "a=1;[-1 at 6]");
  reads("%zz=1&b=2", 9, "[-1 at 0]");
}

static void pairs_are_counted(void **state) {
  (void)state;
  reads("a=1&b=2&", 2, "a=1;b=2;");
  reads("a=1&b=2&c=3", 2, "a=1;b=2;[-10 at 8]");
}

static void what_is_plain_is_not_copied(void **state) {
  (void)state;
  struct rl_query query;
  struct rl_query_pair pair;
  struct rl_buffer room;
  const char *text = "name=value";
  rl_buffer_init(&room, &heap);
  rl_query_init(&query, rl_scan_text(text), 1, &room);
  assert_int_equal(rl_query_next(&query, &pair), 1);
  assert_ptr_equal(pair.name.bytes, text);
  assert_ptr_equal(pair.value.bytes, text + 5);
  assert_null(room.bytes);
}

static void a_long_value_does_not_move_its_name(void **state) {
  (void)state;
  char text[1000] = "%61%62=%41";
  struct rl_query query;
  struct rl_query_pair pair;
  struct rl_buffer room;
  memset(text + 10, 'x', 900);
  rl_buffer_init(&room, &heap);
  rl_query_init(&query, rl_scan_text(text), 1, &room);
  assert_int_equal(rl_query_next(&query, &pair), 1);
  assert_true(rl_scan_equal(pair.name, rl_scan_text("ab")));
  assert_int_equal(pair.value.size, 901);
  rl_buffer_free(&room);
}

static void a_value_is_found_by_its_name(void **state) {
  (void)state;
  struct rl_query query;
  struct rl_slice value;
  struct rl_buffer room;
  rl_buffer_init(&room, &heap);
  rl_query_init(&query, rl_scan_text("%zz=1&na%6De=a+b&name=2"), 9, &room);
  assert_int_equal(rl_query_find(&query, rl_scan_text("name"), &value), 1);
  assert_true(rl_scan_equal(value, rl_scan_text("a b")));
  assert_int_equal(rl_query_find(&query, rl_scan_text("name"), &value), 1);
  assert_true(rl_scan_equal(value, rl_scan_text("2")));
  assert_int_equal(rl_query_find(&query, rl_scan_text("name"), &value), 0);
  rl_query_init(&query, rl_scan_text("name=%"), 9, &room);
  assert_int_equal(rl_query_find(&query, rl_scan_text("name"), &value), RL_PERCENT_BAD);
  rl_buffer_free(&room);
}

#ifdef RILLE_FAULTS
static void want_of_memory_is_told(void **state) {
  (void)state;
  struct rl_query query;
  struct rl_query_pair pair;
  struct rl_buffer room;
  rl_buffer_init(&room, &heap);
  rl_query_init(&query, rl_scan_text("a=%41"), 9, &room);
  atomic_store(&heap.fail_in, 1);
  assert_int_equal(rl_query_next(&query, &pair), RL_PERCENT_NO_MEMORY);
  assert_int_equal(atomic_load(&heap.fail_in), 0);
  rl_buffer_free(&room);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pairs_come_in_order),
      cmocka_unit_test(both_halves_are_decoded),
      cmocka_unit_test(a_bad_escape_ends_it_for_good),
      cmocka_unit_test(pairs_are_counted),
      cmocka_unit_test(what_is_plain_is_not_copied),
      cmocka_unit_test(a_long_value_does_not_move_its_name),
      cmocka_unit_test(a_value_is_found_by_its_name),
#ifdef RILLE_FAULTS
      cmocka_unit_test(want_of_memory_is_told),
#endif
  };
  rl_heap_init(&heap);
  return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
