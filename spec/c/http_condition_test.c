/* http/condition.h: entity tags, dates, and which of them decides. */
#include "check.h"

#include "http/condition.h"
#include "http/scan.h"

#define UNSAID RL_CONDITION_UNSAID

static bool same(const char *one, const char *other, bool strongly) {
  return rl_condition_same(rl_scan_text(one), rl_scan_text(other), strongly);
}

static void tags_are_the_same_weakly_or_strongly(void **state) {
  (void)state;
  assert_true(same("\"a\"", "\"a\"", true));
  assert_true(same("\"\"", "\"\"", true));
  assert_true(same("W/\"a\"", "\"a\"", false));
  assert_true(same("W/\"a\"", "W/\"a\"", false));
  assert_false(same("W/\"a\"", "\"a\"", true));
  assert_false(same("W/\"a\"", "W/\"a\"", true));
  assert_false(same("\"a\"", "\"A\"", false));
}

static void what_is_no_tag_is_like_nothing(void **state) {
  (void)state;
  static const char *const bad[] = {"", "a", "\"", "\"a", "a\"", "w/\"a\"", "\"a\"b", "\"a b\""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(same(bad[i], bad[i], false));
}

static bool lists(const char *list, const char *etag, bool strongly) {
  struct rl_condition_state state = {true, rl_scan_text(etag), UNSAID};
  return rl_condition_lists(rl_scan_text(list), &state, strongly);
}

static void lists_are_searched(void **state) {
  (void)state;
  assert_true(lists("\"a\", \"b\" ,W/\"c\"", "\"b\"", true));
  assert_true(lists("\"a\", \"b\" ,W/\"c\"", "\"c\"", false));
  assert_true(lists(",, \"a,b\",", "\"a,b\"", true));
  assert_true(lists("*", "", true));
  assert_false(lists("\"a\", \"b\" ,W/\"c\"", "\"c\"", true));
  assert_false(lists("\"a\"\"b\"", "\"b\"", true));
  assert_false(lists("a, \"b\"", "\"b\"", true));
  assert_false(lists("", "\"b\"", true));
  assert_false(lists("\"a\", *", "\"b\"", true));
}

/* The file is "v1" and was changed at second 100. */
static void ends(struct rl_condition condition, enum rl_condition_end wanted) {
  struct rl_condition_state state = {true, rl_scan_text("\"v1\""), 100};
  assert_int_equal(rl_condition_check(&condition, &state), wanted);
}

static struct rl_slice text(const char *bytes) {
  return rl_scan_text(bytes);
}

static void without_a_condition_it_goes(void **state) {
  (void)state;
  ends((struct rl_condition){true, {0}, {0}, UNSAID, UNSAID}, RL_CONDITION_GO);
  ends((struct rl_condition){false, {0}, {0}, UNSAID, UNSAID}, RL_CONDITION_GO);
}

static void if_match_lets_nothing_else_through(void **state) {
  (void)state;
  ends((struct rl_condition){false, text("\"v1\""), {0}, UNSAID, UNSAID}, RL_CONDITION_GO);
  ends((struct rl_condition){false, text("\"v0\""), {0}, UNSAID, UNSAID}, RL_CONDITION_FAILED);
  ends((struct rl_condition){false, text("W/\"v1\""), {0}, UNSAID, UNSAID}, RL_CONDITION_FAILED);
  ends((struct rl_condition){false, text(""), {0}, UNSAID, UNSAID}, RL_CONDITION_FAILED);
  ends((struct rl_condition){false, text("\"v1\""), {0}, UNSAID, 50}, RL_CONDITION_GO);
}

static void if_unmodified_since_needs_an_old_file(void **state) {
  (void)state;
  ends((struct rl_condition){false, {0}, {0}, UNSAID, 99}, RL_CONDITION_FAILED);
  ends((struct rl_condition){false, {0}, {0}, UNSAID, 100}, RL_CONDITION_GO);
}

static void if_none_match_spares_a_reader_and_stops_a_writer(void **state) {
  (void)state;
  ends((struct rl_condition){true, {0}, text("W/\"v1\""), UNSAID, UNSAID}, RL_CONDITION_UNMODIFIED);
  ends((struct rl_condition){true, {0}, text("\"v0\""), UNSAID, UNSAID}, RL_CONDITION_GO);
  ends((struct rl_condition){false, {0}, text("*"), UNSAID, UNSAID}, RL_CONDITION_FAILED);
  ends((struct rl_condition){true, {0}, text("\"v0\""), 500, UNSAID}, RL_CONDITION_GO);
}

static void if_modified_since_is_for_readers_alone(void **state) {
  (void)state;
  ends((struct rl_condition){true, {0}, {0}, 100, UNSAID}, RL_CONDITION_UNMODIFIED);
  ends((struct rl_condition){true, {0}, {0}, 99, UNSAID}, RL_CONDITION_GO);
  ends((struct rl_condition){false, {0}, {0}, 100, UNSAID}, RL_CONDITION_GO);
}

static void the_first_group_decides_before_the_second(void **state) {
  (void)state;
  ends((struct rl_condition){true, text("\"v1\""), text("\"v1\""), UNSAID, UNSAID},
       RL_CONDITION_UNMODIFIED);
  ends((struct rl_condition){true, text("\"v0\""), text("\"v1\""), UNSAID, UNSAID},
       RL_CONDITION_FAILED);
  ends((struct rl_condition){true, {0}, {0}, 100, 99}, RL_CONDITION_FAILED);
}

static void what_is_not_there_matches_nothing(void **state) {
  (void)state;
  struct rl_condition_state gone = {false, {0}, UNSAID};
  struct rl_condition create = {false, {0}, text("*"), UNSAID, UNSAID};
  struct rl_condition change = {false, text("*"), {0}, UNSAID, UNSAID};
  struct rl_condition dated = {true, {0}, {0}, 100, 100};
  assert_int_equal(rl_condition_check(&create, &gone), RL_CONDITION_GO);
  assert_int_equal(rl_condition_check(&change, &gone), RL_CONDITION_FAILED);
  assert_int_equal(rl_condition_check(&dated, &gone), RL_CONDITION_GO);
}

static void a_part_is_served_of_what_the_client_has(void **state) {
  (void)state;
  struct rl_condition_state now = {true, rl_scan_text("\"v1\""), 100};
  struct rl_condition_state weak = {true, rl_scan_text("W/\"v1\""), 100};
  assert_true(rl_condition_range(text("\"v1\""), UNSAID, &now));
  assert_false(rl_condition_range(text("\"v0\""), UNSAID, &now));
  assert_false(rl_condition_range(text("W/\"v1\""), UNSAID, &weak));
  assert_false(rl_condition_range(text("nonsense"), UNSAID, &now));
  assert_true(rl_condition_range(text("a date"), 100, &now));
  assert_false(rl_condition_range(text("a date"), 101, &now));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tags_are_the_same_weakly_or_strongly),
      cmocka_unit_test(what_is_no_tag_is_like_nothing),
      cmocka_unit_test(lists_are_searched),
      cmocka_unit_test(without_a_condition_it_goes),
      cmocka_unit_test(if_match_lets_nothing_else_through),
      cmocka_unit_test(if_unmodified_since_needs_an_old_file),
      cmocka_unit_test(if_none_match_spares_a_reader_and_stops_a_writer),
      cmocka_unit_test(if_modified_since_is_for_readers_alone),
      cmocka_unit_test(the_first_group_decides_before_the_second),
      cmocka_unit_test(what_is_not_there_matches_nothing),
      cmocka_unit_test(a_part_is_served_of_what_the_client_has),
  };
  return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
