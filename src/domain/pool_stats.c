/* The pool's settings and figures, each read at one moment. */
#include "domain/pool.h"

#include "domain/task.h"

static bool has_number(struct rl_pool *pool, unsigned number) {
  for (struct rl_list *at = pool->workers.next; at != &pool->workers; at = at->next)
    if (RL_OF(at, struct rl_worker, link)->domain.vm.number == number)
      return true;
  return false;
}

unsigned rl_pool_free_number(struct rl_pool *pool) {
  unsigned number = 1;
  while (has_number(pool, number))
    number++;
  return number;
}

bool rl_pool_all_stuck(struct rl_pool *pool) {
  rl_pool_lock(pool);
  bool all = pool->domains > 0 && pool->stuck == pool->domains;
  rl_pool_unlock(pool);
  return all;
}

bool rl_pool_unbegun(struct rl_pool *pool, const struct rl_task *task) {
  rl_pool_lock(pool);
  bool unbegun = rl_queue_holds(&task->entry);
  rl_pool_unlock(pool);
  return unbegun;
}

struct rl_bounds rl_pool_bounds(struct rl_pool *pool) {
  rl_pool_lock(pool);
  struct rl_bounds bounds = pool->bounds;
  rl_pool_unlock(pool);
  return bounds;
}

unsigned rl_pool_limit(struct rl_pool *pool) {
  rl_pool_lock(pool);
  unsigned limit = pool->limit;
  rl_pool_unlock(pool);
  return limit;
}

double rl_pool_idle_time(struct rl_pool *pool) {
  rl_pool_lock(pool);
  double seconds = pool->idle_seconds;
  rl_pool_unlock(pool);
  return seconds;
}

void rl_pool_stats(struct rl_pool *pool, struct rl_pool_stats *stats) {
  rl_histogram_init(&stats->waits);
  rl_histogram_init(&stats->runs);
  rl_pool_lock(pool);
  stats->domains = pool->domains;
  stats->queued = pool->queue.length - pool->holding;
  stats->held = pool->holding;
  stats->figures = pool->figures;
  rl_histogram_merge(&stats->waits, &pool->waits);
  rl_histogram_merge(&stats->runs, &pool->runs);
  unsigned begun = 0, busy = 0;
  for (struct rl_list *at = pool->workers.next; at != &pool->workers; at = at->next) {
    struct rl_worker *worker = RL_OF(at, struct rl_worker, link);
    busy += atomic_load(&worker->running) && !worker->dozing && !worker->looking;
    begun += atomic_load_explicit(&worker->tasks, memory_order_relaxed);
    rl_histogram_merge(&stats->waits, &worker->waits);
    rl_histogram_merge(&stats->runs, &worker->runs);
  }
  rl_pool_unlock(pool);
  stats->busy = busy;
  stats->idle = stats->domains - busy;
  stats->waiting = begun > busy ? begun - busy : 0;
}

unsigned rl_pool_accounts(struct rl_pool *pool, struct rl_account_copy *copies, unsigned room) {
  unsigned count = 0;
  rl_pool_lock(pool);
  for (int i = 0; i < RL_NAMED_BUCKETS; i++) {
    const struct rl_list *bucket = &pool->jobs.accounts.buckets[i];
    for (struct rl_list *at = bucket->next; at != bucket && count < room; at = at->next) {
      const struct rl_account *account = RL_OF(at, struct rl_account, named.link);
      copies[count++] = (struct rl_account_copy){account->name, account->figures};
    }
  }
  count = pool->jobs.names;
  rl_pool_unlock(pool);
  return count;
}
