/* The tasks of the pool: how they come into the queue and out of it, and how they are counted. */
#include "base/clock.h"
#include "domain/interrupt.h"
#include "domain/pool.h"
#include "domain/task.h"
#include "domain/ticker.h"

static struct rl_task *task_of(struct rl_list *link) {
  return RL_OF(link, struct rl_task, link);
}

/* -- under the lock ----------------------------------------------------------------------- */

static bool is_full(const struct rl_pool *pool) {
  return pool->queue.length - pool->holding >= pool->limit;
}

static void hold(struct rl_pool *pool, struct rl_task *task) {
  rl_list_push(&pool->held, &task->link);
  pool->holding++;
  task->held = true;
}

static void let_in(struct rl_pool *pool, struct rl_task *task) {
  rl_list_remove(&task->link);
  pool->holding--;
  task->held = false;
}

/* Its caller waits no more. */
static void tell_admitted(struct rl_task *task) {
  if (!task->admitted.arrive)
    return;
  atomic_fetch_add(&task->references, 1);
  rl_mailbox_push(&task->origin->mailbox, &task->admitted);
}

void rl_pool_admit(struct rl_pool *pool) {
  while (pool->holding > 0 && !is_full(pool)) {
    struct rl_task *task = task_of(pool->held.next);
    let_in(pool, task);
    tell_admitted(task);
  }
}

/* Of an entry that has left the queue. */
static struct rl_task *taken(struct rl_pool *pool, struct rl_entry *entry) {
  if (!entry)
    return NULL;
  struct rl_task *task = RL_OF(entry, struct rl_task, entry);
  if (task->held) {
    let_in(pool, task);
    tell_admitted(task);
  }
  rl_pool_admit(pool);
  return task;
}

struct rl_task *rl_pool_next(struct rl_pool *pool) {
  return taken(pool, rl_queue_take(&pool->queue));
}

void rl_pool_take_for_main(struct rl_pool *pool, struct rl_list *tasks) {
  rl_list_init(tasks);
  if (pool->bounds.max > 0)
    return;
  for (struct rl_task *task; (task = rl_pool_next(pool));) {
    task->runner = task->main;
    rl_list_push(tasks, &task->link);
  }
}

void rl_pool_take_all(struct rl_pool *pool, struct rl_list *tasks) {
  rl_list_init(tasks);
  for (struct rl_task *task; (task = taken(pool, rl_queue_take_any(&pool->queue)));)
    rl_list_push(tasks, &task->link);
}

void rl_pool_take_orphans(struct rl_pool *pool, struct rl_list *tasks) {
  rl_list_init(tasks);
  if (pool->domains == 0 && rl_queue_ready(&pool->queue) > 0)
    rl_pool_take_all(pool, tasks);
}

void rl_pool_nudge(struct rl_domain *runner) {
  struct rl_worker *worker = (struct rl_worker *)(void *)runner;
  if (runner->feed && atomic_load(&worker->running))
    rl_interrupt_ask(runner, RL_ASK_STOP);
  rl_ticker_want(runner->settings->ticker); /* it asks again, and sees if that does not help */
}

/* What is to be done when the lock is released. */
struct errands {
  unsigned starting; /* domains */
  struct rl_list at_main, orphans;
};

static void init_errands(struct errands *errands) {
  errands->starting = 0;
  rl_list_init(&errands->at_main);
  rl_list_init(&errands->orphans);
}

/* There may be more that can be taken. */
static void distribute(struct rl_pool *pool, struct errands *errands) {
  rl_pool_take_for_main(pool, &errands->at_main);
  errands->starting += rl_pool_call_help(pool);
  rl_pool_take_orphans(pool, &errands->orphans);
}

/* -- without the lock --------------------------------------------------------------------- */

static const char *reason(const struct rl_pool *pool) {
  return pool->settings->ending ? "the task was refused: the program is ending"
                                : "the task was refused: no compute domain could be started";
}

void rl_pool_refuse(struct rl_pool *pool, struct rl_list *tasks) {
  for (struct rl_list *link; (link = rl_list_take(tasks));)
    rl_task_refuse(task_of(link), reason(pool));
}

void rl_pool_run_at_main(struct rl_list *tasks) {
  for (struct rl_list *link; (link = rl_list_take(tasks));) {
    struct rl_task *task = task_of(link);
    task->message.arrive = rl_task_arrive;
    rl_mailbox_push(&task->main->mailbox, &task->message);
  }
}

static void run_errands(struct rl_pool *pool, struct errands *errands) {
  rl_pool_refuse(pool, &errands->orphans);
  rl_pool_run_at_main(&errands->at_main);
  rl_pool_start(pool, errands->starting);
}

/* -- the end of a task -------------------------------------------------------------------- */

static void count_outcome(struct rl_pool *pool, const struct rl_task *task) {
  if (task->outcome == RL_TASK_DONE)
    pool->finished++;
  else if (task->outcome == RL_TASK_CANCELLED)
    pool->cancelled++;
  else
    pool->failed++;
}

/* Runner's thread. */
static void count(struct rl_task *task) {
  struct rl_pool *pool = task->pool;
  struct rl_domain *runner = task->runner;
  uint64_t waited = task->started - task->submitted;
  struct errands errands;
  init_errands(&errands);
  bool at_worker = runner && runner->feed;
  if (at_worker) {
    struct rl_worker *worker = (struct rl_worker *)(void *)runner;
    rl_histogram_record(&worker->waits, waited);
    rl_histogram_record(&worker->runs, task->took);
    atomic_fetch_sub_explicit(&worker->tasks, 1, memory_order_relaxed);
  }
  pthread_mutex_lock(&pool->lock);
  task->runner = NULL;
  if (!at_worker) {
    rl_histogram_record(&pool->waits, waited);
    rl_histogram_record(&pool->runs, task->took);
  }
  count_outcome(pool, task);
  if (task->entry.group) {
    rl_queue_ended(&pool->queue, &task->entry, rl_clock_now());
    distribute(pool, &errands); /* one of its group may be parked no longer */
  }
  pthread_mutex_unlock(&pool->lock);
  run_errands(pool, &errands);
}

/* -- the origin's side -------------------------------------------------------------------- */

static void prepare(struct rl_pool *pool, struct rl_task *task) {
  task->pool = pool;
  task->count = count;
  task->submitted = rl_clock_now();
  task->entry.since = task->submitted;
  task->entry.deadline = task->deadline;
}

/* Under the lock. */
static void enqueue(struct rl_pool *pool, struct rl_task *task) {
  if (is_full(pool))
    hold(pool, task);
  rl_queue_push(&pool->queue, &task->entry);
}

bool rl_pool_submit(struct rl_pool *pool, struct rl_task *task) {
  struct errands errands;
  init_errands(&errands);
  prepare(pool, task);
  pthread_mutex_lock(&pool->lock);
  pool->submitted++;
  bool refused = pool->settings->ending;
  if (!refused)
    enqueue(pool, task);
  bool held = task->held;
  distribute(pool, &errands);
  pthread_mutex_unlock(&pool->lock);
  if (refused)
    rl_list_push(&errands.orphans, &task->link);
  if (errands.starting > 0)
    pool->settings->note_paths(task->origin);
  run_errands(pool, &errands);
  return !held;
}

/* Under the lock: it will not run. */
static void withdraw(struct rl_pool *pool, struct rl_task *task, uint64_t now) {
  rl_queue_remove(&pool->queue, &task->entry, now);
  if (task->held)
    let_in(pool, task);
  pool->cancelled++;
  rl_pool_admit(pool);
}

bool rl_pool_cancel(struct rl_pool *pool, struct rl_task *task) {
  pthread_mutex_lock(&pool->lock);
  bool unbegun = rl_queue_holds(&task->entry);
  if (unbegun) {
    withdraw(pool, task, rl_clock_now());
  } else if (task->runner) {
    /* Under the lock the runner cannot leave, so its mailbox is open. */
    rl_task_tell(task);
    rl_pool_nudge(task->runner);
  }
  pthread_mutex_unlock(&pool->lock);
  return unbegun;
}
