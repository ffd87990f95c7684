/* http/date.h: written and read back, against the C library's calendar. */
#include "check.h"

#include <time.h>

#include "http/date.h"

static const int64_t now = 1795384800; /* in November 2026 */

static int64_t read_text(const char *text) {
  int64_t seconds;
  return rl_date_read((struct rl_slice){text, strlen(text)}, now, &seconds) == 0 ? seconds : -1;
}

static void dates_are_those_of_the_c_library(void **state) {
  (void)state;
  for (int64_t seconds = 0; seconds < 253402300799; seconds += 86400 * 13 + 4711) {
    char text[RL_DATE_SIZE + 1] = "", expected[64];
    time_t when = (time_t)seconds;
    rl_date_write(text, seconds);
    strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&when));
    assert_string_equal(text, expected);
    assert_int_equal(read_text(text), seconds);
    strftime(expected, sizeof expected, "%a %b %e %H:%M:%S %Y", gmtime(&when));
    assert_int_equal(read_text(expected), seconds);
  }
}

static void all_three_forms_are_read(void **state) {
  (void)state;
  assert_int_equal(read_text("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  assert_int_equal(read_text("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
  assert_int_equal(read_text("Sun Nov  6 08:49:37 1994"), 784111777);
  assert_int_equal(read_text("Thursday, 01-Jan-76 00:00:00 GMT"), 3345062400);
  assert_int_equal(read_text("Friday, 01-Jan-77 00:00:00 GMT"), 220924800);
  assert_int_equal(read_text("Thu, 29 Feb 2024 00:00:00 GMT"), 1709164800);
}

static void what_is_no_date_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "Sun",
      "Sun, 06 Nov 1994 08:49:37",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 GMT ",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "sun, 06 nov 1994 08:49:37 gmt",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sun, 31 Nov 1994 08:49:37 GMT",
      "Sun, 29 Feb 2023 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:49:37 GMT",
      "Sun, 06 Nov 1994 08:60:37 GMT",
      "Sun, 06 Nov 1994 08:49:61 GMT",
      "Sun, 06 Nov 1969 08:49:37 GMT",
      "Sun, 06 Nov -994 08:49:37 GMT",
      "Sun Nov 6 08:49:37 1994",
      "Sonntag, 06-Nov-94 08:49:37 GMT",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    assert_int_equal(read_text(texts[i]), -1);
}

static void a_line_is_written_once_a_second(void **state) {
  (void)state;
  struct rl_date_line line = {0};
  struct rl_slice text = rl_date_line_at(&line, 784111777);
  assert_int_equal(text.size, RL_DATE_LINE_SIZE);
  assert_memory_equal(text.bytes, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", text.size);
  line.text[0] = 'd';
  assert_int_equal(rl_date_line_at(&line, 784111777).bytes[0], 'd');
  assert_int_equal(rl_date_line_at(&line, 784111778).bytes[0], 'D');
}

static void times_outside_the_calendar_are_bounded(void **state) {
  (void)state;
  char text[RL_DATE_SIZE];
  rl_date_write(text, -1);
  assert_memory_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT", RL_DATE_SIZE);
  rl_date_write(text, INT64_MAX);
  assert_memory_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT", RL_DATE_SIZE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dates_are_those_of_the_c_library),
      cmocka_unit_test(all_three_forms_are_read),
      cmocka_unit_test(what_is_no_date_is_refused),
      cmocka_unit_test(a_line_is_written_once_a_second),
      cmocka_unit_test(times_outside_the_calendar_are_bounded),
  };
  return cmocka_run_group_tests_name("http date", tests, NULL, NULL);
}
