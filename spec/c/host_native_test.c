/* Native functions: what scripts may pass to them, what comes back, and where they run. */
#include "host.h"

#include <stdatomic.h>
#include <time.h>

/* -- functions ----------------------------------------------------------------------------- */

/* native.kinds(..): the types of all its arguments, as a number in base ten. */
static void kinds(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  const int *count = context;
  int64_t digits = 0;
  for (int i = 0; i < *count; i++)
    digits = digits * 10 + (int64_t)arguments[i].type;
  struct rille_value result = rille_integer(digits);
  rille_return(frame, &result, 1);
}

/* native.echo(any, any, any, any, any) -> the same */
static void echo(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context;
  rille_return(frame, arguments, 5);
}

/* native.sum(bytes) -> their sum */
static void sum(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context;
  int64_t total = 0;
  for (size_t i = 0; i < arguments[0].size; i++)
    total += (unsigned char)arguments[0].bytes[i];
  struct rille_value result = rille_integer(total);
  rille_return(frame, &result, 1);
}

/* native.nothing() */
static void nothing(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)frame, (void)context, (void)arguments;
}

/* native.many(n) -> n values, each of a kilobyte */
static void many(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context;
  static const char kilobyte[1024] = "x";
  size_t count = (size_t)arguments[0].integer;
  struct rille_value *results = calloc(count + 1, sizeof *results);
  for (size_t i = 0; i < count; i++)
    results[i] = rille_bytes(kilobyte, sizeof kilobyte);
  rille_return(frame, results, count);
  free(results);
}

/* native.fail(text): after having returned something, and before it fails in earnest. */
static void fail_with(struct rille_frame *frame, void *context,
                      const struct rille_value *arguments) {
  (void)context;
  rille_return(frame, arguments, 1);
  rille_fail(frame, "not this one");
  rille_fail(frame, arguments[0].bytes);
}

/* native.recover(text) -> text: after having failed. */
static void recover(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context;
  rille_fail(frame, "not after all");
  rille_return(frame, arguments, 1);
}

static atomic_int running; /* calls of the next one */

/* native.until_stopped(): computes until nobody wants it any more. */
static void until_stopped(struct rille_frame *frame, void *context,
                          const struct rille_value *arguments) {
  (void)arguments;
  atomic_int *ended = context;
  atomic_fetch_add(&running, 1);
  while (!rille_stopping(frame))
    usleep(1000);
  atomic_fetch_add(ended, 1);
  rille_fail(frame, "stopped");
}

/* native.begun() -> how many calls of that have begun */
static void begun(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context, (void)arguments;
  struct rille_value count = rille_integer(atomic_load(&running));
  rille_return(frame, &count, 1);
}

/* native.slow(seconds): computes so long, and does not ask. */
static void slow(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)frame, (void)context;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double end = (double)now.tv_sec + (double)now.tv_nsec / 1e9 + arguments[0].number;
  while ((double)now.tv_sec + (double)now.tv_nsec / 1e9 < end)
    clock_gettime(CLOCK_MONOTONIC, &now);
}

/* native.stuck(): computes until native.release() is called, elsewhere. */
static void stuck(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)frame, (void)arguments;
  atomic_bool *released = context;
  while (!atomic_load(released))
    ;
}

static void release(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)frame, (void)arguments;
  atomic_bool *released = context;
  atomic_store(released, true);
}

/* native.meet(): returns when another one is in it as well, or fails after seconds. */
static void meet(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)arguments;
  atomic_int *present = context;
  atomic_fetch_add(present, 1);
  for (int i = 0; i < 20 * 1000 && atomic_load(present) < 2; i++)
    usleep(1000);
  if (atomic_load(present) < 2)
    rille_fail(frame, "nobody came");
}

static int one = 1, five = 5;
static atomic_int stopped, present;
static atomic_bool released;

static const struct rille_native natives[] = {
    {"boolean", "boolean", kinds, &one},
    {"integer", "integer", kinds, &one},
    {"number", "number", kinds, &one},
    {"bytes", "bytes", kinds, &one},
    {"any", "any", kinds, &one},
    {"some", "  boolean? integer?  number? bytes? any? ", kinds, &five},
    {"echo", "any any any any any", echo, NULL},
    {"sum", "bytes", sum, NULL},
    {"nothing", "", nothing, NULL},
    {"simple", NULL, nothing, NULL},
    {"many", "integer", many, NULL},
    {"fail", "bytes", fail_with, NULL},
    {"recover", "bytes", recover, NULL},
    {"until_stopped", "", until_stopped, &stopped},
    {"begun", "", begun, NULL},
    {"slow", "number", slow, NULL},
    {"stuck", "", stuck, &released},
    {"release", "", release, &released},
    {"meet", "", meet, &present},
};

enum { NATIVES = sizeof natives / sizeof *natives };

/* -- scripts ------------------------------------------------------------------------------- */

static void run(const char *text, const char *logged) {
  struct record log = no_record();
  rille_t *runtime = host_new(&log, natives, NATIVES);
  host_start(runtime, text);
  int status = finish(runtime);
  assert_string_equal(log.text, logged);
  assert_int_equal(status, 0);
}

static void arguments_arrive_as_what_they_are(void **state) {
  (void)state;
  run("local native = require 'native'\n"
      "assert(native.boolean(false) == 1 and native.integer(7) == 2 and native.number(7) == 3)\n"
      "assert(native.bytes 'x' == 4 and native.any(nil) == 0 and native.any(1.5) == 3)\n"
      "assert(native.integer '7' == 2 and native.integer(7.0) == 2 and native.bytes(7) == 4)\n"
      "assert(native.some() == 0 and native.some(nil, 2) == 2000)\n"
      "assert(native.some(true, 1, 2, 'x', 'y', 'more', {}) == 12344)\n"
      "assert(select('#', native.nothing()) == 0 and select('#', native.simple(1)) == 0)\n",
      "");
}

static void values_come_back_as_they_went(void **state) {
  (void)state;
  run("local native = require 'native'\n"
      "local function check(...)\n"
      "  local back = table.pack(native.echo(...))\n"
      "  assert(back.n == 5)\n"
      "  for i = 1, 5 do\n"
      "    local value = select(i, ...)\n"
      "    assert(back[i] == value and math.type(back[i]) == math.type(value))\n"
      "  end\n"
      "end\n"
      "check(nil, true, false, math.mininteger, math.maxinteger)\n"
      "check(1, 1.0, -0.0, math.huge, 2^53)\n"
      "check('', 'a\\0b', ('x'):rep(1 << 20), '\\xff', nil)\n",
      "");
}

static void wrong_arguments_are_told_as_lua_tells_them(void **state) {
  (void)state;
  run("local native = require 'native'\n"
      "local function fails(text, fn, ...)\n"
      "  local ok, err = pcall(fn, ...)\n"
      "  assert(not ok and err:find(text, 1, true), err)\n"
      "end\n"
      "local f = string.format\n"
      "fails('boolean expected, got nil', native.boolean, nil)\n"
      "fails('number has no integer representation', native.integer, 1.5)\n"
      "fails('number expected, got no value', native.number)\n"
      "fails('string expected, got table', native.bytes, {})\n"
      "fails('value expected', native.any)\n"
      "fails('nil, boolean, number or string expected, got table', native.any, {})\n"
      "fails('bad argument #2 to', native.some, true, 'x')\n"
      "fails(\"bad argument #1 to 'sum' (string expected, got nil)\",\n"
      "  function() native.sum(nil) end)\n"
      "fails(\"bad argument #1 to 'native.sum' (string expected, got nil)\",\n"
      "  require('rille').detach, native.sum, nil)\n"
      "fails(\"script:19: bad argument\", function()\n"
      "  local _ = native.sum({}) .. '' end)\n",
      "");
}

static void what_a_native_says_last_counts(void **state) {
  (void)state;
  run("local native = require 'native'\n"
      "local ok, err = pcall(function() native.fail 'no wind' end)\n"
      "assert(not ok and err == 'script:2: no wind', err)\n"
      "assert(native.recover 'fine' == 'fine')\n"
      "local ok, err = pcall(require('rille').detach, native.fail, 'no wind')\n"
      "assert(not ok and err:find('^no wind\\n.*native%.fail.*detached at'), err)\n",
      "");
}

static void many_results_are_bounded_by_the_stack_and_the_memory(void **state) {
  (void)state;
  run("local native, rille = require 'native', require 'rille'\n"
      "assert(select('#', native.many(10000)) == 10000)\n"
      "local ok, err = pcall(native.many, 2000000)\n"
      "assert(not ok and err:find 'too many values', err)\n"
      "local job = rille.job(function() return select('#', native.many(1000)) end,\n"
      "  { name = 'j', memory = 1 << 19 })\n"
      "local ok, err = pcall(job)\n"
      "assert(not ok and err:find(\"job 'j': more than 512 KiB of memory\", 1, true), err)\n",
      "");
}

static void natives_cross_by_name_and_run_in_parallel(void **state) {
  (void)state;
  atomic_store(&present, 0);
  run("local native, rille = require 'native', require 'rille'\n"
      "local tasks = {}\n"
      "for n = 1, 50 do tasks[n] = rille.submit(native.sum, ('\\x02'):rep(n)) end\n"
      "for n = 1, 50 do assert(tasks[n]:await() == 2 * n) end\n"
      "assert(rille.detach(function(text) return native.sum(text) end, 'a') == 97)\n"
      "local domains = rille.domains\n"
      "domains.set_bounds(2, 2)\n"
      "rille.all(function() rille.detach(native.meet) end,\n"
      "          function() rille.detach(native.meet) end)\n",
      "");
}

static void who_is_not_wanted_any_more_can_know(void **state) {
  (void)state;
  atomic_store(&stopped, 0);
  atomic_store(&running, 0);
  run("local native, rille = require 'native', require 'rille'\n"
      "rille.domains.set_loop_guard(math.huge)\n"
      "local function fails(text, fn, ...)\n"
      "  local ok, err = pcall(fn, ...)\n"
      "  assert(not ok and err:find(text, 1, true), err)\n"
      "end\n"
      "local function wait_for(count)\n"
      "  while native.begun() < count do rille.sleep(0.001) end\n"
      "end\n"
      "local job = rille.job(native.until_stopped, { name = 'j', timeout = 0.1 })\n"
      "fails(\"job 'j' ran longer than its timeout\", job)\n"
      "local before = native.begun()\n"
      "local task = rille.submit(native.until_stopped)\n"
      "wait_for(before + 1)\n"
      "task:cancel 'enough'\n"
      "fails('enough', task.await, task)\n"
      "fails('timed out', rille.timeout, 0.01, native.until_stopped)\n"
      "local caught = rille.submit(function()\n"
      "  while true do pcall(native.until_stopped) end\n"
      "end)\n"
      "wait_for(before + 3)\n"
      "caught:cancel()\n"
      "assert(not pcall(caught.await, caught))\n",
      "");
  assert_true(atomic_load(&stopped) >= 4);
}

static void who_runs_when_the_runtime_is_freed_can_know(void **state) {
  (void)state;
  struct record log = no_record();
  rille_t *runtime = host_new(&log, natives, NATIVES);
  atomic_store(&stopped, 0);
  atomic_store(&running, 0);
  host_start(runtime, "local native, rille = require 'native', require 'rille'\n"
                      "rille.detach(native.until_stopped)\n");
  while (rille_turn(runtime) && atomic_load(&running) == 0)
    usleep(1000);
  rille_free(runtime);
  assert_int_equal(atomic_load(&stopped), 1);
}

static void who_overruns_its_time_is_reported(void **state) {
  (void)state;
  run("local native, rille = require 'native', require 'rille'\n"
      "local job = rille.job(native.stuck, { name = 'j', timeout = 0.02 })\n"
      "local ok, err = pcall(job)\n"
      "native.release()\n"
      "assert(not ok and err:find \"job 'j' ran longer than its timeout\", err)\n"
      "assert(err:find('it is inside native.stuck, which cannot be stopped', 1, true), err)\n",
      "");
}

static void who_holds_up_the_loop_is_reported(void **state) {
  (void)state;
  struct record log = no_record();
  rille_t *runtime = host_new(&log, natives, NATIVES);
  host_start(runtime, "local native, rille = require 'native', require 'rille'\n"
                      "rille.spawn(rille.sleep, 0.2)\n"
                      "rille.sleep(0.01)\n"
                      "native.slow(0.15)\n");
  assert_int_equal(finish(runtime), 0);
  assert_non_null(strstr(log.text, "the loop has been held up"));
  assert_non_null(strstr(log.text, "in function 'native.slow'\n\tscript:4:"));
}

/* -- the host's mistakes ------------------------------------------------------------------- */

static void what_it_takes_has_to_make_sense(void **state) {
  (void)state;
  static const char *const wrong[] = {"string",
                                      "bytes,bytes",
                                      "?",
                                      "bytes ?",
                                      "bytes??",
                                      "any any any any any any any any any any any any any any any "
                                      "any any"};
  struct record log = no_record();
  rille_t *runtime = host_new(&log, natives, NATIVES);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct rille_native list[] = {{"good", "any", nothing, NULL}, {"bad", wrong[i], nothing, NULL}};
    log.size = 0;
    assert_int_equal(rille_native(runtime, "other", list, 2), -1);
    assert_non_null(strstr(log.text, "other.bad cannot take"));
  }
  host_start(runtime, "assert(not pcall(require, 'other'))");
  assert_int_equal(rille_native(runtime, "late", natives, NATIVES), -1);
  assert_int_equal(finish(runtime), 0);
}

static void modules_of_text_are_required_everywhere(void **state) {
  (void)state;
  static const char text[] = "local M = { name = ... }\n"
                             "function M.of(n) return 2 * n end\n"
                             "function M.fail() error 'no wind' end\n"
                             "return M\n";
  struct record log = no_record();
  rille_t *runtime = host_new(&log, natives, NATIVES);
  assert_int_equal(rille_module(runtime, "app.twice", text, sizeof text - 1), 0);
  assert_int_equal(rille_module(runtime, "broken", "=", 1), 0);
  host_start(runtime, "local rille, twice = require 'rille', require 'app.twice'\n"
                      "assert(twice.name == 'app.twice' and rille.detach(twice.of, 4) == 8)\n"
                      "local ok, err = pcall(twice.fail)\n"
                      "assert(err:find 'app.twice:3: no wind', err)\n"
                      "local ok, err = pcall(require, 'broken')\n"
                      "assert(not ok and err:find 'broken:1: unexpected symbol', err)\n");
  assert_int_equal(rille_module(runtime, "late", text, sizeof text - 1), -1);
  assert_int_equal(finish(runtime), 0);
  assert_string_equal(log.text, "");
}

#ifdef RILLE_FAULTS
/* Under the thread sanitizer a run takes long, and the next one shows it nothing new. */
#ifdef __SANITIZE_THREAD__
enum { STEP = 10 };
#else
enum { STEP = 1 };
#endif

/* Every allocation of a run fails once, on whichever domain that is. */
static void without_memory_a_call_fails(void **state) {
  (void)state;
  bool reached = true;
  for (long n = 1; reached; n += STEP) {
    struct record log = no_record();
    rille_t *runtime = host_new(&log, natives, NATIVES);
    host_start(runtime, "local native, rille = require 'native', require 'rille'\n"
                        "local text = ('x'):rep(1000)\n"
                        "assert(native.echo(text, 1, text, nil, text) == text)\n"
                        "assert(rille.detach(native.echo, text, 1, text, nil, 2) == text)\n"
                        "assert(rille.detach(native.sum, text) == 1000 * 120)\n");
    atomic_store(&host_heap(runtime)->fail_in, n);
    int status = rille_run(runtime);
    reached = atomic_exchange(&host_heap(runtime)->fail_in, 0) == 0;
    assert_true(status == 0 || log.size > 0);
    rille_free(runtime);
  }
}

static void without_memory_modules_are_refused(void **state) {
  (void)state;
  rille_t *runtime = rille_new(NULL);
  assert_non_null(runtime);
  struct rl_heap *heap = host_heap(runtime);
  atomic_store(&heap->fail_on, true);
  for (int n = 1; n <= 2; n++) {
    atomic_store(&heap->fail_in, n);
    assert_int_equal(rille_native(runtime, "native", natives, NATIVES), -1);
    atomic_store(&heap->fail_in, 1);
    assert_int_equal(rille_module(runtime, "text", "", 0), -1);
    atomic_store(&heap->fail_in, 0);
  }
  rille_free(runtime);
}
#endif

int main(void) {
  alarm(100);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arguments_arrive_as_what_they_are),
      cmocka_unit_test(values_come_back_as_they_went),
      cmocka_unit_test(wrong_arguments_are_told_as_lua_tells_them),
      cmocka_unit_test(what_a_native_says_last_counts),
      cmocka_unit_test(many_results_are_bounded_by_the_stack_and_the_memory),
      cmocka_unit_test(natives_cross_by_name_and_run_in_parallel),
      cmocka_unit_test(who_is_not_wanted_any_more_can_know),
      cmocka_unit_test(who_runs_when_the_runtime_is_freed_can_know),
      cmocka_unit_test(who_overruns_its_time_is_reported),
      cmocka_unit_test(who_holds_up_the_loop_is_reported),
      cmocka_unit_test(what_it_takes_has_to_make_sense),
      cmocka_unit_test(modules_of_text_are_required_everywhere),
#ifdef RILLE_FAULTS
      cmocka_unit_test(without_memory_a_call_fails),
      cmocka_unit_test(without_memory_modules_are_refused),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
