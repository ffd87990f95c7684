/* Watch: what the ticker and a domain tell one another. Data only; ticker.h says who looks when.
 *
 * A domain counts its turns: one begins when a fiber is resumed and ends when it waits, is sliced
 * or has ended. So the ticker sees how long a turn lasts, without a clock being read for it. */
#ifndef RL_DOMAIN_WATCH_H
#define RL_DOMAIN_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"
#include "io/mailbox.h"

/* What the Lua code that runs is asked to do, at its next instruction. */
enum rl_ask {
  RL_ASK_STOP = 1,       /* look whether it is cancelled, or past a limit */
  RL_ASK_SLICE = 2,      /* give way to others */
  RL_ASK_REPORT = 4,     /* log where it is: it holds up its loop */
  RL_ASK_COLLECT = 16,   /* find out whether it is over a limit of memory, or holds garbage */
  RL_ASK_FORBID = 8,     /* end, for it has done so for too long */
  RL_ASK_INTERRUPT = 32, /* end, for somebody has pressed Ctrl-C */
  RL_ASK_FINALIZER = 64  /* look whether a finalizer runs that does not end */
};

#define RL_NEVER UINT64_MAX

struct rl_watch {
  uv_thread_t thread;  /* the domain's; set under the ticker's lock, before a fiber runs */
  struct rl_list link; /* ticker's lock: among the domains that it looks at */

  /* ticker's thread */
  atomic_uint_fast64_t seen;  /* the turn it saw last; the hook may look, too */
  atomic_uint_fast64_t since; /* clock when it saw that first; the hook may look, too */
  atomic_uint_fast64_t lag; /* ns by which its thread's processor time was behind the clock then */
  uint64_t asked_at;        /* clock when it first saw RL_ASK_STOP unanswered in it; 0: has not */
  uint64_t spent;           /* ns of processor time that its thread had used then */
  uint64_t look_at;         /* clock when finalizers are looked for next, in this turn or between */
  bool reported;            /* for holding up its loop, in this turn */
  bool stuck;               /* given up: it did not stop when asked */

  /* written by the domain, read by the ticker */
  atomic_bool present;       /* its thread is not the host's now, nor another runtime's */
  atomic_uint_fast64_t turn; /* odd while a fiber runs */
  atomic_uint_fast64_t due;  /* clock at which the fiber is to be asked to stop; or RL_NEVER */
  atomic_uint_fast64_t most; /* ns that the turn may last on a main domain; 0: any */
  atomic_bool haunted;       /* finalizers have no time of their own: one did not end */
  atomic_bool company;       /* other fibers of the domain may be waiting for their turn */
  _Atomic(void *) subject;   /* owner of the fiber that runs a task; NULL: another, or none */

  _Atomic(const char *) inside; /* the function of the host's that it is in; NULL: none */

  atomic_uint_fast64_t rest; /* odd while it waits for what other domains do, or nothing */
  atomic_uint dealing;       /* if so: fibers that wait at channels and for locks */
  struct rl_message message; /* the ticker's, under its lock, while it rests: standstill.h */

  atomic_uint asks; /* any thread: enum rl_ask; taken by the hook */
};

/* On the domain's thread, in a turn: whether the ticker has seen it, as it sees those that are
 * longer than its ticks. */
static inline bool rl_watch_has_seen(const struct rl_watch *watch) {
  return atomic_load_explicit(&watch->seen, memory_order_acquire) ==
         atomic_load_explicit(&watch->turn, memory_order_relaxed);
}

/* Any thread: ns of processor time that the domain's thread has used, 0 if that cannot be had; and
 * by which that is behind the clock. System calls. */
uint64_t rl_watch_spent(const struct rl_watch *watch);
uint64_t rl_watch_lag(const struct rl_watch *watch);

/* On the domain's thread, in a turn that the ticker has seen: of the `ran` ns until now, those
 * since then in which the thread had no processor. */
uint64_t rl_watch_stalled(const struct rl_watch *watch, uint64_t ran);

#endif
