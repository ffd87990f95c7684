/* Runtime: one Rille instance behind rille.h: its loops, its pool, the signals that stop it, and
 * the order in which everything ends:
 *
 *     stop listening -> running handlers finish, or their grace is over -> every fiber is cancelled
 *     -> the pool refuses work, interrupts and joins its domains -> the states of the loops close
 *     -> their threads are joined.
 *
 * All of it runs on the thread of the first loop, which calls rille_run, or whose own the loop is.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "domain/domain.h"
#include "domain/interrupt.h"
#include "domain/pool.h"
#include "domain/ticker.h"
#include "host/loop.h"
#include "host/loops.h"
#include "host/open.h"
#include "host/runtime.h"
#include "vm/call.h"

/* -- loops --------------------------------------------------------------------------------- */

static int add_loops(struct rl_domain *main, unsigned count) {
  struct rl_settings *settings = main->settings;
  if (settings->simulation)
    return UV_ENOTSUP;
  struct rl_loop *first = rl_loop_of(main);
  unsigned running = atomic_load(&settings->loops);
  if (running < count)
    atomic_store(&settings->loops, count); /* what the further ones are to see */
  for (unsigned number = running + 1; number <= count; number++) {
    int error = rl_loops_start(first, number);
    if (error != 0) {
      atomic_store(&settings->loops, number - 1);
      return error;
    }
  }
  return 0;
}

/* Those that the options want. */
static void start_loops(struct rille *runtime) {
  int wanted = runtime->wanted < 0 ? runtime->settings.cores : runtime->wanted;
  int error = wanted > 1 ? add_loops(&runtime->first.domain, (unsigned)wanted) : 0;
  if (error != 0 && rl_course_fail(&runtime->course))
    rl_log_line(&runtime->settings.log, RL_LOG_ERROR, "rille: cannot start %d loops: %s", wanted,
                uv_strerror(error));
}

/* -- running and ending -------------------------------------------------------------------- */

static void start_domains(struct rille *runtime) {
  rl_search_note(&runtime->search, runtime->first.domain.vm.L);
  rl_pool_set_bounds(&runtime->pool, rl_pool_bounds(&runtime->pool));
}

void rl_runtime_begin(struct rille *runtime) {
  struct rl_domain *main = &runtime->first.domain; /* on this thread, whichever made it */
  if (!main->guest)
    rl_interrupt_here(main);
  rl_ticker_enter(&runtime->ticker, main);
  if (runtime->settings.simulation)
    rl_simulation_enter(&runtime->simulation, main);
  if (!runtime->begun && rl_course_stage(&runtime->course) == RL_RUNNING) {
    start_loops(runtime);
    start_domains(runtime);
  }
  runtime->begun = true;
}

void rille_stop(rille_t *runtime) {
  rl_course_advance(&runtime->course, RL_STOPPING);
}

bool rl_runtime_refuses(const struct rille *runtime, const char *call) {
  if (runtime->first.domain.guest)
    rl_log_line(&runtime->settings.log, RL_LOG_ERROR,
                "rille: %s: the loop is the host's, who runs it", call);
  return runtime->first.domain.guest;
}

int rille_run(rille_t *runtime) {
  if (rl_runtime_refuses(runtime, "rille_run"))
    return -1;
  rl_runtime_begin(runtime);
  rl_loop_run(&runtime->first);
  rl_ending_run(runtime);
  rl_interrupt_here(NULL);
  int status = rl_course_status(&runtime->course);
  if (status != 0 && runtime->settings.simulation)
    rl_log_line(&runtime->settings.log, RL_LOG_ERROR,
                "rille: this was a simulation: --simulate %" PRIu64 " runs it again",
                runtime->seed);
  if (runtime->settings.log_writer)
    rl_log_writer_flush(&runtime->log_writer);
  return status;
}

int rille_start(rille_t *runtime, const struct rille_script *script) {
  if (runtime->started) {
    rl_log_line(&runtime->settings.log, RL_LOG_ERROR,
                "rille: rille_start: a runtime has one script (rille_call calls its functions)");
    return -1;
  }
  runtime->started = true;
  if (rl_source_read(&runtime->source, script) == 0) {
    if (runtime->first.domain.guest)
      rl_guest_begin(runtime);
    return rl_loop_start(&runtime->first);
  }
  rl_log_line(&runtime->settings.log, RL_LOG_ERROR, "rille: cannot read %s: %s",
              script->path ? script->path : "standard input", strerror(errno));
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
  rl_search_open(&runtime->search, L);
  rl_provided_register(L, runtime->provided);
  if (domain->feed)
    rl_search_apply(&runtime->search, L);
}

/* It contains the heap, so its own memory cannot be counted there. */
static struct rille *create(const struct rille_options *options) {
  struct rille *runtime =
      options->allocate ? options->allocate(options->allocate_context, NULL, 0, sizeof *runtime)
                        : malloc(sizeof *runtime);
  if (runtime)
    memset(runtime, 0, sizeof *runtime);
  return runtime;
}

void rl_runtime_destroy(struct rille *runtime) {
  if (runtime->settings.simulation)
    rl_simulation_destroy(&runtime->simulation);
  rl_ticker_destroy(&runtime->ticker); /* first: it looks at the pool */
  rl_standstill_destroy(&runtime->standstill);
  rl_source_free(&runtime->source);
  rl_provided_free(&runtime->heap, runtime->provided);
  rl_course_destroy(&runtime->course);
  assert(rl_list_empty(&runtime->invocations.all));
  pthread_mutex_destroy(&runtime->invocations.lock);
  rl_pool_destroy(&runtime->pool);         /* whose notices may hold channels */
  rl_channels_destroy(&runtime->channels); /* which may hold locks */
  rl_locks_destroy(&runtime->locks);
  rl_clients_free(&runtime->clients);
  rl_ports_free(&runtime->ports);
  rl_search_free(&runtime->search);
  rl_metrics_destroy(&runtime->metrics);
  assert(atomic_load(&runtime->heap.blocks) == 0);
  rl_heap_trim(&runtime->heap);
  rl_heap_destroy(&runtime->heap);
  if (runtime->settings.log_writer)
    rl_log_writer_destroy(&runtime->log_writer);
  struct rl_supply supply = runtime->heap.supply;
  if (supply.allocate && !runtime->settings.simulation)
    supply.allocate(supply.context, runtime, sizeof *runtime, 0);
  else
    free(runtime);
}

static bool take_signal(const struct rl_settings *settings) {
  int error = rl_interrupt_install(settings->interrupt_signal);
  if (error == EBUSY)
    rl_log_line(
        &settings->log, RL_LOG_ERROR,
        "rille: signal %d has a handler already (the option interrupt_signal chooses another)",
        settings->interrupt_signal);
  else if (error != 0)
    rl_log_line(&settings->log, RL_LOG_ERROR, "rille: cannot take signal %d: %s",
                settings->interrupt_signal, strerror(error));
  return error == 0;
}

rille_t *rille_new(const struct rille_options *options) {
  static const struct rille_options none = {.grace = -1};
  options = options ? options : &none;
  struct rille *runtime = rl_options_check(options) ? create(options) : NULL;
  if (!runtime)
    return NULL;
  rl_options_apply(runtime, options);
  runtime->settings.open_modules = open_modules;
  runtime->settings.note_paths = note_paths;
  runtime->settings.add_loops = add_loops;
  struct rl_loop_origin origin = {.settings = &runtime->settings,
                                  .course = &runtime->course,
                                  .source = &runtime->source,
                                  .number = 1,
                                  .host = options->loop,
                                  .rest = rl_guest_rest};
  struct rl_loop *first = &runtime->first;
  if (!take_signal(&runtime->settings) || rl_loop_init(first, &origin) != 0 ||
      rl_loop_open(first) != 0) {
    rl_runtime_destroy(runtime);
    return NULL;
  }
  rl_interrupt_here(NULL); /* until it runs, the thread is the host's */
  rl_course_begin_loop(&runtime->course);
  runtime->handles_signals = options->handle_signals && !runtime->settings.simulation;
  if (runtime->handles_signals)
    rl_signals_watch(&runtime->signals, &runtime->course);
  return runtime;
}

static void free_now(struct rille *runtime) {
  rl_interrupt_here(&runtime->first.domain);
  rl_ticker_enter(&runtime->ticker, &runtime->first.domain); /* on whichever thread */
  if (runtime->settings.simulation)
    rl_simulation_enter(&runtime->simulation, &runtime->first.domain);
  if (!runtime->ended) {
    rl_course_advance(&runtime->course, RL_HALTED);
    rl_loop_run(&runtime->first); /* no further: until the other loops have come that far */
    rl_ending_run(runtime);
  }
  rl_loop_close(&runtime->first);
  rl_runtime_destroy(runtime);
}

void rille_free(rille_t *runtime) {
  if (!runtime)
    return;
  if (runtime->first.domain.guest)
    rl_guest_free(runtime);
  else
    free_now(runtime);
}

const char *rille_version(void) {
  return RILLE_VERSION;
}
