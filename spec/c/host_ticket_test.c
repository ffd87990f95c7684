/* Suspended calls: completed by whichever thread, whenever it likes; or cancelled before. */
#include "host.h"

#include <stdatomic.h>

/* A thread that completes a call after a while, and what became of it. */
struct later {
  pthread_t thread;
  struct rille_ticket *ticket;
  useconds_t after;
  int resumed;        /* what rille_resume returned, */
  int again;          /* and the second time */
  atomic_int stopped; /* calls of `cancelled` */
};

static void count_cancelled(void *context) {
  struct later *later = context;
  atomic_fetch_add(&later->stopped, 1);
}

static void *complete(void *context) {
  struct later *later = context;
  usleep(later->after);
  struct rille_value results[] = {rille_integer(7), rille_text("seven")};
  later->resumed = rille_resume(later->ticket, results, 2);
  later->again = rille_resume_error(later->ticket, "too late");
  rille_release(later->ticket);
  return NULL;
}

/* native.later(ms) -> 7, "seven": from another thread. Joined by the spec. */
static void later_native(struct rille_frame *frame, void *context,
                         const struct rille_value *arguments) {
  struct later *later = context;
  later->after = (useconds_t)(arguments[0].number * 1000);
  later->ticket = rille_suspend(frame, count_cancelled, later);
  assert_non_null(later->ticket);
  assert_int_equal(pthread_create(&later->thread, NULL, complete, later), 0);
}

/* native.at_once(value) -> value: completed before the function has returned. What it returns in
 * the usual way does not count. */
static void at_once(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context;
  struct rille_ticket *ticket = rille_suspend(frame, NULL, NULL);
  if (!ticket)
    return;
  assert_null(rille_suspend(frame, NULL, NULL));
  assert_int_equal(rille_resume(ticket, arguments, 1), 0);
  rille_release(ticket);
  rille_fail(frame, "this does not count");
}

static void reject(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context;
  struct rille_ticket *ticket = rille_suspend(frame, NULL, NULL);
  assert_non_null(ticket);
  assert_int_equal(rille_resume_error(ticket, arguments[0].bytes), 0);
  rille_release(ticket);
}

/* native.forget(): gives its ticket up. */
static void forget(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context, (void)arguments;
  rille_release(rille_suspend(frame, NULL, NULL));
}

/* native.keep(): until the spec completes it, or never. */
static void keep(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)arguments;
  struct later *later = context;
  later->ticket = rille_suspend(frame, count_cancelled, later);
}

static int run(const char *text, struct later *of, struct record *log) {
  const struct rille_native natives[] = {{"later", "number", later_native, of},
                                         {"at_once", "any", at_once, NULL},
                                         {"reject", "bytes", reject, NULL},
                                         {"forget", "", forget, NULL},
                                         {"keep", "", keep, of}};
  rille_t *runtime = host_new(log, natives, sizeof natives / sizeof *natives);
  host_start(runtime, text);
  return finish(runtime);
}

static void another_thread_completes_it(void **state) {
  (void)state;
  struct record log = no_record();
  struct later later = {.resumed = -1};
  int status = run("local native = require 'native'\n"
                   "local n, text = native.later(20)\n"
                   "assert(n == 7 and text == 'seven')\n",
                   &later, &log);
  pthread_join(later.thread, NULL);
  assert_string_equal(log.text, "");
  assert_int_equal(status, 0);
  assert_int_equal(later.resumed, 0);
  assert_int_equal(later.again, 1);
  assert_int_equal(later.stopped, 0);
}

static void it_waits_on_any_domain_and_in_coroutines(void **state) {
  (void)state;
  struct record log = no_record();
  struct later later = {.resumed = -1};
  int status = run("local native, rille = require 'native', require 'rille'\n"
                   "assert(rille.detach(native.later, 5) == 7)\n"
                   "local wrapped = coroutine.wrap(function() return native.at_once 'x' end)\n"
                   "assert(wrapped() == 'x' and rille.detach(native.at_once, 'y') == 'y')\n",
                   &later, &log);
  pthread_join(later.thread, NULL);
  assert_string_equal(log.text, "");
  assert_int_equal(status, 0);
}

static void it_is_completed_before_the_function_returns(void **state) {
  (void)state;
  struct record log = no_record();
  int status = run("local native, rille = require 'native', require 'rille'\n"
                   "for n = 1, 1000 do assert(native.at_once(n) == n) end\n"
                   "local tasks = {}\n"
                   "for n = 1, 100 do tasks[n] = rille.spawn(native.at_once, n) end\n"
                   "for n = 1, 100 do assert(tasks[n]:await() == n) end\n"
                   "assert(native.at_once(('x'):rep(1 << 20)) == ('x'):rep(1 << 20))\n",
                   NULL, &log);
  assert_string_equal(log.text, "");
  assert_int_equal(status, 0);
}

static void errors_are_raised_where_it_waits(void **state) {
  (void)state;
  struct record log = no_record();
  int status = run("local native = require 'native'\n"
                   "local ok, err = pcall(function() native.reject 'no wind' end)\n"
                   "assert(not ok and err == 'script:2: no wind', err)\n"
                   "local ok, err = pcall(native.forget)\n"
                   "assert(not ok and err:find 'the host has given the call up', err)\n",
                   NULL, &log);
  assert_string_equal(log.text, "");
  assert_int_equal(status, 0);
}

static void where_nothing_can_wait_that_is_the_error(void **state) {
  (void)state;
  struct record log = no_record();
  int status =
      run("local native, rille = require 'native', require 'rille'\n"
          "local ok, err = pcall(table.sort, { 1, 2, 3 }, native.at_once)\n"
          "assert(err:find 'cannot wait in native.at_once: table.sort is in the way', err)\n"
          "local task = rille.spawn(function()\n"
          "  local ok, err = pcall(rille.sleep, 10)\n"
          "  return pcall(native.at_once)\n"
          "end)\n"
          "rille.sleep(0)\n"
          "task:cancel 'enough'\n"
          "local ok, err = pcall(task.await, task)\n"
          "assert(not ok and err:find 'enough', err)\n",
          NULL, &log);
  assert_string_equal(log.text, "");
  assert_int_equal(status, 0);
}

static void a_cancelled_call_is_completed_too_late(void **state) {
  (void)state;
  struct record log = no_record();
  struct later later = {.resumed = -1};
  int status = run("local native, rille = require 'native', require 'rille'\n"
                   "local ok, err = pcall(rille.timeout, 0.01, native.later, 50)\n"
                   "assert(not ok and err:find 'timed out', err)\n"
                   "rille.sleep(0.1)\n",
                   &later, &log);
  pthread_join(later.thread, NULL);
  assert_string_equal(log.text, "");
  assert_int_equal(status, 0);
  assert_int_equal(later.stopped, 1);
  assert_int_equal(later.resumed, 1);
  assert_int_equal(later.again, 1);
}

static void the_end_of_the_program_cancels_it(void **state) {
  (void)state;
  for (int detached = 0; detached <= 1; detached++) {
    struct record log = no_record();
    struct later later = {.resumed = -1};
    int status = run(detached ? "local native, rille = require 'native', require 'rille'\n"
                                "local begun = rille.channel(1)\n"
                                "rille.submit(function()\n"
                                "  rille.spawn(native.later, 20)\n"
                                "  rille.sleep(0)\n"
                                "  begun:send(true)\n"
                                "  rille.sleep(10)\n"
                                "end)\n"
                                "begun:receive()\n"
                                "os.exit(3)\n"
                              : "local native, rille = require 'native', require 'rille'\n"
                                "rille.spawn(native.later, 20)\n"
                                "rille.sleep(0)\n"
                                "os.exit(3)\n",
                     &later, &log);
    assert_int_equal(status, 3);
    pthread_join(later.thread, NULL); /* the runtime is gone */
    assert_int_equal(later.stopped + (later.resumed == 0), 1);
  }
}

static void a_ticket_outlives_its_runtime(void **state) {
  (void)state;
  struct record log = no_record();
  struct later later = {.resumed = -1};
  assert_int_equal(run("local native = require 'native'\n"
                       "require('rille').spawn(native.keep)\n"
                       "require('rille').sleep(0)\n"
                       "os.exit(3)\n",
                       &later, &log),
                   3);
  assert_int_equal(later.stopped, 1);
  assert_int_equal(rille_resume(later.ticket, NULL, 0), 1);
  assert_int_equal(rille_resume_error(later.ticket, "too late"), 1);
  rille_release(later.ticket);
  rille_release(NULL);
  assert_int_equal(later.stopped, 1);
}

/* From `cancelled` the host does what it may do at any time. */
static void cancelled_too_late(void *context) {
  struct later *later = context;
  later->resumed = rille_resume(later->ticket, NULL, 0);
  rille_release(later->ticket);
  count_cancelled(later);
}

static void hold(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)arguments;
  struct later *later = context;
  later->ticket = rille_suspend(frame, cancelled_too_late, later);
}

static void who_is_told_of_a_cancellation_may_give_up(void **state) {
  (void)state;
  struct record log = no_record();
  struct later later = {.resumed = -1};
  const struct rille_native natives[] = {{"hold", "", hold, &later}};
  rille_t *runtime = host_new(&log, natives, 1);
  host_start(runtime, "local native, rille = require 'native', require 'rille'\n"
                      "local ok, err = pcall(rille.timeout, 0.01, native.hold)\n"
                      "assert(not ok and err:find 'timed out', err)\n");
  int status = finish(runtime);
  assert_string_equal(log.text, "");
  assert_int_equal(status, 0);
  assert_int_equal(later.stopped, 1);
  assert_int_equal(later.resumed, 1);
}

/* Every fiber waits, but not for ever. */
static void what_waits_for_a_ticket_is_no_deadlock(void **state) {
  (void)state;
  struct record log = no_record();
  struct later later = {.resumed = -1};
  const struct rille_native natives[] = {{"later", "number", later_native, &later}};
  struct rille_options options = {.log = log_into, .log_context = &log, .alone = 1};
  rille_t *runtime = rille_new(&options);
  assert_non_null(runtime);
  assert_int_equal(rille_native(runtime, "native", natives, 1), 0);
  host_start(runtime, "local native, rille = require 'native', require 'rille'\n"
                      "local channel = rille.channel()\n"
                      "rille.spawn(function() channel:send((native.later(300))) end)\n"
                      "assert(channel:receive() == 7)\n");
  int status = finish(runtime);
  pthread_join(later.thread, NULL);
  assert_string_equal(log.text, "");
  assert_int_equal(status, 0);
}

/* -- races --------------------------------------------------------------------------------- */

enum { RACES = 300 };

struct race {
  struct later list[RACES];
  atomic_int next;
};

static void race(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  struct race *all = context;
  later_native(frame, &all->list[atomic_fetch_add(&all->next, 1)], arguments);
}

static void of_completing_and_cancelling_one_happens(void **state) {
  (void)state;
  struct record log = no_record();
  struct race *all = calloc(1, sizeof *all);
  const struct rille_native natives[] = {{"race", "number", race, all}};
  rille_t *runtime = host_new(&log, natives, 1);
  host_start(runtime, "local native, rille = require 'native', require 'rille'\n"
                      "rille.domains.set_bounds(2, 2)\n"
                      "local function try() pcall(rille.timeout, 0.001, native.race, 1) end\n"
                      "for n = 1, 50 do\n"
                      "  rille.all(try, try, try,\n"
                      "    function() rille.detach(try) end,\n"
                      "    function() rille.detach(try) end,\n"
                      "    function() rille.detach(try) end)\n"
                      "end\n");
  assert_int_equal(finish(runtime), 0);
  assert_string_equal(log.text, "");
  assert_int_equal(all->next, RACES);
  for (int i = 0; i < RACES; i++) {
    struct later *one = &all->list[i];
    pthread_join(one->thread, NULL);
    assert_int_equal(one->stopped + (one->resumed == 0), 1);
    assert_int_equal(one->again, 1);
  }
  free(all);
}

/* -- memory -------------------------------------------------------------------------------- */

#ifdef RILLE_FAULTS
/* Every allocation of a run fails once; no call is left waiting. */
static void without_memory_it_fails_where_it_waits(void **state) {
  (void)state;
  const struct rille_native natives[] = {{"at_once", "any", at_once, NULL}};
  bool reached = true;
  for (long n = 1; reached; n++) {
    struct record log = no_record();
    rille_t *runtime = host_new(&log, natives, 1);
    host_start(runtime, "local native = require 'native'\n"
                        "local text = native.at_once(('x'):rep(1 << 10))\n"
                        "assert(#text == 1 << 10)\n");
    atomic_store(&host_heap(runtime)->fail_in, n);
    int status = rille_run(runtime);
    reached = atomic_exchange(&host_heap(runtime)->fail_in, 0) == 0;
    assert_true(status == 0 || strstr(log.text, "not enough memory"));
    rille_free(runtime);
  }
}
#endif

int main(void) {
  alarm(100);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(another_thread_completes_it),
      cmocka_unit_test(it_waits_on_any_domain_and_in_coroutines),
      cmocka_unit_test(it_is_completed_before_the_function_returns),
      cmocka_unit_test(errors_are_raised_where_it_waits),
      cmocka_unit_test(where_nothing_can_wait_that_is_the_error),
      cmocka_unit_test(a_cancelled_call_is_completed_too_late),
      cmocka_unit_test(the_end_of_the_program_cancels_it),
      cmocka_unit_test(a_ticket_outlives_its_runtime),
      cmocka_unit_test(who_is_told_of_a_cancellation_may_give_up),
      cmocka_unit_test(what_waits_for_a_ticket_is_no_deadlock),
      cmocka_unit_test(of_completing_and_cancelling_one_happens),
#ifdef RILLE_FAULTS
      cmocka_unit_test(without_memory_it_fails_where_it_waits),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
