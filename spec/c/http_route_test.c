/* http/route.h and http/pattern.h: shapes, precedence, giving up, conflicts, cost. */
#include "check.h"

#include <stdio.h>

#include "http/pattern.h"
#include "http/route.h"
#include "http/scan.h"

enum { GET = 1, POST = 2, HEAD = 4, PUT = 8 };

static struct rl_heap heap;
static struct rl_routes routes;

static int setup(void **state) {
  (void)state;
  rl_heap_init(&heap);
  rl_route_init(&routes, &heap);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rl_route_free(&routes);
  return atomic_load(&heap.blocks) == 0 ? 0 : -1;
}

static void add(const char *pattern, uint64_t methods, int id) {
  char message[RL_ROUTE_MESSAGE] = "";
  if (rl_route_add(&routes, rl_scan_text(pattern), methods, id, message) != 0)
    fail_msg("%s", message);
}

static void refuses(const char *pattern, const char *wanted) {
  char message[RL_ROUTE_MESSAGE] = "";
  assert_int_equal(rl_route_add(&routes, rl_scan_text(pattern), GET, 0, message), -1);
  assert_string_equal(message, wanted);
}

/* The route's number and what it captured: "3 a|b"; "404", or "405 " and the methods. */
static void leads(const char *path, uint64_t method, uint64_t instead, const char *wanted) {
  char got[256];
  struct rl_route_match match;
  enum rl_route_end end = rl_route_match(&routes, rl_scan_text(path), method, instead, &match);
  if (end == RL_ROUTE_FOUND) {
    int size = snprintf(got, sizeof got, "%d", match.id);
    for (unsigned i = 0; i < match.captured; i++)
      size += snprintf(got + size, sizeof got - (size_t)size, "%c%.*s", i ? '|' : ' ',
                       (int)match.captures[i].size, match.captures[i].bytes);
  } else if (end == RL_ROUTE_NO_METHOD) {
    snprintf(got, sizeof got, "405 %d", (int)match.allowed);
  } else {
    strcpy(got, "404");
  }
  assert_string_equal(got, wanted);
}

static void nothing_leads_nowhere(void **state) {
  (void)state;
  leads("/", GET, 0, "404");
  add("/a", GET, 1);
  leads("", GET, 0, "404");
  leads("*", GET, 0, "404");
  leads("/", GET, 0, "404");
}

static void text_leads_to_its_route_alone(void **state) {
  (void)state;
  static const char *const paths[] = {"/",   "/a",     "/ab",     "/abc",  "/abd",
                                      "/b/", "/b/c/d", "/b/c/da", "/ab/c", "/caf%C3%A9"};
  for (int i = 0; i < 10; i++)
    add(paths[i], GET, i);
  for (int i = 0; i < 10; i++) {
    char wanted[16];
    snprintf(wanted, sizeof wanted, "%d", i);
    leads(paths[i], GET, 0, wanted);
  }
  static const char *const others[] = {"/b", "/b/c", "/b/c/", "/abcd", "/a/", "//", "/A"};
  for (int i = 0; i < 7; i++)
    leads(others[i], GET, 0, "404");
}

static void text_is_compared_in_canonical_form(void **state) {
  (void)state;
  add("/café", GET, 1);
  add("/v1/%69tems%3abatch", GET, 2);
  leads("/caf%C3%A9", GET, 0, "1");
  leads("/v1/items:batch", GET, 0, "2");
}

static void parameters_take_one_segment(void **state) {
  (void)state;
  add("/users/:id", GET, 1);
  add("/users/:user/posts/:post", GET, 2);
  add("/@:name", GET, 3);
  leads("/users/7", GET, 0, "1 7");
  leads("/users/a%2Fb", GET, 0, "1 a%2Fb");
  leads("/users/7/posts/8", GET, 0, "2 7|8");
  leads("/@ann", GET, 0, "3 ann");
  leads("/users/", GET, 0, "404");
  leads("/users/7/", GET, 0, "404");
  leads("/users//posts/8", GET, 0, "404");
  leads("/@", GET, 0, "404");
}

static void integers_have_64_bits(void **state) {
  (void)state;
  add("/:n{int}", GET, 1);
  leads("/0", GET, 0, "1 0");
  leads("/-12", GET, 0, "1 -12");
  leads("/9223372036854775807", GET, 0, "1 9223372036854775807");
  leads("/-9223372036854775808", GET, 0, "1 -9223372036854775808");
  leads("/9223372036854775808", GET, 0, "404");
  leads("/-9223372036854775809", GET, 0, "404");
  leads("/-", GET, 0, "404");
  leads("/1a", GET, 0, "404");
  leads("/+1", GET, 0, "404");
}

static void the_rest_may_be_empty(void **state) {
  (void)state;
  add("/files/*path", GET, 1);
  leads("/files/a/b//c", GET, 0, "1 a/b//c");
  leads("/files/", GET, 0, "1 ");
  leads("/files", GET, 0, "404");
}

static void text_goes_before_integers_names_and_the_rest(void **state) {
  (void)state;
  add("/*rest", GET, 4);
  add("/:name", GET, 3);
  add("/:id{int}", GET, 2);
  add("/12", GET, 1);
  leads("/12", GET, 0, "1");
  leads("/13", GET, 0, "2 13");
  leads("/1a", GET, 0, "3 1a");
  leads("/1/a", GET, 0, "4 1/a");
  leads("/", GET, 0, "4 ");
}

static void a_way_that_leads_nowhere_is_given_up(void **state) {
  (void)state;
  add("/a/b/c", GET, 1);
  add("/a/:x/d", GET, 2);
  add("/:x{int}/b/e", GET, 3);
  add("/:x/b/:y", GET, 4);
  add("/*all", GET, 5);
  leads("/a/b/c", GET, 0, "1");
  leads("/a/b/d", GET, 0, "2 b");
  leads("/a/b/e", GET, 0, "4 a|e");
  leads("/1/b/e", GET, 0, "3 1");
  leads("/1/b/f", GET, 0, "4 1|f");
  leads("/a/b/c/d", GET, 0, "5 a/b/c/d");
}

static void other_methods_are_told(void **state) {
  (void)state;
  add("/a", GET, 1);
  add("/a", POST, 2);
  add("/b", GET | PUT, 3);
  leads("/a", POST, 0, "2");
  leads("/a", PUT, 0, "405 3");
  leads("/b", POST, 0, "405 9");
  leads("/b", PUT, 0, "3");
  leads("/c", PUT, 0, "404");
}

static void a_looser_route_may_have_the_method(void **state) {
  (void)state;
  add("/users/me", GET, 1);
  add("/users/:id", GET | POST, 2);
  leads("/users/me", GET, 0, "1");
  leads("/users/me", POST, 0, "2 me");
  leads("/users/me", PUT, 0, "405 3");
}

static void one_method_stands_in_for_another(void **state) {
  (void)state;
  add("/a", GET, 1);
  add("/b", GET, 2);
  add("/b", HEAD, 3);
  add("/*all", RL_ROUTE_ANY, 4);
  leads("/a", HEAD, GET, "1");
  leads("/b", HEAD, GET, "3");
  leads("/c", HEAD, GET, "4 c");
}

static void any_takes_what_the_others_leave(void **state) {
  (void)state;
  add("/a", RL_ROUTE_ANY, 1);
  add("/a", POST, 2);
  leads("/a", POST, 0, "2");
  leads("/a", GET, 0, "1");
}

static void conflicts_name_both_patterns(void **state) {
  (void)state;
  add("/users/:id/x", GET | POST, 1);
  refuses("/users/:name/x",
          "route \"/users/:name/x\": \"/users/:id/x\" already takes the same requests (at byte 1)");
  add("/users/:name/x", PUT, 2);
  add("/users/:n{int}/x", GET, 3);
  leads("/users/5/x", PUT, 0, "2 5");
}

static void mistakes_name_their_place(void **state) {
  (void)state;
  refuses("", "route \"\": it must begin with '/' (at byte 1)");
  refuses("a", "route \"a\": it must begin with '/' (at byte 1)");
  refuses("/:/a", "route \"/:/a\": a name must follow ':' (a colon itself is written %3A) "
                  "(at byte 3)");
  refuses("/:a{float}", "route \"/:a{float}\": the only type is {int} (at byte 4)");
  refuses("/:a.txt", "route \"/:a.txt\": a parameter must reach to the end of its segment "
                     "(at byte 4)");
  refuses("/*a/b", "route \"/*a/b\": nothing may follow what takes all the rest (at byte 4)");
  refuses("/a*b", "route \"/a*b\": '*' must begin a segment (itself it is written %2A) "
                  "(at byte 3)");
  refuses("/{id}", "route \"/{id}\": none of ?#{}<> may stand here; itself it is written as an "
                   "escape (at byte 2)");
  refuses("/:a/:a", "route \"/:a/:a\": two parameters have the same name (at byte 6)");
  refuses("/b/a%2", "route \"/b/a%2\": an escape needs two hexadecimal digits (at byte 5)");
  refuses("/a b", "route \"/a b\": spaces and control characters must be escaped (at byte 3)");
}

static void limits_hold(void **state) {
  (void)state;
  char pattern[RL_ROUTE_PATTERN + 2] = "", message[RL_ROUTE_MESSAGE];
  for (int i = 0; i < RL_ROUTE_CAPTURES; i++)
    sprintf(pattern + strlen(pattern), "/:p%d", i);
  add(pattern, GET, 1);
  leads("/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p", GET, 0, "1 a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p");
  strcat(pattern, "/*rest");
  assert_int_equal(rl_route_add(&routes, rl_scan_text(pattern), GET, 0, message), -1);
  memset(pattern, '/', RL_ROUTE_PATTERN + 1);
  assert_int_equal(rl_route_add(&routes, rl_scan_text(pattern), GET, 0, message), -1);
  pattern[RL_ROUTE_PATTERN] = '\0';
  add(pattern, GET, 2);
  leads(pattern, GET, 0, "2");
}

/* Every way through twelve levels of text or parameter is there, all ending in another text than
 * the path: all are tried, each of the tree's branches once. */
static void giving_up_is_bounded_by_the_tree(void **state) {
  (void)state;
  for (int ways = 0; ways < 4096; ways++) {
    char pattern[128] = "";
    for (int level = 0; level < 12; level++)
      sprintf(pattern + strlen(pattern), ways >> level & 1 ? "/a" : "/:p%d", level);
    strcat(pattern, "/x");
    add(pattern, GET, ways);
  }
  leads("/a/a/a/a/a/a/a/a/a/a/a/a/x", GET, 0, "4095");
  leads("/a/a/a/a/a/a/a/a/a/a/a/a/y", GET, 0, "404");
  leads("/b/a/b/a/a/a/a/a/a/a/a/a/x", GET, 0, "4090 b|b");
}

static void parts_come_one_by_one(void **state) {
  (void)state;
  static const char *const texts[] = {"/u/@", "id", "/", "n", "/x/", "rest"};
  static const enum rl_pattern_kind kinds[] = {RL_PATTERN_TEXT, RL_PATTERN_NAME,
                                               RL_PATTERN_TEXT, RL_PATTERN_INTEGER,
                                               RL_PATTERN_TEXT, RL_PATTERN_REST};
  struct rl_pattern pattern;
  struct rl_pattern_part part;
  rl_pattern_init(&pattern, rl_scan_text("/u/@:id/:n{int}/x/*rest"));
  for (int i = 0; i < 6; i++) {
    assert_int_equal(rl_pattern_next(&pattern, &part), 1);
    assert_int_equal(part.kind, kinds[i]);
    assert_true(rl_scan_equal(part.text, rl_scan_text(texts[i])));
  }
  assert_int_equal(rl_pattern_next(&pattern, &part), 0);
}

#ifdef RILLE_FAULTS
static void want_of_memory_leaves_a_tree_that_works(void **state) {
  (void)state;
  static const char *const patterns[] = {"/abc", "/abd/:x", "/ab/:y{int}/é", "/abcd", "/b"};
  char message[RL_ROUTE_MESSAGE];
  bool reached = true;
  for (long n = 1; reached; n++) {
    reached = false;
    atomic_store(&heap.fail_in, n);
    for (int i = 0; i < 5; i++) {
      if (rl_route_add(&routes, rl_scan_text(patterns[i]), GET, i, message) == 0)
        continue;
      assert_string_equal(message, "not enough memory");
      add(patterns[i], GET, i);
      reached = true;
    }
    atomic_store(&heap.fail_in, 0);
    leads("/abc", GET, 0, "0");
    leads("/abd/7", GET, 0, "1 7");
    leads("/ab/7/%C3%A9", GET, 0, "2 7");
    leads("/abcd", GET, 0, "3");
    leads("/b", GET, 0, "4");
    rl_route_free(&routes);
    assert_int_equal(atomic_load(&heap.blocks), 0);
  }
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(nothing_leads_nowhere),
      TEST(text_leads_to_its_route_alone),
      TEST(text_is_compared_in_canonical_form),
      TEST(parameters_take_one_segment),
      TEST(integers_have_64_bits),
      TEST(the_rest_may_be_empty),
      TEST(text_goes_before_integers_names_and_the_rest),
      TEST(a_way_that_leads_nowhere_is_given_up),
      TEST(other_methods_are_told),
      TEST(a_looser_route_may_have_the_method),
      TEST(one_method_stands_in_for_another),
      TEST(any_takes_what_the_others_leave),
      TEST(conflicts_name_both_patterns),
      TEST(mistakes_name_their_place),
      TEST(limits_hold),
      TEST(giving_up_is_bounded_by_the_tree),
      TEST(parts_come_one_by_one),
#ifdef RILLE_FAULTS
      TEST(want_of_memory_leaves_a_tree_that_works),
#endif
  };
  return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
