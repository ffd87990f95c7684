/* Ticker: a thread of the runtime that looks every few milliseconds at what its domains run, and
 * asks a fiber to stop, to give way or to say where it is; signals that end the program come to it
 * as well, since domains may be busy. It sleeps, without a timer, while
 * nothing runs; whoever starts something that may need it wakes it, which costs one relaxed load
 * when it is awake. The thread starts when it is first wanted. */
#ifndef RL_DOMAIN_TICKER_H
#define RL_DOMAIN_TICKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"

struct rl_clock;
struct rl_domain;
struct rl_log;

enum { RL_TICKER_SIGNALS = 4 };

struct rl_ticker {
  const struct rl_log *log;
  const struct rl_clock *clock;

  /* any thread */
  atomic_bool awake;
  atomic_bool ending;
  atomic_bool halting;
  atomic_bool recalling;       /* a call of the host's is cancelled, which the loop has not heard */
  atomic_bool pressed;         /* Ctrl-C, and nobody has heard it: prompt.h */
  atomic_uint_fast64_t slice;  /* ns that a fiber runs while others wait */
  atomic_uint_fast64_t holdup; /* ns that a main domain's fiber may run unreported; or RL_NEVER */
  atomic_uint_fast64_t forbidden; /* ns that it may run at all; or RL_NEVER */
  atomic_uint_fast64_t cleanup;   /* ns that a cancelled fiber may go on running */

  pthread_mutex_t lock;
  struct rl_list domains; /* of struct rl_watch */

  /* Set before it starts: what else is to be looked at with each tick, on the ticker's thread.
   * True: it must not sleep. NULL: nothing. */
  bool (*chore)(void *owner, uint64_t now);
  void *chore_owner;

  /* The same for all domains together, under the lock. NULL: nothing. */
  void (*survey)(void *owner, struct rl_list *domains);
  void *survey_owner;

  bool started; /* of whoever has set `awake` */

  /* the ticker's thread */
  uv_loop_t loop;  /* for being woken; its timers would be too coarse */
  uv_async_t wake; /* any thread */
  uv_thread_t thread;
  uint64_t active; /* clock when something last ran */
  uv_signal_t signals[RL_TICKER_SIGNALS];
  int numbers[RL_TICKER_SIGNALS];
  int watched; /* how many */
  uv_signal_cb signalled;
};

/* With a simulated clock it has no thread: whoever moves the clock does the looking. */
void rl_ticker_init(struct rl_ticker *ticker, const struct rl_log *log,
                    const struct rl_clock *clock);

/* Before it first wakes: from then on `signalled` is called on its thread for each of the `count`
 * signals that comes, however busy the domains are. */
void rl_ticker_watch_signals(struct rl_ticker *ticker, const int *numbers, int count,
                             uv_signal_cb signalled, void *data);

/* Ends the thread. No domain may be left. */
void rl_ticker_destroy(struct rl_ticker *ticker);

/* On the domain's thread, outside any fiber: it is looked at from now on, or no more. One that goes
 * on on another thread enters again. */
void rl_ticker_enter(struct rl_ticker *ticker, struct rl_domain *domain);
void rl_ticker_leave(struct rl_ticker *ticker, struct rl_domain *domain);

/* Any thread: clock until which what is cancelled now may go on. */
uint64_t rl_ticker_cleanup_end(const struct rl_ticker *ticker);

/* Any thread: ns that a finalizer may run; or RL_NEVER. */
uint64_t rl_ticker_finalizing(const struct rl_ticker *ticker, const struct rl_domain *domain);

/* Any thread: the program is to stop; main domains that do not come to their loops are asked to. */
void rl_ticker_halt(struct rl_ticker *ticker);

/* Any thread: some fiber of a main domain is to stop, which its loop will be told; until it has
 * been, what runs there is asked whether it is that. */
void rl_ticker_recall(struct rl_ticker *ticker);
void rl_ticker_recalled(struct rl_ticker *ticker);

/* The ticker's thread, or the domain's: ns that the turn of a main domain may last. */
uint64_t rl_ticker_forbidden(const struct rl_ticker *ticker, const struct rl_domain *domain);

/* The ticker's thread, or a simulation: asks the domain's fiber for what is due; and does what else
 * is to be done with each tick: true if there will be more of that. */
bool rl_ticker_look(struct rl_ticker *ticker, struct rl_domain *domain, uint64_t now);
bool rl_ticker_do_chore(struct rl_ticker *ticker, uint64_t now);

/* For a simulation: looks at all domains, as with each tick. */
void rl_ticker_survey(struct rl_ticker *ticker);

/* For rl_ticker_want. */
void rl_ticker_wake(struct rl_ticker *ticker);

/* Any thread: something runs, or is about to, that the ticker must see. */
static inline void rl_ticker_want(struct rl_ticker *ticker) {
  if (!atomic_load_explicit(&ticker->awake, memory_order_relaxed))
    rl_ticker_wake(ticker);
}

#endif
