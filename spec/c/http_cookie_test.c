/* http/cookie.h: the Cookie field, and what Set-Cookie may say. */
#include "check.h"

#include <stdio.h>

#include "http/cookie.h"
#include "http/scan.h"

static struct rl_heap heap;

static void reads(const char *field, unsigned limit, const char *wanted) {
  char seen[256] = "";
  size_t size = 0;
  struct rl_cookies cookies;
  struct rl_cookie_pair pair;
  int found;
  rl_cookies_init(&cookies, rl_scan_text(field), limit);
  while ((found = rl_cookies_next(&cookies, &pair)) == 1)
    size += (size_t)snprintf(seen + size, sizeof seen - size, "<%.*s=%.*s>", (int)pair.name.size,
                             pair.name.bytes, (int)pair.value.size, pair.value.bytes);
  if (found < 0)
    strcat(seen, "...");
  assert_string_equal(seen, wanted);
  assert_int_equal(rl_cookies_next(&cookies, &pair), found);
}

static void pairs_come_in_order(void **state) {
  (void)state;
  reads("", 9, "");
  reads("a=1", 9, "<a=1>");
  reads("a=1; b=2;c=3 ;a=4", 9, "<a=1><b=2><c=3><a=4>");
  reads("a=; b==x=", 9, "<a=><b==x=>");
}

static void quotes_around_a_value_are_dropped(void **state) {
  (void)state;
  reads("a=\"x y\"; b=\"\"; c=\"", 9, "<a=x y><b=><c=\">");
}

static void what_browsers_send_is_read(void **state) {
  (void)state;
  reads("a={\"x\":1, \"y\":[2]}; b=caf\xc3\xa9; c=x y", 9,
        "<a={\"x\":1, \"y\":[2]}><b=caf\xc3\xa9><c=x y>");
}

static void what_is_no_pair_is_passed_over(void **state) {
  (void)state;
  reads(";; alone; =x; a b=1; ok=1;", 9, "<ok=1>");
}

static void pairs_are_counted(void **state) {
  (void)state;
  reads("a=1; b=2; ;", 2, "<a=1><b=2>");
  reads("a=1; b=2; c=3", 2, "<a=1><b=2>...");
}

static void the_first_of_a_name_is_found(void **state) {
  (void)state;
  struct rl_cookies cookies;
  struct rl_slice value;
  rl_cookies_init(&cookies, rl_scan_text("aa=0; a=1; A=2; a=3"), 9);
  assert_int_equal(rl_cookies_find(&cookies, rl_scan_text("a"), &value), 1);
  assert_true(rl_scan_equal(value, rl_scan_text("1")));
  rl_cookies_init(&cookies, rl_scan_text("aa=0; a=1"), 1);
  assert_int_equal(rl_cookies_find(&cookies, rl_scan_text("b"), &value), RL_COOKIE_TOO_MANY);
}

static void writes(const struct rl_cookie *cookie, const char *wanted) {
  struct rl_buffer to;
  rl_buffer_init(&to, &heap);
  assert_null(rl_cookie_write(cookie, &to));
  assert_int_equal(to.size, strlen(wanted));
  assert_memory_equal(to.bytes, wanted, to.size);
  rl_buffer_free(&to);
}

static void refuses(const struct rl_cookie *cookie) {
  struct rl_buffer to;
  rl_buffer_init(&to, &heap);
  assert_non_null(rl_cookie_write(cookie, &to));
  assert_null(to.bytes);
}

static struct rl_slice text(const char *bytes) {
  return rl_scan_text(bytes);
}

static void every_attribute_is_written(void **state) {
  (void)state;
  writes(&(struct rl_cookie){.name = text("a"), .value = text("1")}, "a=1");
  writes(&(struct rl_cookie){.name = text("a")}, "a=");
  writes(&(struct rl_cookie){.name = text("a"),
                             .value = text("1"),
                             .path = text("/x"),
                             .domain = text("example.org"),
                             .expires = text("Thu, 01 Jan 1970 00:00:00 GMT"),
                             .max_age = -5,
                             .has_max_age = true,
                             .secure = true,
                             .http_only = true,
                             .partitioned = true,
                             .site = RL_COOKIE_SITE_NONE},
         "a=1; Path=/x; Domain=example.org; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=-5; "
         "Secure; HttpOnly; SameSite=None; Partitioned");
  writes(&(struct rl_cookie){.name = text("a"), .site = RL_COOKIE_SITE_LAX}, "a=; SameSite=Lax");
}

static void nothing_can_be_smuggled_in(void **state) {
  (void)state;
  static const char *const bad[] = {
      "x;y", "x\r\nSet-Cookie: b=2", "x y", "x,y", "\"x\"", "x\ty", "x\\y", "\x7f", "\xc3\xa9"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    refuses(&(struct rl_cookie){.name = text("a"), .value = text(bad[i])});
    refuses(&(struct rl_cookie){.name = text(bad[i]), .value = text("1")});
    refuses(&(struct rl_cookie){.name = text("a"), .domain = text(bad[i])});
  }
  refuses(&(struct rl_cookie){.name = text("a"), .value = {"x\0y", 3}});
  refuses(&(struct rl_cookie){.name = text("a"), .path = text("/;x")});
  refuses(&(struct rl_cookie){.name = text("a"), .path = text("/\r\n")});
  refuses(&(struct rl_cookie){.name = text("a"), .expires = text("x; Domain=y")});
  refuses(&(struct rl_cookie){.name = text("a"), .expires = text("x\n")});
}

static void a_name_and_a_path_must_be_there_and_right(void **state) {
  (void)state;
  refuses(&(struct rl_cookie){.value = text("1")});
  refuses(&(struct rl_cookie){.name = text("a=b"), .value = text("1")});
  refuses(&(struct rl_cookie){.name = text("a"), .path = text("x")});
  refuses(&(struct rl_cookie){.name = text("a"), .domain = text(".example.org")});
}

static void what_browsers_would_drop_is_refused(void **state) {
  (void)state;
  static char big[5000];
  memset(big, 'x', sizeof big - 1);
  refuses(&(struct rl_cookie){.name = text("a"), .value = text(big)});
  big[0] = '/';
  refuses(&(struct rl_cookie){.name = text("a"), .path = text(big)});
  refuses(&(struct rl_cookie){.name = text("a"), .site = RL_COOKIE_SITE_NONE});
  refuses(&(struct rl_cookie){.name = text("a"), .partitioned = true});
}

static void prefixes_keep_their_promise(void **state) {
  (void)state;
  struct rl_cookie cookie = {.name = text("__Secure-a")};
  refuses(&cookie);
  cookie.secure = true;
  writes(&cookie, "__Secure-a=; Secure");
  cookie.name = text("__Host-a");
  refuses(&cookie);
  cookie.path = text("/x");
  refuses(&cookie);
  cookie.path = text("/");
  writes(&cookie, "__Host-a=; Path=/; Secure");
  cookie.domain = text("example.org");
  refuses(&cookie);
  cookie.domain.size = 0;
  cookie.secure = false;
  cookie.name = text("__hOST-a");
  refuses(&cookie);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pairs_come_in_order),
      cmocka_unit_test(quotes_around_a_value_are_dropped),
      cmocka_unit_test(what_browsers_send_is_read),
      cmocka_unit_test(what_is_no_pair_is_passed_over),
      cmocka_unit_test(pairs_are_counted),
      cmocka_unit_test(the_first_of_a_name_is_found),
      cmocka_unit_test(every_attribute_is_written),
      cmocka_unit_test(nothing_can_be_smuggled_in),
      cmocka_unit_test(a_name_and_a_path_must_be_there_and_right),
      cmocka_unit_test(what_browsers_would_drop_is_refused),
      cmocka_unit_test(prefixes_keep_their_promise),
  };
  rl_heap_init(&heap);
  return cmocka_run_group_tests_name("cookie", tests, NULL, NULL);
}
