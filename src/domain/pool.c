/* Pool: the queue, the bounds, and who is woken when. */
#include "domain/pool.h"

#include <assert.h>

#include "base/clock.h"
#include "domain/interrupt.h"
#include "domain/task.h"

enum {
  DEFAULT_LIMIT = 1000,
  DEFAULT_IDLE_SECONDS = 5,
  RETRY_NS = 500 * 1000 * 1000 /* after a domain could not be started */
};

static const char ending[] = "the task was refused: the program is ending";
static const char unstartable[] = "the task was refused: no compute domain could be started";

void rl_pool_init(struct rl_pool *pool, struct rl_settings *settings, struct rl_domain *home,
                  void (*start)(struct rl_pool *pool)) {
  *pool = (struct rl_pool){.settings = settings, .home = home, .start = start};
  pool->limit = DEFAULT_LIMIT;
  pool->bounds.max = (unsigned)settings->cores;
  pool->idle_seconds = DEFAULT_IDLE_SECONDS;
  atomic_init(&pool->queued, 0);
  atomic_init(&pool->threads, 0);
  rl_list_init(&pool->queue);
  rl_list_init(&pool->held);
  rl_list_init(&pool->workers);
  rl_list_init(&pool->idle);
  rl_histogram_init(&pool->waits);
  rl_histogram_init(&pool->runs);
  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  /* Held for tens of nanoseconds, so spinning a moment beats a trip to the kernel. */
  pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ADAPTIVE_NP);
  pthread_mutex_init(&pool->lock, &kind);
  pthread_mutexattr_destroy(&kind);
}

void rl_pool_destroy(struct rl_pool *pool) {
  assert(pool->domains == 0 && rl_list_empty(&pool->queue) && rl_list_empty(&pool->held));
  pthread_mutex_destroy(&pool->lock);
}

static void lock(struct rl_pool *pool) {
  pthread_mutex_lock(&pool->lock);
}

static void unlock(struct rl_pool *pool) {
  pthread_mutex_unlock(&pool->lock);
}

static unsigned queue_length(struct rl_pool *pool) {
  return atomic_load_explicit(&pool->queued, memory_order_relaxed);
}

/* -- under the lock ----------------------------------------------------------------------- */

static void enqueue(struct rl_pool *pool, struct rl_task *task) {
  rl_list_push(&pool->queue, &task->link);
  atomic_store(&pool->queued, queue_length(pool) + 1);
}

/* Moves what waits for room into the queue, in order. */
static void admit(struct rl_pool *pool) {
  while (pool->holding > 0 && queue_length(pool) < pool->limit) {
    struct rl_task *task = RL_OF(rl_list_take(&pool->held), struct rl_task, link);
    pool->holding--;
    task->held = false;
    enqueue(pool, task);
    if (task->admitted.arrive) {
      atomic_fetch_add(&task->references, 1);
      rl_mailbox_push(&task->origin->mailbox, &task->admitted);
    }
  }
}

static struct rl_task *dequeue(struct rl_pool *pool) {
  struct rl_list *link = rl_list_take(&pool->queue);
  if (!link)
    return NULL;
  atomic_store(&pool->queued, queue_length(pool) - 1);
  admit(pool);
  return RL_OF(link, struct rl_task, link);
}

static void stop_looking(struct rl_pool *pool, struct rl_worker *worker) {
  if (worker->looking)
    pool->looking--;
  worker->looking = false;
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
  if (pool->settings->ending)
    return false;
  if (pool->retry_at > 0 && rl_clock_now() < pool->retry_at)
    return false;
  pool->retry_at = 0;
  return true;
}

static unsigned serving(const struct rl_pool *pool) {
  return pool->domains - pool->retiring;
}

/* For each queued task that no domain is looking for: wakes a domain, or counts one to start. */
static unsigned call_help(struct rl_pool *pool) {
  unsigned starting = 0;
  while (queue_length(pool) > pool->looking + pool->coming) {
    if (pool->sleepers > 0) {
      wake_one(pool);
    } else if (serving(pool) < pool->bounds.max && may_start(pool)) {
      pool->domains++;
      pool->coming++;
      starting++;
    } else {
      break;
    }
  }
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

static void start(struct rl_pool *pool, unsigned count) {
  while (count-- > 0)
    pool->start(pool);
}

/* Of tasks that nobody else can reach any more. */
static void refuse(struct rl_list *tasks, const char *why) {
  for (struct rl_list *link; (link = rl_list_take(tasks));)
    rl_task_refuse(RL_OF(link, struct rl_task, link), why);
}

static void run_at_main(struct rl_task *task) {
  task->message.arrive = rl_task_arrive;
  rl_mailbox_push(&task->main->mailbox, &task->message);
}

/* Under the lock: takes all tasks that have not begun. */
static void take_all(struct rl_pool *pool, struct rl_list *into, bool give_to_main) {
  rl_list_init(into);
  rl_list_move(into, &pool->queue);
  rl_list_move(into, &pool->held);
  atomic_store(&pool->queued, 0);
  pool->holding = 0;
  for (struct rl_list *at = into->next; at != into; at = at->next) {
    struct rl_task *task = RL_OF(at, struct rl_task, link);
    task->runner = give_to_main ? task->main : NULL;
    if (task->held && task->admitted.arrive) {
      atomic_fetch_add(&task->references, 1);
      rl_mailbox_push(&task->origin->mailbox, &task->admitted);
    }
    task->held = false;
    task->taken = true; /* a cancellation must not take it out of this list */
  }
}

/* Runner's thread: the task is over. */
static void count(struct rl_task *task) {
  struct rl_pool *pool = task->pool;
  struct rl_domain *runner = task->runner;
  uint64_t waited = task->started - task->submitted;
  bool at_worker = runner && runner->feed;
  if (at_worker) {
    struct rl_worker *worker = (struct rl_worker *)(void *)runner;
    rl_histogram_record(&worker->waits, waited);
    rl_histogram_record(&worker->runs, task->took);
    atomic_fetch_sub_explicit(&worker->tasks, 1, memory_order_relaxed);
  }
  lock(pool);
  task->runner = NULL;
  if (!at_worker) {
    rl_histogram_record(&pool->waits, waited);
    rl_histogram_record(&pool->runs, task->took);
  }
  if (task->outcome == RL_TASK_DONE)
    pool->finished++;
  else if (task->outcome == RL_TASK_CANCELLED)
    pool->cancelled++;
  else
    pool->failed++;
  unlock(pool);
}

bool rl_pool_submit(struct rl_pool *pool, struct rl_task *task) {
  unsigned starting = 0;
  struct rl_list orphans;
  rl_list_init(&orphans);
  task->pool = pool;
  task->count = count;
  task->submitted = rl_clock_now();
  lock(pool);
  pool->submitted++;
  bool refused = pool->settings->ending, at_main = pool->bounds.max == 0;
  if (refused || at_main) {
    task->runner = task->main;
  } else if (pool->holding > 0 || queue_length(pool) >= pool->limit) {
    rl_list_push(&pool->held, &task->link);
    pool->holding++;
    task->held = true;
  } else {
    enqueue(pool, task);
    starting = call_help(pool);
    if (pool->domains == 0)
      take_all(pool, &orphans, false);
  }
  bool held = task->held;
  unlock(pool);
  refuse(&orphans, unstartable);
  if (refused)
    rl_task_refuse(task, ending);
  else if (at_main)
    run_at_main(task);
  if (starting > 0)
    pool->settings->note_paths(task->origin);
  start(pool, starting);
  return !held;
}

/* Under the lock: so that Lua code that runs at a worker notices. */
static void interrupt(struct rl_domain *runner) {
  struct rl_worker *worker = (struct rl_worker *)(void *)runner;
  if (runner->feed && atomic_load(&worker->running))
    rl_interrupt_send(worker->self);
}

bool rl_pool_cancel(struct rl_pool *pool, struct rl_task *task) {
  lock(pool);
  bool unbegun = rl_task_unbegun(task);
  if (unbegun) {
    rl_list_remove(&task->link);
    if (task->held)
      pool->holding--;
    else
      atomic_store(&pool->queued, queue_length(pool) - 1);
    task->held = false;
    pool->cancelled++;
    admit(pool);
  } else if (task->runner) {
    /* Under the lock the runner cannot leave, so its mailbox is open. */
    rl_task_tell(task);
    interrupt(task->runner);
  }
  unlock(pool);
  return unbegun;
}

struct rl_task *rl_pool_take(struct rl_pool *pool, struct rl_worker *worker) {
  if (worker->looking && atomic_load(&pool->queued) == 0)
    return NULL;
  unsigned starting = 0;
  struct rl_task *task = NULL;
  lock(pool);
  arrive(pool, worker);
  if (serving(pool) > pool->bounds.max && !worker->retiring) {
    worker->retiring = true;
    pool->retiring++;
    stop_looking(pool, worker);
    starting = call_help(pool); /* it may have been the one that was looking */
  }
  if (!worker->retiring)
    task = dequeue(pool);
  if (task) {
    stop_looking(pool, worker);
    task->runner = &worker->domain;
    atomic_fetch_add_explicit(&worker->tasks, 1, memory_order_relaxed);
    starting += call_help(pool);
  } else if (!worker->looking && !worker->retiring) {
    worker->looking = true;
    pool->looking++;
  }
  unlock(pool);
  start(pool, starting);
  return task;
}

bool rl_pool_doze(struct rl_pool *pool, struct rl_worker *worker) {
  lock(pool);
  stop_looking(pool, worker);
  bool work = !worker->retiring && (queue_length(pool) > 0 || serving(pool) > pool->bounds.max);
  work |= pool->settings->ending && !worker->domain.ending;
  if (!work && !worker->retiring && rl_list_empty(&worker->idle_link)) {
    rl_list_push(&pool->idle, &worker->idle_link);
    pool->sleepers++;
  }
  worker->dozing = !work;
  unlock(pool);
  return !work;
}

void rl_pool_rouse(struct rl_pool *pool, struct rl_worker *worker) {
  lock(pool);
  worker->dozing = false;
  stop_idling(pool, worker);
  unlock(pool);
}

void rl_pool_engage(struct rl_pool *pool, struct rl_worker *worker) {
  lock(pool);
  arrive(pool, worker);
  stop_looking(pool, worker);
  /* A task may have been added in the trust that this domain would take it. */
  unsigned starting = call_help(pool);
  unlock(pool);
  start(pool, starting);
}

bool rl_pool_spare(struct rl_pool *pool, struct rl_worker *worker) {
  lock(pool);
  bool spare = !worker->retiring && serving(pool) > pool->bounds.min && queue_length(pool) == 0;
  if (spare) {
    worker->retiring = true;
    pool->retiring++;
    stop_looking(pool, worker);
    stop_idling(pool, worker);
  }
  unlock(pool);
  return spare;
}

void rl_pool_enter(struct rl_pool *pool, struct rl_worker *worker) {
  lock(pool);
  worker->domain.vm.number = rl_pool_free_number(pool);
  worker->coming = true; /* counted when it was decided to start it */
  rl_list_push(&pool->workers, &worker->link);
  unlock(pool);
}

void rl_pool_leave(struct rl_pool *pool, struct rl_worker *worker) {
  lock(pool);
  arrive(pool, worker);
  stop_looking(pool, worker);
  stop_idling(pool, worker);
  rl_list_remove(&worker->link);
  pool->domains--;
  if (worker->retiring)
    pool->retiring--;
  rl_histogram_merge(&pool->waits, &worker->waits);
  rl_histogram_merge(&pool->runs, &worker->runs);
  unsigned starting = start_minimum(pool) + call_help(pool);
  unlock(pool);
  start(pool, starting);
}

void rl_pool_start_failed(struct rl_pool *pool, struct rl_worker *worker, const char *why) {
  struct rl_list orphans;
  rl_list_init(&orphans);
  lock(pool);
  bool first = pool->retry_at == 0;
  pool->retry_at = rl_clock_now() + RETRY_NS;
  if (worker)
    rl_list_remove(&worker->link);
  pool->coming--;
  pool->domains--;
  if (pool->domains == 0)
    take_all(pool, &orphans, false);
  unlock(pool);
  if (first)
    rl_log_line(&pool->settings->log, "cannot start a compute domain: %s", why);
  refuse(&orphans, unstartable);
}

/* -- settings and figures ----------------------------------------------------------------- */

void rl_pool_set_bounds(struct rl_pool *pool, struct rl_bounds bounds) {
  struct rl_list moved;
  rl_list_init(&moved);
  lock(pool);
  pool->bounds = bounds;
  if (bounds.max == 0)
    take_all(pool, &moved, true);
  unsigned starting = start_minimum(pool) + call_help(pool);
  for (unsigned above = serving(pool); above > bounds.max && pool->sleepers > 0; above--)
    wake_one(pool); /* awake it finds that it is one too many */
  unlock(pool);
  for (struct rl_list *link; (link = rl_list_take(&moved));)
    run_at_main(RL_OF(link, struct rl_task, link));
  start(pool, starting);
}

void rl_pool_set_limit(struct rl_pool *pool, unsigned limit) {
  lock(pool);
  pool->limit = limit;
  admit(pool);
  unsigned starting = call_help(pool);
  unlock(pool);
  start(pool, starting);
}

void rl_pool_set_idle_time(struct rl_pool *pool, double seconds) {
  lock(pool);
  pool->idle_seconds = seconds;
  while (pool->sleepers > 0)
    wake_one(pool); /* they doze off again for the new time */
  unlock(pool);
}

void rl_pool_stop(struct rl_pool *pool) {
  struct rl_list refused;
  lock(pool);
  atomic_store(&pool->settings->ending, true);
  take_all(pool, &refused, false);
  for (struct rl_list *at = pool->workers.next; at != &pool->workers; at = at->next)
    rl_mailbox_wake(&RL_OF(at, struct rl_worker, link)->domain.mailbox);
  unlock(pool);
  refuse(&refused, ending);
}

void rl_pool_interrupt(struct rl_pool *pool) {
  lock(pool);
  for (struct rl_list *at = pool->workers.next; at != &pool->workers; at = at->next)
    interrupt(&RL_OF(at, struct rl_worker, link)->domain);
  unlock(pool);
}
