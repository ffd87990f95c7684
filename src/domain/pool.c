/* Pool: the bounds, and which domain is woken, started and ended when. What becomes of the tasks is
 * in pool_tasks.c. */
#include "domain/pool.h"

#include <assert.h>

#include "base/clock.h"
#include "domain/task.h"
#include "domain/ticker.h"

enum {
  MOST_STUCK = 4, /* domains that are replaced while they do not end, for each of the maximum */
  DEFAULT_LIMIT = 1000,
  DEFAULT_IDLE_SECONDS = 5,
  RETRY_NS = 500 * 1000 * 1000, /* after a domain could not be started */
  LATELY = 100 * 1000, /* ns: who took a task since will soon take another, if tasks are short; */
  BRIEF = 500 * 1000   /* ns that all that is queued will run, if it is */
};

void rl_pool_init(struct rl_pool *pool, struct rl_settings *settings, struct rl_domain *home,
                  void (*start)(struct rl_pool *pool)) {
  *pool = (struct rl_pool){.settings = settings, .home = home, .start = start};
  pool->limit = DEFAULT_LIMIT;
  pool->bounds.max = (unsigned)settings->cores;
  pool->idle_seconds = DEFAULT_IDLE_SECONDS;
  atomic_init(&pool->threads, 0);
  rl_inbox_init(&pool->inbox);
  rl_queue_init(&pool->queue);
  rl_jobs_init(&pool->jobs, settings->heap, &pool->queue, &pool->lock);
  rl_broadcasts_init(&pool->broadcasts, settings->heap);
  rl_list_init(&pool->held);
  rl_list_init(&pool->workers);
  rl_list_init(&pool->idle);
  rl_histogram_init(&pool->waits);
  rl_histogram_init(&pool->runs);
  settings->ticker->chore = rl_pool_tick;
  settings->ticker->chore_owner = pool;
  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  /* Held for tens of nanoseconds, so spinning a moment beats a trip to the kernel. */
  pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ADAPTIVE_NP);
  pthread_mutex_init(&pool->lock, &kind);
  pthread_mutexattr_destroy(&kind);
}

void rl_pool_destroy(struct rl_pool *pool) {
  assert(pool->domains == 0 && pool->queue.length == 0 && rl_list_empty(&pool->held));
  assert(rl_inbox_empty(&pool->inbox) && atomic_load(&pool->inbox.count) == 0);
  rl_broadcasts_destroy(&pool->broadcasts);
  rl_jobs_destroy(&pool->jobs);
  pthread_mutex_destroy(&pool->lock);
}

/* -- under the lock ----------------------------------------------------------------------- */

static void look(struct rl_pool *pool, struct rl_worker *worker) {
  worker->looking = true;
  atomic_fetch_add(&pool->inbox.looking, 1);
}

/* The caller sees to the tasks that relied on this: it takes them, or calls for help. */
static void stop_looking(struct rl_pool *pool, struct rl_worker *worker) {
  if (!worker->looking)
    return;
  worker->looking = false;
  atomic_fetch_sub(&pool->inbox.looking, 1);
  rl_pool_empty_inbox(pool);
}

static void arrive(struct rl_pool *pool, struct rl_worker *worker) {
  if (worker->coming)
    pool->coming--;
  worker->coming = false;
}

static void stop_idling(struct rl_pool *pool, struct rl_worker *worker) {
  if (rl_list_empty(&worker->idle_link))
    return;
  rl_list_remove(&worker->idle_link);
  pool->sleepers--;
}

/* As with stop_looking, the caller sees to the tasks that relied on this. */
static void stop_taking(struct rl_pool *pool, const struct rl_worker *worker) {
  if (pool->taker != worker)
    return;
  pool->taker = NULL;
  atomic_store(&pool->inbox.brief, 0);
  rl_pool_empty_inbox(pool);
}

/* As with stop_looking. */
static void retire(struct rl_pool *pool, struct rl_worker *worker) {
  worker->retiring = true;
  pool->retiring++;
  stop_looking(pool, worker);
  stop_taking(pool, worker);
}

/* The domain that dozed off last has the warmest caches. */
static void wake_one(struct rl_pool *pool) {
  struct rl_worker *worker = RL_OF(pool->idle.previous, struct rl_worker, idle_link);
  stop_idling(pool, worker);
  worker->coming = true;
  pool->coming++;
  rl_mailbox_wake(&worker->domain.mailbox);
}

/* After a failure to start a domain, none is started for a while: what is lacking will not be there
 * in the next microsecond, and each attempt costs. */
static bool may_start(struct rl_pool *pool) {
  if (pool->settings->ending || pool->stuck > MOST_STUCK * pool->bounds.max)
    return false;
  if (pool->retry_at > 0 && rl_clock_now(&pool->settings->clock) < pool->retry_at)
    return false;
  pool->retry_at = 0;
  return true;
}

static unsigned serving(const struct rl_pool *pool) {
  return pool->domains - pool->retiring;
}

/* Whether one domain more, or this one, would only take a core from those that work: there is one
 * for each core, one of them takes a task every few microseconds, and by what such tasks have taken
 * lately all will be over soon. Where that is a mistake rl_pool_tick makes up for it. */
static bool is_brief(const struct rl_pool *pool, const struct rl_worker *worker, uint64_t now) {
  int awake = atomic_load_explicit(&pool->settings->awake, memory_order_relaxed);
  int others = worker ? awake - 1 : awake;
  return others >= pool->settings->cores && pool->taker && pool->taker != worker &&
         now < pool->taken + LATELY && pool->figures.expected > 0 &&
         rl_queue_work(&pool->queue) < BRIEF;
}

/* After a task was taken: tells senders whether the taker will be back before another domain could
 * be there. Written when half of the time is over. */
static void promise_return(struct rl_pool *pool, uint64_t now) {
  uint64_t until = atomic_load_explicit(&pool->inbox.brief, memory_order_relaxed);
  if (is_brief(pool, NULL, now)) {
    if (until < now + LATELY / 2)
      atomic_store(&pool->inbox.brief, now + LATELY);
  } else if (until > 0) {
    atomic_store(&pool->inbox.brief, 0);
    rl_pool_empty_inbox(pool);
  }
}

static bool lacks_help(const struct rl_pool *pool) {
  return rl_queue_ready(&pool->queue) > atomic_load(&pool->inbox.looking) + pool->coming;
}

/* Wakes a domain, or counts one that is to start; false if there is none to be had. */
static bool call_one(struct rl_pool *pool, unsigned *starting) {
  if (pool->sleepers > 0) {
    wake_one(pool);
    return true;
  }
  if (serving(pool) >= pool->bounds.max || !may_start(pool))
    return false;
  pool->domains++;
  pool->coming++;
  ++*starting;
  return true;
}

unsigned rl_pool_call_help(struct rl_pool *pool) {
  unsigned starting = 0;
  while (lacks_help(pool) && call_one(pool, &starting))
    ;
  if (lacks_help(pool))
    rl_ticker_want(pool->settings->ticker); /* what runs has to give way */
  return starting;
}

unsigned rl_pool_call_help_if_long(struct rl_pool *pool, uint64_t now) {
  unsigned starting = 0;
  while (lacks_help(pool) && !is_brief(pool, NULL, now) && call_one(pool, &starting))
    ;
  if (lacks_help(pool))
    rl_ticker_want(pool->settings->ticker);
  return starting;
}

static unsigned start_minimum(struct rl_pool *pool) {
  unsigned starting = 0;
  for (; serving(pool) < pool->bounds.min && may_start(pool); starting++) {
    pool->domains++;
    pool->coming++;
  }
  return starting;
}

/* -- without the lock --------------------------------------------------------------------- */

void rl_pool_start(struct rl_pool *pool, unsigned count) {
  while (count-- > 0)
    pool->start(pool);
}

/* The next task, unless others are to have it. */
static struct rl_task *next_for(struct rl_pool *pool, struct rl_worker *worker, uint64_t now) {
  bool between = worker->domain.slices > 0; /* it has work of its own */
  bool wanted = !between || (lacks_help(pool) && rl_pool_is_urgent(pool, &worker->domain));
  if (worker->retiring || !wanted || is_brief(pool, worker, now))
    return NULL;
  return rl_pool_next(pool);
}

struct rl_task *rl_pool_take(struct rl_pool *pool, struct rl_worker *worker) {
  if (worker->looking && !rl_pool_has_work(pool))
    return NULL;
  unsigned starting = 0;
  uint64_t now = rl_clock_now(&pool->settings->clock);
  pthread_mutex_lock(&pool->lock);
  if (!rl_queue_has_plain(&pool->queue)) /* else it would change nothing for the next one */
    rl_pool_empty_inbox_to_run(pool);
  arrive(pool, worker);
  if (serving(pool) > pool->bounds.max && !worker->retiring) {
    retire(pool, worker);
    starting = rl_pool_call_help(pool);
  }
  struct rl_task *task = next_for(pool, worker, now);
  if (task) {
    stop_looking(pool, worker);
    task->started = now;
    task->runner = &worker->domain;
    pool->taker = worker;
    pool->taken = now;
    rl_pool_add_tasks(worker, 1);
    promise_return(pool, now);
    starting += rl_pool_call_help_if_long(pool, now);
  } else if (worker->domain.slices > 0) {
    starting += rl_pool_call_help_if_long(pool, now); /* what came by the inbox is for others */
  } else if (!worker->looking && !worker->retiring) {
    look(pool, worker);
  }
  rl_pool_unlock(pool);
  rl_pool_start(pool, starting);
  return task;
}

bool rl_pool_doze(struct rl_pool *pool, struct rl_worker *worker) {
  uint64_t now = rl_clock_now(&pool->settings->clock);
  rl_pool_lock(pool);
  stop_looking(pool, worker);
  stop_taking(pool, worker);
  bool takes = !worker->retiring && !worker->hearing.opening;
  bool ready = rl_queue_ready(&pool->queue) > 0 && !is_brief(pool, worker, now);
  bool work = takes && (ready || serving(pool) > pool->bounds.max);
  work |= pool->settings->ending && !worker->domain.ending;
  unsigned starting = takes ? 0 : rl_pool_call_help(pool);
  if (!work && takes && rl_list_empty(&worker->idle_link)) {
    rl_list_push(&pool->idle, &worker->idle_link);
    pool->sleepers++;
  }
  worker->dozing = !work;
  rl_pool_unlock(pool);
  rl_pool_start(pool, starting);
  return !work;
}

void rl_pool_rouse(struct rl_pool *pool, struct rl_worker *worker) {
  rl_pool_lock(pool);
  worker->dozing = false;
  stop_idling(pool, worker);
  rl_pool_unlock(pool);
}

void rl_pool_engage(struct rl_pool *pool, struct rl_worker *worker) {
  rl_pool_lock(pool);
  arrive(pool, worker);
  stop_looking(pool, worker);
  /* A task may have been added in the trust that this domain would take it. */
  unsigned starting = rl_pool_call_help(pool);
  rl_pool_unlock(pool);
  rl_pool_start(pool, starting);
}

bool rl_pool_hears(struct rl_domain *domain) {
  struct rl_worker *worker = (struct rl_worker *)(void *)domain;
  return domain->feed && rl_hearing_runs(&worker->hearing, domain->running);
}

bool rl_pool_spare(struct rl_pool *pool, struct rl_worker *worker) {
  unsigned starting = 0;
  rl_pool_lock(pool);
  bool spare =
      !worker->retiring && serving(pool) > pool->bounds.min && rl_queue_ready(&pool->queue) == 0;
  if (spare) {
    retire(pool, worker);
    stop_idling(pool, worker);
    starting = rl_pool_call_help(pool);
  }
  rl_pool_unlock(pool);
  rl_pool_start(pool, starting);
  return spare;
}

void rl_pool_retire(struct rl_pool *pool, struct rl_worker *worker) {
  unsigned starting = 0;
  rl_pool_lock(pool);
  if (!worker->retiring) {
    retire(pool, worker);
    starting = start_minimum(pool) + rl_pool_call_help(pool);
  }
  rl_pool_unlock(pool);
  rl_pool_start(pool, starting);
}

void rl_pool_give_up(struct rl_pool *pool, struct rl_worker *worker) {
  unsigned starting = 0;
  rl_pool_lock(pool);
  if (!worker->retiring)
    retire(pool, worker);
  if (!worker->stuck)
    pool->stuck++;
  worker->stuck = true;
  rl_hearing_leave(&worker->hearing);
  starting = start_minimum(pool) + rl_pool_call_help(pool);
  /* Its end comes to the pool under this lock, after the runner has cleared `subject`. */
  struct rl_task *task = atomic_load(&worker->domain.watch.subject);
  if (task)
    rl_task_give_up(task);
  rl_pool_unlock(pool);
  rl_pool_start(pool, starting);
}

void rl_pool_enter(struct rl_pool *pool, struct rl_worker *worker) {
  rl_pool_lock(pool);
  worker->domain.vm.number = rl_pool_free_number(pool);
  worker->coming = true; /* counted when it was decided to start it */
  rl_list_push(&pool->workers, &worker->link);
  rl_pool_unlock(pool);
}

void rl_pool_leave(struct rl_pool *pool, struct rl_worker *worker) {
  rl_pool_lock(pool);
  arrive(pool, worker);
  stop_looking(pool, worker);
  stop_idling(pool, worker);
  stop_taking(pool, worker);
  rl_list_remove(&worker->link);
  pool->domains--;
  if (worker->retiring)
    pool->retiring--;
  if (worker->stuck)
    pool->stuck--;
  rl_histogram_merge(&pool->waits, &worker->waits);
  rl_histogram_merge(&pool->runs, &worker->runs);
  unsigned starting = start_minimum(pool) + rl_pool_call_help(pool);
  rl_pool_unlock(pool);
  rl_pool_start(pool, starting);
}

void rl_pool_start_failed(struct rl_pool *pool, struct rl_worker *worker, const char *why) {
  struct rl_list orphans;
  rl_pool_lock(pool);
  bool first = pool->retry_at == 0;
  pool->retry_at = rl_clock_now(&pool->settings->clock) + RETRY_NS;
  if (worker)
    rl_list_remove(&worker->link);
  pool->coming--;
  pool->domains--;
  rl_pool_take_orphans(pool, &orphans);
  rl_pool_unlock(pool);
  if (first)
    rl_log_line(&pool->settings->log, RL_LOG_ERROR, "cannot start a compute domain: %s", why);
  rl_pool_refuse(pool, &orphans);
}

/* -- settings and figures ----------------------------------------------------------------- */

void rl_pool_set_bounds(struct rl_pool *pool, struct rl_bounds bounds) {
  struct rl_list moved;
  rl_pool_lock(pool);
  pool->bounds = bounds;
  rl_pool_promise_room(pool);
  rl_pool_empty_inbox(pool);
  rl_pool_take_for_main(pool, &moved);
  unsigned starting = start_minimum(pool) + rl_pool_call_help(pool);
  for (unsigned above = serving(pool); above > bounds.max && pool->sleepers > 0; above--)
    wake_one(pool); /* awake it finds that it is one too many */
  rl_pool_unlock(pool);
  rl_pool_run_at_main(&moved);
  rl_pool_start(pool, starting);
}

void rl_pool_set_limit(struct rl_pool *pool, unsigned limit) {
  rl_pool_lock(pool);
  pool->limit = limit;
  rl_pool_let_in(pool);
  unsigned starting = rl_pool_call_help(pool);
  rl_pool_unlock(pool);
  rl_pool_start(pool, starting);
}

void rl_pool_set_idle_time(struct rl_pool *pool, double seconds) {
  rl_pool_lock(pool);
  pool->idle_seconds = seconds;
  while (pool->sleepers > 0)
    wake_one(pool); /* they doze off again for the new time */
  rl_pool_unlock(pool);
}

void rl_pool_stop(struct rl_pool *pool) {
  struct rl_list refused;
  rl_pool_lock(pool);
  atomic_store(&pool->settings->ending, true);
  rl_pool_promise_room(pool);
  rl_pool_empty_inbox(pool);
  rl_pool_take_all(pool, &refused);
  for (struct rl_list *at = pool->workers.next; at != &pool->workers; at = at->next)
    rl_mailbox_wake(&RL_OF(at, struct rl_worker, link)->domain.mailbox);
  rl_pool_unlock(pool);
  rl_pool_refuse(pool, &refused);
}

void rl_pool_interrupt(struct rl_pool *pool) {
  rl_pool_lock(pool);
  for (struct rl_list *at = pool->workers.next; at != &pool->workers; at = at->next)
    rl_pool_nudge(&RL_OF(at, struct rl_worker, link)->domain);
  rl_pool_unlock(pool);
}
