/* An HTTP server for which allocations fail, and one that many clients want at once: see
 * server_trial.h. */
#include "folder.h"
#include "server_trial.h"

#define HOST " HTTP/1.1\r\nHost: x\r\n"

/* What each client asks for; the last answer ends in a dot. */
static const struct trial usual = {
    .server =
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
        "server = app:listen { address = arg[1] }\n",
    .ask = "GET /g/json?n=some+%C3%BCrl" HOST "\r\n"
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
           "GET /g/long" HOST "Connection: close\r\n\r\n",
    .quit = "GET /g/quit" HOST "Connection: close\r\n\r\n",
};

/* -- without memory ------------------------------------------------------------------------ */

static void serve_failing(bool for_ever) {
  static const char large[600000];
  struct trial trial = usual;
  struct folder folder;
  folder_make(&folder);
  folder_write(&folder, "small", "0123456789");
  folder_fill(&folder, "large", large, sizeof large);
  trial.argument = folder.path;
  trial.for_ever = for_ever;
  trial_run_failing(trial);
  folder_remove(&folder);
}

static void a_server_survives_one_failure(void **state) {
  (void)state;
  serve_failing(false);
}

static void a_server_survives_failures_from_the_nth_on(void **state) {
  (void)state;
  serve_failing(true);
}

/* -- a burst ------------------------------------------------------------------------------- */

enum { BURST = 400, BODY = 12000, LITTLE = 1000, PATIENCE = 200 };

/* Each client holds an exchange, with most of a body in it, until the last byte is sent. */
static void send_bodies(struct trial *trial) {
  static const char head[] =
      "POST /g/echo" HOST "Connection: close\r\nContent-Length: 12000\r\n\r\n";
  static char body[BODY];
  memset(body, '.', sizeof body);
  for (int i = 0; i < BURST; i++) {
    trial->held[i] = trial_dial(trial);
    assert_int_equal(sizeof head - 1, send(trial->held[i], head, sizeof head - 1, MSG_NOSIGNAL));
    assert_int_equal(BODY - 1, send(trial->held[i], body, BODY - 1, MSG_NOSIGNAL));
  }
}

static void end_bodies(struct trial *trial) {
  char reply[65536];
  for (int i = 0; i < BURST; i++) {
    assert_int_equal(1, send(trial->held[i], ".", 1, MSG_NOSIGNAL));
    while (recv(trial->held[i], reply, sizeof reply, 0) > 0)
      ;
    close(trial->held[i]);
  }
}

/* What is left of each exchange is a slot of a few bytes, and of its fiber the spare one. The
 * server's clock frees the rest though no client is there. */
static void burst(struct trial *trial) {
  size_t before = atomic_load(&trial->heap->bytes), after = SIZE_MAX;
  send_bodies(trial);
  trial->unanswered += trial_ask(trial, trial->ask) != TRIAL_ANSWERED;
  size_t most = atomic_load(&trial->heap->bytes);
  end_bodies(trial);
  for (int i = 0; i < PATIENCE && after > before + BURST * LITTLE; i++) {
    usleep(100 * 1000);
    after = atomic_load(&trial->heap->bytes);
  }
  trial->failures = most > before + (size_t)BURST * BODY && after <= before + BURST * LITTLE;
}

static void a_burst_leaves_little_behind(void **state) {
  struct trial bursting = usual;
  (void)state;
  char folder[] = "/tmp";
  bursting.argument = folder;
  bursting.clients = burst;
  trial_run(&bursting);
  assert_int_equal(1, bursting.failures);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_server_survives_one_failure),
      cmocka_unit_test(a_server_survives_failures_from_the_nth_on),
      cmocka_unit_test(a_burst_leaves_little_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
