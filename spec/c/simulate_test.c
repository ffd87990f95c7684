/* rille.h with `simulate`: what the program's --simulate does, in a host. */
#include "check.h"

#include <pthread.h>

#include "rille.h"

enum { LOG_BYTES = 1 << 16 };

struct record {
  char text[LOG_BYTES];
  size_t size;
};

static void log_into(void *context, const char *text, size_t size) {
  struct record *record = context;
  size_t room = sizeof record->text - 1 - record->size;
  size = size < room ? size : room;
  memcpy(record->text + record->size, text, size);
  record->size += size;
}

static const char script[] = "local rille = require 'rille'\n"
                             "local function work(n) rille.sleep(n) return n + 1 end\n"
                             "local tasks = {}\n"
                             "for n = 1, 6 do tasks[n] = rille.submit(work, n) end\n"
                             "for n = 1, 6 do assert(tasks[n]:await() == n + 1) end\n"
                             "os.exit(math.random(100))\n";

static rille_t *start(uint64_t seed, struct record *record) {
  struct rille_options options = {.grace = 1,
                                  .log = log_into,
                                  .log_context = record,
                                  .simulate = RILLE_SIMULATE_TELL,
                                  .seed = seed};
  struct rille_script source = {.name = "=script", .text = script, .size = strlen(script)};
  *record = (struct record){.size = 0};
  rille_t *runtime = rille_new(&options);
  assert_non_null(runtime);
  assert_int_equal(rille_start(runtime, &source), 0);
  return runtime;
}

static int finish(rille_t *runtime) {
  int status = rille_run(runtime);
  rille_free(runtime);
  return status;
}

static void the_same_seed_is_the_same_run(void **state) {
  (void)state;
  static struct record first, second, other;
  int status = finish(start(1, &first));
  assert_int_equal(finish(start(1, &second)), status);
  assert_string_equal(first.text, second.text);
  finish(start(2, &other));
  assert_string_not_equal(first.text, other.text);
}

static void several_live_in_one_process(void **state) {
  (void)state;
  static struct record first, second;
  rille_t *one = start(1, &first), *two = start(1, &second);
  assert_int_equal(finish(two), finish(one));
}

static void one_that_was_not_run_can_be_freed(void **state) {
  (void)state;
  static struct record record;
  rille_free(start(1, &record));
  assert_null(strstr(record.text, "domain")); /* none was started */
}

static void *run(void *runtime) {
  return (void *)(intptr_t)finish(runtime);
}

static void the_thread_may_be_another_than_that_which_made_it(void **state) {
  (void)state;
  static struct record first, second;
  pthread_t thread;
  void *status;
  assert_int_equal(pthread_create(&thread, NULL, run, start(1, &first)), 0);
  pthread_join(thread, &status);
  assert_int_equal((intptr_t)status, finish(start(1, &second)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_seed_is_the_same_run),
      cmocka_unit_test(several_live_in_one_process),
      cmocka_unit_test(one_that_was_not_run_can_be_freed),
      cmocka_unit_test(the_thread_may_be_another_than_that_which_made_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
