/* Runtime: one Rille instance behind rille.h: its settings, its main domain, its pool, the signals
 * that stop it, and the order in which everything ends:
 *
 *     stop listening -> running handlers finish, or their grace is over -> every fiber is cancelled
 *     -> the pool refuses work, interrupts and joins its domains -> the main state closes -> the
 * loop is empty.
 *
 * All of it runs on the thread that calls rille_run. */
#include <assert.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cores.h"
#include "base/heap.h"
#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/interrupt.h"
#include "domain/pool.h"
#include "domain/scheduler.h"
#include "domain/worker.h"
#include "host/open.h"
#include "host/search.h"
#include "rille.h"
#include "serve/serving.h"
#include "vm/call.h"

enum {
  URGINGS = 1,   /* after so many further signals an ending program is left as it is */
  WATCH_MS = 10, /* how often a stopping program looks whether its handlers have finished */
  PRESS_MS = 5   /* how often an ending one interrupts the domains that still run */
};

static const double DEFAULT_GRACE = 10; /* seconds */
static const double MOST_GRACE = 1e12;  /* what is longer is for ever */

struct rille {
  struct rl_domain main; /* first: a main domain and its runtime have one address */
  struct rl_settings settings;
  struct rl_heap heap;
  struct rl_pool pool;
  struct rl_search search;
  uv_loop_t loop;
  uv_signal_t signals[2]; /* SIGINT, SIGTERM; open if handles_signals */
  bool handles_signals;
  uv_timer_t clock;        /* of stopping and of ending */
  struct rl_fiber *script; /* while it runs */
  bool ran;                /* its loop did */
  bool leaving;            /* os.exit was called */
  struct rl_fiber *leaver; /* by this fiber, if it could be suspended */
  int urgings;             /* signals that came while it was ending already */
  int signal;              /* that stops the program; 0: none */
  bool stopping;           /* no new connections, handlers finish */
  uint64_t stop_at;        /* loop time in ms when their grace is over */
  int status;
};

static struct rille *runtime_of(struct rl_domain *main) {
  return (struct rille *)(void *)main;
}

/* -- stopping ------------------------------------------------------------------------------ */

static void stop_now(struct rille *runtime) {
  uv_stop(&runtime->loop);
}

static void on_watch(uv_timer_t *timer) {
  struct rille *runtime = timer->data;
  if (rl_serving_running(&runtime->main) == 0 || uv_now(&runtime->loop) >= runtime->stop_at)
    stop_now(runtime);
}

/* No new connections; what runs may finish. */
static void stop_gracefully(struct rille *runtime) {
  if (runtime->stopping)
    return;
  runtime->stopping = true;
  rl_serving_stop_listening(&runtime->main);
  uv_update_time(&runtime->loop);
  double grace = runtime->settings.grace < MOST_GRACE ? runtime->settings.grace : MOST_GRACE;
  runtime->stop_at = uv_now(&runtime->loop) + (uint64_t)(grace * 1000);
  uv_timer_start(&runtime->clock, on_watch, 0, WATCH_MS);
}

static void on_signal(uv_signal_t *handle, int number) {
  struct rille *runtime = handle->data;
  if (runtime->main.ending) { /* something does not let itself be ended */
    if (++runtime->urgings > URGINGS)
      _exit(128 + number);
    return;
  }
  if (runtime->stopping) { /* the second one means it */
    stop_now(runtime);
    return;
  }
  runtime->signal = number;
  stop_gracefully(runtime);
}

static bool on_exit_called(struct rl_domain *main, struct rl_fiber *caller, int status) {
  struct rille *runtime = runtime_of(main);
  if (runtime->leaving || runtime->main.ending)
    return false;
  runtime->leaver = caller;
  runtime->leaving = true;
  runtime->status = status;
  stop_now(runtime);
  return true;
}

/* -- ending -------------------------------------------------------------------------------- */

static void on_press(uv_timer_t *timer) {
  struct rille *runtime = timer->data;
  rl_pool_interrupt(&runtime->pool);
}

static bool has_ended(struct rille *runtime) {
  return rl_scheduler_ended(&runtime->main) && atomic_load(&runtime->pool.threads) == 0;
}

/* The script waits, and nothing is left that could wake it. */
static void report_deadlock(struct rille *runtime) {
  lua_State *L = runtime->script->innermost;
  lua_checkstack(L, LUA_MINSTACK);
  luaL_traceback(L, L, "deadlock: the script waits, but nothing is left that could wake it", 0);
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  rl_log_text(&runtime->settings.log, "rille: ", text, size);
  lua_pop(L, 1);
  runtime->status = EXIT_FAILURE;
}

static void end(struct rille *runtime) {
  bool stopped = runtime->stopping || runtime->leaving;
  if (runtime->script && runtime->ran && !stopped)
    report_deadlock(runtime);
  if (runtime->script && runtime->signal)
    runtime->status = 128 + runtime->signal;
  rl_serving_stop_listening(&runtime->main);
  rl_scheduler_end(&runtime->main);
  if (runtime->leaver)
    rl_fiber_abandon(runtime->leaver);
  rl_pool_stop(&runtime->pool);
  uv_timer_start(&runtime->clock, on_press, 0, PRESS_MS); /* also keeps the loop alive */
  while (!has_ended(runtime))
    uv_run(&runtime->loop, UV_RUN_ONCE);
  uv_timer_stop(&runtime->clock);
}

int rille_run(rille_t *runtime) {
  runtime->ran = true;
  uv_run(&runtime->loop, UV_RUN_DEFAULT);
  end(runtime);
  fflush(NULL);
  return runtime->status;
}

/* -- the script ---------------------------------------------------------------------------- */

static int report_error(lua_State *L) { // [error]
  size_t size;
  const char *text = rl_traceback_text(L, 1, &size);
  rl_log_text(&rl_domain_of(L)->settings->log, "rille: ", text, size);
  return 0;
}

static void script_ended(struct rl_fiber *fiber, lua_State *L, int status, int nresults) {
  (void)nresults;
  struct rille *runtime = fiber->owner;
  if (fiber->whole.cancelled) /* a signal: end() has set the status */
    return;
  runtime->script = NULL;
  if (status == LUA_OK)
    return;
  runtime->status = EXIT_FAILURE;
  lua_pushcfunction(L, report_error);
  lua_insert(L, -2);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK)
    rl_log_line(&runtime->settings.log,
                "rille: the script failed, and no memory is left to say why");
  stop_gracefully(runtime);
}

struct loading {
  struct rille *runtime;
  const struct rille_script *script;
};

static void set_arg(lua_State *L, const struct rille_script *script) {
  lua_createtable(L, script->argc, script->script_at + 1);
  for (int i = 0; i < script->argc; i++) {
    lua_pushstring(L, script->argv[i]);
    lua_rawseti(L, -2, i - script->script_at);
  }
  lua_setglobal(L, "arg");
}

static int load_source(lua_State *L, const struct rille_script *script) {
  if (script->text)
    return luaL_loadbufferx(L, script->text, script->size, script->name, "t");
  return luaL_loadfilex(L, script->path, "t");
}

static int load(lua_State *L) {
  struct loading *loading = lua_touserdata(L, 1);
  const struct rille_script *script = loading->script;
  if (script->path)
    rl_search_beside(L, script->path);
  set_arg(L, script);
  int nargs = script->argc - script->script_at - 1, first = lua_gettop(L) + 1;
  if (load_source(L, script) != LUA_OK)
    return lua_error(L);
  luaL_checkstack(L, nargs + LUA_MINSTACK, "too many arguments");
  for (int i = 1; i <= nargs; i++)
    lua_pushstring(L, script->argv[script->script_at + i]);
  struct rl_fiber *fiber = rl_fiber_new(L, script_ended, loading->runtime);
  if (!lua_checkstack(fiber->L, nargs + LUA_MINSTACK)) {
    rl_fiber_drop(fiber);
    return luaL_error(L, "not enough memory");
  }
  lua_xmove(L, fiber->L, lua_gettop(L) + 1 - first);
  rl_fiber_start(fiber);
  loading->runtime->script = fiber;
  return 0;
}

int rille_start(rille_t *runtime, const struct rille_script *script) {
  lua_State *L = runtime->main.vm.L;
  struct loading loading = {.runtime = runtime, .script = script};
  if (rl_call_protected(L, load, &loading) == LUA_OK)
    return 0;
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  rl_log_text(&runtime->settings.log, "rille: ", text ? text : "not enough memory",
              text ? size : 17);
  lua_pop(L, 1);
  return -1;
}

/* -- life ---------------------------------------------------------------------------------- */

static void note_paths(struct rl_domain *here) {
  struct rille *runtime = RL_OF(here->settings, struct rille, settings);
  rl_search_note(&runtime->search, here->vm.L);
}

static void open_modules(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rille *runtime = RL_OF(domain->settings, struct rille, settings);
  rl_open_modules(L);
  if (domain->feed)
    rl_search_apply(&runtime->search, L);
}

static void watch_signals(struct rille *runtime) {
  static const int numbers[] = {SIGINT, SIGTERM};
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < 2; i++) {
    uv_signal_init(&runtime->loop, &runtime->signals[i]);
    runtime->signals[i].data = runtime;
    uv_signal_start(&runtime->signals[i], on_signal, numbers[i]);
    uv_unref((uv_handle_t *)&runtime->signals[i]);
  }
  runtime->handles_signals = true;
}

static void close_loop(struct rille *runtime) {
  uv_close((uv_handle_t *)&runtime->clock, NULL);
  for (int i = 0; i < 2 && runtime->handles_signals; i++)
    uv_close((uv_handle_t *)&runtime->signals[i], NULL);
  uv_run(&runtime->loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&runtime->loop) != 0) {
    uv_print_all_handles(&runtime->loop, stderr);
    abort(); /* a handle that outlives its owner is a bug of ours */
  }
}

static void destroy(struct rille *runtime) {
  rl_pool_destroy(&runtime->pool);
  rl_search_free(&runtime->search);
  assert(atomic_load(&runtime->heap.blocks) == 0);
  rl_heap_trim(&runtime->heap);
  free(runtime);
}

rille_t *rille_new(const struct rille_options *options) {
  /* Not from the heap, which it contains. */
  struct rille *runtime = calloc(1, sizeof *runtime);
  if (!runtime)
    return NULL;
  rl_heap_init(&runtime->heap);
  struct rl_settings *settings = &runtime->settings;
  settings->heap = &runtime->heap;
  rl_log_init(&settings->log);
  settings->pool = &runtime->pool;
  settings->open_modules = open_modules;
  settings->note_paths = note_paths;
  settings->exit = on_exit_called;
  settings->grace = options && options->grace >= 0 ? options->grace : DEFAULT_GRACE;
  settings->cores = rl_cores_usable();
  rl_search_init(&runtime->search, &runtime->heap);
  rl_pool_init(&runtime->pool, settings, &runtime->main, rl_worker_start);
  rl_interrupt_install();
  runtime->main.settings = settings;
  runtime->main.main = &runtime->main;
  if (uv_loop_init(&runtime->loop) != 0) {
    destroy(runtime);
    return NULL;
  }
  uv_timer_init(&runtime->loop, &runtime->clock);
  runtime->clock.data = runtime;
  if (rl_scheduler_open(&runtime->main, &runtime->loop) != 0) {
    close_loop(runtime);
    destroy(runtime);
    return NULL;
  }
  if (options && options->handle_signals)
    watch_signals(runtime);
  return runtime;
}

void rille_free(rille_t *runtime) {
  if (!runtime)
    return;
  if (!has_ended(runtime))
    end(runtime);
  rl_scheduler_close(&runtime->main);
  close_loop(runtime);
  destroy(runtime);
}

const char *rille_version(void) {
  return RILLE_VERSION;
}
