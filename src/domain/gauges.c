/* Gauges: see the header. Lua tells nobody when a collection ends: an object that nobody holds
 * does, whose finalizer makes the next one. */
#include "domain/gauges.h"

#include <dirent.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buffer.h"
#include "domain/pool.h"
#include "domain/report.h"
#include "domain/ticker.h"
#include "io/log_writer.h"
#include "vm/call.h"

enum { MOST_DOMAINS = 256 }; /* further ones are not told one by one */

/* -- a domain's own, on its thread ----------------------------------------------------------- */

static void make_witness(lua_State *L);

static int collected(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  atomic_fetch_add_explicit(&domain->gauges.collections, 1, memory_order_relaxed);
  if (!domain->ending)
    make_witness(L);
  return 0;
}

static void make_witness(lua_State *L) {
  lua_newuserdatauv(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, collected);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

static int begin_watching(lua_State *L) {
  make_witness(L);
  return 0;
}

/* The bounds as far as a loop can lag: from what nobody notices to what is no server. */
static struct rl_metric *define_lag(struct rl_metrics *metrics) {
  static const struct rl_metric_terms terms = {
      .kind = RL_HISTOGRAM,
      .name = "rille_loop_lag_seconds",
      .help = "Time in which a loop did not look at its sockets.",
      .labels = {"domain"},
      .label_count = 1,
      .bounds = {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5},
      .bound_count = 10,
      .limit = RL_METRIC_LIMIT};
  struct rl_metric *metric;
  return rl_metrics_define(metrics, &terms, &metric) == RL_METRIC_FINE ? metric : NULL;
}

static void begin(struct rl_domain *domain) {
  struct rl_gauges *gauges = &domain->gauges;
  struct rl_metrics *metrics = domain->settings->metrics;
  char name[RL_REPORT_NAME];
  bool first;
  gauges->watched = true;
  if (rl_call_protected(domain->vm.L, begin_watching, NULL) != LUA_OK)
    lua_pop(domain->vm.L, 1); /* no memory: collections are not counted */
  if (domain->feed)
    return;
  rl_report_name(domain, name);
  gauges->lag_metric = define_lag(metrics);
  if (gauges->lag_metric)
    gauges->lag =
        rl_metric_cell(metrics, gauges->lag_metric, &(struct rl_slice){name, strlen(name)},
                       rl_gauges_slot(domain), &first);
}

static void publish(struct rl_domain *domain) {
  struct rl_gauges *gauges = &domain->gauges;
  atomic_store_explicit(&gauges->fibers, domain->fibers, memory_order_relaxed);
  atomic_store_explicit(&gauges->bytes, domain->vm.ledger.bytes, memory_order_relaxed);
  atomic_store_explicit(&gauges->streams, domain->errands.streams, memory_order_relaxed);
  atomic_store_explicit(&gauges->received, domain->errands.received, memory_order_relaxed);
  atomic_store_explicit(&gauges->sent, domain->errands.sent, memory_order_relaxed);
}

void rl_gauges_note_begin(struct rl_domain *domain) {
  if (!domain->gauges.watched)
    begin(domain);
  domain->gauges.began = rl_domain_now(domain);
}

void rl_gauges_note_end(struct rl_domain *domain) {
  struct rl_gauges *gauges = &domain->gauges;
  if (gauges->lag && gauges->began != 0)
    rl_metric_observe(gauges->lag_metric, gauges->lag,
                      (double)(rl_domain_now(domain) - gauges->began) / 1e9);
  gauges->began = 0;
  publish(domain);
}

/* -- telling --------------------------------------------------------------------------------- */

static void tell(struct rl_buffer *out, enum rl_metric_kind kind, const char *name,
                 const char *help, double value) {
  rl_metric_text_head(out, kind, name, help);
  rl_metric_text_sample(out, name, NULL, NULL, value);
}

/* What a domain has written down. */
struct view {
  char name[RL_REPORT_NAME];
  double fibers, bytes, collections, streams, received, sent;
};

static void look_at(struct view *view, const struct rl_domain *domain) {
  const struct rl_gauges *gauges = &domain->gauges;
  rl_report_name(domain, view->name);
  view->fibers = atomic_load_explicit(&gauges->fibers, memory_order_relaxed);
  view->bytes = (double)atomic_load_explicit(&gauges->bytes, memory_order_relaxed);
  view->collections = (double)atomic_load_explicit(&gauges->collections, memory_order_relaxed);
  view->streams = atomic_load_explicit(&gauges->streams, memory_order_relaxed);
  view->received = (double)atomic_load_explicit(&gauges->received, memory_order_relaxed);
  view->sent = (double)atomic_load_explicit(&gauges->sent, memory_order_relaxed);
}

static unsigned look_at_all(struct rl_ticker *ticker, struct view views[MOST_DOMAINS]) {
  unsigned count = 0;
  pthread_mutex_lock(&ticker->lock);
  for (struct rl_list *at = ticker->domains.next; at != &ticker->domains; at = at->next)
    if (count < MOST_DOMAINS)
      look_at(&views[count++], RL_OF(at, struct rl_domain, watch.link));
  pthread_mutex_unlock(&ticker->lock);
  return count;
}

/* What is told of each domain. */
static const struct {
  enum rl_metric_kind kind;
  const char *name, *help;
  size_t at; /* of a double in struct view */
} aspects[] = {
    {RL_GAUGE, "rille_fibers", "Fibers, when the domain last told.", offsetof(struct view, fibers)},
    {RL_GAUGE, "rille_lua_memory_bytes", "Memory that Lua holds, when the domain last told.",
     offsetof(struct view, bytes)},
    {RL_COUNTER, "rille_lua_collections_total",
     "Times that Lua's garbage collector has gone through its heap.",
     offsetof(struct view, collections)},
    {RL_GAUGE, "rille_net_connections", "Connections of rille.net, both ways, now.",
     offsetof(struct view, streams)},
    {RL_COUNTER, "rille_net_received_bytes_total", "Bytes that came in over these.",
     offsetof(struct view, received)},
    {RL_COUNTER, "rille_net_sent_bytes_total", "Bytes that were sent over these.",
     offsetof(struct view, sent)},
};

static void tell_domains(struct rl_settings *settings, struct rl_buffer *out) {
  struct view views[MOST_DOMAINS];
  unsigned count = look_at_all(settings->ticker, views);
  for (size_t i = 0; i < sizeof aspects / sizeof *aspects; i++) {
    rl_metric_text_head(out, aspects[i].kind, aspects[i].name, aspects[i].help);
    for (unsigned k = 0; k < count; k++) {
      double value;
      memcpy(&value, (const char *)&views[k] + aspects[i].at, sizeof value);
      rl_metric_text_sample(out, aspects[i].name, "domain", views[k].name, value);
    }
  }
}

static void tell_pool(struct rl_settings *settings, struct rl_buffer *out) {
  struct rl_pool_stats stats;
  rl_pool_stats(settings->pool, &stats);
  rl_metric_text_head(out, RL_GAUGE, "rille_compute_domains", "Compute domains by state.");
  rl_metric_text_sample(out, "rille_compute_domains", "state", "busy", stats.busy);
  rl_metric_text_sample(out, "rille_compute_domains", "state", "idle", stats.idle);
  tell(out, RL_GAUGE, "rille_loops", "Main domains.", atomic_load(&settings->loops));
  rl_metric_text_head(out, RL_GAUGE, "rille_queue_tasks", "Tasks that have not begun.");
  rl_metric_text_sample(out, "rille_queue_tasks", "state", "queued", stats.queued);
  rl_metric_text_sample(out, "rille_queue_tasks", "state", "held", stats.held);
  tell(out, RL_GAUGE, "rille_queue_limit", "Tasks that may be queued.",
       rl_pool_limit(settings->pool));
}

/* What is told of tasks: the end of its name, and where it stands. */
struct figure {
  const char *name, *help;
  size_t at;   /* of a uint64_t in struct rl_figures */
  double unit; /* what one of it is */
};

#define FIGURE(field) offsetof(struct rl_figures, field)

static const struct figure figures[] = {
    {"_submitted_total", "Tasks submitted.", FIGURE(submitted), 1},
    {"_finished_total", "Tasks that have returned.", FIGURE(finished), 1},
    {"_failed_total", "Tasks that have failed.", FIGURE(failed), 1},
    {"_cancelled_total", "Tasks that were cancelled.", FIGURE(cancelled), 1},
    {"_dropped_total", "Tasks that were dropped from the queue.", FIGURE(dropped), 1},
    {"_refused_total", "Tasks that were not queued.", FIGURE(refused), 1},
    {"_begun_total", "Tasks that have run, of which the times are.", FIGURE(runs), 1},
    {"_wait_seconds_total", "Time in the queue.", FIGURE(wait), 1e-9},
    {"_run_seconds_total", "Time on a domain, waits excluded.", FIGURE(run), 1e-9},
    {"_cpu_seconds_total", "Of that, the time with a processor.", FIGURE(cpu), 1e-9},
    {"_received_bytes_total", "Bytes of functions and arguments.", FIGURE(bytes_in), 1},
    {"_returned_bytes_total", "Bytes of results.", FIGURE(bytes_out), 1},
};

static double figure_of(const struct rl_figures *all, const struct figure *figure) {
  uint64_t value;
  memcpy(&value, (const char *)all + figure->at, sizeof value);
  return (double)value * figure->unit;
}

/* "rille_task_submitted_total" of all tasks, "rille_job_submitted_total" of those of each job. */
static void tell_figure(struct rl_buffer *out, const struct figure *figure,
                        const struct rl_figures *all, const struct rl_account_copy *jobs,
                        unsigned count) {
  char name[64];
  snprintf(name, sizeof name, "rille_task%s", figure->name);
  tell(out, RL_COUNTER, name, figure->help, figure_of(all, figure));
  snprintf(name, sizeof name, "rille_job%s", figure->name);
  rl_metric_text_head(out, RL_COUNTER, name, figure->help);
  for (unsigned i = 0; i < count; i++)
    rl_metric_text_sample(out, name, "job", jobs[i].name, figure_of(&jobs[i].figures, figure));
}

static void tell_tasks(struct rl_settings *settings, struct rl_buffer *out) {
  struct rl_pool_stats stats;
  unsigned room = rl_pool_accounts(settings->pool, NULL, 0);
  size_t size = (room + 1) * sizeof(struct rl_account_copy);
  struct rl_account_copy *copies = rl_alloc(settings->heap, size);
  if (!copies)
    return;
  unsigned count = rl_pool_accounts(settings->pool, copies, room);
  rl_pool_stats(settings->pool, &stats);
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
    tell_figure(out, &figures[i], &stats.figures, copies, count < room ? count : room);
  rl_free(settings->heap, copies, size);
}

static unsigned open_descriptors(void) {
  unsigned count = 0;
  DIR *folder = opendir("/proc/self/fd");
  if (!folder)
    return 0;
  while (readdir(folder))
    count++;
  closedir(folder);
  return count - 3; /* two are no descriptors, one is this folder's */
}

static double seconds_of(uv_timeval_t time) {
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void tell_process(struct rl_buffer *out) {
  uv_rusage_t usage;
  size_t resident = 0;
  struct rlimit limit = {0};
  uv_getrusage(&usage);
  uv_resident_set_memory(&resident);
  getrlimit(RLIMIT_NOFILE, &limit);
  tell(out, RL_COUNTER, "process_cpu_seconds_total", "Processor time, user and system.",
       seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  tell(out, RL_GAUGE, "process_resident_memory_bytes", "Resident memory.", (double)resident);
  tell(out, RL_GAUGE, "process_open_fds", "Open descriptors.", open_descriptors());
  tell(out, RL_GAUGE, "process_max_fds", "Descriptors that may be open.", (double)limit.rlim_cur);
}

void rl_gauges_text(struct rl_domain *domain, struct rl_buffer *out) {
  struct rl_settings *settings = domain->settings;
  publish(domain);
  tell_domains(settings, out);
  tell_pool(settings, out);
  tell_tasks(settings, out);
  tell_process(out);
  if (settings->log_writer)
    tell(out, RL_COUNTER, "rille_log_lost_lines_total", "Lines of the log that were lost.",
         (double)rl_log_writer_lost(settings->log_writer));
}
