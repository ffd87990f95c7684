/* Inbox: where tasks wait that came to the pool without its lock. Each line of the cache that goes
 * from core to core costs a small task dearly, and the lock's are five.
 *
 * A task may come so if it is plain (no job, no deadline: nothing to decide), there is room, and it
 * is promised that somebody will empty the inbox in a moment. Promises are made and taken back
 * under the pool's lock:
 *
 *     sender                        domain that goes away
 *     puts the task in              takes its promise back
 *     looks at the promises         empties the inbox
 *
 * Whichever way these four mix, one of the two sees what the other has done, since all of them are
 * sequentially consistent. A sender that finds the promise gone sees to the task itself. */
#ifndef RL_DOMAIN_INBOX_H
#define RL_DOMAIN_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rl_message;
struct rl_task;

struct rl_inbox {
  _Atomic(struct rl_message *) newest; /* of tasks; each leads to the one that came before it */
  atomic_uint count;                   /* of those that are in it, or about to be */

  /* the promises: read by any thread, written under the pool's lock */
  atomic_uint room;    /* so many may be in it; 0: the queue is full, or the pool without domains */
  atomic_uint looking; /* domains that will take a task each without being woken */
  _Atomic uint64_t brief; /* clock until which a domain will be back for any number of them */
};

void rl_inbox_init(struct rl_inbox *inbox);

static inline bool rl_inbox_empty(const struct rl_inbox *inbox) {
  return atomic_load_explicit(&inbox->newest, memory_order_relaxed) == NULL;
}

/* Any thread: puts in a task that was submitted just now; false if no promise allows for it. If it
 * is in and `*alone`, the promise has been taken back meanwhile. */
bool rl_inbox_put(struct rl_inbox *inbox, struct rl_task *task, bool *alone);

/* Under the pool's lock: takes all tasks out, by their `message`, the oldest first, each leading to
 * the next; or NULL. */
struct rl_message *rl_inbox_take(struct rl_inbox *inbox);

#endif
