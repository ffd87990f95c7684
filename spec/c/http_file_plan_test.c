/* http/file_plan.h: what a request for a file is answered with. */
#include "check.h"

#include <stdio.h>

#include "http/file_plan.h"
#include "http/scan.h"

static struct rl_heap heap;
static struct rl_buffer fields, text;
static struct rl_file_plan plan;

#define NONE     RL_CONDITION_UNSAID
#define BOUNDARY "0123456789abcdef0123456789abcdef"

static struct rl_file_ask ask(void) {
  return (struct rl_file_ask){
      .method = RL_METHOD_GET,
      .condition = {.if_modified_since = NONE, .if_unmodified_since = NONE},
      .if_range_date = NONE,
  };
}

static struct rl_file_facts facts(void) {
  return (struct rl_file_facts){
      .size = 1000,
      .etag = rl_scan_text("\"tag\""),
      .modified = 784111777,
      .type = "text/plain",
      .boundary = BOUNDARY,
  };
}

#define ETAG     "ETag: \"tag\"\r\n"
#define MODIFIED "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define TYPE     "Content-Type: text/plain\r\n"
#define RANGES   "Accept-Ranges: bytes\r\n"

static int make(void **state) {
  (void)state;
  rl_heap_init(&heap);
  rl_buffer_init(&fields, &heap);
  rl_buffer_init(&text, &heap);
  return 0;
}

static int clean(void **state) {
  (void)state;
  rl_buffer_free(&fields);
  rl_buffer_free(&text);
  return atomic_load(&heap.blocks) == 0 ? 0 : -1;
}

static void gets(const struct rl_file_ask *wanted, const struct rl_file_facts *there, int status,
                 uint64_t length, int count, const char *lines) {
  fields.size = text.size = 0;
  rl_file_plan_make(&plan, wanted, there, &fields, &text);
  rl_buffer_byte(&fields, 0);
  assert_int_equal(plan.status, status);
  assert_string_equal((const char *)fields.bytes, lines);
  assert_true(plan.length == length);
  assert_int_equal(plan.count, count);
}

static void the_whole_file(void **state) {
  (void)state;
  struct rl_file_ask wanted = ask();
  struct rl_file_facts there = facts();
  gets(&wanted, &there, 200, 1000, 1, TYPE ETAG MODIFIED RANGES);
  assert_true(plan.pieces[0].first == 0 && plan.pieces[0].last == 999);
  assert_int_equal(rl_file_plan_text(&plan, &text, 0).size, 0);
  assert_int_equal(rl_file_plan_text(&plan, &text, 1).size, 0);
  wanted.method = RL_METHOD_HEAD;
  gets(&wanted, &there, 200, 1000, 1, TYPE ETAG MODIFIED RANGES);
  there.size = 0;
  gets(&wanted, &there, 200, 0, 0, TYPE ETAG MODIFIED RANGES);
}

static void what_is_known_is_told(void **state) {
  (void)state;
  struct rl_file_ask wanted = ask();
  struct rl_file_facts there = {.size = 1, .modified = NONE, .boundary = BOUNDARY};
  gets(&wanted, &there, 200, 1, 1, RANGES);
  there = facts();
  there.encoding = "br";
  there.varies = true;
  gets(&wanted, &there, 200, 1000, 1,
       TYPE "Content-Encoding: br\r\n" ETAG MODIFIED "Vary: Accept-Encoding\r\n" RANGES);
}

static void a_copy_that_is_still_good(void **state) {
  (void)state;
  struct rl_file_ask wanted = ask();
  struct rl_file_facts there = facts();
  there.varies = true;
  wanted.condition.if_none_match = rl_scan_text("\"other\", W/\"tag\"");
  wanted.range = rl_scan_text("bytes=0-1");
  gets(&wanted, &there, 304, 0, 0, ETAG MODIFIED "Vary: Accept-Encoding\r\n");
  wanted = ask();
  wanted.condition.if_modified_since = there.modified;
  gets(&wanted, &there, 304, 0, 0, ETAG MODIFIED "Vary: Accept-Encoding\r\n");
  wanted.condition.if_modified_since--;
  wanted.method = RL_METHOD_HEAD;
  gets(&wanted, &there, 200, 1000, 1, TYPE ETAG MODIFIED "Vary: Accept-Encoding\r\n" RANGES);
}

static void a_condition_that_fails(void **state) {
  (void)state;
  struct rl_file_ask wanted = ask();
  struct rl_file_facts there = facts();
  wanted.condition.if_match = rl_scan_text("\"other\"");
  gets(&wanted, &there, 412, 0, 0, "");
  wanted = ask();
  wanted.condition.if_unmodified_since = there.modified - 1;
  gets(&wanted, &there, 412, 0, 0, "");
}

static void other_methods(void **state) {
  (void)state;
  struct rl_file_ask wanted = ask();
  struct rl_file_facts there = facts();
  wanted.method = RL_METHOD_POST;
  gets(&wanted, &there, 405, 0, 0, "Allow: GET, HEAD\r\n");
  wanted.condition.if_none_match = rl_scan_text("*");
  gets(&wanted, &there, 405, 0, 0, "Allow: GET, HEAD\r\n");
}

static void one_range(void **state) {
  (void)state;
  struct rl_file_ask wanted = ask();
  struct rl_file_facts there = facts();
  wanted.range = rl_scan_text("bytes=10-19");
  gets(&wanted, &there, 206, 10, 1,
       TYPE "Content-Range: bytes 10-19/1000\r\n" ETAG MODIFIED RANGES);
  assert_true(plan.pieces[0].first == 10 && plan.pieces[0].last == 19);
  assert_int_equal(text.size, 0);
  wanted.range = rl_scan_text("bytes=10-19,15-29");
  gets(&wanted, &there, 206, 20, 1,
       TYPE "Content-Range: bytes 10-29/1000\r\n" ETAG MODIFIED RANGES);
  wanted.range = rl_scan_text("bytes=1000-");
  gets(&wanted, &there, 416, 0, 0, "Content-Range: bytes */1000\r\n");
  wanted.range = rl_scan_text("lines=1-2");
  gets(&wanted, &there, 200, 1000, 1, TYPE ETAG MODIFIED RANGES);
  wanted.range = rl_scan_text("bytes=10-19");
  wanted.method = RL_METHOD_HEAD;
  gets(&wanted, &there, 200, 1000, 1, TYPE ETAG MODIFIED RANGES);
}

static void a_range_of_a_compressed_form(void **state) {
  (void)state;
  struct rl_file_ask wanted = ask();
  struct rl_file_facts there = facts();
  there.encoding = "br";
  there.varies = true;
  wanted.range = rl_scan_text("bytes=10-19");
  gets(&wanted, &there, 206, 10, 1,
       TYPE "Content-Encoding: br\r\nContent-Range: bytes 10-19/1000\r\n" ETAG MODIFIED
            "Vary: Accept-Encoding\r\n" RANGES);
}

static void a_range_of_another_version(void **state) {
  (void)state;
  struct rl_file_ask wanted = ask();
  struct rl_file_facts there = facts();
  wanted.range = rl_scan_text("bytes=10-19");
  wanted.if_range = rl_scan_text("\"old\"");
  gets(&wanted, &there, 200, 1000, 1, TYPE ETAG MODIFIED RANGES);
  wanted.if_range = rl_scan_text("W/\"tag\"");
  gets(&wanted, &there, 200, 1000, 1, TYPE ETAG MODIFIED RANGES);
  wanted.if_range = rl_scan_text("\"tag\"");
  gets(&wanted, &there, 206, 10, 1,
       TYPE "Content-Range: bytes 10-19/1000\r\n" ETAG MODIFIED RANGES);
  wanted.if_range_date = there.modified - 1;
  gets(&wanted, &there, 200, 1000, 1, TYPE ETAG MODIFIED RANGES);
  wanted.if_range_date = there.modified;
  gets(&wanted, &there, 206, 10, 1,
       TYPE "Content-Range: bytes 10-19/1000\r\n" ETAG MODIFIED RANGES);
}

static void check_text(int i, const char *wanted) {
  struct rl_slice got = rl_file_plan_text(&plan, &text, i);
  assert_int_equal(got.size, strlen(wanted));
  assert_memory_equal(got.bytes, wanted, got.size);
}

static void several_ranges(void **state) {
  (void)state;
  struct rl_file_ask wanted = ask();
  struct rl_file_facts there = facts();
  const char *parts[] = {
      "--" BOUNDARY "\r\n" TYPE "Content-Range: bytes 990-999/1000\r\n\r\n",
      "\r\n--" BOUNDARY "\r\n" TYPE "Content-Range: bytes 0-4/1000\r\n\r\n",
      "\r\n--" BOUNDARY "--\r\n",
  };
  wanted.range = rl_scan_text("bytes=-10,0-4");
  gets(&wanted, &there, 206, strlen(parts[0]) + 10 + strlen(parts[1]) + 5 + strlen(parts[2]), 2,
       "Content-Type: multipart/byteranges; boundary=" BOUNDARY "\r\n" ETAG MODIFIED RANGES);
  for (int i = 0; i < 3; i++)
    check_text(i, parts[i]);
  assert_true(plan.pieces[0].first == 990 && plan.pieces[1].last == 4);
}

static void as_many_ranges_as_there_may_be(void **state) {
  (void)state;
  struct rl_file_ask wanted = ask();
  struct rl_file_facts there = facts();
  char list[512] = "bytes=";
  for (int i = 0; i < RL_RANGE_LIMIT; i++)
    sprintf(list + strlen(list), "%d-%d,", i * 10, i * 10);
  wanted.range = rl_scan_text(list);
  fields.size = text.size = 0;
  rl_file_plan_make(&plan, &wanted, &there, &fields, &text);
  assert_int_equal(plan.status, 206);
  assert_int_equal(plan.count, RL_RANGE_LIMIT);
  size_t sum = 0;
  for (int i = 0; i <= plan.count; i++)
    sum += rl_file_plan_text(&plan, &text, i).size;
  assert_int_equal(sum, text.size);
  assert_true(plan.length == sum + RL_RANGE_LIMIT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_whole_file),
      cmocka_unit_test(what_is_known_is_told),
      cmocka_unit_test(a_copy_that_is_still_good),
      cmocka_unit_test(a_condition_that_fails),
      cmocka_unit_test(other_methods),
      cmocka_unit_test(one_range),
      cmocka_unit_test(a_range_of_a_compressed_form),
      cmocka_unit_test(a_range_of_another_version),
      cmocka_unit_test(several_ranges),
      cmocka_unit_test(as_many_ranges_as_there_may_be),
  };
  return cmocka_run_group_tests(tests, make, clean);
}
