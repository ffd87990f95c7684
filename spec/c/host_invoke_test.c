/* Calls from C to functions of the scripts, and their way back. */
#include "host.h"

#include <poll.h>
#include <stdatomic.h>

enum { RESULTS = 4, TEXT = 512 };

/* How a call has ended, with copies of what it returned. */
struct outcome {
  pthread_t thread;
  int calls;
  int failed;
  size_t count;
  struct rille_value results[RESULTS];
  char text[TEXT]; /* of the last one that is bytes, or of the error */
};

static void note(rille_t *runtime, void *context, int failed, const struct rille_value *results,
                 size_t count) {
  struct outcome *outcome = context;
  assert_non_null(runtime);
  assert_true(pthread_equal(pthread_self(), outcome->thread));
  outcome->calls++;
  outcome->failed = failed;
  outcome->count = count;
  for (size_t i = 0; i < count && i < RESULTS; i++) {
    outcome->results[i] = results[i];
    if (results[i].type == RILLE_BYTES)
      snprintf(outcome->text, sizeof outcome->text, "%s", results[i].bytes);
  }
}

static struct outcome no_outcome(void) {
  return (struct outcome){.thread = pthread_self()};
}

/* native.twice(number) -> number */
static void twice(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context;
  struct rille_value result = rille_number(2 * arguments[0].number);
  rille_return(frame, &result, 1);
}

#ifdef __SANITIZE_THREAD__ /* it delays signals, so that nothing stops what computes */
#define COMPUTES "require('rille').sleep(1000)"
#else
#define COMPUTES "while true do end"
#endif

static const char module[] = "local M = {}\n"
                             "function M.sum(...)\n"
                             "  local total = 0\n"
                             "  for _, n in ipairs { ... } do total = total + n end\n"
                             "  return total, select('#', ...)\n"
                             "end\n"
                             "function M.fail() error 'no wind' end\n"
                             "function M.wait() require('rille').sleep(0.01) return 'waited' end\n"
                             "function M.sleep() require('rille').sleep(1000) end\n"
                             "function M.spin() " COMPUTES " end\n"
                             "function M.resist() while true do pcall(M.spin) end end\n"
                             "function M.table() return 1, {} end\n"
                             "function M.nothing() end\n"
                             "function M.where() return require('rille').domain() end\n"
                             "return M\n";

static rille_t *open_app(struct record *log) {
  const struct rille_native natives[] = {{"twice", "number", twice, NULL}};
  rille_t *runtime = host_new(log, natives, 1);
  assert_int_equal(rille_module(runtime, "my.app", module, sizeof module - 1), 0);
  return runtime;
}

/* -- ways to end ----------------------------------------------------------------------------- */

static void a_global_function_is_called_with_what_it_is_given(void **state) {
  (void)state;
  struct record log = no_record();
  struct outcome outcome = no_outcome();
  rille_t *runtime = open_app(&log);
  host_start(runtime, "function handle(...) return select('#', ...), ... end");
  struct rille_value arguments[] = {rille_boolean(1), rille_number(1.5), rille_bytes("a\0b", 3)};
  assert_int_equal(rille_call(runtime, "handle", arguments, 3, note, &outcome), 0);
  assert_int_equal(finish(runtime), 0);
  assert_int_equal(outcome.calls, 1);
  assert_int_equal(outcome.failed, 0);
  assert_int_equal(outcome.count, 4);
  assert_int_equal(outcome.results[0].integer, 3);
  assert_int_equal(outcome.results[1].boolean, 1);
  assert_true(outcome.results[2].number == 1.5);
  assert_int_equal(outcome.results[3].size, 3);
}

static void modules_are_required_if_they_have_to_be(void **state) {
  (void)state;
  struct record log = no_record();
  struct outcome sum = no_outcome(), waited = no_outcome(), nothing = no_outcome();
  rille_t *runtime = open_app(&log);
  struct rille_value arguments[] = {rille_integer(3), rille_integer(4)};
  assert_int_equal(rille_call(runtime, "my.app.sum", arguments, 2, note, &sum), 0);
  assert_int_equal(rille_call(runtime, "my.app.wait", NULL, 0, note, &waited), 0);
  assert_int_equal(rille_call(runtime, "my.app.nothing", NULL, 0, note, &nothing), 0);
  assert_int_equal(finish(runtime), 0); /* no script at all */
  assert_int_equal(sum.count, 2);
  assert_int_equal(sum.results[0].integer, 7);
  assert_string_equal(waited.text, "waited");
  assert_int_equal(nothing.calls, 1);
  assert_int_equal(nothing.count, 0);
}

static void errors_come_with_their_tracebacks(void **state) {
  (void)state;
  static const struct {
    const char *name, *error;
  } cases[] = {
      {"my.app.fail", "my.app:7: no wind\nstack traceback:\n"},
      {"my.app.absent", "my.app.absent is to be called, but is no function: nil"},
      {"absent", "absent is to be called, but is no function: nil"},
      {"absent.fn", "module 'absent' not found"},
      {"native.twice", "number expected, got no value"},
      {"my.app.table", "result 2 of my.app.table is a table, which cannot go to C"},
  };
  enum { CASES = sizeof cases / sizeof *cases };
  struct record log = no_record();
  struct outcome outcomes[2 * CASES];
  rille_t *runtime = open_app(&log);
  for (size_t i = 0; i < CASES; i++) {
    outcomes[i] = outcomes[CASES + i] = no_outcome();
    rille_call(runtime, cases[i].name, NULL, 0, note, &outcomes[i]);
    rille_detach(runtime, cases[i].name, NULL, 0, note, &outcomes[CASES + i]);
  }
  assert_int_equal(finish(runtime), 0);
  for (size_t i = 0; i < 2 * CASES; i++) {
    assert_int_equal(outcomes[i].calls, 1);
    assert_int_equal(outcomes[i].failed, 1);
    assert_non_null(strstr(outcomes[i].text, cases[i % CASES].error));
  }
  assert_string_equal(log.text, "");
}

static void errors_that_nobody_wants_are_logged(void **state) {
  (void)state;
  struct record log = no_record();
  rille_t *runtime = open_app(&log);
  assert_int_equal(rille_call(runtime, "my.app.wait", NULL, 0, NULL, NULL), 0);
  assert_int_equal(rille_call(runtime, "my.app.fail", NULL, 0, NULL, NULL), 0);
  assert_int_equal(finish(runtime), 0);
  assert_non_null(strstr(log.text, "rille: my.app:7: no wind\nstack traceback:\n"));
}

static void detached_it_runs_on_a_compute_domain(void **state) {
  (void)state;
  struct record log = no_record();
  struct outcome here = no_outcome(), there = no_outcome(), number = no_outcome();
  rille_t *runtime = open_app(&log);
  struct rille_value argument = rille_number(21);
  rille_call(runtime, "my.app.where", NULL, 0, note, &here);
  rille_detach(runtime, "my.app.where", NULL, 0, note, &there);
  rille_detach(runtime, "native.twice", &argument, 1, note, &number);
  assert_int_equal(finish(runtime), 0);
  assert_string_equal(here.text, "main");
  assert_int_equal(there.results[0].type, RILLE_INTEGER);
  assert_true(number.results[0].number == 42);
}

/* -- when, and from where -------------------------------------------------------------------- */

enum { CALLERS = 3, EACH = 100 };

struct caller {
  pthread_t thread;
  rille_t *runtime;
  struct outcome outcomes[EACH];
};

static void *call_many(void *data) {
  struct caller *caller = data;
  for (int i = 0; i < EACH; i++) {
    struct rille_value arguments[] = {rille_integer(i), rille_integer(i)};
    int (*call)(rille_t *, const char *, const struct rille_value *, size_t, rille_done *, void *) =
        i % 4 == 0 ? rille_detach : rille_call;
    struct outcome *outcome = &caller->outcomes[i];
    assert_int_equal(call(caller->runtime, "my.app.sum", arguments, 2, note, outcome), 0);
  }
  return NULL;
}

static int count_told(const struct caller *callers) {
  int told = 0;
  for (int i = 0; i < CALLERS * EACH; i++)
    told += callers[i / EACH].outcomes[i % EACH].calls;
  return told;
}

static void any_thread_calls(void **state) {
  (void)state;
  struct record log = no_record();
  struct caller *callers = calloc(CALLERS, sizeof *callers);
  rille_t *runtime = open_app(&log);
  host_start(runtime, "require('rille').sleep(1000)");
  for (int i = 0; i < CALLERS; i++) {
    callers[i].runtime = runtime;
    for (int k = 0; k < EACH; k++)
      callers[i].outcomes[k] = no_outcome();
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call_many, &callers[i]), 0);
  }
  while (rille_turn(runtime) && count_told(callers) < CALLERS * EACH) {
    struct pollfd fd = {.fd = rille_descriptor(runtime), .events = POLLIN};
    poll(&fd, 1, rille_timeout(runtime));
  }
  for (int i = 0; i < CALLERS; i++)
    pthread_join(callers[i].thread, NULL);
  rille_free(runtime);
  assert_int_equal(count_told(callers), CALLERS * EACH);
  for (int i = 0; i < CALLERS * EACH; i++)
    assert_int_equal(callers[i / EACH].outcomes[i % EACH].results[0].integer, 2 * (i % EACH));
  free(callers);
}

/* As a game does it: turn by turn, with a call in each, though no script runs any more. */
static void a_script_that_is_over_can_still_be_called(void **state) {
  (void)state;
  struct record log = no_record();
  struct outcome outcome = no_outcome();
  rille_t *runtime = open_app(&log);
  host_start(runtime, "local n = 0\n"
                      "function update(step) n = n + step return n end\n");
  struct rille_value step = rille_integer(2);
  for (int frame = 1; frame <= 10; frame++) {
    rille_turn(runtime);
    assert_int_equal(rille_call(runtime, "update", &step, 1, note, &outcome), 0);
    rille_turn(runtime);
    assert_int_equal(outcome.calls, frame);
    assert_int_equal(outcome.results[0].integer, 2 * frame);
  }
  assert_int_equal(rille_turn(runtime), 0);
  assert_int_equal(finish(runtime), 0);
  assert_int_equal(outcome.calls, 10);
}

static void *call_once(void *data) {
  struct caller *caller = data;
  usleep(20 * 1000);
  rille_call(caller->runtime, "my.app.nothing", NULL, 0, note, caller->outcomes);
  return NULL;
}

/* Which a turn without anything to do has told its descriptor. */
static void a_call_wakes_a_host_that_has_nothing_to_do(void **state) {
  (void)state;
  enum { SOON = 20 * 1000 /* ms, far more than it takes */ };
  struct record log = no_record();
  struct caller *caller = calloc(1, sizeof *caller);
  caller->runtime = open_app(&log);
  caller->outcomes[0] = no_outcome();
  assert_int_equal(rille_turn(caller->runtime), 0);
  assert_int_equal(rille_timeout(caller->runtime), -1);
  assert_int_equal(pthread_create(&caller->thread, NULL, call_once, caller), 0);
  struct pollfd fd = {.fd = rille_descriptor(caller->runtime), .events = POLLIN};
  assert_int_equal(poll(&fd, 1, SOON), 1);
  rille_turn(caller->runtime);
  assert_int_equal(caller->outcomes[0].calls, 1);
  pthread_join(caller->thread, NULL);
  rille_free(caller->runtime);
  free(caller);
}

/* From the end of one call. */
static void call_again(rille_t *runtime, void *context, int failed,
                       const struct rille_value *results, size_t count) {
  note(runtime, context, failed, results, count);
  struct outcome *outcome = context;
  if (outcome->calls < 5)
    assert_int_equal(rille_call(runtime, "my.app.wait", NULL, 0, call_again, outcome), 0);
}

/* -- cancelling ------------------------------------------------------------------------------- */

static void a_call_is_cancelled_where_it_waits_and_where_it_computes(void **state) {
  (void)state;
  struct record log = no_record();
  struct outcome slept = no_outcome(), away = no_outcome(), spun = no_outcome();
  struct outcome other = no_outcome();
  rille_t *runtime = open_app(&log);
  rille_call(runtime, "my.app.sleep", NULL, 0, note, &slept);
  rille_call(runtime, "my.app.wait", NULL, 0, note, &other);
  rille_detach(runtime, "my.app.sleep", NULL, 0, note, &away);
  for (int i = 0; i < 2; i++)
    rille_detach(runtime, "my.app.spin", NULL, 0, note, &spun);
  while (rille_turn(runtime) && other.calls == 0)
    usleep(1000);
  assert_int_equal(rille_cancel(runtime, note, &slept), 1);
  assert_int_equal(rille_cancel(runtime, note, &slept), 0); /* it is under way */
  assert_int_equal(rille_cancel(runtime, note, &away), 1);
  assert_int_equal(rille_cancel(runtime, note, &spun), 2);
  assert_int_equal(rille_cancel(runtime, note, &other), 0); /* over */
  assert_int_equal(rille_cancel(runtime, NULL, &away), 0);
  assert_int_equal(finish(runtime), 0);
  struct outcome *outcomes[] = {&slept, &away, &spun};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(outcomes[i]->failed, 1);
    assert_non_null(strstr(outcomes[i]->text, "cancelled"));
  }
  assert_int_equal(slept.calls + away.calls + spun.calls, 4);
  assert_int_equal(other.failed, 0);
}

static void *cancel_soon(void *data) {
  struct caller *caller = data;
  usleep(30 * 1000);
  for (int i = 0; i < 3; i++)
    rille_cancel(caller->runtime, note, &caller->outcomes[i]);
  return NULL;
}

/* On the main domain one computes at a time; what waits meanwhile and what has not begun end, too,
 * and a call that is not meant goes on. */
static void a_call_that_computes_on_the_loop_is_cancelled(void **state) {
  (void)state;
  static const char *const names[] = {"my.app.resist", "my.app.sleep", "my.app.spin",
                                      "my.app.wait"};
  struct record log = no_record();
  struct caller *caller = calloc(1, sizeof *caller);
  caller->runtime = open_app(&log);
  rille_call(caller->runtime, "my.app.nothing", NULL, 0, NULL, NULL); /* the module is there */
  while (rille_turn(caller->runtime))
    usleep(1000);
  for (int i = 0; i < 4; i++) {
    caller->outcomes[i] = no_outcome();
    rille_call(caller->runtime, names[i], NULL, 0, note, &caller->outcomes[i]);
  }
  assert_int_equal(pthread_create(&caller->thread, NULL, cancel_soon, caller), 0);
  assert_int_equal(rille_run(caller->runtime), 0);
  pthread_join(caller->thread, NULL);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(caller->outcomes[i].calls, 1);
    assert_int_equal(caller->outcomes[i].failed, 1);
    assert_non_null(strstr(caller->outcomes[i].text, "cancelled"));
  }
  assert_int_equal(caller->outcomes[3].calls, 1);
  assert_int_equal(caller->outcomes[3].failed, 0);
  rille_free(caller->runtime);
  free(caller);
}

/* Whatever comes first: nothing is told twice, nothing is left. */
static void it_may_end_while_it_is_cancelled(void **state) {
  (void)state;
  enum { TIMES = 20 };
  struct record log = no_record();
  struct outcome outcomes[TIMES];
  rille_t *runtime = open_app(&log);
  for (int i = 0; i < TIMES; i++) {
    outcomes[i] = no_outcome();
    rille_call(runtime, i % 2 ? "my.app.nothing" : "my.app.absent", NULL, 0, note, &outcomes[i]);
    if (i % 4 >= 2)
      rille_turn(runtime);
    rille_cancel(runtime, note, &outcomes[i]); /* at once, or when it has ended */
  }
  assert_int_equal(finish(runtime), 0);
  for (int i = 0; i < TIMES; i++)
    assert_int_equal(outcomes[i].calls, 1);
}

static void one_call_leads_to_the_next(void **state) {
  (void)state;
  struct record log = no_record();
  struct outcome outcome = no_outcome();
  rille_t *runtime = open_app(&log);
  assert_int_equal(rille_call(runtime, "my.app.wait", NULL, 0, call_again, &outcome), 0);
  assert_int_equal(finish(runtime), 0);
  assert_int_equal(outcome.calls, 5);
}

static void at_the_end_every_call_is_told(void **state) {
  (void)state;
  for (int turns = 0; turns <= 3; turns++) {
    struct record log = no_record();
    struct outcome waiting = no_outcome(), detached = no_outcome(), late = no_outcome();
    rille_t *runtime = open_app(&log);
    host_start(runtime, "function forever() require('rille').sleep(1000) end");
    rille_call(runtime, "forever", NULL, 0, note, &waiting);
    rille_detach(runtime, "forever", NULL, 0, note, &detached);
    for (int i = 0; i < turns; i++)
      rille_turn(runtime);
    rille_stop(runtime);
    if (turns == 3)
      rille_run(runtime);
    rille_call(runtime, "forever", NULL, 0, note, &late);
    rille_free(runtime);
    assert_int_equal(waiting.calls + detached.calls + late.calls, 3);
    assert_int_equal(waiting.failed + detached.failed + late.failed, 3);
    assert_non_null(strstr(late.text, "the program is ending"));
  }
}

/* -- memory ---------------------------------------------------------------------------------- */

#ifdef RILLE_FAULTS
/* Every allocation fails once, from the call to its end: it is refused, or told its end. */
static void without_memory_it_is_refused_or_told(void **state) {
  (void)state;
  bool reached = true;
  for (long n = 1; reached; n++) {
    struct record log = no_record();
    struct outcome outcome = no_outcome();
    rille_t *runtime = open_app(&log);
    struct rille_value arguments[] = {rille_integer(1), rille_integer(2)};
    atomic_store(&host_heap(runtime)->fail_in, n);
    int status = rille_call(runtime, "my.app.sum", arguments, 2, note, &outcome);
    rille_run(runtime);
    reached = atomic_exchange(&host_heap(runtime)->fail_in, 0) == 0;
    assert_int_equal(outcome.calls, status == 0);
    assert_true(!outcome.failed || strstr(outcome.text, "not enough memory"));
    rille_free(runtime);
  }
}
#endif

int main(void) {
  alarm(100);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_global_function_is_called_with_what_it_is_given),
      cmocka_unit_test(modules_are_required_if_they_have_to_be),
      cmocka_unit_test(errors_come_with_their_tracebacks),
      cmocka_unit_test(errors_that_nobody_wants_are_logged),
      cmocka_unit_test(detached_it_runs_on_a_compute_domain),
      cmocka_unit_test(any_thread_calls),
      cmocka_unit_test(a_script_that_is_over_can_still_be_called),
      cmocka_unit_test(a_call_wakes_a_host_that_has_nothing_to_do),
      cmocka_unit_test(a_call_is_cancelled_where_it_waits_and_where_it_computes),
      cmocka_unit_test(a_call_that_computes_on_the_loop_is_cancelled),
      cmocka_unit_test(it_may_end_while_it_is_cancelled),
      cmocka_unit_test(one_call_leads_to_the_next),
      cmocka_unit_test(at_the_end_every_call_is_told),
#ifdef RILLE_FAULTS
      cmocka_unit_test(without_memory_it_is_refused_or_told),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
