/* rille.h as a host uses it that has a loop, threads, signals and a log of its own. That nothing is
 * left behind is asserted where a runtime is freed. */
#include "embedder.h"

#include <lauxlib.h>
#include <lua.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "domain/domain.h"

static rille_t *start(const char *text, struct record *record) {
  struct rille_options options = {.grace = 1, .log = log_into, .log_context = record};
  return start_with(&options, text);
}

/* Waits as a host does, until the next turn is due. */
static void wait_for_turn(const rille_t *runtime) {
  struct pollfd fd = {.fd = rille_descriptor(runtime), .events = POLLIN};
  poll(&fd, 1, rille_timeout(runtime));
}

static void a_host_gives_turns_until_it_is_over(void **state) {
  (void)state;
  struct record record = no_record();
  rille_t *runtime = start(busy, &record);
  while (rille_turn(runtime))
    wait_for_turn(runtime);
  assert_int_equal(rille_turn(runtime), 0);
  assert_int_equal(finish(runtime), 7);
  assert_string_equal(record.text, "");
}

static void runtimes_take_turns_on_one_thread(void **state) {
  (void)state;
  struct record record = no_record();
  rille_t *one = start(busy, &record), *other = start(busy, &record);
  bool first = true, second = true;
  while (first || second) {
    first = first && rille_turn(one);
    second = second && rille_turn(other);
  }
  assert_int_equal(finish(other), 7);
  assert_int_equal(finish(one), 7);
}

static void the_timeout_is_that_of_what_is_waited_for(void **state) {
  (void)state;
  struct record record = no_record();
  rille_t *runtime = start("require('rille').sleep(1000)", &record);
  assert_int_equal(rille_timeout(runtime), 0);
  assert_int_equal(rille_turn(runtime), 1);
  assert_in_range(rille_timeout(runtime), 1, 1000 * 1000);
  rille_free(runtime);
}

static void the_timeout_counts_from_now(void **state) {
  (void)state;
  struct record record = no_record();
  rille_t *runtime = start("require('rille').sleep(5)", &record);
  do
    assert_int_equal(rille_turn(runtime), 1);
  while (rille_timeout(runtime) == 0);
  usleep(100 * 1000);
  assert_in_range(rille_timeout(runtime), 1, 4901);
  rille_free(runtime);
}

static void a_script_that_fails_is_told_to_the_log(void **state) {
  (void)state;
  struct record record = no_record();
  rille_t *runtime = start("error 'no wind'", &record);
  while (rille_turn(runtime))
    wait_for_turn(runtime);
  assert_int_equal(finish(runtime), 1);
  assert_non_null(strstr(record.text, "script:1: no wind"));
}

static void a_deadlock_is_found_in_turns_too(void **state) {
  (void)state;
  struct record record = no_record();
  rille_t *runtime = start("local rille = require 'rille'\n"
                           "local task\n"
                           "task = rille.spawn(function() rille.sleep(0) task:await() end)\n"
                           "task:await()",
                           &record);
  while (rille_turn(runtime))
    wait_for_turn(runtime);
  assert_int_equal(finish(runtime), 1);
}

static void *stop(void *runtime) {
  usleep(20 * 1000);
  rille_stop(runtime);
  return NULL;
}

/* It allocates, since the thread sanitizer delivers signals only in the C library's functions. */
static const char endless[] =
    "local rille = require 'rille'\n"
    "rille.net.listen('tcp://127.0.0.1:0', function(conn) conn:read() end)\n"
    "rille.submit(function() while true do local _ = ('x'):rep(100) end end)\n"
    "rille.sleep(1000)\n";

static void another_thread_stops_it(void **state) {
  (void)state;
  struct record record = no_record();
  for (int by_turns = 0; by_turns <= 1; by_turns++) {
    rille_t *runtime = start(endless, &record);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop, runtime), 0);
    while (by_turns && rille_turn(runtime))
      wait_for_turn(runtime);
    assert_int_equal(rille_run(runtime), 0);
    pthread_join(thread, NULL);
    rille_free(runtime);
  }
}

static void a_second_script_is_refused(void **state) {
  (void)state;
  struct record log = no_record();
  rille_t *runtime = start("ran = true", &log);
  assert_int_equal(start_text(runtime, "os.exit(3)"), -1);
  assert_non_null(strstr(log.text, "rille: rille_start: a runtime has one script"));
  assert_int_equal(finish(runtime), 0);
}

static void it_is_freed_in_the_middle(void **state) {
  (void)state;
  struct record record = no_record();
  for (int turns = 0; turns < 20; turns++) {
    rille_t *runtime = start(turns % 2 == 0 ? busy : endless, &record);
    for (int i = 0; i < turns && rille_turn(runtime); i++)
      usleep(1000);
    rille_free(runtime);
  }
}

/* Nothing is lost that anybody had asked for: what is called in the main domain ends there, and so
 * do the tasks that wait for it. */
static void calls_in_the_main_domain_end_without_a_word(void **state) {
  (void)state;
  struct record log = no_record();
  struct rille_options options = {.log = log_into, .log_context = &log};
  rille_t *runtime =
      start_with(&options, "local rille = require 'rille'\n"
                           "local function call()\n"
                           "  local rille = require 'rille'\n"
                           "  rille.run_in_main(function()\n"
                           "    there = (there or 0) + 1\n"
                           "    require('rille').sleep(1000)\n"
                           "  end)\n"
                           "end\n"
                           "for i = 1, 3 do rille.submit(call) end\n"
                           "rille.submit(function() pcall(call) error 'its own' end)\n"
                           "while there ~= 4 do rille.sleep(0.001) end\n"
                           "os.exit(5)\n");
  assert_int_equal(finish(runtime), 5);
  assert_string_equal(log.text, "");
}

/* twice.of(n) -> 2n; fails without an integer */
static int twice_of(lua_State *L) {
  lua_pushinteger(L, 2 * luaL_checkinteger(L, 1));
  return 1;
}

static int open_twice(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, twice_of);
  lua_setfield(L, -2, "of");
  return 1;
}

static int open_nothing(lua_State *L) {
  return luaL_error(L, "the wrong one");
}

static int run_with_module(const char *text, struct record *record) {
  struct rille_options options = {.log = log_into, .log_context = record, .loops = 2};
  struct rille_script script = {.name = "=script", .text = text, .size = strlen(text)};
  rille_t *runtime = rille_new(&options);
  assert_non_null(runtime);
  assert_int_equal(rille_provide(runtime, "twice", open_nothing), 0);
  assert_int_equal(rille_provide(runtime, "twice", open_twice), 0);
  assert_int_equal(rille_start(runtime, &script), 0);
  assert_int_equal(rille_provide(runtime, "late", open_twice), -1);
  return finish(runtime);
}

static void every_domain_has_the_modules_of_the_host(void **state) {
  (void)state;
  struct record record = no_record();
  static const char text[] = "local rille, twice = require 'rille', require 'twice'\n"
                             "local tasks = {}\n"
                             "for n = 1, 50 do tasks[n] = rille.submit(twice.of, n) end\n"
                             "for n = 1, 50 do assert(tasks[n]:await() == 2 * n) end\n"
                             "assert(rille.detach(function() return twice.of(4) end) == 8)\n"
                             "assert(not pcall(require, 'late'))\n";
  assert_int_equal(run_with_module(text, &record), 0);
  assert_string_equal(record.text, "");
}

static void an_error_of_a_module_comes_back(void **state) {
  (void)state;
  struct record record = no_record();
  static const char text[] = "require('rille').detach(require('twice').of, 'many')\n";
  assert_int_equal(run_with_module(text, &record), 1);
  assert_non_null(strstr(record.text, "number expected, got string"));
}

enum { POSTERS = 3, POSTS = 500 };

/* What calls tell; all of it on the thread of the loop. */
struct tally {
  rille_t *runtime;
  pthread_t thread;
  int calls;
};

static void count_call(rille_t *runtime, void *data) {
  struct tally *tally = data;
  assert_ptr_equal(runtime, tally->runtime);
  assert_true(pthread_equal(pthread_self(), tally->thread));
  if (++tally->calls == POSTERS * POSTS)
    rille_stop(runtime);
}

static void *post_many(void *data) {
  struct tally *tally = data;
  for (int i = 0; i < POSTS; i++)
    assert_int_equal(rille_post(tally->runtime, count_call, tally), 0);
  return NULL;
}

static void any_thread_posts_calls_to_the_loop(void **state) {
  (void)state;
  struct record record = no_record();
  for (int by_turns = 0; by_turns <= 1; by_turns++) {
    rille_t *runtime = start("require('rille').sleep(1000)", &record);
    struct tally tally = {.runtime = runtime, .thread = pthread_self()};
    pthread_t threads[POSTERS];
    for (int i = 0; i < POSTERS; i++)
      assert_int_equal(pthread_create(&threads[i], NULL, post_many, &tally), 0);
    while (by_turns && rille_turn(runtime))
      wait_for_turn(runtime);
    assert_int_equal(rille_run(runtime), 0);
    for (int i = 0; i < POSTERS; i++)
      pthread_join(threads[i], NULL);
    assert_int_equal(tally.calls, POSTERS * POSTS);
    rille_free(runtime);
  }
}

static void what_was_posted_is_called_before_the_end(void **state) {
  (void)state;
  struct record record = no_record();
  for (int run = 0; run <= 1; run++) {
    rille_t *runtime = start("", &record);
    struct tally tally = {.runtime = runtime, .thread = pthread_self()};
    if (run)
      assert_int_equal(rille_run(runtime), 0);
    assert_int_equal(rille_post(runtime, count_call, &tally), 0);
    rille_free(runtime);
    assert_int_equal(tally.calls, 1);
  }
}

#ifdef RILLE_FAULTS
static void without_memory_calls_say_so(void **state) {
  (void)state;
  struct tally tally = {.calls = 0};
  rille_t *runtime = rille_new(NULL);
  assert_non_null(runtime);
  struct rl_heap *heap = ((struct rl_domain *)(void *)runtime)->settings->heap;
  atomic_store(&heap->fail_on, true); /* Lua tries again */
  for (int n = 1; n <= 2; n++) {
    atomic_store(&heap->fail_in, n); /* the list's, and that of the state's table */
    int status =
        rille_provide(runtime, "a name that no state has yet, of more than 40 bytes", open_twice);
    atomic_store(&heap->fail_in, 0);
    assert_int_equal(status, -1);
  }
  atomic_store(&heap->fail_in, 1);
  assert_int_equal(rille_post(runtime, count_call, &tally), -1);
  atomic_store(&heap->fail_in, 0);
  rille_free(runtime);
  assert_int_equal(tally.calls, 0);
}
#endif

static void count_signal(int number) {
  (void)number;
}

static void signals_of_the_host_stay(void **state) {
  (void)state;
  static const int numbers[] = {SIGINT, SIGTERM, SIGPIPE, SIGCHLD, SIGUSR1};
  enum { COUNT = sizeof numbers / sizeof *numbers };
  struct sigaction mine = {.sa_handler = count_signal}, old[COUNT], seen;
  for (int i = 0; i < COUNT; i++)
    sigaction(numbers[i], &mine, &old[i]);
  struct record record = no_record();
  assert_int_equal(finish(start(busy, &record)), 7);
  for (int i = 0; i < COUNT; i++) {
    sigaction(numbers[i], &old[i], &seen);
    assert_true(seen.sa_handler == count_signal);
  }
}

/* -- the signal that interrupts ---------------------------------------------------------------- */

static atomic_int used;

static void use_signal(int number) {
  assert_int_equal(number, SIGURG);
  atomic_fetch_add(&used, 1);
}

/* What computes is stopped, on this domain and on another. */
static const char computing[] =
    "local rille = require 'rille'\n"
    "rille.domains.set_loop_guard(math.huge)\n" /* on a busy machine it is late */
    "local function forever() local list = {} while true do list = { #list } end end\n"
    "assert(not pcall(rille.timeout, 0.02, rille.detach, forever))\n"
    "assert(not pcall(rille.timeout, 0.02, forever))\n"
    "os.exit(7)\n";

static int run_with(int number, struct record *record, bool in_turns) {
  struct rille_options options = {
      .grace = 1, .log = log_into, .log_context = record, .interrupt_signal = number};
  struct rille_script script = {.name = "=script", .text = computing, .size = strlen(computing)};
  rille_t *runtime = rille_new(&options);
  assert_non_null(runtime);
  assert_int_equal(rille_start(runtime, &script), 0);
  while (in_turns && rille_turn(runtime))
    wait_for_turn(runtime);
  return finish(runtime);
}

/* A host that has a use for SIGURG, which is what sockets send. */
static void set_handler(struct sigaction *before) {
  struct sigaction action = {.sa_handler = use_signal};
  sigaction(SIGURG, &action, before);
  atomic_store(&used, 0);
}

static void a_signal_with_a_handler_is_not_taken(void **state) {
  (void)state;
  struct record record = no_record();
  struct rille_options options = {.log = log_into, .log_context = &record};
  struct sigaction before, after;
  set_handler(&before);
  assert_null(rille_new(&options));
  assert_non_null(strstr(record.text, "has a handler already"));
  options.interrupt_signal = SIGKILL;
  assert_null(rille_new(&options));
  assert_non_null(strstr(record.text, "cannot take signal 9"));
  sigaction(SIGURG, &before, &after);
  assert_true(after.sa_handler == use_signal);
}

static void another_signal_interrupts(void **state) {
  (void)state;
  struct record record = no_record();
  struct sigaction before, after;
  set_handler(&before);
  assert_int_equal(run_with(SIGRTMIN + 3, &record, false), 7);
  raise(SIGURG);
  assert_int_equal(atomic_load(&used), 1);
  sigaction(SIGURG, &before, &after);
  assert_true(after.sa_handler == use_signal);
  assert_null(strstr(record.text, "signal"));
}

static void a_blocked_signal_interrupts_and_stays_blocked(void **state) {
  (void)state;
  for (int in_turns = 0; in_turns <= 1; in_turns++) {
    struct record record = no_record();
    sigset_t urgent, before, after;
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    pthread_sigmask(SIG_BLOCK, &urgent, &before);
    assert_int_equal(run_with(0, &record, in_turns), 7);
    pthread_sigmask(SIG_SETMASK, &before, &after);
    assert_int_equal(sigismember(&after, SIGURG), 1);
    assert_null(strstr(record.text, "signal"));
  }
}

static void *send_signals(void *data) {
  atomic_bool *over = data;
  while (!atomic_load(over)) {
    kill(getpid(), SIGURG);
    usleep(100);
  }
  return NULL;
}

static void signals_of_others_do_no_harm(void **state) {
  (void)state;
  struct record record = no_record();
  atomic_bool over = false;
  pthread_t thread;
  rille_t *runtime = start(busy, &record);
  pthread_create(&thread, NULL, send_signals, &over);
  int status = finish(runtime);
  atomic_store(&over, true);
  pthread_join(thread, NULL);
  assert_int_equal(status, 7);
  assert_null(strstr(record.text, "signal"));
}

int main(void) {
  alarm(100); /* what hangs ends the test */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_host_gives_turns_until_it_is_over),
      cmocka_unit_test(runtimes_take_turns_on_one_thread),
      cmocka_unit_test(the_timeout_is_that_of_what_is_waited_for),
      cmocka_unit_test(the_timeout_counts_from_now),
      cmocka_unit_test(a_script_that_fails_is_told_to_the_log),
      cmocka_unit_test(a_deadlock_is_found_in_turns_too),
      cmocka_unit_test(another_thread_stops_it),
      cmocka_unit_test(a_second_script_is_refused),
      cmocka_unit_test(it_is_freed_in_the_middle),
      cmocka_unit_test(calls_in_the_main_domain_end_without_a_word),
      cmocka_unit_test(every_domain_has_the_modules_of_the_host),
      cmocka_unit_test(an_error_of_a_module_comes_back),
      cmocka_unit_test(any_thread_posts_calls_to_the_loop),
      cmocka_unit_test(what_was_posted_is_called_before_the_end),
#ifdef RILLE_FAULTS
      cmocka_unit_test(without_memory_calls_say_so),
#endif
      cmocka_unit_test(signals_of_the_host_stay),
      cmocka_unit_test(a_signal_with_a_handler_is_not_taken),
      cmocka_unit_test(another_signal_interrupts),
      cmocka_unit_test(a_blocked_signal_interrupts_and_stays_blocked),
      cmocka_unit_test(signals_of_others_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
