/* io/clients.h: what counts as one address, limits, many addresses. */
#include "check.h"

#include <arpa/inet.h>

#include "io/clients.h"

enum { PORT = 80 };

static union rl_endpoint peer_of(const char *text) {
  union rl_endpoint peer;
  memset(&peer, 0, sizeof peer);
  if (inet_pton(AF_INET, text, &peer.in.sin_addr) == 1) {
    peer.any.sa_family = AF_INET;
  } else {
    assert_int_equal(inet_pton(AF_INET6, text, &peer.in6.sin6_addr), 1);
    peer.any.sa_family = AF_INET6;
  }
  return peer;
}

struct fixture {
  struct rl_heap heap;
  struct rl_clients clients;
};

static void open_fixture(struct fixture *fixture) {
  rl_heap_init(&fixture->heap);
  rl_clients_init(&fixture->clients, &fixture->heap);
}

static void close_fixture(struct fixture *fixture) {
  rl_clients_free(&fixture->clients);
  assert_int_equal(atomic_load(&fixture->heap.blocks), 0);
}

static struct rl_client *enter(struct fixture *fixture, const char *text, unsigned limit) {
  union rl_endpoint peer = peer_of(text);
  return rl_clients_enter(&fixture->clients, &peer, PORT, limit);
}

/* Whether a connection from `two` counts for `one`. */
static bool are_one(const char *one, const char *two) {
  struct fixture fixture;
  open_fixture(&fixture);
  struct rl_client *first = enter(&fixture, one, 1), *second = enter(&fixture, two, 1);
  assert_non_null(first);
  rl_clients_leave(&fixture.clients, first);
  if (second)
    rl_clients_leave(&fixture.clients, second);
  close_fixture(&fixture);
  return !second;
}

static void an_address_may_have_its_limit_and_no_more(void **state) {
  (void)state;
  struct fixture fixture;
  open_fixture(&fixture);
  struct rl_client *one = enter(&fixture, "10.0.0.1", 2), *two = enter(&fixture, "10.0.0.1", 2);
  assert_non_null(one);
  assert_ptr_equal(one, two);
  assert_null(enter(&fixture, "10.0.0.1", 2));
  rl_clients_leave(&fixture.clients, one);
  assert_ptr_equal(enter(&fixture, "10.0.0.1", 2), two);
  rl_clients_leave(&fixture.clients, two);
  rl_clients_leave(&fixture.clients, two);
  close_fixture(&fixture);
}

static void addresses_are_whole_in_ipv4_and_64_bits_in_ipv6(void **state) {
  (void)state;
  assert_true(are_one("10.0.0.1", "10.0.0.1"));
  assert_false(are_one("10.0.0.1", "10.0.0.2"));
  assert_true(are_one("2001:db8::1", "2001:db8::2"));
  assert_true(are_one("2001:db8::1", "2001:db8::ffff:0:0:1"));
  assert_false(are_one("2001:db8::1", "2001:db8:0:1::1"));
  assert_true(are_one("10.0.0.1", "::ffff:10.0.0.1"));
  assert_false(are_one("::ffff:10.0.0.1", "::ffff:10.0.0.2"));
  assert_false(are_one("0.0.0.0", "::"));
}

static void ports_count_apart(void **state) {
  (void)state;
  struct fixture fixture;
  open_fixture(&fixture);
  union rl_endpoint peer = peer_of("10.0.0.1");
  struct rl_client *one = rl_clients_enter(&fixture.clients, &peer, 80, 1);
  struct rl_client *two = rl_clients_enter(&fixture.clients, &peer, 81, 1);
  assert_non_null(one);
  assert_non_null(two);
  rl_clients_leave(&fixture.clients, one);
  rl_clients_leave(&fixture.clients, two);
  close_fixture(&fixture);
}

static void many_addresses_are_told_apart(void **state) {
  (void)state;
  enum { MANY = 5000 };
  static struct rl_client *all[MANY];
  struct fixture fixture;
  open_fixture(&fixture);
  union rl_endpoint peer = peer_of("10.0.0.0");
  for (uint32_t i = 0; i < MANY; i++) {
    peer.in.sin_addr.s_addr = htonl(0x0a000000 + i);
    all[i] = rl_clients_enter(&fixture.clients, &peer, PORT, 1);
    assert_non_null(all[i]);
    assert_null(rl_clients_enter(&fixture.clients, &peer, PORT, 1));
  }
  for (int i = 0; i < MANY; i++)
    rl_clients_leave(&fixture.clients, all[i]);
  close_fixture(&fixture);
}

static void the_machine_itself_is_recognized(void **state) {
  (void)state;
  static const char *const own[] = {"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"};
  static const char *const others[] = {"10.0.0.1", "128.0.0.1", "::2", "::ffff:10.0.0.1"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    union rl_endpoint peer = peer_of(own[i]), other = peer_of(others[i]);
    assert_true(rl_clients_is_loopback(&peer));
    assert_false(rl_clients_is_loopback(&other));
  }
}

#ifdef RILLE_FAULTS
static void without_memory_nobody_is_counted(void **state) {
  (void)state;
  for (long n = 1; n <= 2; n++) {
    struct fixture fixture;
    open_fixture(&fixture);
    atomic_store(&fixture.heap.fail_in, n);
    assert_null(enter(&fixture, "10.0.0.1", 1));
    struct rl_client *client = enter(&fixture, "10.0.0.1", 1);
    assert_non_null(client);
    rl_clients_leave(&fixture.clients, client);
    close_fixture(&fixture);
  }
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_address_may_have_its_limit_and_no_more),
      cmocka_unit_test(addresses_are_whole_in_ipv4_and_64_bits_in_ipv6),
      cmocka_unit_test(ports_count_apart),
      cmocka_unit_test(many_addresses_are_told_apart),
      cmocka_unit_test(the_machine_itself_is_recognized),
#ifdef RILLE_FAULTS
      cmocka_unit_test(without_memory_nobody_is_counted),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
