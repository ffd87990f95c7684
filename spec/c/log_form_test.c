/* base/log_form.h: the bytes of a line, whatever it is about; and base/ring.h, where lines wait. */
#include "check.h"

#include <math.h>
#include <stdio.h>

#include "base/log_form.h"
#include "base/ring.h"

static char bytes[70000];

static struct rl_slice slice(const char *text) {
  return (struct rl_slice){text, strlen(text)};
}

/* The line, as a string; valid until the next one. */
static const char *form(enum rl_log_form form, struct rl_log_entry entry, size_t room) {
  struct rl_log_line line = {.bytes = bytes, .room = room};
  memset(bytes, 'Z', sizeof bytes);
  rl_log_form(&line, form, &entry);
  assert_true(line.size <= room);
  assert_int_equal(bytes[line.size - 1], '\n');
  bytes[line.size] = '\0';
  return bytes;
}

static const char *message(enum rl_log_form as, const char *text) {
  struct rl_log_entry entry = {.level = RL_LOG_INFO, .message = slice(text)};
  return form(as, entry, 2048);
}

#define TIME      "1970-01-01T00:00:00.000Z"
#define JSON(how) "{\"time\":\"" TIME "\",\"level\":\"" how "\",\"message\":\""

static void the_time_is_utc_with_milliseconds(void **state) {
  (void)state;
  struct rl_log_entry entry = {.level = RL_LOG_DEBUG, .time = 1795750448007, .message = slice("x")};
  assert_string_equal(form(RL_LOG_TEXT, entry, 2048), "2026-11-27T03:34:08.007Z debug x\n");
}

static void no_text_looks_like_two_lines(void **state) {
  (void)state;
  assert_string_equal(message(RL_LOG_TEXT, "a\nb\r\x1b[2J\x7f\x01"),
                      TIME " info a\\nb\\r\\x1b[2J\\x7f\\x01\n");
  assert_string_equal(message(RL_LOG_PLAIN, "a\nb"), "a\\nb\n");
  assert_string_equal(message(RL_LOG_JSON, "a\nb\r\x1b\x7f"),
                      JSON("info") "a\\nb\\r\\u001b\\u007f\"}\n");
}

static void what_is_no_utf8_is_escaped(void **state) {
  (void)state;
  assert_string_equal(message(RL_LOG_TEXT, "\xff \xc3\xbc \xc2\x9b \xed\xa0\x80"),
                      TIME " info \\xff \xc3\xbc \\u009b \\xed\\xa0\\x80\n");
  assert_string_equal(message(RL_LOG_JSON, "\xff \xc3\xbc \xc2\x9b"),
                      JSON("info") "\\ufffd \xc3\xbc \\u009b\"}\n");
}

static void quotes_end_nothing(void **state) {
  (void)state;
  assert_string_equal(message(RL_LOG_JSON, "\",\"level\":\"error\\"),
                      JSON("info") "\\\",\\\"level\\\":\\\"error\\\\\"}\n");
}

static const struct rl_log_field fields[] = {
    {.name = {"word", 4}, .text = {"/x", 2}},
    {.name = {"words", 5}, .text = {"a b", 3}},
    {.name = {"quoted", 6}, .text = {"a\"b\n", 4}},
    {.name = {"empty", 5}, .text = {"", 0}},
    {.name = {"forged", 6}, .text = {"1=2", 3}},
    {.name = {"n", 1}, .kind = RL_LOG_INTEGER, .integer = INT64_MIN},
    {.name = {"f", 1}, .kind = RL_LOG_NUMBER, .number = 0.25},
    {.name = {"inf", 3}, .kind = RL_LOG_NUMBER, .number = -INFINITY},
    {.name = {"nan", 3}, .kind = RL_LOG_NUMBER, .number = NAN},
    {.name = {"b", 1}, .kind = RL_LOG_BOOLEAN, .truth = true},
};

static void fields_follow_the_message(void **state) {
  (void)state;
  struct rl_log_entry entry = {.level = RL_LOG_ERROR,
                               .message = slice("m"),
                               .fields = fields,
                               .count = sizeof fields / sizeof *fields};
  assert_string_equal(
      form(RL_LOG_TEXT, entry, 2048),
      TIME " error m word=/x words=\"a b\" quoted=\"a\\\"b\\n\" empty=\"\" forged=\"1=2\" "
           "n=-9223372036854775808 f=0.25 inf=-inf nan=nan b=true\n");
  assert_string_equal(
      form(RL_LOG_JSON, entry, 2048),
      JSON("error") "m\",\"word\":\"/x\",\"words\":\"a b\",\"quoted\":\"a\\\"b\\n\",\"empty\":\"\","
                    "\"forged\":\"1=2\",\"n\":-9223372036854775808,\"f\":0.25,\"inf\":\"-inf\","
                    "\"nan\":\"nan\",\"b\":true}\n");
  assert_string_equal(form(RL_LOG_PLAIN, entry, 2048), "m\n");
}

static void further_lines_of_an_error_are_indented(void **state) {
  (void)state;
  struct rl_log_entry entry = {.level = RL_LOG_WARN,
                               .lines = true,
                               .prefix = slice("p: "),
                               .message =
                                   slice("m\n" TIME " info forged\nstack traceback:\n\ta\n\n\tb\n"),
                               .fields = fields,
                               .count = 1};
  assert_string_equal(form(RL_LOG_TEXT, entry, 2048),
                      TIME " warn p: m word=/x\n\t" TIME
                           " info forged\nstack traceback:\n\ta\n\t\n\tb\n");
  assert_string_equal(form(RL_LOG_JSON, entry, 2048),
                      JSON("warn") "p: m\",\"word\":\"/x\",\"trace\":\"" TIME
                                   " info forged\\nstack traceback:\\n\\ta\\n\\n\\tb\"}\n");
}

static int count(const char *text, char wanted) {
  int found = 0;
  for (; *text; text++)
    found += *text == wanted;
  return found;
}

/* Whether every string is closed, and it ends with the object. */
static bool is_closed(const char *json) {
  bool inside = false;
  for (; *json; json++) {
    if (*json == '\\')
      json++;
    else if (*json == '"')
      inside = !inside;
    else if (*json == '}' && !inside)
      return strcmp(json, "}\n") == 0;
  }
  return false;
}

/* At every length something else is where the line is cut. */
static void a_cut_line_is_well_formed(void **state) {
  (void)state;
  static char text[600];
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = "a\xc3\xbc\n\"\\"[i % 6];
  for (size_t size = 0; size < sizeof text; size++) {
    struct rl_log_field field = {.name = {"long", 4}, .text = {text, size}};
    struct rl_log_entry entry = {
        .level = RL_LOG_INFO, .message = {text, size / 2}, .fields = &field, .count = 1};
    const char *json = form(RL_LOG_JSON, entry, RL_LOG_LEAST);
    assert_int_equal(count(json, '\n'), 1);
    assert_true(is_closed(json));
    bool cut = strstr(json, ",\"cut\":true") != NULL;
    assert_false(size < 40 ? cut : size > 200 && !cut);
    assert_int_equal(count(form(RL_LOG_TEXT, entry, RL_LOG_LEAST), '\n'), 1);
  }
}

static void a_ring_takes_texts_whole(void **state) {
  (void)state;
  char room[10], out[10];
  struct rl_ring ring;
  rl_ring_init(&ring, room, sizeof room);
  for (int round = 0; round < 30; round++) {
    assert_true(rl_ring_put(&ring, "abc\n", 4));
    assert_true(rl_ring_put(&ring, "de\n", 3));
    assert_false(rl_ring_put(&ring, "fgh\n", 4));
    assert_int_equal(rl_ring_lines(&ring), 2);
    assert_true(rl_ring_put(&ring, "fg\n", 3));
    assert_int_equal(rl_ring_take(&ring, out, 8), 7);
    assert_memory_equal(out, "abc\nde\n", 7);
    assert_int_equal(rl_ring_take(&ring, out, 2), 2);
    assert_memory_equal(out, "fg", 2);
    assert_int_equal(rl_ring_take(&ring, out, 8), 1);
    assert_int_equal(rl_ring_take(&ring, out, 8), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_time_is_utc_with_milliseconds),
      cmocka_unit_test(no_text_looks_like_two_lines),
      cmocka_unit_test(what_is_no_utf8_is_escaped),
      cmocka_unit_test(quotes_end_nothing),
      cmocka_unit_test(fields_follow_the_message),
      cmocka_unit_test(further_lines_of_an_error_are_indented),
      cmocka_unit_test(a_cut_line_is_well_formed),
      cmocka_unit_test(a_ring_takes_texts_whole),
  };
  return cmocka_run_group_tests_name("log_form", tests, NULL, NULL);
}
