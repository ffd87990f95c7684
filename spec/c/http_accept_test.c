/* http/accept.h: weights and choices; with it the lists of http/scan.h. */
#include "check.h"

#include <stdio.h>

#include "http/accept.h"
#include "http/scan.h"

static const char *const encodings[] = {"br", "gzip", "identity"};
static const char *const media[] = {"application/json", "text/html", "text/plain"};

static void encoding(const char *list, const char *wanted) {
  int choice = rl_accept_choose(rl_scan_text(list), RL_ACCEPT_ENCODINGS, encodings, 3);
  assert_string_equal(choice < 0 ? "none" : encodings[choice], wanted);
}

static void type(const char *list, const char *wanted) {
  int choice = rl_accept_choose(rl_scan_text(list), RL_ACCEPT_MEDIA, media, 3);
  assert_string_equal(choice < 0 ? "none" : media[choice], wanted);
}

static void the_heaviest_encoding_is_chosen(void **state) {
  (void)state;
  encoding("gzip, deflate, br", "br");
  encoding("gzip;q=1.0, br;q=0.9", "gzip");
  encoding("GZIP", "gzip");
  encoding("x-gzip", "gzip");
  encoding("*", "br");
  encoding("br;q=0, *", "gzip");
  encoding("gzip;q=0.001", "gzip");
  encoding("gzip;q=0.5, identity", "identity");
  encoding("gzip ; Q=0.3 , br ; q=0.2", "gzip");
}

static void identity_is_taken_unless_it_is_excluded(void **state) {
  (void)state;
  encoding("", "identity");
  encoding("deflate", "identity");
  encoding("gzip;q=0", "identity");
  encoding("identity;q=0", "none");
  encoding("*;q=0", "none");
  encoding("*;q=0, identity;q=0.1", "identity");
  encoding("*;q=0, br", "br");
}

static void a_malformed_member_is_passed_over(void **state) {
  (void)state;
  encoding("br;q=2, gzip;q=0.5", "gzip");
  encoding("br;q=0.1234, gzip;q=0.5", "gzip");
  encoding("br;q=, gzip;q=0.5", "gzip");
  encoding("br;q=-1, gzip;q=.5", "identity");
  encoding("br;q=1.001, gzip;q=1.000", "gzip");
  encoding("br q=1, gzip", "gzip");
  encoding(",,gzip,,", "gzip");
}

static void the_closest_media_range_counts(void **state) {
  (void)state;
  type("text/html", "text/html");
  type("text/*", "text/html");
  type("*/*", "application/json");
  type("text/*, text/html;q=0", "text/plain");
  type("text/html;q=0.5, */*;q=0.8, text/*;q=0.1", "application/json");
  type("text/html;level=\"1,2\";q=0.5, TEXT/PLAIN", "text/plain");
  type("image/png", "none");
  type("text", "none");
  type("", "none");
}

static void weights_are_thousandths(void **state) {
  (void)state;
  struct rl_slice list = rl_scan_text("de;q=0.25, en;q=1, *;q=0.001");
  assert_int_equal(rl_accept_weight(list, RL_ACCEPT_NAMES, "de"), 250);
  assert_int_equal(rl_accept_weight(list, RL_ACCEPT_NAMES, "en"), 1000);
  assert_int_equal(rl_accept_weight(list, RL_ACCEPT_NAMES, "fr"), 1);
}

static void members_are_split_outside_of_quotes(void **state) {
  (void)state;
  static const char *const wanted[] = {"a", "b=\"x,\\\",y\"", "c \"d, e"};
  struct rl_slice rest = rl_scan_text(" a,\t, b=\"x,\\\",y\" ,c \"d, e "), member;
  for (int i = 0; i < 3; i++) {
    assert_true(rl_scan_member(&rest, &member));
    assert_true(rl_scan_equal(member, rl_scan_text(wanted[i])));
  }
  assert_false(rl_scan_member(&rest, &member));
}

static void a_hostile_list_costs_its_length(void **state) {
  (void)state;
  static char list[300000];
  struct rl_slice rest = {list, sizeof list}, member;
  size_t members = 0;
  for (size_t i = 0; i < sizeof list; i++)
    list[i] = "\",\\"[i % 3];
  while (rl_scan_member(&rest, &member))
    members++;
  assert_int_equal(members, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_heaviest_encoding_is_chosen),
      cmocka_unit_test(identity_is_taken_unless_it_is_excluded),
      cmocka_unit_test(a_malformed_member_is_passed_over),
      cmocka_unit_test(the_closest_media_range_counts),
      cmocka_unit_test(weights_are_thousandths),
      cmocka_unit_test(members_are_split_outside_of_quotes),
      cmocka_unit_test(a_hostile_list_costs_its_length),
  };
  return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
