/* http/range.h: which bytes are asked for. */
#include "check.h"

#include <stdio.h>

#include "http/range.h"
#include "http/scan.h"

/* "0-4 7-9", "whole" or "none". */
static void asks(const char *field, uint64_t size, const char *wanted) {
  char got[512] = "";
  struct rl_range ranges[RL_RANGE_LIMIT];
  int count = rl_range_parse(rl_scan_text(field), size, ranges);
  if (count <= 0)
    strcpy(got, count == RL_RANGE_WHOLE ? "whole" : "none");
  for (int i = 0; i < count; i++)
    sprintf(got + strlen(got), "%s%llu-%llu", i ? " " : "", (unsigned long long)ranges[i].first,
            (unsigned long long)ranges[i].last);
  assert_string_equal(got, wanted);
}

static void one_range_is_cut_to_the_content(void **state) {
  (void)state;
  asks("bytes=0-4", 10, "0-4");
  asks("bytes=0-0", 1, "0-0");
  asks("Bytes=5-", 10, "5-9");
  asks("bytes=5-99", 10, "5-9");
  asks("bytes=-3", 10, "7-9");
  asks("bytes=-99", 10, "0-9");
  asks("bytes= 0-4 , ", 10, "0-4");
  asks("bytes=0-18446744073709551615", 10, "0-9");
  asks("bytes=0-99999999999999999999999", 10, "0-9");
  asks("bytes=9-9", 10, "9-9");
}

static void what_lies_outside_is_refused(void **state) {
  (void)state;
  asks("bytes=10-", 10, "none");
  asks("bytes=10-20", 10, "none");
  asks("bytes=-0", 10, "none");
  asks("bytes=99999999999999999999999-", 10, "none");
  asks("bytes=10-,0-1", 10, "0-1");
}

static void what_is_malformed_was_not_asked(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",           "bytes",       "bytes=",     "bytes=-",     "bytes=a-b",  "bytes=5-4",
      "bytes=0",    "bytes=+1-2",  "bytes=1 -2", "bytes=0-1,x", "lines=0-1",  "bytes 0-1",
      "bytes=1--2", "bytes=0x1-2", "bytes=,",    "bytes=0-1-2", "octets=0-1", "bytes=0-1;2-3"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    asks(bad[i], 10, "whole");
  asks("bytes=0-", 0, "whole");
  asks("bytes=-5", 0, "whole");
}

static void several_ranges_keep_their_order(void **state) {
  (void)state;
  asks("bytes=7-8,0-1,-1", 20, "7-8 0-1 19-19");
}

static void ranges_that_meet_become_one(void **state) {
  (void)state;
  asks("bytes=0-4,2-6", 10, "0-6");
  asks("bytes=0-4,5-6", 10, "0-6");
  asks("bytes=0-1,4-5,2-3", 10, "0-5");
  asks("bytes=8-9,0-1,4-5,1-8", 10, "0-9");
  asks("bytes=4-5,0-1,8-9,3-4", 20, "3-5 0-1 8-9");
  asks("bytes=0-,0-,0-,0-,0-", 10, "0-9");
  asks("bytes=0-0,2-2,4-4,6-6,1-5", 10, "0-6");
}

static void ranges_are_counted(void **state) {
  (void)state;
  char field[200] = "bytes=0-0", wanted[200] = "0-0";
  for (int i = 1; i < RL_RANGE_LIMIT; i++) {
    sprintf(field + strlen(field), ",%d-%d", 2 * i, 2 * i);
    sprintf(wanted + strlen(wanted), " %d-%d", 2 * i, 2 * i);
  }
  asks(field, 100, wanted);
  strcat(field, ",50-50");
  asks(field, 100, "whole");
}

static void the_answer_says_what_it_holds(void **state) {
  (void)state;
  struct rl_heap heap;
  struct rl_buffer to;
  rl_heap_init(&heap);
  rl_buffer_init(&to, &heap);
  rl_range_write((struct rl_range){0, 4}, 10, &to);
  rl_range_write_none(10, &to);
  assert_int_equal(to.size, 22);
  assert_memory_equal(to.bytes, "bytes 0-4/10bytes */10", 22);
  rl_buffer_free(&to);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_range_is_cut_to_the_content),
      cmocka_unit_test(what_lies_outside_is_refused),
      cmocka_unit_test(what_is_malformed_was_not_asked),
      cmocka_unit_test(several_ranges_keep_their_order),
      cmocka_unit_test(ranges_that_meet_become_one),
      cmocka_unit_test(ranges_are_counted),
      cmocka_unit_test(the_answer_says_what_it_holds),
  };
  return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
