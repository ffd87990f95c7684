/* The pool's side of its inbox: what comes by it is in the queue whenever the lock is taken. */
#include "domain/pool.h"
#include "domain/task.h"

enum { MOST_AT_ONCE = 64 }; /* tasks in the inbox */

static void empty(struct rl_pool *pool, bool to_run) {
  for (struct rl_message *message = rl_inbox_take(&pool->inbox), *next; message; message = next) {
    struct rl_task *task = RL_OF(message, struct rl_task, message);
    next = message->next;
    if (to_run)
      rl_task_fetch(task);
    rl_pool_admit_plain(pool, task);
  }
}

void rl_pool_empty_inbox(struct rl_pool *pool) {
  empty(pool, false);
}

void rl_pool_empty_inbox_to_run(struct rl_pool *pool) {
  empty(pool, true);
}

/* Written only when it changes: each write costs every sender. */
void rl_pool_promise_room(struct rl_pool *pool) {
  unsigned length = pool->queue.length - pool->holding, room = 0;
  if (!pool->settings->ending && pool->bounds.max > 0 && pool->domains > 0 && length < pool->limit)
    room = pool->limit - length < MOST_AT_ONCE ? pool->limit - length : MOST_AT_ONCE;
  if (room != atomic_load_explicit(&pool->inbox.room, memory_order_relaxed))
    atomic_store(&pool->inbox.room, room);
}

void rl_pool_lock(struct rl_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  rl_pool_empty_inbox(pool);
}

void rl_pool_unlock(struct rl_pool *pool) {
  rl_pool_promise_room(pool);
  pthread_mutex_unlock(&pool->lock);
}
