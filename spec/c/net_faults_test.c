/* A server of sockets for which allocations fail: see server_trial.h. */
#include "server_trial.h"

/* Its answer is longer than what the kernel takes at once: a part is waited for, a part is copied.
 */
static const struct trial usual = {
    .server = "local net = require 'rille.net'\n"
              "local long = ('x'):rep(500000)\n"
              "local listener\n"
              "listener = assert(net.listen(arg[1], function(conn)\n"
              "  local line = conn:read()\n"
              "  if line == 'quit' then listener:close() end\n"
              "  if not line then return end\n"
              "  assert(conn:write(long)) assert(conn:write(long:sub(1, 50000), '.'))\n"
              "end, { timeout = 20 }))\n",
    .ask = "hello\n",
    .quit = "quit\n",
};

static void a_server_survives_one_failure(void **state) {
  (void)state;
  trial_run_failing(usual);
}

static void a_server_survives_failures_from_the_nth_on(void **state) {
  struct trial other = usual;
  (void)state;
  other.for_ever = true;
  trial_run_failing(other);
}

static void a_server_on_tcp_survives_one_failure(void **state) {
  struct trial other = usual;
  (void)state;
  other.tcp = true;
  trial_run_failing(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_server_survives_one_failure),
      cmocka_unit_test(a_server_survives_failures_from_the_nth_on),
      cmocka_unit_test(a_server_on_tcp_survives_one_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
