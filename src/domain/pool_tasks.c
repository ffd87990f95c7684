/* The tasks of the pool: who submits, takes, ends and cancels them. Which are let into the queue is
 * in pool_admit.c. */
#include "base/clock.h"
#include "domain/interrupt.h"
#include "domain/job.h"
#include "domain/pool.h"
#include "domain/task.h"
#include "domain/ticker.h"

static struct rl_task *task_of(struct rl_list *link) {
  return RL_OF(link, struct rl_task, link);
}

/* -- under the lock ----------------------------------------------------------------------- */

/* Of an entry that has left the queue. */
static struct rl_task *taken(struct rl_pool *pool, struct rl_entry *entry) {
  if (!entry)
    return NULL;
  struct rl_task *task = RL_OF(entry, struct rl_task, entry);
  pool->under_way += entry->estimate;
  rl_pool_vacate(pool, task);
  return task;
}

struct rl_task *rl_pool_next(struct rl_pool *pool) {
  rl_pool_expire(pool);
  return taken(pool, rl_queue_take(&pool->queue));
}

/* The level of an entry, a higher one if it has waited long. */
static unsigned level_now(const struct rl_pool *pool, const struct rl_entry *entry) {
  unsigned level = rl_queue_level(entry);
  uint64_t waited = level > 0 ? rl_clock_now(&pool->settings->clock) - entry->since : 0;
  return waited / RL_QUEUE_PATIENCE < level ? level - (unsigned)(waited / RL_QUEUE_PATIENCE) : 0;
}

/* The ns that a task will probably run: one of a job as others of that, any other if all of these
 * have lately been alike. 0: that cannot be said. In a simulation it is not said of the others, for
 * their turns are there to try what they may lead to. */
static uint64_t usual_run(const struct rl_pool *pool, const struct rl_task *task) {
  if (task->job)
    return task->job->account->figures.expected;
  return pool->settings->simulation ? 0 : rl_likeness_run(&pool->plain);
}

/* The ns that a sliced fiber will probably run on: for ever, for all that is known, unless that can
 * be said of its task. One that is over its time goes on for as long again. */
static uint64_t rest_of(const struct rl_pool *pool, const struct rl_fiber *fiber) {
  const struct rl_task *task = fiber->subject;
  uint64_t usual = task ? usual_run(pool, task) : 0;
  if (usual == 0)
    return UINT64_MAX;
  return usual > task->usage.ran ? usual - task->usage.ran : task->usage.ran - usual;
}

/* The ns that the next task will probably run. 0, so that it begins beside any other: that cannot
 * be said, or without a job it has a deadline, or has waited for so long that it may be the first
 * of another kind. */
static uint64_t run_of(const struct rl_pool *pool, const struct rl_entry *next) {
  const struct rl_task *task = RL_OF(next, struct rl_task, entry);
  uint64_t waited = rl_clock_now(&pool->settings->clock) - next->since;
  bool patient = task->job || (!next->deadline && waited < RL_QUEUE_PATIENCE);
  return patient ? usual_run(pool, task) : 0;
}

/* By priority, whatever the entry has gained by waiting. */
static bool is_before(const struct rl_entry *entry, const struct rl_fiber *fiber) {
  const struct rl_task *task = fiber->subject;
  return task && rl_queue_level(entry) < rl_queue_level(&task->entry);
}

static bool is_behind(const struct rl_pool *pool, const struct rl_entry *entry,
                      const struct rl_fiber *fiber) {
  const struct rl_task *task = fiber->subject;
  return task && level_now(pool, entry) > rl_queue_level(&task->entry);
}

/* Whether another domain, which computes for fewer at a time, will be between slices in a moment:
 * what has begun stays where it is, so that an uneven share leaves cores idle in the end. What is
 * due does not wait for that. */
static bool is_for_another(const struct rl_pool *pool, const struct rl_domain *domain,
                           const struct rl_entry *next) {
  uint64_t slice = atomic_load_explicit(&pool->settings->ticker->slice, memory_order_relaxed);
  if (next->deadline || rl_clock_now(&pool->settings->clock) > next->since + 2 * slice)
    return false; /* or that domain should have come by now */
  for (struct rl_list *at = pool->workers.next; at != &pool->workers; at = at->next) {
    const struct rl_worker *other = RL_OF(at, struct rl_worker, link);
    bool comes = !other->retiring && !other->dozing && !other->coming && !other->looking;
    if (comes && atomic_load(&other->domain.slices) + 1 < atomic_load(&domain->slices))
      return true;
  }
  return false;
}

bool rl_pool_is_urgent(struct rl_pool *pool, const struct rl_domain *domain) {
  rl_pool_expire(pool);
  const struct rl_entry *next = rl_queue_peek(&pool->queue);
  if (next && is_for_another(pool, domain, next))
    return false;
  uint64_t run = next ? run_of(pool, next) : 0;
  bool first = false;
  for (struct rl_list *at = domain->sliced.next; next && at != &domain->sliced; at = at->next) {
    const struct rl_fiber *fiber = RL_OF(at, struct rl_fiber, cut);
    if (is_behind(pool, next, fiber))
      return false;
    first |= is_before(next, fiber) || rest_of(pool, fiber) > run;
  }
  return first;
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
  bool any;
  unsigned starting; /* domains */
  struct rl_list at_main, orphans;
};

static void init_errands(struct errands *errands) {
  errands->starting = 0;
  errands->any = false;
  rl_list_init(&errands->at_main);
  rl_list_init(&errands->orphans);
}

/* There may be more that can be taken. */
static void distribute(struct rl_pool *pool, struct errands *errands, uint64_t now) {
  bool at_main = pool->bounds.max == 0;
  if (at_main)
    rl_pool_take_for_main(pool, &errands->at_main);
  errands->starting += rl_pool_call_help_if_long(pool, now);
  bool deserted = pool->domains == 0;
  if (deserted)
    rl_pool_take_orphans(pool, &errands->orphans);
  errands->any = at_main || deserted || errands->starting > 0;
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
  if (!errands->any)
    return;
  rl_pool_refuse(pool, &errands->orphans);
  rl_pool_run_at_main(&errands->at_main);
  rl_pool_start(pool, errands->starting);
}

/* -- the end of a task -------------------------------------------------------------------- */

static void count_outcome(struct rl_figures *figures, const struct rl_task *task) {
  if (task->outcome == RL_TASK_DONE)
    figures->finished++;
  else if (task->outcome == RL_TASK_CANCELLED)
    figures->cancelled++;
  else
    figures->failed++;
}

static bool was_cut(const struct rl_task *task) {
  return task->outcome == RL_TASK_CANCELLED || task->overran;
}

static void charge(struct rl_figures *figures, const struct rl_task *task) {
  count_outcome(figures, task);
  if (!task->began)
    return;
  figures->wait += task->started - task->submitted;
  figures->bytes_out += task->results.bytes.size;
  figures->cpu += task->usage.ran - task->usage.stalled;
  figures->instructions += task->instructions;
  if (task->peak > figures->peak)
    figures->peak = task->peak;
  rl_figures_learn(figures, task->usage.ran, was_cut(task));
}

/* Under the lock: one of its group may be parked no longer. */
static void leave_group(struct rl_pool *pool, struct rl_task *task, struct errands *errands) {
  charge(&task->job->account->figures, task);
  rl_queue_ended(&pool->queue, &task->entry, rl_clock_now(&pool->settings->clock));
  distribute(pool, errands, 0);
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
    rl_pool_add_tasks(worker, -1u);
  }
  pthread_mutex_lock(&pool->lock);
  task->runner = NULL;
  if (!at_worker) {
    rl_histogram_record(&pool->waits, waited);
    rl_histogram_record(&pool->runs, task->took);
  }
  if (task->entry.place == RL_PLACE_OUT)
    pool->under_way -= task->entry.estimate;
  charge(&pool->figures, task);
  if (task->job)
    leave_group(pool, task, &errands);
  else if (task->began)
    rl_likeness_learn(&pool->plain, task->usage.ran, was_cut(task));
  pthread_mutex_unlock(&pool->lock);
  run_errands(pool, &errands);
}

/* -- the origin's side -------------------------------------------------------------------- */

/* A task that belongs to one with a deadline has no more time than that. */
static uint64_t deadline_of(const struct rl_task *task) {
  uint64_t own = task->job ? task->job->settings.deadline : 0;
  uint64_t deadline = own ? task->submitted + own : 0;
  if (task->due && (!deadline || task->due < deadline))
    deadline = task->due > task->submitted ? task->due : task->submitted + 1;
  return deadline;
}

static void prepare(struct rl_pool *pool, struct rl_task *task) {
  const struct rl_job *job = task->job;
  task->pool = pool;
  if (task->count != count)
    task->count = count;
  task->submitted = rl_clock_now(&pool->settings->clock);
  if (job)
    task->run_limit = rl_limits_least(task->run_limit, job->settings.timeout);
  uint64_t deadline = deadline_of(task);
  if (task->deadline != deadline || task->due != deadline)
    task->deadline = task->due = deadline;
  task->entry.group = job ? &task->job->group : NULL;
  task->entry.since = task->submitted;
  task->entry.deadline = deadline;
  if (deadline)
    task->entry.latest = deadline;
}

/* What came by the inbox is there, and perhaps nobody looks for it. */
static void attend(struct rl_pool *pool, struct rl_domain *origin) {
  struct errands errands;
  init_errands(&errands);
  rl_pool_lock(pool);
  bool ending = pool->settings->ending;
  if (ending)
    rl_pool_take_all(pool, &errands.orphans);
  else
    distribute(pool, &errands, 0);
  rl_pool_unlock(pool);
  errands.any |= ending;
  if (errands.starting > 0)
    pool->settings->note_paths(origin);
  run_errands(pool, &errands);
}

/* False if it is not to come by the inbox. */
static bool slip_in(struct rl_pool *pool, struct rl_task *task) {
  struct rl_domain *origin = task->origin; /* once it is in, others may have it */
  bool alone = false;
  if (task->job || task->deadline || !rl_inbox_put(&pool->inbox, task, &alone))
    return false;
  rl_ticker_want(pool->settings->ticker); /* who promised to take it may compute for long */
  if (alone)
    attend(pool, origin);
  return true;
}

enum rl_verdict rl_pool_submit(struct rl_pool *pool, struct rl_task *task) {
  struct errands errands;
  init_errands(&errands);
  prepare(pool, task);
  if (slip_in(pool, task))
    return RL_VERDICT_QUEUED;
  if (task->deadline)
    rl_ticker_want(pool->settings->ticker);
  rl_pool_lock(pool);
  bool ending = pool->settings->ending;
  enum rl_verdict verdict = ending ? RL_VERDICT_QUEUED : rl_pool_admit(pool, task);
  distribute(pool, &errands, task->submitted);
  rl_pool_unlock(pool);
  if (ending)
    rl_list_push(&errands.orphans, &task->link);
  errands.any |= ending;
  if (errands.starting > 0)
    pool->settings->note_paths(task->origin);
  run_errands(pool, &errands);
  return verdict;
}

bool rl_pool_cancel(struct rl_pool *pool, struct rl_task *task) {
  rl_pool_lock(pool);
  bool unbegun = rl_queue_holds(&task->entry);
  if (unbegun) {
    rl_pool_remove(pool, task, rl_clock_now(&pool->settings->clock));
    pool->figures.cancelled++;
    if (task->job)
      task->job->account->figures.cancelled++;
  } else if (task->runner) {
    /* Under the lock the runner cannot leave, so its mailbox is open. */
    rl_task_tell(task);
    rl_pool_nudge(task->runner);
  }
  rl_pool_unlock(pool);
  return unbegun;
}
