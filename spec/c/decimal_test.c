/* base/decimal.h: numbers and their text. */
#include <math.h>
#include <stdio.h>

#include "check.h"

#include "base/decimal.h"

static void writes(double value, const char *text) {
  char room[RL_DECIMAL_ROOM + 1] = {0};
  assert_int_equal(rl_decimal_float(value, room), strlen(text));
  assert_string_equal(room, text);
}

static void writes_integer(int64_t value, const char *text) {
  char room[RL_DECIMAL_ROOM + 1] = {0};
  assert_int_equal(rl_decimal_integer(value, room), strlen(text));
  assert_string_equal(room, text);
}

static void integers_are_written(void **state) {
  (void)state;
  writes_integer(0, "0");
  writes_integer(7, "7");
  writes_integer(-10, "-10");
  writes_integer(INT64_MAX, "9223372036854775807");
  writes_integer(INT64_MIN, "-9223372036854775808");
}

static void floats_are_written_shortly(void **state) {
  (void)state;
  writes(0, "0");
  writes(-0.0, "-0");
  writes(3.25, "3.25");
  writes(-1e-6, "-0.000001");
  writes(1e-7, "1e-7");
  writes(-2.5e-7, "-2.5e-7");
  writes(9007199254740991, "9007199254740991");
  writes(9007199254740994, "9007199254740994");
  writes(18014398509481984, "18014398509481984");
  writes(1152921504606846976, "1.152921504606847e+18");
  writes(1e22, "1e+22");
  writes(0.1 + 0.2, "0.30000000000000004");
  writes(-1.7976931348623157e308, "-1.7976931348623157e+308");
  writes(2.2250738585072014e-308, "2.2250738585072014e-308");
}

static uint64_t next(uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  return *seed ^= *seed << 17;
}

static void check_float(double value) {
  char room[RL_DECIMAL_ROOM + 1] = {0};
  struct rl_decimal decimal;
  size_t size = rl_decimal_float(value, room);
  assert_in_range(size, 1, RL_DECIMAL_ROOM);
  assert_ptr_equal(rl_decimal_read(room, &decimal), room + size);
  double got = decimal.kind == RL_DECIMAL_INTEGER ? (double)decimal.integer : decimal.number;
  assert_true(got == value && strtod(room, NULL) == value);
}

static void floats_are_read_as_they_were(void **state) {
  (void)state;
  uint64_t seed = 88172645463325252U;
  for (int i = 0; i < 100000; i++) {
    double value;
    uint64_t bits = next(&seed);
    memcpy(&value, &bits, sizeof value);
    if (isfinite(value))
      check_float(value);
    check_float((double)(bits % 2000000) / 1000 - 1000);
    check_float((double)(bits >> 11) / 9007199254740992.0);
  }
}

/* What is read is what the C library reads, which is exact, in the locale "C". */
static void check_text(const char *text) {
  struct rl_decimal decimal;
  assert_ptr_equal(rl_decimal_read(text, &decimal), text + strlen(text));
  double got = decimal.kind == RL_DECIMAL_INTEGER ? (double)decimal.integer : decimal.number;
  if (got != strtod(text, NULL))
    fail_msg("%s became %.17g", text, got);
}

static size_t put_digits(char *text, uint64_t *seed, size_t count) {
  for (size_t i = 0; i < count; i++)
    text[i] = (char)('0' + next(seed) % 10);
  return count;
}

static void numbers_are_read_exactly(void **state) {
  (void)state;
  uint64_t seed = 1234567890987654321U;
  char text[2048];
  for (int i = 0; i < 50000; i++) {
    size_t size = 0, most = i % 100 == 0 ? 900 : 25;
    if (i % 2)
      text[size++] = '-';
    text[size++] = (char)('1' + next(&seed) % 9);
    size += put_digits(text + size, &seed, next(&seed) % most);
    if (next(&seed) % 2) {
      text[size++] = '.';
      size += put_digits(text + size, &seed, 1 + next(&seed) % most);
    }
    snprintf(text + size, 32, next(&seed) % 2 ? "" : "e%d", (int)(next(&seed) % 700) - 350);
    check_text(text);
  }
}

static void what_lies_between_two_floats_is_rounded_as_a_whole(void **state) {
  (void)state;
  char text[1200];
  snprintf(text, sizeof text, "9007199254740993.%01000d", 0);
  check_text(text);
  strcat(text, "1");
  check_text(text);
  snprintf(text, sizeof text, "0.%0900d1", 0);
  check_text(text);
  check_text("2.4703282292062327208e-324"); /* half the least one */
  check_text("2.4703282292062328e-324");
  check_text("1.7976931348623158e308");
  check_text("1e99999999999999999999999");
  check_text("0e99999999999999999999999");
  check_text("1e-99999999999999999999999");
}

static void kind(const char *text, enum rl_decimal_kind kind, size_t end) {
  struct rl_decimal decimal;
  assert_ptr_equal(rl_decimal_read(text, &decimal), text + end);
  assert_int_equal(decimal.kind, kind);
}

static void integers_are_told_from_floats(void **state) {
  (void)state;
  kind("0", RL_DECIMAL_INTEGER, 1);
  kind("-0", RL_DECIMAL_FLOAT, 2);
  kind("01", RL_DECIMAL_INTEGER, 1);
  kind("9223372036854775807,", RL_DECIMAL_INTEGER, 19);
  kind("9223372036854775808", RL_DECIMAL_FLOAT, 19);
  kind("-9223372036854775808", RL_DECIMAL_INTEGER, 20);
  kind("-9223372036854775809", RL_DECIMAL_FLOAT, 20);
  kind("1.0", RL_DECIMAL_FLOAT, 3);
  kind("1e0", RL_DECIMAL_FLOAT, 3);
}

static void what_is_none_tells_where_a_digit_is_missing(void **state) {
  (void)state;
  kind("", RL_DECIMAL_BAD, 0);
  kind("-", RL_DECIMAL_BAD, 1);
  kind("+1", RL_DECIMAL_BAD, 0);
  kind(".5", RL_DECIMAL_BAD, 0);
  kind("1.", RL_DECIMAL_BAD, 2);
  kind("1.e1", RL_DECIMAL_BAD, 2);
  kind("1e", RL_DECIMAL_BAD, 2);
  kind("1.5e-", RL_DECIMAL_BAD, 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers_are_written),
      cmocka_unit_test(floats_are_written_shortly),
      cmocka_unit_test(floats_are_read_as_they_were),
      cmocka_unit_test(numbers_are_read_exactly),
      cmocka_unit_test(what_lies_between_two_floats_is_rounded_as_a_whole),
      cmocka_unit_test(integers_are_told_from_floats),
      cmocka_unit_test(what_is_none_tells_where_a_digit_is_missing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
