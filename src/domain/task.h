/* Task: one detached call. Packed function and arguments on the way out; results, or an error, on
 * the way back. The node is its own completion message: finishing can neither fail nor block.
 *
 *     origin                    pool               runner (a compute domain, or a main domain)
 *     rl_task_new
 *     pack arguments  ------->  queue  ---------->  rl_task_begin: a fiber unpacks and runs
 *                                                   pack results
 *     settled() unpacks <-------- mailbox --------  (the fiber's end)
 *     rl_task_drop   ----- only if the results lend strings ---->  let go of them
 *
 * One owner at a time: origin, queue, runner, origin's mailbox, origin. Only a cancellation is a
 * second reference: it may still be on its way to the runner when the task is already back. */
#ifndef RL_DOMAIN_TASK_H
#define RL_DOMAIN_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "domain/fiber.h"
#include "domain/limits.h"
#include "domain/overload.h"
#include "domain/queue.h"
#include "io/mailbox.h"
#include "vm/parcel.h"

struct rl_context;
struct rl_domain;
struct rl_job;
struct rl_pool;

enum rl_outcome {
  RL_TASK_DONE,      /* results holds the function's results */
  RL_TASK_FAILED,    /* results holds the error value and its traceback or nil */
  RL_TASK_CANCELLED, /* the same, if results is not empty; the runner gave way to a cancellation */
  RL_TASK_LOST       /* there was no memory even for the error */
};

/* What a task has cost, once it is back. */
struct rl_cost {
  bool known, began;
  unsigned domain;    /* the compute domain's number; 0: a main domain */
  uint64_t wait, run; /* ns queued; ns run, waits excluded */
  uint64_t cpu;       /* ns of these with a processor, see rl_watch_stalled */
  size_t bytes_in, bytes_out;
  size_t peak;           /* bytes of Lua memory that it has held at most */
  uint64_t instructions; /* executed, if they were limited; 0: not counted */
};

/* Two threads pass a small task to and fro, and each line of the cache that both write costs as
 * much as a hundred instructions. So what is written for every task fills lines of its own, and
 * what stands in the others is only written where it changes: reading a line that nobody writes
 * costs nothing. task.c checks the places. */
struct rl_task {
  /* -- a line: what it is; only the message and the references change on the way -- */
  struct rl_message message; /* in the pool's inbox, out to a main domain, and back */
  struct rl_domain *origin;
  struct rl_domain *main;
  struct rl_pool *pool;       /* that it went to; NULL for run_in_main */
  struct rl_job *job;         /* a reference; NULL: none */
  struct rl_context *carried; /* a reference; NULL: empty */
  atomic_uint references;     /* any thread */
  bool burdened;              /* as rl_fiber_is_burdened of the one that made it */
  bool limited;               /* comes from a task that is: `limits` are set */

  /* -- a line, and what seldom is written -- */
  uint64_t submitted;    /* clock, ns */
  struct rl_entry entry; /* pool's lock: in its queue */

  /* -- the rest of a line -- */
  unsigned char arguments_room[40]; /* lent to the arguments' bytes */

  /* -- a line, and what seldom is written -- */
  struct rl_parcel arguments;
  uint64_t deadline;  /* clock at which it is to be over, queue and waits included; 0: none */
  uint64_t due;       /* clock at which the tasks that it starts are to be over; 0: none */
  uint64_t run_limit; /* ns that it may run, waits excluded; 0: none */

  /* -- a line, and what seldom is written -- */
  struct rl_parcel results;
  void (*count)(struct rl_task *task); /* the pool's: on the runner's thread, at its end */
  struct rl_timer *timer;              /* runner's thread: of its deadline; NULL when it is over */
  bool held;                           /* pool's lock: it waits for room in the queue */

  /* -- a line: written by the runner's thread -- */
  struct rl_domain *runner; /* from take to return; changed under the pool's lock */
  struct rl_fiber *fiber;   /* while it runs */
  uint64_t started, took;   /* clock when begun; ns from then to the end */
  struct rl_usage usage;    /* exact while its fibers wait, or it is over */
  enum rl_outcome outcome;
  unsigned where;   /* if it began: the runner's number; 0: a main domain */
  atomic_bool stop; /* any thread: cancelled, what its hook looks at while Lua code runs */
  bool began;
  bool overran; /* ended by its limit or deadline */
  bool ending;  /* cancelled, since the program ends where it ran */

  /* -- a line: the same -- */
  size_t peak;              /* see struct rl_cost */
  uint64_t instructions;    /* the same */
  struct rl_domain *lender; /* whose strings the results borrow, if they do */
  unsigned char results_room[40];

  /* -- of no concern to the usual runner: origin's thread -- */
  bool stuck;          /* given up: an error has been or will be raised */
  bool abandoned;      /* the origin has asked for its end */
  struct rl_list link; /* its spare; or among those who wait for room (pool's lock) */
  void (*settled)(struct rl_task *task); /* it is back; origin owns it */
  void *owner;                           /* of `settled` */
  struct rl_wait wait;                   /* the fiber that detached */
  struct rl_fiber *tied; /* the same one, if the locks' lock is told that it waits */
  const char *heading;   /* joins the tracebacks: "detached at" */
  /* Its runner cannot be stopped: tells who waits. True if it keeps the reference that it is given
   * along, for rl_task_release. NULL: nobody is told. */
  bool (*given_up)(struct rl_task *task);
  struct rl_message admitted;  /* sent when a held task gets room; no arrive: nobody cares */
  const char *refusal;         /* the error if it was cancelled without having run */
  struct rl_overload overload; /* the same, if that has a reason */
  struct rl_limits limits;     /* if `limited`, constant: none of its own is above them */
  struct rl_fiber *blocked;    /* locks' lock, see knot.h: its fiber, while that waits for others */

  /* a cancellation on its way to the runner */
  struct rl_message cancel;
  struct rl_parcel reason;
  struct rl_message late; /* from the ticker to the origin: given up */
  const char *inside;     /* if so: the function of the host's that it was in; NULL: another's */
};

/* A task of the domain that L belongs to, with empty parcels. NULL when there is no memory. */
struct rl_task *rl_task_new(lua_State *L);

/* Whoever is about to run it, or has it back: asks for its lines, which are at another core. */
static inline void rl_task_fetch(const struct rl_task *task) {
  __builtin_prefetch(&task->submitted, 1);
  __builtin_prefetch(&task->arguments_room);
  __builtin_prefetch(&task->arguments, 1);
  __builtin_prefetch(&task->results, 1);
  __builtin_prefetch(&task->runner, 1);
  __builtin_prefetch(&task->peak, 1);
}

/* Origin's thread: the origin is through with it (borrowed results are given back first). */
void rl_task_drop(struct rl_task *task);

/* Any thread: gives up a further reference. */
void rl_task_release(struct rl_task *task);

/* Runner's thread, outside any fiber: starts the task, whose `started` is set, in a fiber of this
 * domain; `at_once`: it runs until it first waits, and may be over then. What goes wrong ends the
 * task. */
void rl_task_begin(struct rl_domain *here, struct rl_task *task, bool at_once);

/* For a mailbox: the same as arrive function of task->message. */
void rl_task_arrive(struct rl_domain *here, struct rl_message *message);

/* Any thread that owns the task: ends it unrun, as cancelled, and sends it back. `why` is the error
 * text, a literal. */
void rl_task_refuse(struct rl_task *task, const char *why);

/* Origin's thread, when it is back: before its results are unpacked. */
struct rl_cost rl_task_cost(const struct rl_task *task);

/* Origin's thread: tells the runner, of a task that no pool counts, that the origin wants it no
 * more. */
void rl_task_tell(struct rl_task *task);

/* Under the pool's lock, while it runs: lets the origin know that it does not stop. */
void rl_task_give_up(struct rl_task *task);

/* [] -> [text]: the error of a task that is past its limit or deadline; and of one that was given
 * up. May raise. */
void rl_task_push_overdue(lua_State *L, const struct rl_task *task);
void rl_task_push_stuck(lua_State *L, const struct rl_task *task);

/* For task.c, before its fiber starts: sets the limits of that. Raises for want of memory. */
void rl_task_limit(lua_State *L, struct rl_task *task);

/* Origin's thread, when the task is back and not done: drops it and pushes its error. Raises
 * without memory. */
void rl_task_error(lua_State *L, struct rl_task *task);

/* Origin's thread, inside a fiber, when the task is back: pushes its results and returns their
 * number; or raises its error, joined with the caller's traceback. The task is dropped. */
int rl_task_results(lua_State *L, struct rl_task *task);

/* Frees the origin's spare tasks. */
void rl_task_free_all(struct rl_domain *domain);

#endif
