/* Options: what an embedding program has asked for, made into the settings of a runtime. */
#include <signal.h>
#include <sys/random.h>

#include "base/cores.h"
#include "domain/limits.h"
#include "domain/worker.h"
#include "host/runtime.h"

enum { SIMULATED_CORES = 4 };

static const double DEFAULT_GRACE = 10; /* seconds */

static const char *mistake_in(const struct rille_options *options) {
  if (options->simulate && options->loop)
    return "a simulation does not run on a loop of its host";
  if (options->simulate && options->allocate)
    return "a simulation does not take its memory from its host";
  if (options->min_domains < 0 || options->queue_limit < 0)
    return "min_domains and queue_limit must not be negative";
  if (options->min_domains > 0 && options->max_domains != 0 &&
      options->max_domains < options->min_domains)
    return "max_domains must not be below min_domains";
  if (options->memory_limit != 0 && options->memory_limit < RL_LIMITS_LEAST)
    return "memory_limit must be at least 4 MiB";
  if (options->log_level < RILLE_LOG_DEBUG || options->log_level > RILLE_LOG_ERROR)
    return "log_level must be one of enum rille_log_level";
  return NULL;
}

static int form_of(enum rille_log_form form) {
  switch (form) {
  case RILLE_LOG_PLAIN: return RL_LOG_PLAIN;
  case RILLE_LOG_TEXT: return RL_LOG_TEXT;
  case RILLE_LOG_JSON: return RL_LOG_JSON;
  case RILLE_LOG_AUTO: break;
  }
  return RL_LOG_UNCHOSEN;
}

static void direct_log(struct rl_log *log, const struct rille_options *options) {
  rl_log_init(log);
  atomic_store(&log->form, form_of(options->log_form));
  if (!options->log)
    return;
  log->write = options->log;
  log->context = options->log_context;
  atomic_store(&log->terminal, true); /* people read it, as far as is known here */
}

bool rl_options_check(const struct rille_options *options) {
  const char *mistake = mistake_in(options);
  struct rl_log log;
  direct_log(&log, options);
  if (mistake)
    rl_log_line(&log, RL_LOG_ERROR, "rille: options: %s", mistake);
  return !mistake;
}

static void set_up_log(struct rille *runtime, const struct rille_options *options) {
  struct rl_log *log = &runtime->settings.log;
  direct_log(log, options);
  atomic_store(&log->level, RL_LOG_INFO + (int)options->log_level);
  log->clock = &runtime->settings.clock;
  if (options->log)
    return;
  runtime->settings.log_writer = &runtime->log_writer;
  rl_log_writer_init(&runtime->log_writer, log);
  runtime->log_writer.direct = options->simulate; /* one thread, and nothing of others between */
  log->write = rl_log_writer_put;
  log->context = &runtime->log_writer;
}

/* Nobody outside may guess it, and so make strings that all hash alike. Early in the life of a
 * machine it is 0. */
static uint32_t draw_hashes(void) {
  uint32_t hashes;
  return getrandom(&hashes, sizeof hashes, GRND_NONBLOCK) == sizeof hashes ? hashes : 0;
}

static void set_settings(struct rille *runtime, const struct rille_options *options) {
  struct rl_settings *settings = &runtime->settings;
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
  settings->prompt = &runtime->prompt;
  settings->interrupt_signal = options->interrupt_signal ? options->interrupt_signal : SIGURG;
  settings->exit = rl_loop_exit;
  settings->halts = rl_loop_halts;
  atomic_init(&settings->memory_limit, options->memory_limit);
  atomic_init(&settings->loops, 1);
  atomic_init(&settings->grace, options->grace >= 0 ? options->grace : DEFAULT_GRACE);
  settings->cores = rl_cores_usable();
  settings->hashes = draw_hashes();
}

/* Of the machine it knows nothing, so that a seed means the same on all of them. */
static void simulate(struct rille *runtime, const struct rille_options *options) {
  rl_simulation_init(&runtime->simulation, &runtime->settings, options->seed,
                     options->simulate == RILLE_SIMULATE_TELL);
  rl_heap_fix(&runtime->heap);
  runtime->settings.cores = SIMULATED_CORES;
  runtime->settings.hashes = (uint32_t)options->seed | 1; /* 0 would be none */
  runtime->seed = options->seed;
}

/* How many domains, and tasks that wait for one. None is started yet. */
static void size_pool(struct rl_pool *pool, const struct rille_options *options) {
  struct rl_bounds *bounds = &pool->bounds;
  bounds->min = options->min_domains > 0 ? (unsigned)options->min_domains : 0;
  if (options->max_domains != 0)
    bounds->max = options->max_domains > 0 ? (unsigned)options->max_domains : 0;
  else if (bounds->max < bounds->min)
    bounds->max = bounds->min;
  if (options->queue_limit > 0)
    pool->limit = (unsigned)options->queue_limit;
}

void rl_options_apply(struct rille *runtime, const struct rille_options *options) {
  struct rl_settings *settings = &runtime->settings;
  rl_heap_init(&runtime->heap);
  if (options->allocate)
    rl_heap_supply(&runtime->heap,
                   (struct rl_supply){options->allocate, options->allocate_context});
  set_settings(runtime, options);
  if (options->simulate)
    simulate(runtime, options);
  runtime->wanted = options->loops;
  runtime->guest = (struct rl_guest){
      .over = options->over, .freed = options->freed, .context = options->loop_context};
  rl_search_init(&runtime->search, &runtime->heap, options);
  rl_ticker_init(&runtime->ticker, &settings->log, &settings->clock);
  rl_standstill_init(&runtime->standstill);
  runtime->standstill.alone = settings->simulation || options->alone;
  runtime->ticker.survey = rl_standstill_look;
  runtime->ticker.survey_owner = &runtime->standstill;
  rl_clients_init(&runtime->clients, &runtime->heap);
  rl_ports_init(&runtime->ports, &runtime->heap);
  rl_channels_init(&runtime->channels, &runtime->heap);
  rl_locks_init(&runtime->locks, &runtime->heap);
  rl_source_init(&runtime->source, &runtime->heap);
  rl_course_init(&runtime->course, settings);
  pthread_mutex_init(&runtime->invocations.lock, NULL);
  rl_list_init(&runtime->invocations.all);
  rl_pool_init(&runtime->pool, settings, &runtime->first.domain, rl_worker_start);
  size_pool(&runtime->pool, options);
}
