/* Hold: a fiber's share of a lock, from the moment in which it wants it. Locks are semaphores: a
 * mutex has one permit. Permits belong to the fiber that has acquired them, so that they come back
 * when it ends, and so that it is known who waits for whom.
 *
 * Data only. All locks of a runtime have one C lock, for list operations and for the search through
 * who waits for whom (knot.h), which has to see all of it at one moment.
 *
 *     home thread     a hold from its making to its end; in fiber->holds while the fiber has it
 *     locks' lock     `link`: in the lock's waiters, then in its holders
 *     mailbox         the message, from the grant until it arrives at home */
#ifndef RL_DOMAIN_HOLD_H
#define RL_DOMAIN_HOLD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/heap.h"
#include "base/list.h"
#include "domain/fiber.h"
#include "io/mailbox.h"
#include "vm/shared.h"

struct rl_locks {
  struct rl_heap *heap;
  pthread_mutex_t lock;
  uint64_t searches; /* counts them */
};

struct rl_lock {
  struct rl_shared shared;
  struct rl_locks *locks;
  size_t permits;

  /* locks' lock */
  size_t free;
  struct rl_list waiters, holders; /* of struct rl_hold, the first that came first */
  bool abandoned;                  /* a holder has ended without releasing it */
};

struct rl_hold {
  struct rl_lock *lock; /* a reference */
  struct rl_fiber *fiber;
  struct rl_domain *home;

  /* locks' lock */
  struct rl_list link;
  size_t count; /* permits */
  bool granted;
  bool inherited; /* from a holder that ended without releasing it */
  struct rl_list woken;

  /* home thread */
  struct rl_list kept; /* in fiber->holds */
  struct rl_message message;
  struct rl_wait wait;
  struct rl_timer *timer; /* NULL: none, or it has fired */
  bool failed;            /* its wait would never end */
};

#endif
