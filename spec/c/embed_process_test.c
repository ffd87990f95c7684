/* What a host's process keeps: its signals, its buffers, its descriptors, threads and memory,
 * however many runtimes come and go, at whatever moment, on whichever threads. */
#include "embedder.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct record record = {.lock = PTHREAD_MUTEX_INITIALIZER};
static const struct rille_options quick = {.grace = 1, .log = log_into, .log_context = &record};

/* Detaches, and hears from the network. */
static const char lively[] =
    "local rille = require 'rille'\n"
    "local listener = rille.net.listen('tcp://127.0.0.1:0', function(conn)\n"
    "  conn:write(conn:read('line') .. '\\n')\n"
    "end)\n"
    "for n = 1, 4 do assert(rille.detach(function(n) return n + 1 end, n) == n + 1) end\n"
    "local conn = rille.net.connect(listener:address())\n"
    "conn:write('hello\\n')\n"
    "assert(conn:read('line') == 'hello')\n"
    "os.exit(7)\n";

static int live(const char *text) {
  rille_t *runtime = start_with(&quick, text);
  int status = rille_run(runtime);
  rille_free(runtime);
  return status;
}

/* -- coming and going -------------------------------------------------------------------------- */

static void a_thousand_runtimes_leave_nothing(void **state) {
  (void)state;
  enum { ALL = SLOW ? 60 : 1000, WARM = ALL / 5, MOST_PAGES = 512 };
  assert_int_equal(live(lively), 7); /* libuv has a pipe for the process, from the first loop on */
  int descriptors = count_descriptors(), threads = count_threads();
  long pages = 0;
  for (int i = 0; i < ALL; i++) {
    if (i == WARM)
      pages = count_pages();
    assert_int_equal(live(lively), 7);
  }
  assert_int_equal(count_descriptors(), descriptors);
  assert_true(threads_are(threads));
  if (!SLOW) /* a sanitizer keeps what is freed */
    assert_true(count_pages() < pages + MOST_PAGES);
}

static void *live_often(void *data) {
  int *good = data;
  for (int i = 0; i < (SLOW ? 5 : 30); i++)
    *good += live(lively) == 7;
  return NULL;
}

static void runtimes_on_two_threads_do_not_meet(void **state) {
  (void)state;
  int good[2] = {0, 0}, before = count_threads();
  pthread_t threads[2];
  for (int i = 0; i < 2; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, live_often, &good[i]), 0);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(good[0] + good[1], SLOW ? 10 : 60);
  assert_true(threads_are(before));
}

/* -- freeing in the middle --------------------------------------------------------------------- */

/* It allocates, since the thread sanitizer delivers signals only in the C library's functions. */
#define ENDLESS "local function endless() while true do local _ = ('x'):rep(100) end end\n"

static const char *const moments[] = {
    /* tasks that run, and that are queued behind them */
    "local rille = require 'rille'\n" ENDLESS
    "for _ = 1, 100 do rille.submit(endless) end rille.sleep(1000)",
    /* a queue that is full, and callers that wait for it */
    "local rille, domains = require 'rille', require 'rille.domains'\n" ENDLESS
    "domains.set_queue_limit(2)\n"
    "for _ = 1, 20 do rille.spawn(function() rille.detach(endless) end) end rille.sleep(1000)",
    /* tasks that wait */
    "local rille = require 'rille'\n"
    "for _ = 1, 20 do rille.submit(function() require('rille').sleep(1000) end) end\n"
    "rille.sleep(1000)",
    /* tasks that run in the main domain, and wait there */
    "local rille = require 'rille'\n"
    "for _ = 1, 20 do rille.submit(function()\n"
    "  require('rille').run_in_main(function() require('rille').sleep(1000) end)\n"
    "end) end\n"
    "rille.sleep(1000)",
    /* all of that from tasks, at channels */
    "local rille = require 'rille'\n"
    "local channel = rille.channel(1)\n"
    "for _ = 1, 20 do rille.submit(function()\n"
    "  local rille = require 'rille'\n"
    "  rille.detach(function() channel:receive() end)\n"
    "end) end\n"
    "rille.sleep(1000)",
    /* variables that are to be closed, which takes a moment */
    "local rille = require 'rille'\n"
    "for _ = 1, 5 do rille.submit(function()\n"
    "  local rille = require 'rille'\n"
    "  local _ <close> = setmetatable({}, { __close = function() rille.sleep(0.001) end })\n"
    "  rille.sleep(1000)\n"
    "end) end\n"
    "rille.sleep(1000)",
};

enum { MOMENTS = sizeof moments / sizeof *moments };

/* After a few turns, or before the first. */
static void free_after(const char *text, int turns) {
  rille_t *runtime = start_with(&quick, text);
  for (int i = 0; i < turns && rille_turn(runtime); i++)
    usleep(300);
  rille_free(runtime);
}

static void it_is_freed_whatever_goes_on(void **state) {
  (void)state;
  int descriptors = count_descriptors(), threads = count_threads();
  for (int i = 0; i < MOMENTS; i++)
    for (int turns = 0; turns < 12; turns += 2)
      free_after(moments[i], turns);
  assert_int_equal(count_descriptors(), descriptors);
  assert_true(threads_are(threads));
}

/* -- statuses ---------------------------------------------------------------------------------- */

static void the_status_says_how_it_ended(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int status;
  } ends[] = {
      {"", 0},           {"os.exit()", 0},  {"os.exit(false)", 1}, {"os.exit(3)", 3},
      {"os.exit(0)", 0}, {"error 'no'", 1}, {"error({})", 1},      {"os.exit(255)", 255},
  };
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    rille_t *runtime = start_with(&quick, ends[i].text);
    assert_int_equal(rille_run(runtime), ends[i].status);
    rille_free(runtime);
  }
  rille_t *runtime = rille_new(&quick);
  assert_int_equal(start_text(runtime, "return return"), -1);
  assert_int_equal(rille_run(runtime), 1); /* a program that failed before it began */
  rille_free(runtime);
}

/* -- what is the host's ------------------------------------------------------------------------ */

static volatile sig_atomic_t caught[65];

static void catch_signal(int number) {
  caught[number]++;
}

static const int numbers[] = {SIGINT, SIGTERM, SIGURG, SIGPIPE, SIGHUP, SIGCHLD, SIGXFSZ};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

/* Signals come while scripts run, to be counted by the host; those that interrupt Lua code have a
 * number of their own. */
static void handlers_of_the_host_stay_and_are_called(void **state) {
  (void)state;
  struct sigaction mine = {.sa_handler = catch_signal, .sa_flags = SA_RESTART}, old[NUMBERS], seen;
  for (int i = 0; i < NUMBERS; i++) {
    caught[numbers[i]] = 0;
    sigaction(numbers[i], &mine, &old[i]);
  }
  struct rille_options options = {.interrupt_signal = SIGRTMIN + 4};
  rille_t *runtime = start_with(&options, lively);
  for (int i = 0; rille_turn(runtime); i++)
    if (i < NUMBERS)
      raise(numbers[i]);
  int status = rille_run(runtime);
  rille_free(runtime);
  for (int i = 0; i < NUMBERS; i++) {
    raise(numbers[i]);
    sigaction(numbers[i], &old[i], &seen);
    assert_true(seen.sa_handler == catch_signal);
    assert_in_range(caught[numbers[i]], 1, 2);
  }
  assert_int_equal(status, 7);
}

/* A peer that reads no more while output for it is queued, so that libuv is the one who writes
 * next.
 */
static void *read_no_more(void *data) {
  static char bytes[1 << 16];
  int *listener = data, fd = accept(*listener, NULL, NULL);
  recv(fd, bytes, 1, MSG_PEEK); /* it writes now, */
  usleep(50 * 1000);            /* and waits */
  shutdown(fd, SHUT_RD);
  while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
  usleep(20 * 1000);
  close(fd);
  return NULL;
}

static void queued_output_raises_no_sigpipe(void **state) {
  (void)state;
  struct sockaddr_un where = {.sun_family = AF_UNIX};
  char text[512];
  pthread_t thread;
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sigaction mine = {.sa_handler = catch_signal}, old;
  caught[SIGPIPE] = 0;
  sigaction(SIGPIPE, &mine, &old);
  snprintf(where.sun_path, sizeof where.sun_path, "/tmp/rille-peer-%d", (int)getpid());
  assert_int_equal(bind(listener, (struct sockaddr *)&where, sizeof where), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(pthread_create(&thread, NULL, read_no_more, &listener), 0);
  snprintf(text, sizeof text,
           "local conn = require('rille').net.connect('unix:%s')\n"
           "local ok, err = conn:write(('x'):rep(4 << 20))\n"
           "assert(not ok and err:find 'EPIPE', err)\n"
           "os.exit(7)",
           where.sun_path);
  assert_int_equal(live(text), 7);
  pthread_join(thread, NULL);
  close(listener);
  unlink(where.sun_path);
  sigaction(SIGPIPE, &old, NULL);
  assert_int_equal(caught[SIGPIPE], 0);
}

/* A peer that is gone. */
static void writing_to_nobody_raises_no_sigpipe(void **state) {
  (void)state;
  struct sigaction mine = {.sa_handler = catch_signal}, old;
  caught[SIGPIPE] = 0;
  sigaction(SIGPIPE, &mine, &old);
  static const char text[] =
      "local rille = require 'rille'\n"
      "local listener = rille.net.listen('tcp://127.0.0.1:0', function(conn) conn:close() end)\n"
      "for _ = 1, 10 do\n"
      "  local conn = rille.net.connect(listener:address())\n"
      "  rille.sleep(0.001)\n"
      "  for _ = 1, 4 do conn:write(('x'):rep(1000)) rille.sleep(0.001) end\n"
      "  conn:write(('x'):rep(4 << 20))\n"
      "end\n"
      "os.exit(7)\n";
  assert_int_equal(live(text), 7);
  sigaction(SIGPIPE, &old, NULL);
  assert_int_equal(caught[SIGPIPE], 0);
}

/* What the host has printed and not flushed stays in its buffer. */
static void buffers_of_the_host_are_not_flushed(void **state) {
  (void)state;
  char path[] = "/tmp/rille-embed-XXXXXX";
  int fd = mkstemp(path);
  FILE *file = fdopen(fd, "w");
  struct stat status;
  assert_non_null(file);
  fputs("not yet", file);
  assert_int_equal(live(lively), 7);
  assert_int_equal(fstat(fd, &status), 0);
  assert_int_equal(status.st_size, 0);
  fclose(file);
  unlink(path);
}

static void directory_locale_mask_and_environment_stay(void **state) {
  (void)state;
  extern char **environ;
  char before[4096], after[4096];
  const char *place = setlocale(LC_ALL, NULL);
  mode_t mask = umask(027);
  char **variables = environ;
  int count = 0, kept = 0;
  for (char **at = environ; *at; at++)
    count++;
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(live(lively), 7);
  assert_non_null(getcwd(after, sizeof after));
  assert_string_equal(before, after);
  assert_string_equal(setlocale(LC_ALL, NULL), place);
  assert_int_equal(umask(mask), 027);
  assert_ptr_equal(environ, variables);
  for (char **at = environ; *at; at++)
    kept++;
  assert_int_equal(kept, count);
}

/* Nothing is printed unless a script prints, nor in vain registered for the end of the process. */
static void a_host_that_forks_sees_no_output(void **state) {
  (void)state;
  int ends[2], status = 0;
  char byte;
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    rille_t *runtime = rille_new(&quick);
    int good = runtime && start_text(runtime, lively) == 0 && rille_run(runtime) == 7;
    rille_free(runtime);
    _exit(good ? 9 : 1);
  }
  close(ends[1]);
  assert_int_equal(read(ends[0], &byte, 1), 0);
  close(ends[0]);
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
}

int main(void) {
  alarm(150); /* what hangs ends the test */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_thousand_runtimes_leave_nothing),
      cmocka_unit_test(runtimes_on_two_threads_do_not_meet),
      cmocka_unit_test(it_is_freed_whatever_goes_on),
      cmocka_unit_test(the_status_says_how_it_ended),
      cmocka_unit_test(handlers_of_the_host_stay_and_are_called),
      cmocka_unit_test(writing_to_nobody_raises_no_sigpipe),
      cmocka_unit_test(queued_output_raises_no_sigpipe),
      cmocka_unit_test(buffers_of_the_host_are_not_flushed),
      cmocka_unit_test(directory_locale_mask_and_environment_stay),
      cmocka_unit_test(a_host_that_forks_sees_no_output),
  };
  return cmocka_run_group_tests_name("embed_process", tests, NULL, NULL);
}
