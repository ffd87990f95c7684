/* base/log.h: what the sink gets. */
#include "check.h"

#include "base/clock.h"
#include "base/log.h"

struct sink {
  int writes;
  size_t size;
  char text[100000];
};

static struct sink sink;

static void take(void *context, const char *text, size_t size) {
  assert_ptr_equal(context, &sink);
  assert_true(sink.size + size < sizeof sink.text);
  memcpy(sink.text + sink.size, text, size);
  sink.size += size;
  sink.text[sink.size] = '\0';
  sink.writes++;
}

static struct rl_log fresh(void) {
  struct rl_log log;
  rl_log_init(&log);
  log.write = take;
  log.context = &sink;
  sink.writes = 0;
  sink.size = 0;
  return log;
}

static void a_line_gets_its_newline(void **state) {
  (void)state;
  struct rl_log log = fresh();
  rl_log_line(&log, RL_LOG_INFO, "%s is %d", "n", 7);
  assert_string_equal(sink.text, "n is 7\n");
}

static void a_long_line_is_cut(void **state) {
  (void)state;
  struct rl_log log = fresh();
  rl_log_line(&log, RL_LOG_INFO, "%3000d", 7);
  assert_int_equal(sink.size, 2048);
  assert_int_equal(sink.text[2047], '\n');
}

static void an_error_of_any_usual_length_is_written_whole(void **state) {
  (void)state;
  for (size_t size = 0; size < 9000; size += size < 3000 ? 1 : 100) {
    struct rl_log log = fresh();
    char text[9000];
    memset(text, 'x', size);
    rl_log_text(&log, RL_LOG_ERROR, "rille: ", text, size);
    assert_int_equal(sink.writes, 1);
    assert_int_equal(sink.size, 7 + size + 1);
    assert_memory_equal(sink.text, "rille: ", 7);
    assert_memory_equal(sink.text + 7, text, size);
    assert_int_equal(sink.text[7 + size], '\n');
  }
}

static void a_huge_one_is_cut_and_says_so(void **state) {
  (void)state;
  struct rl_log log = fresh();
  static char text[1 << 20];
  memset(text, 'x', sizeof text);
  rl_log_text(&log, RL_LOG_ERROR, "rille: ", text, sizeof text);
  assert_int_equal(sink.writes, 1);
  assert_in_range(sink.size, 60000, 64 << 10);
  assert_string_equal(sink.text + sink.size - 10, "x ..(cut)\n");
}

static void a_newline_is_not_doubled(void **state) {
  (void)state;
  struct rl_log log = fresh();
  rl_log_text(&log, RL_LOG_ERROR, "", "two\nlines\n", 10);
  assert_string_equal(sink.text, "two\n\tlines\n");
}

static void what_is_below_the_level_is_not_logged(void **state) {
  (void)state;
  struct rl_log log = fresh();
  rl_log_line(&log, RL_LOG_DEBUG, "no");
  atomic_store(&log.level, RL_LOG_ERROR);
  rl_log_line(&log, RL_LOG_WARN, "no");
  rl_log_text(&log, RL_LOG_WARN, "", "no", 2);
  assert_int_equal(sink.writes, 0);
  rl_log_line(&log, RL_LOG_ERROR, "yes");
  assert_string_equal(sink.text, "yes\n");
}

static void the_form_goes_by_the_terminal_if_none_was_chosen(void **state) {
  (void)state;
  struct rl_log log = fresh();
  assert_int_equal(rl_log_form_of(&log), RL_LOG_PLAIN);
  atomic_store(&log.form, RL_LOG_AUTOMATIC);
  assert_int_equal(rl_log_form_of(&log), RL_LOG_JSON);
  atomic_store(&log.terminal, true);
  assert_int_equal(rl_log_form_of(&log), RL_LOG_TEXT);
  atomic_store(&log.form, RL_LOG_JSON);
  assert_int_equal(rl_log_form_of(&log), RL_LOG_JSON);
}

static void a_simulation_tells_its_own_time(void **state) {
  (void)state;
  struct rl_log log = fresh();
  struct rl_clock clock = {.simulated = true, .time = 1500 * 1000000ull};
  log.clock = &clock;
  atomic_store(&log.form, RL_LOG_TEXT);
  rl_log_line(&log, RL_LOG_WARN, "x");
  assert_string_equal(sink.text, "1970-01-01T00:00:01.500Z warn x\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_line_gets_its_newline),
      cmocka_unit_test(a_long_line_is_cut),
      cmocka_unit_test(an_error_of_any_usual_length_is_written_whole),
      cmocka_unit_test(a_huge_one_is_cut_and_says_so),
      cmocka_unit_test(a_newline_is_not_doubled),
      cmocka_unit_test(what_is_below_the_level_is_not_logged),
      cmocka_unit_test(the_form_goes_by_the_terminal_if_none_was_chosen),
      cmocka_unit_test(a_simulation_tells_its_own_time),
  };
  return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
