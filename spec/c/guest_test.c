/* A runtime on a loop of its host's: the host runs that loop, leaves it and goes on as it likes;
 * Rille leaves nothing in it, which closing it shows. */
#include "embedder.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <uv.h>

#include "domain/domain.h"

/* What the host of a loop knows. */
struct host {
  uv_loop_t loop;
  struct rille_options options;
  struct record record;
  struct memory memory;
  int overs, freed, status;
  rille_t *to_free; /* when it is over */
};

static void on_over(void *context, int status) {
  struct host *host = context;
  host->overs++;
  host->status = status;
  if (host->to_free)
    rille_free(host->to_free);
}

static void on_freed(void *context) {
  struct host *host = context;
  host->freed++;
  assert_int_equal(atomic_load(&host->memory.blocks), 0);
}

static void set_up(struct host *host) {
  *host = (struct host){.record = no_record(), .memory.left = -1};
  assert_int_equal(uv_loop_init(&host->loop), 0);
  host->options = (struct rille_options){.grace = 1,
                                         .log = log_into,
                                         .log_context = &host->record,
                                         .allocate = memory_allocate,
                                         .allocate_context = &host->memory,
                                         .loop = &host->loop,
                                         .over = on_over,
                                         .freed = on_freed,
                                         .loop_context = host};
}

/* The loop has nothing left, after so many runtimes. */
static void tear_down(struct host *host, int freed) {
  uv_run(&host->loop, UV_RUN_DEFAULT);
  assert_int_equal(host->freed, freed);
  assert_int_equal(uv_loop_close(&host->loop), 0);
  assert_int_equal(atomic_load(&host->memory.blocks), 0);
}

static void on_tick(uv_timer_t *timer) {
  int *ticks = timer->data;
  ++*ticks;
}

static void it_runs_and_ends_in_turns_of_the_hosts_loop(void **state) {
  (void)state;
  struct host host;
  set_up(&host);
  rille_t *runtime = start_with(&host.options, busy);
  uv_run(&host.loop, UV_RUN_DEFAULT);
  assert_int_equal(host.overs, 1);
  assert_int_equal(host.status, 7);
  assert_int_equal(host.freed, 0);
  rille_free(runtime);
  tear_down(&host, 1);
  assert_int_equal(host.overs, 1);
}

static void the_hosts_own_handles_go_on(void **state) {
  (void)state;
  struct host host;
  uv_timer_t timer;
  int ticks = 0;
  set_up(&host);
  uv_timer_init(&host.loop, &timer);
  timer.data = &ticks;
  uv_timer_start(&timer, on_tick, 1, 1);
  rille_t *runtime = start_with(&host.options, busy);
  host.to_free = runtime;
  while (host.freed == 0)
    assert_int_not_equal(uv_run(&host.loop, UV_RUN_ONCE), 0);
  int before = ticks;
  while (ticks < before + 5)
    uv_run(&host.loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&timer, NULL);
  tear_down(&host, 1);
  assert_int_equal(host.status, 7);
}

static void a_script_that_waits_for_nothing_lets_the_loop_end(void **state) {
  (void)state;
  struct host host;
  set_up(&host);
  rille_t *runtime = start_with(&host.options, "require('rille').sleep(0.01)");
  uv_run(&host.loop, UV_RUN_DEFAULT);
  assert_int_equal(host.overs, 0);
  rille_stop(runtime);
  rille_free(runtime);
  tear_down(&host, 1);
}

static void note_done(rille_t *runtime, void *context, int failed,
                      const struct rille_value *results, size_t count) {
  (void)runtime, (void)results, (void)count;
  int *done = context;
  *done += failed ? 100 : 1;
}

/* Nothing of the host's own is in the loop. */
static void a_call_keeps_the_loop_alive_until_it_has_ended(void **state) {
  (void)state;
  struct host host;
  int done = 0;
  set_up(&host);
  rille_t *runtime = start_with(
      &host.options, "function call() require('rille').sleep(0.01) return 1 end\n"
                     "function wait() return require('rille').detach(function() end) end");
  rille_call(runtime, "call", NULL, 0, note_done, &done);
  uv_run(&host.loop, UV_RUN_DEFAULT);
  assert_int_equal(done, 1);
  rille_call(runtime, "call", NULL, 0, note_done, &done);
  rille_call(runtime, "wait", NULL, 0, note_done, &done);
  rille_detach(runtime, "call", NULL, 0, note_done, &done); /* a global, which it lacks there */
  uv_run(&host.loop, UV_RUN_DEFAULT);
  assert_int_equal(done, 4);
  rille_free(runtime);
  tear_down(&host, 1);
}

static void a_script_that_fails_ends_it(void **state) {
  (void)state;
  struct host host;
  set_up(&host);
  host.to_free = start_with(&host.options, "error 'no wind'");
  uv_run(&host.loop, UV_RUN_DEFAULT);
  assert_int_equal(host.status, 1);
  assert_non_null(strstr(host.record.text, "script:1: no wind"));
  tear_down(&host, 1);
}

/* Tasks that run, are queued, wait, and run in the main domain; open files of the spool. */
static const char laden[] =
    "local rille = require 'rille'\n"
    "require('rille.domains').set_bounds(1, 2)\n"
    "rille.net.listen('tcp://127.0.0.1:0', function(conn) conn:read() end)\n"
    "local function endless() while true do local _ = ('x'):rep(100) end end\n"
    "for _ = 1, 5 do\n"
    "  rille.submit(endless)\n"
    "  rille.submit(function() require('rille').sleep(1000) end)\n"
    "  rille.submit(function()\n"
    "    local rille = require 'rille'\n"
    "    rille.run_in_main(function() require('rille').sleep(1000) end)\n"
    "  end)\n"
    "  rille.submit(endless)\n"
    "end\n"
    "rille.spawn(function() rille.net.connect('tcp://localhost:9') end)\n"
    "rille.sleep(1000)\n";

static void it_is_freed_after_any_number_of_turns(void **state) {
  (void)state;
  for (int turns = 0; turns < 20; turns++) {
    struct host host;
    set_up(&host);
    rille_t *runtime = start_with(&host.options, turns % 2 == 0 ? busy : laden);
    for (int i = 0; i < turns; i++) {
      uv_run(&host.loop, UV_RUN_NOWAIT);
      usleep(500);
    }
    rille_free(runtime);
    tear_down(&host, 1);
    assert_int_equal(host.overs, 0);
  }
}

static void *stop(void *runtime) {
  usleep(20 * 1000);
  rille_stop(runtime);
  return NULL;
}

static void another_thread_stops_it(void **state) {
  (void)state;
  struct host host;
  pthread_t thread;
  set_up(&host);
  rille_t *runtime = start_with(&host.options, laden);
  assert_int_equal(pthread_create(&thread, NULL, stop, runtime), 0);
  uv_run(&host.loop, UV_RUN_DEFAULT);
  pthread_join(thread, NULL);
  assert_int_equal(host.overs, 1);
  assert_int_equal(host.status, 0);
  rille_free(runtime);
  tear_down(&host, 1);
}

static void runtimes_share_a_loop(void **state) {
  (void)state;
  struct host host;
  set_up(&host);
  host.options.freed = NULL; /* which would look for the blocks of both */
  rille_t *one = start_with(&host.options, busy), *other = start_with(&host.options, busy);
  uv_run(&host.loop, UV_RUN_DEFAULT);
  assert_int_equal(host.overs, 2);
  rille_free(one);
  rille_free(other);
  uv_run(&host.loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&host.loop), 0);
  assert_int_equal(atomic_load(&host.memory.blocks), 0);
}

/* -- a loop that is left and gone on with ------------------------------------------------------ */

static const char server[] = "local rille, http = require 'rille', require 'rille.http'\n"
                             "local app = http.app()\n"
                             "app:get('/', function()\n"
                             "  rille.sleep(0.01)\n"
                             "  local n = rille.detach(function()\n"
                             "    local n = 0 for i = 1, 300000 do n = n + i % 2 end return n\n"
                             "  end)\n"
                             "  return 'sum ' .. n\n"
                             "end)\n"
                             "app:get('/quit', function(req, res) res:send('bye') "
                             "rille.spawn(function() os.exit(7) end) end)\n"
                             "app:listen { port = tonumber(arg[1]) }\n";

/* A client, which knows nothing of the host's pauses. */
struct client {
  struct sockaddr_in where;
  int good;
  atomic_bool over;
};

static bool ask(const struct client *client, const char *path, const char *wanted) {
  char text[256], reply[4096];
  size_t size = 0;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct timeval patience = {.tv_sec = 30};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  int length =
      snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);
  bool good = connect(fd, (const struct sockaddr *)&client->where, sizeof client->where) == 0 &&
              send(fd, text, (size_t)length, MSG_NOSIGNAL) == length;
  for (ssize_t count = 1; good && count > 0; size += (size_t)count) {
    count = recv(fd, reply + size, sizeof reply - 1 - size, 0);
    if (count <= 0)
      break;
  }
  close(fd);
  reply[size] = '\0';
  return good && strstr(reply, wanted);
}

static void *ask_often(void *data) {
  struct client *client = data;
  for (int i = 0; i < 20; i++)
    client->good += ask(client, "/", "sum 150000");
  client->good += ask(client, "/quit", "bye");
  atomic_store(&client->over, true);
  return NULL;
}

static struct sockaddr_in free_port(void) {
  struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof where;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&where, size), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &size), 0);
  close(fd);
  return where;
}

static rille_t *serve(struct host *host, struct client *client) {
  static char name[] = "server", port[8], *argv[] = {name, port, NULL};
  client->where = free_port();
  snprintf(port, sizeof port, "%d", ntohs(client->where.sin_port));
  struct rille_script script = {
      .name = "=server", .text = server, .size = strlen(server), .argc = 2, .argv = argv};
  rille_t *runtime = rille_new(&host->options);
  assert_non_null(runtime);
  assert_int_equal(rille_start(runtime, &script), 0);
  uv_run(&host->loop, UV_RUN_NOWAIT); /* it listens */
  return runtime;
}

static void on_pause(uv_timer_t *timer) {
  uv_stop(timer->loop);
}

static void a_host_leaves_its_loop_in_the_middle_and_goes_on(void **state) {
  (void)state;
  struct host host;
  struct client client = {.good = 0};
  uv_timer_t timer;
  pthread_t thread;
  set_up(&host);
  rille_t *runtime = serve(&host, &client);
  uv_timer_init(&host.loop, &timer);
  assert_int_equal(pthread_create(&thread, NULL, ask_often, &client), 0);
  for (int pauses = 0; host.overs == 0; pauses++) {
    uv_timer_start(&timer, on_pause, (uint64_t)(pauses % 7), 0);
    uv_run(&host.loop, UV_RUN_DEFAULT);
    usleep(2000);
  }
  pthread_join(thread, NULL);
  uv_close((uv_handle_t *)&timer, NULL);
  rille_free(runtime);
  tear_down(&host, 1);
  assert_int_equal(client.good, 21);
  assert_int_equal(host.status, 7);
}

/* As loops of another kind do it, which have libuv's inside. */
static void a_host_polls_its_loops_descriptor(void **state) {
  (void)state;
  struct host host;
  struct client client = {.good = 0};
  pthread_t thread;
  set_up(&host);
  host.to_free = serve(&host, &client);
  assert_int_equal(pthread_create(&thread, NULL, ask_often, &client), 0);
  while (uv_run(&host.loop, UV_RUN_NOWAIT)) {
    struct pollfd fd = {.fd = uv_backend_fd(&host.loop), .events = POLLIN};
    poll(&fd, 1, uv_backend_timeout(&host.loop));
  }
  pthread_join(thread, NULL);
  tear_down(&host, 1);
  assert_int_equal(client.good, 21);
}

/* -- what is refused, and what fails ----------------------------------------------------------- */

static void what_runs_a_loop_of_rilles_own_is_refused(void **state) {
  (void)state;
  struct host host;
  set_up(&host);
  rille_t *runtime = start_with(&host.options, "");
  assert_int_equal(rille_run(runtime), -1);
  assert_int_equal(rille_turn(runtime), 0);
  assert_non_null(strstr(host.record.text, "rille_run: the loop is the host's"));
  assert_non_null(strstr(host.record.text, "rille_turn: the loop is the host's"));
  rille_free(runtime);
  tear_down(&host, 1);
}

/* Whichever call for memory fails: what there is ends, and leaves the loop. */
static void memory_may_fail(void **state) {
  (void)state;
  bool came_through = false;
  for (long n = 0; !came_through; n += n / (SLOW ? 2 : 10) + 1) {
    struct host host;
    set_up(&host);
    host.memory.for_ever = true;
    atomic_store(&host.memory.left, n);
    rille_t *runtime = rille_new(&host.options);
    if (runtime) {
      start_text(runtime, busy);
      uv_run(&host.loop, UV_RUN_DEFAULT);
    }
    came_through = atomic_load(&host.memory.left) > 0;
    rille_free(runtime);
    tear_down(&host, runtime ? 1 : 0);
  }
}

/* -- code that computes ------------------------------------------------------------------------ */

static const char computing[] =
    "local rille = require 'rille'\n"
    "local function forever() local list = {} while true do list = { #list } end end\n"
    "assert(not pcall(rille.timeout, 0.02, rille.detach, forever))\n"
    "assert(not pcall(rille.timeout, 0.02, forever))\n"
    "os.exit(7)\n";

static void computing_code_is_interrupted_though_the_signal_is_blocked(void **state) {
  (void)state;
  sigset_t urgent, before, after;
  sigemptyset(&urgent);
  sigaddset(&urgent, SIGURG);
  pthread_sigmask(SIG_BLOCK, &urgent, &before);
  struct host host;
  set_up(&host);
  host.to_free = start_with(&host.options, computing);
  tear_down(&host, 1);
  pthread_sigmask(SIG_SETMASK, &before, &after);
  assert_int_equal(sigismember(&after, SIGURG), 1);
  assert_int_equal(host.status, 7);
}

static void further_loops_run_beside_it(void **state) {
  (void)state;
  struct host host;
  set_up(&host);
  host.options.loops = 3;
  host.to_free = start_with(&host.options, "local rille = require 'rille'\n"
                                           "rille.sleep(0.01)\n"
                                           "assert(rille.detach(function() return 1 end) == 1)\n"
                                           "rille.sleep(0.05)\n"
                                           "os.exit(7)\n");
  tear_down(&host, 1);
  assert_int_equal(host.status, 7);
}

int main(void) {
  alarm(100); /* what hangs ends the test */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_runs_and_ends_in_turns_of_the_hosts_loop),
      cmocka_unit_test(the_hosts_own_handles_go_on),
      cmocka_unit_test(a_script_that_waits_for_nothing_lets_the_loop_end),
      cmocka_unit_test(a_call_keeps_the_loop_alive_until_it_has_ended),
      cmocka_unit_test(a_script_that_fails_ends_it),
      cmocka_unit_test(it_is_freed_after_any_number_of_turns),
      cmocka_unit_test(another_thread_stops_it),
      cmocka_unit_test(runtimes_share_a_loop),
      cmocka_unit_test(a_host_leaves_its_loop_in_the_middle_and_goes_on),
      cmocka_unit_test(a_host_polls_its_loops_descriptor),
      cmocka_unit_test(what_runs_a_loop_of_rilles_own_is_refused),
      cmocka_unit_test(memory_may_fail),
      cmocka_unit_test(computing_code_is_interrupted_though_the_signal_is_blocked),
      cmocka_unit_test(further_loops_run_beside_it),
  };
  return cmocka_run_group_tests_name("guest", tests, NULL, NULL);
}
