/* An HTTP server for which the n-th allocation fails, for every n that serving one client takes;
 * and for which all further ones fail as well. The client, on a thread without Rille, must see its
 * connection end, answered or not, and never hang; the next one is served as if nothing had been.
 */
#include "folder.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "domain/domain.h"
#include "rille.h"

static const char server[] =
    "local http, rille = require 'rille.http', require 'rille'\n"
    "local app, server = http.app(), nil\n"
    "app:static('/s', arg[2], { fresh = 0 })\n"
    "app = app:group('/g')\n"
    "app:use(function(req, res, next) next() res.headers['X-Path'] = req.path end)\n"
    "app:static('/s', arg[2], { fresh = 0 })\n"
    "app:get('/file', function(req, res) return res:file(arg[2] .. '/large') end)\n"
    "app:get('/json', function(req) return { n = req.query.n, h = req.headers.host } end)\n"
    "app:post('/echo', function(req) return req:body() end)\n"
    "app:get('/sleep', function() rille.sleep(0.001) return 'slept' end)\n"
    "app:get('/fail', function() error 'failed' end)\n"
    "app:get('/long', function() return ('x'):rep(500000) .. '.' end)\n"
    "app:get('/quit', function() server:close() end)\n"
    "server = app:listen { address = 'unix:' .. arg[1] }\n";

#define HOST " HTTP/1.1\r\nHost: x\r\n"

/* What each client asks for; the last answer ends in a dot. */
static const char requests[] =
    "GET /g/json?n=1" HOST "\r\n"
    "POST /g/echo" HOST "Content-Length: 3\r\n\r\nabc"
    "POST /g/echo" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    "GET /g/sleep" HOST "\r\n"
    "GET /g/fail" HOST "\r\n"
    "GET /g/none" HOST "\r\n"
    "GET /s/small" HOST "\r\n"
    "GET /s/large" HOST "Range: bytes=1-2,400000-500000\r\n\r\n"
    "GET /g/s/sm%61ll" HOST "Range: bytes=0-0\r\n\r\n"
    "GET /g/s/large" HOST "\r\n"
    "GET /g/file" HOST "\r\n"
    "GET /g/long" HOST "Connection: close\r\n\r\n";

static const char quit[] = "GET /g/quit" HOST "Connection: close\r\n\r\n";

enum { ROUNDS = 1500 };

enum answer { ANSWERED, CLOSED, HUNG };

struct trial {
  struct rl_heap *heap;
  struct sockaddr_un where;
  bool for_ever;  /* every allocation fails after the first that does */
  long failures;  /* rounds in which one has failed */
  int hung;       /* clients that got neither answer nor end */
  int unanswered; /* clients that got none though nothing failed */
  int held[ROUNDS];
};

static void log_nothing(void *context, const char *text, size_t size) {
  (void)context, (void)text, (void)size;
}

/* A connection to the server, -1 if there is none. */
static int dial(const struct trial *trial) {
  struct timeval patience = {.tv_sec = 30};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, (const struct sockaddr *)&trial->where, sizeof trial->where) == 0)
    return fd;
  close(fd);
  return -1;
}

static enum answer ask(const struct trial *trial, const char *text) {
  char reply[65536], last = 0;
  int fd = dial(trial);
  if (fd < 0)
    return CLOSED;
  ssize_t count = send(fd, text, strlen(text), MSG_NOSIGNAL);
  while (count > 0 && (count = recv(fd, reply, sizeof reply, 0)) > 0)
    last = reply[count - 1];
  enum answer answer = count < 0 && errno == EAGAIN ? HUNG : last == '.' ? ANSWERED : CLOSED;
  close(fd);
  return answer;
}

/* One client while the n-th allocation fails; false if there was no n-th. Another client is kept
 * open, so that the server's spare fiber is in use. */
static bool try_failing(struct trial *trial, long n) {
  trial->held[n] = dial(trial);
  atomic_store(&trial->heap->fail_on, trial->for_ever);
  atomic_store(&trial->heap->fail_in, n);
  trial->hung += ask(trial, requests) == HUNG;
  long left = atomic_exchange(&trial->heap->fail_in, 0);
  bool failed = trial->for_ever ? left == 1 : left == 0;
  trial->failures += failed;
  trial->unanswered += ask(trial, requests) != ANSWERED;
  return failed;
}

static void *clients(void *argument) {
  struct trial *trial = argument;
  while (ask(trial, requests) != ANSWERED)
    usleep(1000);
  /* The last allocation of a round may be the first to miss; a few misses mean that it is over. */
  long n = 1;
  for (int missed = 0; missed < 5 && n < ROUNDS; n++)
    missed = try_failing(trial, n) ? 0 : missed + 1;
  while (--n > 0)
    close(trial->held[n]);
  ask(trial, quit);
  return NULL;
}

static void serve_failing(bool for_ever) {
  static const char large[600000];
  struct folder folder;
  struct trial trial = {.for_ever = for_ever, .where.sun_family = AF_UNIX};
  pthread_t thread;
  snprintf(trial.where.sun_path, sizeof trial.where.sun_path, "/tmp/rille-http-faults-%d",
           (int)getpid());
  folder_make(&folder);
  folder_write(&folder, "small", "0123456789");
  folder_fill(&folder, "large", large, sizeof large);
  char name[] = "server", *argv[] = {name, trial.where.sun_path, folder.path, NULL};
  struct rille_script script = {
      .name = "=server", .text = server, .size = sizeof server - 1, .argc = 3, .argv = argv};
  rille_t *runtime = rille_new(NULL);
  assert_non_null(runtime);
  /* A main domain and its runtime have one address. */
  struct rl_settings *settings = ((struct rl_domain *)(void *)runtime)->settings;
  settings->log.write = log_nothing;
  trial.heap = settings->heap;
  assert_int_equal(0, rille_start(runtime, &script));
  assert_int_equal(0, pthread_create(&thread, NULL, clients, &trial));
  int status = rille_run(runtime);
  pthread_join(thread, NULL);
  rille_free(runtime); /* asserts that every block is back */
  folder_remove(&folder);
  assert_int_equal(0, status);
  assert_int_equal(0, trial.hung);
  assert_int_equal(0, trial.unanswered);
#ifdef RILLE_FAULTS
  assert_true(trial.failures > 10);
#endif
}

static void a_server_survives_one_failure(void **state) {
  (void)state;
  serve_failing(false);
}

static void a_server_survives_failures_from_the_nth_on(void **state) {
  (void)state;
  serve_failing(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_server_survives_one_failure),
      cmocka_unit_test(a_server_survives_failures_from_the_nth_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
