/* Who is let into the pool's queue, and who is thrown out of it. Everything under the pool's lock.
 *
 * A task whose forecast says that it would be late is refused at once: work that nobody will wait
 * for to the end keeps the pool from work that somebody does. */
#include "base/clock.h"
#include "domain/job.h"
#include "domain/pool.h"
#include "domain/task.h"

enum { OVERLOOKED = 2 * 1000 * 1000 /* ns in the queue */ };

/* -- room --------------------------------------------------------------------------------- */

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
  if (!task->admitted.arrive)
    return;
  atomic_fetch_add(&task->references, 1); /* its caller waits no more */
  rl_mailbox_push(&task->origin->mailbox, &task->admitted);
}

void rl_pool_let_in(struct rl_pool *pool) {
  while (pool->holding > 0 && !is_full(pool))
    let_in(pool, RL_OF(pool->held.next, struct rl_task, link));
}

void rl_pool_vacate(struct rl_pool *pool, struct rl_task *task) {
  if (task->held)
    let_in(pool, task);
  rl_pool_let_in(pool);
}

void rl_pool_remove(struct rl_pool *pool, struct rl_task *task, uint64_t now) {
  rl_queue_remove(&pool->queue, &task->entry, now);
  rl_pool_vacate(pool, task);
}

/* -- forecast ----------------------------------------------------------------------------- */

static unsigned least_one(unsigned count) {
  return count > 0 ? count : 1;
}

/* Domains that have nothing to do, or could be started. */
static unsigned free_domains(const struct rl_pool *pool) {
  unsigned serving = pool->domains - pool->retiring;
  unsigned more = pool->bounds.max > serving ? pool->bounds.max - serving : 0;
  return atomic_load(&pool->inbox.looking) + pool->coming + pool->sleepers + more;
}

/* The ns that a task would probably be queued. What runs already is half done, on average. */
static uint64_t forecast(const struct rl_pool *pool, const struct rl_job *job) {
  const struct rl_group *group = job ? &job->group : NULL;
  uint64_t wait = 0;
  if (rl_queue_ready(&pool->queue) >= free_domains(pool)) {
    uint64_t ahead = rl_queue_ahead(&pool->queue, group) + pool->under_way / 2;
    wait = ahead / least_one(pool->bounds.max);
  }
  if (group && group->max > 0 && group->out >= group->max) {
    uint64_t own = (group->work + job->account->figures.expected / 2) / group->max;
    wait = own > wait ? own : wait;
  }
  return wait;
}

/* The ns that a task will probably run: as others of its job, or for want of these as all tasks. */
static uint64_t expected_run(const struct rl_pool *pool, const struct rl_task *task) {
  uint64_t own = task->job ? task->job->account->figures.expected : 0;
  return own > 0 ? own : pool->figures.expected;
}

/* A forecast, and a quarter: runs differ, and a pool that is asked for too much would otherwise
 * begin every task at the last moment. */
static uint64_t with_margin(uint64_t time) {
  return time + time / 4;
}

/* How long a task may be queued and still be over in time. Of its time no more than half is set
 * aside for its own run: one slow run must not keep a job from ever being tried again. */
static uint64_t patience_of(const struct rl_task *task) {
  uint64_t time = task->deadline - task->submitted, run = with_margin(task->entry.estimate);
  return time - (run < time / 2 ? run : time / 2);
}

/* -- out ---------------------------------------------------------------------------------- */

static void note(struct rl_pool *pool, struct rl_task *task, enum rl_overload_reason reason) {
  uint64_t wait = forecast(pool, task->job);
  task->overload =
      (struct rl_overload){.reason = reason,
                           .job = task->job ? task->job->account->name : NULL,
                           .wait = wait,
                           .retry_after = wait,
                           .deadline = task->deadline ? task->deadline - task->submitted : 0};
}

/* Ends a queued task unrun, and sends it home. */
static void drop(struct rl_pool *pool, struct rl_task *task, enum rl_overload_reason reason,
                 uint64_t now) {
  rl_pool_remove(pool, task, now);
  pool->figures.dropped++;
  if (task->job) {
    note(pool, task, reason);
    task->job->account->figures.dropped++;
  }
  task->count = NULL; /* it is counted */
  rl_task_refuse(task, "the task was dropped: the deadline of the task that started it passed "
                       "before it began");
}

static void expire(struct rl_pool *pool, uint64_t now) {
  for (struct rl_entry *entry; (entry = rl_queue_expired(&pool->queue, now));)
    drop(pool, RL_OF(entry, struct rl_task, entry), RL_OVERLOAD_EXPIRED, now);
}

void rl_pool_expire(struct rl_pool *pool) {
  if (pool->queue.expiry)
    expire(pool, rl_clock_now(&pool->settings->clock));
}

/* No domain was called for it, since it seemed that its turn would soon come. */
static bool is_overlooked(const struct rl_pool *pool, uint64_t now) {
  const struct rl_entry *next = rl_queue_peek(&pool->queue);
  return next && now > next->since + OVERLOOKED;
}

/* Nobody takes a task while all domains compute, but who waits for it is told in time. */
bool rl_pool_tick(void *owner, uint64_t now) {
  struct rl_pool *pool = owner;
  rl_pool_lock(pool);
  expire(pool, now);
  bool more = pool->queue.expiry || rl_queue_ready(&pool->queue) > 0;
  unsigned starting = is_overlooked(pool, now) ? rl_pool_call_help(pool) : 0;
  rl_pool_unlock(pool);
  rl_pool_start(pool, starting);
  return more;
}

/* -- in ----------------------------------------------------------------------------------- */

static enum rl_verdict refuse(struct rl_pool *pool, struct rl_task *task,
                              enum rl_overload_reason reason, uint64_t retry_after) {
  note(pool, task, reason);
  if (retry_after > 0)
    task->overload.retry_after = retry_after;
  pool->figures.refused++;
  task->job->account->figures.refused++;
  return RL_VERDICT_REFUSED;
}

/* For the task of a job that does not wait for room: throws an older one out, if it may. */
static void make_room(struct rl_pool *pool, struct rl_task *task) {
  struct rl_entry *oldest = rl_queue_oldest(&task->job->group);
  if (task->job->settings.on_full == RL_ON_FULL_DROP_OLDEST && oldest)
    drop(pool, RL_OF(oldest, struct rl_task, entry), RL_OVERLOAD_DROPPED, task->submitted);
}

/* Whether a job's own rules keep its task out. */
static enum rl_verdict judge(struct rl_pool *pool, struct rl_task *task) {
  const struct rl_job_settings *settings = &task->job->settings;
  if (task->deadline) {
    uint64_t wait = with_margin(forecast(pool, task->job)), patience = patience_of(task);
    task->entry.latest = task->submitted + patience;
    if (wait > patience)
      return refuse(pool, task, RL_OVERLOAD_FORECAST, wait - patience);
  }
  if (is_full(pool) && settings->on_full != RL_ON_FULL_WAIT)
    make_room(pool, task);
  if (is_full(pool) && settings->on_full != RL_ON_FULL_WAIT)
    return refuse(pool, task, RL_OVERLOAD_FULL, 0);
  return RL_VERDICT_QUEUED;
}

static void count_in(struct rl_figures *figures, const struct rl_task *task) {
  figures->submitted++;
  figures->bytes_in += task->arguments.bytes.size;
}

void rl_pool_admit_plain(struct rl_pool *pool, struct rl_task *task) {
  count_in(&pool->figures, task);
  task->entry.estimate = expected_run(pool, task);
  rl_queue_push(&pool->queue, &task->entry);
}

enum rl_verdict rl_pool_admit(struct rl_pool *pool, struct rl_task *task) {
  rl_pool_expire(pool);
  count_in(&pool->figures, task);
  task->entry.estimate = expected_run(pool, task);
  if (task->job) {
    count_in(&task->job->account->figures, task);
    if (judge(pool, task) == RL_VERDICT_REFUSED)
      return RL_VERDICT_REFUSED;
  }
  bool full = is_full(pool);
  if (full)
    hold(pool, task);
  rl_queue_push(&pool->queue, &task->entry);
  return full ? RL_VERDICT_HELD : RL_VERDICT_QUEUED;
}
