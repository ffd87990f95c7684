/* Mailbox: how one domain sends another a message; nothing else crosses a thread.
 *
 * A stack of intrusive nodes on one atomic pointer. Any thread pushes by compare-exchange; the
 * owner takes all with one exchange and reverses them, so messages arrive in the order in which
 * they were pushed. Sending allocates nothing and cannot fail.
 *
 * A sender wakes the owner (one uv_async_send) only if the owner has announced that it sleeps:
 *
 *     owner                                   sender
 *     sleeping := true                        push the message
 *     mailbox empty? -> poll; else go on      sleeping? -> clear it, wake
 *
 * All four steps are sequentially consistent, so at least one side sees the other: no message is
 * left lying. */
#ifndef RL_IO_MAILBOX_H
#define RL_IO_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct rl_domain;

/* Embedded in whatever is sent. From push until arrive the node belongs to the mailbox. */
struct rl_message {
  struct rl_message *next;
  void (*arrive)(struct rl_domain *here, struct rl_message *message); /* on the owner's thread */
};

struct rl_mailbox {
  _Atomic(struct rl_message *) top; /* any thread */
  atomic_bool sleeping;             /* any thread; set by the owner */
  uv_async_t wake;                  /* owner's loop; data is free for the owner */
};

/* Opens the mailbox on the owner's loop: 0 or a libuv error. `woken` runs on the owner's thread
 * after a wake-up and may be a function that does nothing. Closed by uv_close(&mailbox->wake). */
int rl_mailbox_open(struct rl_mailbox *mailbox, uv_loop_t *loop, uv_async_cb woken);

/* Any thread. The receiver must not close its mailbox while a sender may still push. */
void rl_mailbox_push(struct rl_mailbox *mailbox, struct rl_message *message);

/* Wakes the owner if it sleeps, without a message. Any thread. */
void rl_mailbox_wake(struct rl_mailbox *mailbox);

/* Owner only. All messages, oldest first, linked by `next`; NULL when there are none. */
struct rl_message *rl_mailbox_take(struct rl_mailbox *mailbox);

/* Any thread. */
static inline bool rl_mailbox_empty(struct rl_mailbox *mailbox) {
  return atomic_load(&mailbox->top) == NULL;
}

/* Owner only: announce sleep, then look at what there is to do, then poll; and say it is over. */
static inline void rl_mailbox_sleep(struct rl_mailbox *mailbox, bool sleeping) {
  atomic_store(&mailbox->sleeping, sleeping);
}

#endif
