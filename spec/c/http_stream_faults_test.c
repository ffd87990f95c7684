/* Uploads, streamed answers, events and upgrades on a server for which allocations fail: see
 * server_trial.h. */
#include "server_trial.h"

#define HOST " HTTP/1.1\r\nHost: x\r\n"

/* The connection is taken over in the end, or closed; the last answer ends in a dot. */
static const struct trial streams = {
    .server = "local http = require 'rille.http'\n"
              "local app, server = http.app(), nil\n"
              "app:use(function(req, res, next) res.headers['X-Path'] = req.path next() end)\n"
              "app:post('/form', function(req)\n"
              "  for part in req:multipart() do if part.filename then part:save() else part:body() "
              "end end\n"
              "end)\n"
              "app:post('/stream', function(req, res) res:stream(req) res.trailers.Sum = 1 end)\n"
              "app:sse('/events', function(events) events:send { data = 'x', id = 1 } end)\n"
              "app:get('/upgrade', function(req)\n"
              "  local conn = assert(req:upgrade 'echo')\n"
              "  conn:write(conn:read(5), '.')\n"
              "end)\n"
              "app:get('/quit', function() server:close() end)\n"
              "server = app:listen { address = arg[1] }\n",
    .ask = "POST /form" HOST "Content-Type: multipart/form-data; boundary=b\r\n"
           "Content-Length: 133\r\n\r\n"
           "--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\nvalue\r\n"
           "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nfile \r\n"
           "--b--\r\n"
           "POST /stream" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n"
           "GET /events" HOST "\r\n"
           "GET /upgrade" HOST "Connection: upgrade, close\r\nUpgrade: echo\r\n\r\nhello",
    .quit = "GET /quit" HOST "Connection: close\r\n\r\n",
};

static void streams_survive_one_failure(void **state) {
  (void)state;
  trial_run_failing(streams);
}

static void streams_survive_failures_from_the_nth_on(void **state) {
  (void)state;
  struct trial trial = streams;
  trial.for_ever = true;
  trial_run_failing(trial);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(streams_survive_one_failure),
      cmocka_unit_test(streams_survive_failures_from_the_nth_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
