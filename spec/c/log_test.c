/* base/log.h: what the sink gets. */
#include "check.h"

#include "base/log.h"

struct sink {
  int writes;
  size_t size;
  char text[10000];
};

static void take(void *context, const char *text, size_t size) {
  struct sink *sink = context;
  assert_true(sink->size + size < sizeof sink->text);
  memcpy(sink->text + sink->size, text, size);
  sink->size += size;
  sink->text[sink->size] = '\0';
  sink->writes++;
}

static void a_line_gets_its_newline(void **state) {
  (void)state;
  struct sink sink = {0};
  struct rl_log log = {.write = take, .context = &sink};
  rl_log_line(&log, "%s is %d", "n", 7);
  assert_string_equal(sink.text, "n is 7\n");
}

static void a_long_line_is_cut_at_2_kib(void **state) {
  (void)state;
  struct sink sink = {0};
  struct rl_log log = {.write = take, .context = &sink};
  rl_log_line(&log, "%3000d", 7);
  assert_int_equal(sink.size, 2048);
  assert_int_equal(sink.text[2047], '\n');
}

static void a_text_of_any_length_is_written_whole(void **state) {
  (void)state;
  struct rl_log log = {.write = take};
  for (size_t size = 0; size < 9000; size += size < 3000 ? 1 : 100) {
    struct sink sink = {0};
    char text[9000];
    memset(text, 'x', size);
    log.context = &sink;
    rl_log_text(&log, "rille: ", text, size);
    assert_int_equal(sink.writes, 1);
    assert_int_equal(sink.size, 7 + size + 1);
    assert_memory_equal(sink.text, "rille: ", 7);
    assert_memory_equal(sink.text + 7, text, size);
    assert_int_equal(sink.text[7 + size], '\n');
  }
}

static void a_newline_is_not_doubled(void **state) {
  (void)state;
  struct sink sink = {0};
  struct rl_log log = {.write = take, .context = &sink};
  rl_log_text(&log, "", "two\nlines\n", 10);
  assert_string_equal(sink.text, "two\nlines\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_line_gets_its_newline),
      cmocka_unit_test(a_long_line_is_cut_at_2_kib),
      cmocka_unit_test(a_text_of_any_length_is_written_whole),
      cmocka_unit_test(a_newline_is_not_doubled),
  };
  return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
