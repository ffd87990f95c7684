/* http/forwarded.h: lists from their ends, and what their members say. */
#include "check.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "http/forwarded.h"
#include "http/request.h"
#include "http/scan.h"

static struct rl_heap heap;

/* The members of X-Forwarded-For in a head with those lines, from the right. */
static void reads(const char *lines, const char *wanted) {
  static const struct rl_http_limits limits = RL_HTTP_LIMITS_DEFAULT;
  char text[512], seen[256] = "";
  struct rl_request request;
  struct rl_forwarded list;
  struct rl_slice member;
  size_t used, size = 0;
  rl_request_init(&request, &heap, &limits);
  snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
  assert_int_equal(rl_request_feed(&request, text, strlen(text), &used), RL_REQUEST_HEAD);
  rl_forwarded_init(&list, &request.head, RL_HEADER_X_FORWARDED_FOR);
  while (rl_forwarded_before(&list, &member))
    size +=
        (size_t)snprintf(seen + size, sizeof seen - size, "<%.*s>", (int)member.size, member.bytes);
  assert_string_equal(seen, wanted);
  assert_false(rl_forwarded_before(&list, &member));
  rl_request_free(&request);
}

static void lists_are_read_from_the_right(void **state) {
  (void)state;
  reads("", "");
  reads("X-Forwarded-For: a\r\n", "<a>");
  reads("X-Forwarded-For: a, b ,c\r\n", "<c><b><a>");
  reads("X-Forwarded-For: a, b\r\nX: z\r\nX-FORWARDED-FOR: c\r\n", "<c><b><a>");
}

static void empty_members_are_told(void **state) {
  (void)state;
  reads("X-Forwarded-For:\r\n", "<>");
  reads("X-Forwarded-For: a,, b,\r\n", "<><b><><a>");
  reads("X-Forwarded-For: a\r\nX-Forwarded-For: \r\n", "<><a>");
}

static void commas_in_quotes_do_not_count(void **state) {
  (void)state;
  reads("X-Forwarded-For: a, \"b,c\", d\r\n", "<d><\"b,c\"><a>");
  reads("X-Forwarded-For: a, \"b\\\",c\"\r\n", "<\"b\\\",c\"><a>");
  reads("X-Forwarded-For: \"a,b\\\\\", \"c,d\"\r\n", "<\"c,d\"><\"a,b\\\\\">");
}

static void half_a_quote_takes_only_what_is_left_of_it(void **state) {
  (void)state;
  reads("X-Forwarded-For: a=\", b\r\n", "<b><a=\">");
  reads("X-Forwarded-For: a, b\", c\r\n", "<c><a, b\">");
  reads("X-Forwarded-For: a\\\", c\r\n", "<c><a\\\">");
}

/* "192.0.2.7 80", "? 0" for a node that is not known, "bad". */
static const char *node(const char *text) {
  static char seen[64];
  struct rl_forwarded_node node;
  char address[INET6_ADDRSTRLEN] = "?";
  if (rl_forwarded_node(rl_scan_text(text), &node) != 0)
    return "bad";
  if (node.known)
    inet_ntop(AF_INET6, node.address, address, sizeof address);
  snprintf(seen, sizeof seen, "%s %u", address, (unsigned)node.port);
  return seen;
}

static void nodes_are_addresses(void **state) {
  (void)state;
  assert_string_equal(node("192.0.2.7"), "::ffff:192.0.2.7 0");
  assert_string_equal(node("192.0.2.7:80"), "::ffff:192.0.2.7 80");
  assert_string_equal(node("192.0.2.7:_p"), "::ffff:192.0.2.7 0");
  assert_string_equal(node("[2001:db8::1]"), "2001:db8::1 0");
  assert_string_equal(node("[2001:db8::1]:65535"), "2001:db8::1 65535");
  assert_string_equal(node("2001:db8::1"), "2001:db8::1 0");
  assert_string_equal(node("[::ffff:192.0.2.7]"), "::ffff:192.0.2.7 0");
}

static void nodes_may_be_hidden(void **state) {
  (void)state;
  assert_string_equal(node("unknown"), "? 0");
  assert_string_equal(node("Unknown:80"), "? 80");
  assert_string_equal(node("_hidden.1-x"), "? 0");
}

static void other_nodes_are_malformed(void **state) {
  static const char *const nodes[] = {"",
                                      "localhost",
                                      "192.0.2",
                                      "192.0.2.07",
                                      "192.0.2.7:",
                                      "192.0.2.7:x",
                                      "_",
                                      "_a~b",
                                      "192.0.2.7:+1",
                                      "[192.0.2.7]",
                                      "[2001:db8::1",
                                      "[]",
                                      "[::1]x",
                                      "[::1]:65536",
                                      "[::1]:-1",
                                      "fe80::1%eth0",
                                      "1.2.3.4 5",
                                      "192.0.2.7:123456",
                                      "2001:db8:",
                                      ":80",
                                      "192.0.2.7:0080 "};
  (void)state;
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
    if (strcmp(node(nodes[i]), "bad") != 0)
      fail_msg("\"%s\" is no node", nodes[i]);
}

/* "ADDRESS PORT, scheme, host"; "bad". */
static const char *element(const char *text) {
  static char seen[160];
  static const char *const schemes[] = {"", "http", "https"};
  struct rl_forwarded_hop hop;
  char address[INET6_ADDRSTRLEN] = "?";
  if (rl_forwarded_element(rl_scan_text(text), &hop) != 0)
    return "bad";
  if (hop.node.known)
    inet_ntop(AF_INET6, hop.node.address, address, sizeof address);
  snprintf(seen, sizeof seen, "%s %u, %s, %.*s", address, (unsigned)hop.node.port,
           schemes[hop.scheme], (int)hop.host.size, hop.host.bytes);
  return seen;
}

static void elements_have_parameters(void **state) {
  (void)state;
  assert_string_equal(element("for=192.0.2.7"), "::ffff:192.0.2.7 0, , ");
  assert_string_equal(element("For=\"[2001:db8::1]:80\";PROTO=HTTPS;host=\"a.b:81\""),
                      "2001:db8::1 80, https, a.b:81");
  assert_string_equal(element("by=_x; for=unknown ;proto=wss;secret=\"a;\\\"b\""), "? 0, https, ");
  assert_string_equal(element("proto=http;host=a"), "? 0, http, a");
}

static void malformed_elements_are_refused(void **state) {
  static const char *const elements[] = {"",
                                         "for",
                                         "for=",
                                         ";for=1.2.3.4",
                                         "for=1.2.3.4,",
                                         "for=[::1]",
                                         "for=\"[::1]",
                                         "for=1.2.3.4:5",
                                         "for=1.2.3.4;for=1.2.3.4",
                                         "proto=ftp",
                                         "host=\"a/b\"",
                                         "host=\"\"",
                                         "for=1.2.3.4 proto=http",
                                         "for =1.2.3.4",
                                         "for=\"1.2.3\\.4\"",
                                         "host=a;HOST=a"};
  (void)state;
  for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
    if (strcmp(element(elements[i]), "bad") != 0)
      fail_msg("\"%s\" is no element", elements[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_are_read_from_the_right),
      cmocka_unit_test(empty_members_are_told),
      cmocka_unit_test(commas_in_quotes_do_not_count),
      cmocka_unit_test(half_a_quote_takes_only_what_is_left_of_it),
      cmocka_unit_test(nodes_are_addresses),
      cmocka_unit_test(nodes_may_be_hidden),
      cmocka_unit_test(other_nodes_are_malformed),
      cmocka_unit_test(elements_have_parameters),
      cmocka_unit_test(malformed_elements_are_refused),
  };
  rl_heap_init(&heap);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
