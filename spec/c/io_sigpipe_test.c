/* io/sigpipe.h: a broken socket, and a host that has not ignored the signal. */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/sigpipe.h"

static volatile sig_atomic_t delivered;

static void on_signal(int number) {
  (void)number;
  delivered++;
}

static int make(void **state) {
  (void)state;
  return signal(SIGPIPE, on_signal) == SIG_ERR;
}

/* Writes where nobody reads, with a call that raises the signal. */
static bool write_broken(void) {
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  close(ends[1]);
  bool broke = write(ends[0], "x", 1) < 0 && errno == EPIPE;
  close(ends[0]);
  return broke;
}

static bool is_waiting(void) {
  sigset_t set;
  assert_int_equal(sigpending(&set), 0);
  return sigismember(&set, SIGPIPE);
}

static void guarded(bool *broke) {
  struct rl_sigpipe sigpipe;
  rl_sigpipe_block(&sigpipe);
  *broke = write_broken();
  rl_sigpipe_restore(&sigpipe, *broke);
}

static void change_mask(int how) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  assert_int_equal(pthread_sigmask(how, &set, NULL), 0);
}

static void the_signal_is_not_delivered(void **state) {
  (void)state;
  bool broke;
  delivered = 0;
  assert_true(write_broken());
  assert_int_equal(delivered, 1); /* so it would be */
  guarded(&broke);
  assert_true(broke);
  assert_int_equal(delivered, 1);
  assert_true(write_broken());
  assert_int_equal(delivered, 2); /* the mask is as before */
}

static void a_host_that_blocks_it_finds_none(void **state) {
  (void)state;
  bool broke;
  delivered = 0;
  change_mask(SIG_BLOCK);
  guarded(&broke);
  assert_true(broke);
  assert_false(is_waiting());
  change_mask(SIG_UNBLOCK);
  assert_int_equal(delivered, 0);
}

static void the_hosts_own_goes_on_waiting(void **state) {
  (void)state;
  bool broke;
  delivered = 0;
  change_mask(SIG_BLOCK);
  raise(SIGPIPE);
  guarded(&broke);
  assert_true(is_waiting());
  change_mask(SIG_UNBLOCK);
  assert_int_equal(delivered, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_signal_is_not_delivered),
      cmocka_unit_test(a_host_that_blocks_it_finds_none),
      cmocka_unit_test(the_hosts_own_goes_on_waiting),
  };
  return cmocka_run_group_tests(tests, make, NULL);
}
