/* Runtime: one Rille instance behind rille.h: its settings, its loops, its pool, the signals that
 * stop it, and the order in which everything ends:
 *
 *     stop listening -> running handlers finish, or their grace is over -> every fiber is cancelled
 *     -> the pool refuses work, interrupts and joins its domains -> the states of the loops close
 *     -> their threads are joined.
 *
 * All of it runs on the thread that calls rille_run, which is the first loop's. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <lua.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cores.h"
#include "base/heap.h"
#include "domain/domain.h"
#include "domain/interrupt.h"
#include "domain/pool.h"
#include "domain/ticker.h"
#include "domain/worker.h"
#include "host/loop.h"
#include "host/loops.h"
#include "host/open.h"
#include "host/runtime.h"
#include "vm/call.h"

enum {
  STUCK_NS = 1000000000, /* what stuck domains get to return after all, at the end */
  SIMULATED_CORES = 4
};

static const double DEFAULT_GRACE = 10; /* seconds */

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

static bool all_ending(struct rl_loop *first) {
  return rl_course_all_ending(first->course);
}

/* What was printed, and logged. */
static void flush(struct rille *runtime) {
  fflush(NULL);
  if (runtime->settings.log_writer)
    rl_log_writer_flush(&runtime->log_writer);
}

/* A thread inside a C function cannot be ended, and what it uses cannot be freed. */
static void leave_stuck(struct rille *runtime) {
  uint64_t now = rl_clock_now(&runtime->settings.clock);
  if (!rl_pool_all_stuck(&runtime->pool))
    runtime->stuck_since = now;
  if (now - runtime->stuck_since < STUCK_NS)
    return;
  rl_log_line(&runtime->settings.log, RL_LOG_ERROR,
              "rille: compute domains are inside C functions that do not return (%u); "
              "the program ends without them",
              atomic_load(&runtime->pool.threads));
  flush(runtime);
  _exit(rl_course_status(&runtime->course));
}

/* Presses compute domains that still run; true when there are none. */
static bool pool_is_gone(struct rl_loop *first) {
  struct rille *runtime = RL_OF(first, struct rille, first);
  rl_pool_interrupt(&runtime->pool);
  if (runtime->handles_signals)
    leave_stuck(runtime);
  return atomic_load(&runtime->pool.threads) == 0;
}

static bool is_alone(struct rl_loop *first) {
  return rl_course_loops(first->course) == 1;
}

static void end(struct rille *runtime) {
  struct rl_loop *first = &runtime->first;
  rl_loop_cancel(first);
  rl_loop_await(first, all_ending);
  rl_pool_stop(&runtime->pool);
  rl_loop_finish(first, pool_is_gone);
  rl_course_advance(&runtime->course, RL_CLOSING);
  rl_loop_await(first, is_alone);
  runtime->ended = true;
}

void rl_runtime_begin(struct rille *runtime) {
  struct rl_domain *main = &runtime->first.domain; /* on this thread, whichever made it */
  rl_interrupt_here(main);
  rl_ticker_enter(&runtime->ticker, main);
  if (runtime->settings.simulation)
    rl_simulation_enter(&runtime->simulation, main);
  if (!runtime->begun)
    start_loops(runtime);
  runtime->begun = true;
}

void rille_stop(rille_t *runtime) {
  rl_course_advance(&runtime->course, RL_STOPPING);
}

int rille_run(rille_t *runtime) {
  rl_runtime_begin(runtime);
  rl_loop_run(&runtime->first);
  end(runtime);
  rl_interrupt_here(NULL);
  int status = rl_course_status(&runtime->course);
  if (status != 0 && runtime->settings.simulation)
    rl_log_line(&runtime->settings.log, RL_LOG_ERROR,
                "rille: this was a simulation: --simulate %" PRIu64 " runs it again",
                runtime->seed);
  flush(runtime);
  return status;
}

int rille_start(rille_t *runtime, const struct rille_script *script) {
  if (rl_source_read(&runtime->source, script) == 0)
    return rl_loop_start(&runtime->first);
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
  rl_provided_register(L, runtime->provided);
  if (domain->feed)
    rl_search_apply(&runtime->search, L);
}

static void destroy(struct rille *runtime) {
  if (runtime->settings.simulation)
    rl_simulation_destroy(&runtime->simulation);
  rl_ticker_destroy(&runtime->ticker); /* first: it looks at the pool */
  rl_standstill_destroy(&runtime->standstill);
  rl_source_free(&runtime->source);
  rl_provided_free(&runtime->heap, runtime->provided);
  rl_course_destroy(&runtime->course);
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
  free(runtime);
}

/* Of the machine it knows nothing, so that a seed means the same on all of them. */
static void simulate(struct rille *runtime, const struct rille_options *options) {
  rl_simulation_init(&runtime->simulation, &runtime->settings, options->seed,
                     options->simulate == RILLE_SIMULATE_TELL);
  rl_heap_fix(&runtime->heap);
  runtime->log_writer.direct = true; /* one thread, and nothing of others in between */
  runtime->settings.cores = SIMULATED_CORES;
  runtime->seed = options->seed;
}

static void set_up_log(struct rille *runtime, const struct rille_options *options) {
  struct rl_settings *settings = &runtime->settings;
  struct rl_log *log = &settings->log;
  rl_log_init(log);
  log->clock = &settings->clock;
  if (options && options->log) {
    log->write = options->log;
    log->context = options->log_context;
    atomic_store(&log->terminal, true); /* people read it, as far as is known here */
    return;
  }
  settings->log_writer = &runtime->log_writer;
  rl_log_writer_init(&runtime->log_writer, log);
  log->write = rl_log_writer_put;
  log->context = &runtime->log_writer;
}

static void set_up(struct rille *runtime, const struct rille_options *options) {
  struct rl_settings *settings = &runtime->settings;
  rl_heap_init(&runtime->heap);
  settings->heap = &runtime->heap;
  set_up_log(runtime, options);
  rl_metrics_init(&runtime->metrics, &runtime->heap);
  settings->metrics = &runtime->metrics;
  settings->pool = &runtime->pool;
  settings->ticker = &runtime->ticker;
  settings->ports = &runtime->ports;
  settings->clients = &runtime->clients;
  settings->channels = &runtime->channels;
  settings->locks = &runtime->locks;
  settings->standstill = &runtime->standstill;
  settings->interrupt_signal =
      options && options->interrupt_signal ? options->interrupt_signal : SIGURG;
  settings->open_modules = open_modules;
  settings->note_paths = note_paths;
  settings->exit = rl_loop_exit;
  settings->halts = rl_loop_halts;
  settings->add_loops = add_loops;
  atomic_init(&settings->loops, 1);
  atomic_init(&settings->grace, options && options->grace >= 0 ? options->grace : DEFAULT_GRACE);
  settings->cores = rl_cores_usable();
  if (options && options->simulate)
    simulate(runtime, options);
  runtime->wanted = options ? options->loops : 1;
  rl_search_init(&runtime->search, &runtime->heap);
  rl_ticker_init(&runtime->ticker, &settings->log, &settings->clock);
  rl_standstill_init(&runtime->standstill);
  runtime->standstill.alone = settings->simulation || (options && options->alone);
  runtime->ticker.survey = rl_standstill_look;
  runtime->ticker.survey_owner = &runtime->standstill;
  rl_clients_init(&runtime->clients, &runtime->heap);
  rl_ports_init(&runtime->ports, &runtime->heap);
  rl_channels_init(&runtime->channels, &runtime->heap);
  rl_locks_init(&runtime->locks, &runtime->heap);
  rl_source_init(&runtime->source, &runtime->heap);
  rl_course_init(&runtime->course, settings);
  rl_pool_init(&runtime->pool, settings, &runtime->first.domain, rl_worker_start);
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
  /* Not from the heap, which it contains. */
  struct rille *runtime = calloc(1, sizeof *runtime);
  if (!runtime)
    return NULL;
  set_up(runtime, options);
  bool taken = take_signal(&runtime->settings);
  struct rl_loop_origin origin = {.settings = &runtime->settings,
                                  .course = &runtime->course,
                                  .source = &runtime->source,
                                  .number = 1};
  struct rl_loop *first = &runtime->first;
  if (!taken || rl_loop_init(first, &origin) != 0 || rl_loop_open(first) != 0) {
    destroy(runtime);
    return NULL;
  }
  rl_interrupt_here(NULL); /* until it runs, the thread is the host's */
  rl_course_begin_loop(&runtime->course);
  runtime->handles_signals = options && options->handle_signals && !runtime->settings.simulation;
  if (runtime->handles_signals)
    rl_signals_watch(&runtime->signals, &runtime->course);
  return runtime;
}

void rille_free(rille_t *runtime) {
  if (!runtime)
    return;
  rl_interrupt_here(&runtime->first.domain);
  if (runtime->settings.simulation)
    rl_simulation_enter(&runtime->simulation, &runtime->first.domain);
  if (!runtime->ended) {
    rl_course_advance(&runtime->course, RL_HALTED);
    rl_loop_run(&runtime->first); /* no further: until the other loops have come that far */
    end(runtime);
  }
  rl_loop_close(&runtime->first);
  destroy(runtime);
}

const char *rille_version(void) {
  return RILLE_VERSION;
}
