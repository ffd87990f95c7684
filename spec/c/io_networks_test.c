/* io/networks.h: what is read, and who is in. */
#include "check.h"

#include <stdlib.h>
#include <uv.h>

#include "io/networks.h"

enum { ROOM = 4 };

static struct rl_networks *networks;

static int setup(void **state) {
  (void)state;
  networks = calloc(1, rl_networks_size(ROOM));
  return networks ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  free(networks);
  return 0;
}

static const char *add(const char *text) {
  return rl_networks_add(networks, text, strlen(text));
}

static bool have(const char *address) {
  union rl_endpoint peer;
  if (uv_ip4_addr(address, 80, &peer.in) != 0)
    assert_int_equal(uv_ip6_addr(address, 80, &peer.in6), 0);
  return rl_networks_have(networks, &peer);
}

static void an_address_is_itself(void **state) {
  (void)state;
  assert_null(add("192.0.2.7"));
  assert_true(have("192.0.2.7"));
  assert_true(have("::ffff:192.0.2.7"));
  assert_false(have("192.0.2.6"));
  assert_false(have("::192.0.2.7"));
}

static void ranges_end_at_any_bit(void **state) {
  (void)state;
  assert_null(add("10.32.0.0/11"));
  assert_true(have("10.32.0.0") && have("10.63.255.255"));
  assert_false(have("10.31.255.255") || have("10.64.0.0"));
  assert_null(add("2001:db8:8000::/33"));
  assert_true(have("2001:db8:8000::") && have("2001:db8:ffff::1"));
  assert_false(have("2001:db8:7fff::1") || have("2001:db9:8000::"));
}

static void ranges_may_be_everything_of_a_kind(void **state) {
  (void)state;
  assert_null(add("0.0.0.0/0"));
  assert_true(have("255.255.255.255"));
  assert_false(have("2001:db8::1"));
  assert_null(add("::/0"));
  assert_true(have("2001:db8::1"));
}

static void unix_is_no_address(void **state) {
  union rl_endpoint peer = {.any.sa_family = AF_UNIX};
  (void)state;
  assert_null(add("unix"));
  assert_true(networks->local);
  assert_int_equal(networks->count, 0);
  assert_false(rl_networks_have(networks, &peer));
}

static void a_copy_is_the_same(void **state) {
  struct rl_heap heap;
  (void)state;
  rl_heap_init(&heap);
  assert_null(add("::1"));
  struct rl_networks *other = networks;
  networks = rl_networks_copy(&heap, other);
  assert_true(have("::1"));
  rl_networks_free(&heap, networks);
  networks = other;
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

static void anything_else_is_refused(void **state) {
  static const char *const texts[] = {"",           "localhost",   "10.0.0.0/33", "10.0.0.0/-1",
                                      "10.0.0.0/",  "10.0.0.0/8 ", "10.0.0.0/08", "::/129",
                                      "10.0.0.1/8", "10.0.0.0:80", "[::1]",       "2001:db8::1/64",
                                      "10.0/8",     " ::1",        "::1/128/1",   "fe80::1%eth0"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!add(texts[i]))
      fail_msg("\"%s\" is no network", texts[i]);
  assert_non_null(rl_networks_add(networks, "::1\0", 4));
  assert_int_equal(networks->count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(an_address_is_itself, setup, teardown),
      cmocka_unit_test_setup_teardown(ranges_end_at_any_bit, setup, teardown),
      cmocka_unit_test_setup_teardown(ranges_may_be_everything_of_a_kind, setup, teardown),
      cmocka_unit_test_setup_teardown(unix_is_no_address, setup, teardown),
      cmocka_unit_test_setup_teardown(a_copy_is_the_same, setup, teardown),
      cmocka_unit_test_setup_teardown(anything_else_is_refused, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
