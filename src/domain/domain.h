/* Domain: a thread with its own Lua state, libuv loop, scheduler and mailbox. Main and compute
 * domains run the same code; they differ only in where their work comes from (struct rl_feed).
 * This header is the data; what works on it stands in the other files of this floor. */
#ifndef RL_DOMAIN_DOMAIN_H
#define RL_DOMAIN_DOMAIN_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "domain/timer.h"
#include "domain/watch.h"
#include "io/errands.h"
#include "io/mailbox.h"
#include "io/sigpipe.h"
#include "vm/state.h"

struct rl_domain;
struct rl_fiber;
struct rl_pool;
struct rl_prompt;
struct rl_ports;
struct rl_log_writer;
struct rl_clients;
struct rl_channels;
struct rl_locks;
struct rl_metric;
struct rl_metric_cell;
struct rl_metrics;
struct rl_simulation;
struct rl_standstill;
struct rl_ticker;

/* What every domain of a runtime shares. Set before the first domain opens, then only read, but for
 * what is atomic. */
struct rl_settings {
  struct rl_heap *heap;
  struct rl_clock clock;
  struct rl_simulation *simulation; /* NULL: domains have threads */
  struct rl_log log;
  struct rl_log_writer *log_writer; /* its sink; NULL: that is the embedding program's */
  struct rl_metrics *metrics;
  struct rl_pool *pool;
  struct rl_ticker *ticker;
  struct rl_ports *ports;     /* where domains listen */
  struct rl_clients *clients; /* who is connected there, as far as that is limited */
  struct rl_channels *channels;
  struct rl_locks *locks;
  struct rl_standstill *standstill;
  struct rl_prompt *prompt;
  int interrupt_signal; /* interrupt.h */
  /* Opens the Lua modules (host knows them, this floor does not). Called protected; may raise. */
  void (*open_modules)(lua_State *L);
  /* A domain is about to start, on the thread of `here`: it will look for modules where here does.
   */
  void (*note_paths)(struct rl_domain *here);
  /* A main domain's os.exit: ends the program in order once the caller has parked for good, or, if
   * it is NULL, unwinds. False if the program ends already. */
  bool (*exit)(struct rl_domain *main, struct rl_fiber *caller, int status);
  /* On a main domain's thread, while its code runs and the program is to stop: whether that is to
   * end. */
  bool (*halts)(struct rl_domain *main);
  /* On the first main domain: from now on `count` of them run the script, if it was fewer. 0, or a
   * libuv error. */
  int (*add_loops)(struct rl_domain *first, unsigned count);
  _Atomic(size_t)
      memory_limit;      /* any thread: bytes of Lua heap that each domain may have; 0: any */
  atomic_uint loops;     /* any thread: main domains, started or about to be */
  _Atomic(double) grace; /* any: seconds that handlers get to finish when the program stops */
  int cores;             /* usable ones */
  uint32_t hashes;       /* what strings hash by in all states; 0: each state's own choice */
  atomic_bool ending;    /* any thread, set by the pool: compute domains are to end */
  atomic_int awake;      /* any thread: domains that run or spin now; spinning needs a free core */
};

/* Where a compute domain's work comes from. On the domain's thread, but for the last two. */
struct rl_feed {
  bool (*take)(struct rl_domain *domain);  /* begins one task; false when there is none */
  bool (*ready)(struct rl_domain *domain); /* whether there may be one: cheap, no lock */
  bool (*doze)(struct rl_domain *domain);  /* before it sleeps; false: there is work after all */
  void (*rouse)(struct rl_domain *domain); /* after it slept */
  void (*run)(struct rl_domain *domain);   /* before fibers run that had waited */
  /* On the ticker's thread: whether tasks wait for a domain; and: what runs here was asked to stop
   * and does not. */
  bool (*crowded)(struct rl_domain *domain);
  void (*stuck)(struct rl_domain *domain);
};

/* A user's coroutine that was resumed from `from` and runs now. Lives on the C stack of the resume.
 */
struct rl_link {
  lua_State *from;
  struct rl_link *outer;
};

/* What came of limits of memory in a turn; budget.c. */
struct rl_crossing {
  bool pending;                /* crossed once, with leave: the collector is about to run */
  int error;                   /* registry reference of the error for ledger->refused */
  char place[LUA_IDSIZE + 16]; /* where that was, ending in ": ", or empty */
};

/* The finalizer that runs now; finalizer.h. */
struct rl_finalizing {
  uint64_t since; /* clock when the signal's handler first saw it; 0: it has seen none */
  bool caught;    /* an error has been caught in it since it was last seen */
  bool over;      /* it has had its time */
};

/* What is told of a domain among the metrics; gauges.h. */
struct rl_gauges {
  /* written by the domain */
  atomic_uint fibers;
  atomic_size_t bytes; /* that Lua holds */
  atomic_uint streams; /* as in its errands, as the next two */
  atomic_uint_least64_t received, sent;
  atomic_uint_least64_t collections;

  /* own thread */
  bool watched;   /* it has begun to count them */
  uint64_t began; /* clock when the loop had looked at its sockets; 0: it has not since */
  struct rl_metric *lag_metric;
  struct rl_metric_cell *lag;
};

struct rl_domain {
  struct rl_vm vm; /* first: vm and domain have one address */

  /* own thread */
  struct rl_settings *settings;
  struct rl_domain
      *main; /* where run_in_main goes when no task says otherwise: itself, or the first */
  const struct rl_feed *feed; /* NULL on main domains */
  uv_loop_t *loop;
  struct rl_errands errands; /* of this loop */
  struct rl_sigpipe sigpipe;
  bool hushed; /* SIGPIPE is kept from the thread while the loop polls */
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle; /* active while fibers are ready, so that the loop does not block */
  bool guest;     /* the loop is the host's, who may leave it between two turns */
  bool paused;    /* it may have done so: senders are to wake the domain */
  unsigned open;  /* handles of the five (mailbox included) not yet closed */
  struct rl_list ready, parked, free_fibers; /* of struct rl_fiber */
  unsigned spare_fibers;                     /* how many of the latter */
  struct rl_list sliced;                     /* of struct rl_fiber, by `cut`: ready ones */
  atomic_uint slices;                        /* how many; any thread may read that */
  bool cut;                                  /* a slice has just ended */
  uint64_t tasks;                            /* fibers that began a task: numbers the next */
  struct rl_timers timers;                   /* of whatever waits here */
  struct rl_list unawaited;                  /* of struct rl_future: failed, not yet awaited */
  struct rl_list free_tasks;                 /* of struct rl_task */
  unsigned spare_tasks;                      /* how many */
  struct rl_fiber *running;
  lua_Hook look;     /* what an interrupted fiber does: preempt.c */
  lua_Hook usual;    /* a simulation's, which is set wherever Lua code runs; or NULL */
  lua_Hook count;    /* counts the instructions of the running fiber; NULL: they are not counted */
  int count_every;   /* so many at a time */
  uint64_t reported; /* clock of the last report that it was held up */
  bool hooked;       /* a script has set a hook of its own: hook.h */
  lua_State *volatile innermost; /* the Lua thread that runs now; the signal handler reads it */
  lua_State *volatile between;   /* the one that runs finalizers between turns, or NULL: the same */
  volatile struct rl_finalizing finalizing; /* the handler's, too */
  volatile uint64_t arm_at; /* the signal handler's: clock before which it sets no hook */
  bool let_in;              /* the interrupting signal was blocked where it runs now */
  struct rl_link *chain;    /* the coroutines between it and the fiber, innermost first */
  unsigned fibers;          /* started and not yet ended */
  unsigned out;             /* messages of ours that will come back */
  unsigned dealing;         /* fibers that wait at channels and for locks: each expects a message */
  unsigned outside;         /* fibers that the host is to wake: the same */
  uint64_t expected;        /* ns that what it waits for has taken lately: to spin or not */
  size_t memory_limit;      /* settings->memory_limit, as far as it has been heeded */
  int limit_error; /* registry reference of the error for that; LUA_NOREF: there was none */
  struct rl_crossing crossing; /* in this turn */
  bool tampered;        /* a task has changed what others find, and it could not be put back */
  bool spoilt;          /* a fiber has exceeded a limit of memory: there is much to collect */
  bool starved;         /* the system had no memory in this turn */
  int ending_reason;    /* registry reference of the error that ends fibers at the end */
  int cancelled_reason; /* the same of one without a reason of its own */
  bool awake;           /* counted in settings->awake */
  bool closing;         /* runs what was asked for its end; nothing else begins */
  bool ending;          /* every fiber is being cancelled, new ones are refused */

  struct rl_gauges gauges;   /* any thread, some of it */
  struct rl_mailbox mailbox; /* any thread */
  struct rl_watch watch;     /* shared with the ticker */
};

static inline struct rl_domain *rl_domain_of(lua_State *L) {
  return (struct rl_domain *)(void *)rl_vm_of(L);
}

static inline uint64_t rl_domain_now(const struct rl_domain *domain) {
  return rl_clock_now(&domain->settings->clock);
}

static inline void rl_domain_idle(uv_idle_t *idle) {
  (void)idle; /* an active idle handle keeps the loop from blocking; that is all */
}

/* The loop looks at its sockets without waiting, until domain->idle is stopped. */
static inline void rl_domain_keep_polling(struct rl_domain *domain) {
  uv_idle_start(&domain->idle, rl_domain_idle);
}

/* A message of ours is under way and will come back: the loop stays alive for it. */
static inline void rl_domain_expect(struct rl_domain *domain) {
  if (domain->out++ == 0)
    uv_ref((uv_handle_t *)&domain->mailbox.wake);
}

static inline void rl_domain_settle(struct rl_domain *domain) {
  if (--domain->out == 0 && !domain->feed)
    uv_unref((uv_handle_t *)&domain->mailbox.wake);
}

/* The same for a fiber that waits at a channel or for a lock. */
static inline void rl_domain_deal(struct rl_domain *domain) {
  domain->dealing++;
  rl_domain_expect(domain);
}

static inline void rl_domain_dealt(struct rl_domain *domain) {
  domain->dealing--;
  rl_domain_settle(domain);
}

/* The same for one that the host is to wake. */
static inline void rl_domain_hand_out(struct rl_domain *domain) {
  domain->outside++;
  rl_domain_expect(domain);
}

static inline void rl_domain_handed_back(struct rl_domain *domain) {
  domain->outside--;
  rl_domain_settle(domain);
}

/* What was waited for took that long. Capped, so that one long wait is soon forgotten. */
static inline void rl_domain_learn(struct rl_domain *domain, uint64_t nanoseconds) {
  enum { CAP = 200 * 1000 };
  domain->expected = (domain->expected * 3 + (nanoseconds < CAP ? nanoseconds : CAP)) / 4;
}

#endif
