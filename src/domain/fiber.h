/* Fiber: a Lua coroutine that a domain's scheduler runs; every handler, script and task is one.
 * Wait: the one way a fiber is suspended.
 *
 * A binding that takes time does this, in this order:
 *
 *     rl_wait_check(L, "conn:read");          may raise: not in a fiber, a C function in the way,
 *                                             or the fiber is cancelled; nothing has begun yet
 *     begin the request; it embeds a struct rl_wait
 *     return rl_park(L, &request->wait, undo, finish, (lua_KContext)request);
 *
 * and later, in a libuv callback or an arriving message on the same thread:
 *
 *     rl_wake(&request->wait, 0);             puts the fiber on the ready list
 *
 * after which the scheduler resumes the fiber and `finish` runs inside it (it may raise) and
 * returns the results. If the fiber is cancelled first, `undo` is called (on the domain's thread,
 * outside Lua: it must not raise), the wait is detached, and the fiber sees an error at the line
 * where it waits; a wake that comes too late bears an old ticket and is dropped.
 *
 * Waits pass through the user's own coroutines and through pcall, metamethods and iterators.
 * Everything here: the domain's own thread only. */
#ifndef RL_DOMAIN_FIBER_H
#define RL_DOMAIN_FIBER_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct rl_budget;
struct rl_context;
struct rl_domain;
struct rl_fiber;
struct rl_freight;
struct rl_hold;
struct rl_limits;
struct rl_task;
struct rl_timer;

/* Embedded in a request; zeroed means that nobody waits. */
struct rl_wait {
  struct rl_fiber *fiber; /* who waits; NULL as soon as nobody does */
  uint64_t ticket;        /* the fiber's count when it parked */
  /* Optional, constant: ends the wait with an error because it would never end; standstill.h. On
   * the domain's thread, outside Lua. */
  void (*fail)(struct rl_wait *wait);
};

/* What a fiber waits for, of knot.h: one of these, or none. */
struct rl_tie {
  struct rl_hold *sought;   /* permits of a lock */
  struct rl_fiber *awaited; /* another fiber of its domain, to its end */
  struct rl_task *task;     /* the same, of whichever domain runs it */
};

/* Among those who are told when a task is settled: future.h. */
struct rl_await {
  struct rl_list link;
  void (*settled)(struct rl_await *await); /* taken out already */
};

/* A stretch of a fiber's run that can be cancelled as a whole: the fiber itself, a timeout, a
 * scope. Regions nest; once one is cancelled, every wait inside it fails until its end is reached.
 */
struct rl_region {
  struct rl_region *outer;
  struct rl_fiber *fiber;                    /* NULL when not entered or already left */
  lua_State *L;                              /* the Lua thread that entered it */
  void (*dropped)(struct rl_region *region); /* its fiber is abandoned; NULL: nothing to do */
  uint64_t deadline; /* clock at which it is cancelled even if its code runs; 0: none */
  bool cancelled;
  bool seen;  /* code inside has been told, by an error */
  int reason; /* registry reference of the error value; LUA_NOREF until it is known */
  bool lent;  /* that is somebody else's */
};

/* What the fibers of a task have used together. */
struct rl_usage {
  uint64_t ran;     /* ns that they ran, waits excluded */
  uint64_t stalled; /* ns of these without a processor; rl_watch_stalled */
};

enum rl_fiber_state { RL_FIBER_FREE, RL_FIBER_READY, RL_FIBER_RUNNING, RL_FIBER_PARKED };

/* Called once when the fiber's function is over: the `nresults` topmost values of L are its
 * results, or (status not LUA_OK) the error value alone. Must neither yield nor raise. */
typedef void rl_fiber_ended(struct rl_fiber *fiber, lua_State *L, int status, int nresults);

/* What every turn needs comes first: many fibers take turns, and each line of the cache counts. */
struct rl_fiber {
  struct rl_domain *domain;
  struct rl_list link;  /* in the domain's ready, parked or free list */
  lua_State *L;         /* its own Lua thread, anchored in the registry by `anchor` */
  lua_State *innermost; /* while parked: the Lua thread that waits (a user's coroutine, or L) */
  uint64_t ticket;      /* counts parks and wakes: what makes an old wake-up harmless */
  enum rl_fiber_state state;
  int nresults;         /* pushed on `innermost` by the waker */
  lua_KFunction finish; /* what turns the wake-up into results; NULL: return the pushed ones */
  lua_KContext context;
  void (*undo)(
      struct rl_wait *wait); /* takes the request back; NULL when there is nothing to undo */
  struct rl_wait *wait;      /* while parked */
  bool fresh;                /* not resumed yet */
  bool over;                 /* its function has returned or failed: `ended` is called */
  bool interrupted;          /* its wait was ended by a cancellation; it is told when resumed */
  bool shielded;             /* this park is not ended by a cancellation (the end of a scope) */
  bool sliced;               /* ready, because its slice was over */
  bool belongs;              /* to a task, the pool's or one of run_in_main */
  bool detached;             /* of a task of the pool, which may not end the program */
  bool burdened;             /* others wait for it, up the calls, who have locked something */
  bool tempted;              /* it may change what other tasks of the domain find (vm/pristine.h) */
  bool insists;              /* its cancellation passes through pcall until its region is left */
  unsigned effort;           /* of this turn, in bytes; rest.h */
  struct rl_region *region;  /* the innermost one */
  struct rl_region whole;    /* the outermost region: the fiber itself */
  struct rl_budget *budget;  /* what it may take, with others; NULL: anything */
  size_t held, peak;         /* bytes by which its turns have grown the heap: in all, and at most */
  const atomic_bool *stop;   /* set by another thread to end it wherever it runs; NULL: none can */
  struct rl_usage *usage;    /* of its task; NULL: nobody asks */
  uint64_t since;            /* if so: clock when it began to run, or went on */
  uint64_t turn_limit;       /* ns that it may run between two waits on a main domain; 0: any;
                                inherited by fibers it starts */
  uint64_t task;             /* fibers with the same number never interrupt one another */
  uint64_t due; /* clock at which the tasks that it starts are to be over; 0: none. Inherited */
  struct rl_domain *main;     /* where its run_in_main goes; inherited by fibers it starts */
  struct rl_context *carried; /* rille.context: a reference; NULL: empty. Inherited */
  /* Optional: makes `carried` when it is first needed. NULL: no memory. */
  struct rl_context *(*introduce)(const struct rl_fiber *fiber);
  const char *what;        /* the call that waits, or did last */
  struct rl_task *runs;    /* whose function it runs; NULL: none, or another fiber of the task */
  struct rl_task *subject; /* its task, if that is the pool's, while that lasts; or NULL */
  struct rl_list kin;      /* the fibers of its task, a ring without a head; kin.c */

  /* its beginning and its end */
  rl_fiber_ended *ended;
  void *owner; /* of `enter` and `ended`: a connection, a task, a future */
  /* Optional: called first, inside the fiber, it pushes the function and its arguments and returns
   * how many values that is. May raise. */
  int (*enter)(struct rl_fiber *fiber, lua_State *L);
  struct rl_list holds;                    /* of struct rl_hold: what it has locked */
  void (*bereave)(struct rl_fiber *fiber); /* it ends with some: takes them back */
  int anchor;

  /* limits */
  int exceeded;       /* registry reference of the error of one that it is over; or LUA_NOREF */
  uint64_t run_limit; /* if `usage`: ns that the task may run; 0: any */
  uint64_t deadline;  /* clock at which it is to be over; 0: none */
  /* Optional: pushes the error for a fiber that is past its limit or deadline. May raise. */
  void (*overdue)(lua_State *L, struct rl_fiber *fiber);
  struct rl_list cut; /* while `sliced`: in domain->sliced */
  uint64_t closing;   /* clock until which it may go on after it was told; 0: was not */
  unsigned refused;   /* waits refused since the fiber was cancelled */

  /* particular waits */
  struct rl_wait own;     /* for requests that need no struct of their own: sleep, await */
  struct rl_timer *timer; /* of a rest */
  struct rl_await await;  /* of a task, with `own` */

  /* locks' lock, see knot.h */
  struct rl_tie tie;
  struct rl_fiber *found_next; /* of a search, */
  uint64_t searched;           /* with this number */
  bool limited;                /* while it waits so: something else may end that */
  char place[LUA_IDSIZE + 16]; /* where it does */
};

/* A fresh fiber for the domain, from its cache where there is one. L is any thread of the domain's
 * state. Raises for want of memory. The caller pushes a function and its arguments onto fiber->L
 * and then calls rl_fiber_start, or gives the fiber back with rl_fiber_drop. */
struct rl_fiber *rl_fiber_new(lua_State *L, rl_fiber_ended *ended, void *owner);

/* Outside any fiber: whether that raises nothing now. */
bool rl_fiber_at_hand(const struct rl_domain *domain);

/* Puts it on the ready list; fiber->L holds the function and its arguments, or fiber->enter is set.
 */
void rl_fiber_start(struct rl_fiber *fiber);

/* The same, but runs it at once, until it first waits or ends. Outside any fiber only. */
void rl_fiber_run(struct rl_fiber *fiber);

void rl_fiber_drop(struct rl_fiber *fiber);

/* Makes fiber->carried what it is to be, before it is read or inherited; false without memory. */
bool rl_fiber_introduce(struct rl_fiber *fiber);

/* [.., reason] -> [..]: cancels the fiber: a parked one fails at its wait, a ready one at its next
 * wait. The reason becomes the error value. A fiber already cancelled keeps its first reason. */
void rl_fiber_cancel(lua_State *L, struct rl_fiber *fiber);

/* The fiber that runs on this Lua state now; NULL outside any (a libuv callback, a finalizer run
 * by the scheduler's own allocation). */
struct rl_fiber *rl_fiber_running(lua_State *L);

/* Raises unless the caller may suspend here; `what` names the call for the message. */
void rl_wait_check(lua_State *L, const char *what);

/* The same, but a cancelled fiber may still wait: for those who wait for what they cancelled. */
void rl_wait_check_shielded(lua_State *L, const char *what);

/* Whether the latter would not raise. */
bool rl_wait_possible(lua_State *L);

/* Suspends the calling fiber; like lua_yieldk, it is called as the last thing of a C function. */
int rl_park(lua_State *L, struct rl_wait *wait, void (*undo)(struct rl_wait *wait),
            lua_KFunction finish, lua_KContext context);

/* Makes the waiting fiber ready; the wait is over. Nothing if nobody waits or the ticket is old.
 * `nresults` values that need no memory (numbers, booleans) may have been pushed on
 * rl_wait_stack(wait) first, after lua_checkstack. */
void rl_wake(struct rl_wait *wait, int nresults);

/* Whether a wait of what it starts may keep others from a lock. */
static inline bool rl_fiber_is_burdened(const struct rl_fiber *fiber) {
  return fiber->burdened || !rl_list_empty(&fiber->holds);
}

/* Whether somebody still waits. */
static inline bool rl_wait_pending(const struct rl_wait *wait) {
  return wait->fiber && wait->fiber->ticket == wait->ticket;
}

static inline lua_State *rl_wait_stack(const struct rl_wait *wait) {
  return rl_wait_pending(wait) ? wait->fiber->innermost : NULL;
}

/* Enters and leaves a region of the calling fiber; strictly nested. */
void rl_region_enter(lua_State *L, struct rl_region *region);
void rl_region_leave(lua_State *L, struct rl_region *region);

/* The first of the clocks at which one that the fiber is in ends, itself not counted; 0: none. */
uint64_t rl_region_due(const struct rl_fiber *fiber);

/* [.., reason] -> [..]: as rl_fiber_cancel, for a region. A region that was left is not touched. */
void rl_region_cancel(lua_State *L, struct rl_region *region);

/* Cancels a region whose `reason` was set beforehand: what a libuv callback does, for it touches
 * no Lua stack. */
void rl_region_expire(struct rl_region *region);

/* Once for each state, protected: makes what resuming needs. May raise for want of memory. */
void rl_fiber_prepare(lua_State *L);

/* Whether the Lua thread L is inside a region that it entered: then it must not yield to its
 * resumer, who would go on inside that region as well. */
bool rl_region_holds(const struct rl_fiber *fiber, const lua_State *L);

/* For fiber.c and preempt.c: sets up a region, forgets its reason, finds the innermost cancelled
 * region or NULL, raises its reason (where the function at `level` is), stops insisting on it;
 * leaves all regions of a fiber that is abandoned. */
void rl_region_init(struct rl_region *region, struct rl_fiber *fiber);
void rl_region_forget(lua_State *L, struct rl_region *region);
struct rl_region *rl_region_cancelled(struct rl_fiber *fiber);
int rl_region_raise(lua_State *L, struct rl_region *region, int level);
void rl_region_relent(struct rl_fiber *fiber, lua_State *L);
void rl_region_drop_all(struct rl_fiber *fiber);

/* For region.c: ends the wait of a fiber, if it is parked and not shielded. */
void rl_fiber_interrupt(struct rl_fiber *fiber);

/* Whether L is the Lua thread of a fiber that has not begun. */
bool rl_fiber_is_fresh(lua_State *L);

/* -- preempt.c: running Lua code, interrupted -- */

/* A hook: what an interrupted fiber does. */
void rl_fiber_look(lua_State *L, lua_Debug *ar);

/* A turn begins: tells the ticker what there is to watch, and arms the hook if the fiber is to stop
 * at once. */
void rl_fiber_watch(struct rl_fiber *fiber);

/* The same when something changed in the middle of a turn: a region with a deadline was entered or
 * left, a cancellation was seen. */
void rl_fiber_reckon(struct rl_fiber *fiber);

/* What a C function of the host's that runs long asks: whether the code of the running fiber is to
 * stop. False outside any fiber. */
bool rl_fiber_is_to_stop(lua_State *L);

/* When it is back: stops and reports as it was asked to meanwhile; may raise. With `stop` also if
 * the ticker has not asked yet. */
void rl_fiber_answer(lua_State *L, bool stop);

/* Bounds it from now on, running or not; see the members of these names. */
void rl_fiber_bound(struct rl_fiber *fiber, uint64_t turn_limit, uint64_t deadline);

/* Inside the running fiber: raises the reason if it is cancelled, in such a way that no pcall
 * swallows it; returns if it is not. */
void rl_fiber_insist(lua_State *L);

/* Whether an error that was caught by L is to be raised again: what pcall asks. */
bool rl_fiber_insists(lua_State *L);

/* -- budget.c: what a fiber may take, alone and with the others of its task -- */

/* Before it starts: gives the fiber a budget of its own. `name` is what errors call its task.
 * Raises for want of memory. */
void rl_budget_open(lua_State *L, struct rl_fiber *fiber, const struct rl_limits *limits,
                    const char *name);

/* A new fiber draws on the budget of the one that starts it (NULL: on none), and is over. */
void rl_budget_join(struct rl_fiber *fiber, struct rl_budget *budget);
void rl_budget_leave(struct rl_fiber *fiber);

/* Its turn begins, and ends. */
void rl_budget_begin(struct rl_fiber *fiber);
void rl_budget_end(struct rl_fiber *fiber);

/* Once for each state. And when a fiber is about to be made, or the limit of all domains has
 * changed: takes note of that; may raise for want of memory. */
void rl_budget_prepare(struct rl_domain *domain);
void rl_budget_heed(lua_State *L);

/* The running fiber has packed so many bytes into a channel: what they count for, with a reference,
 * if its memory is limited; else NULL. A fiber that holds too much with that is about to stop. */
struct rl_freight *rl_budget_load(lua_State *L, size_t bytes);

/* In its turn: the bytes that a fiber, or all of its budget, has held at most. */
size_t rl_budget_peak(const struct rl_fiber *fiber);

/* From the hook, asked by RL_ASK_COLLECT: collects garbage; a fiber that holds too much after that
 * is to stop (fiber->exceeded). Raises in code that may catch that. */
void rl_budget_collect(lua_State *L);

/* The instructions executed so far, if they are counted, else 0. */
uint64_t rl_budget_instructions(const struct rl_fiber *fiber);

/* [.., error] -> [.., error]: what a bare memory error is replaced by if it came of a limit. If
 * not, the domain is starved, and makes room for other fibers when the turn ends. */
void rl_budget_explain(lua_State *L);

/* -- */

/* Puts a fiber at the end of the ready list. */
void rl_fiber_make_ready(struct rl_fiber *fiber);

/* The scheduler's part: resumes the fibers that are ready now, each once; whether there were any.
 */
bool rl_fiber_run_ready(struct rl_domain *domain);

/* Cancels a fiber, or every fiber of the domain, because the program is ending: needs no memory. */
void rl_fiber_end(struct rl_fiber *fiber);

/* For budget.c: cancels a fiber, by an error that the registry holds for the caller. The second
 * does so in the midst of an error of another kind, which from then on insists: when it is caught,
 * its catcher raises that one instead. Both need no memory. */
void rl_fiber_end_for(struct rl_fiber *fiber, int reason);
void rl_fiber_end_told(struct rl_fiber *fiber, int reason);

void rl_fiber_end_all(struct rl_domain *domain);

/* -- kin.c: the fibers of one task, those that it has spawned among them -- */

/* A new fiber has what bounds its parent, if that is of a task; one whose parent was cancelled does
 * not begin. */
void rl_kin_join(struct rl_fiber *fiber, struct rl_fiber *parent);

/* [.., reason] -> [..]: as rl_fiber_cancel, for all of them. */
void rl_kin_cancel(lua_State *L, struct rl_fiber *fiber);

/* The one that runs the task ends: the others go on, within its limits. */
void rl_kin_orphan(struct rl_fiber *fiber);

/* -- */

/* Between fiber.c, region.c and turn.c. Once for each state. Takes back the request that a parked
 * fiber waits for. Its function has ended, with so many values on top of L: tells its owner. */
void rl_turn_prepare(lua_State *L);
void rl_fiber_take_back(struct rl_fiber *fiber);
void rl_fiber_over(struct rl_fiber *fiber, lua_State *L, int status, int nresults);

/* For turn.c and worker.c, on a compute domain, outside any turn: other tasks are to find the
 * libraries as they were, or as a broadcast has made them. If there is no memory for that the
 * domain makes room for another. */
void rl_turn_restore(struct rl_domain *domain);

/* From `ended`, and for turn.c: adds what it has run since it went on to *fiber->usage. */
void rl_fiber_account(struct rl_fiber *fiber, uint64_t now);

/* Ends a parked fiber where it stands: its to-be-closed variables run (and may not wait), its
 * function does not go on. Outside any fiber. */
void rl_fiber_abandon(struct rl_fiber *fiber);

/* Frees the recycled fibers of a domain that closes; none may be in use. */
void rl_fiber_free_all(struct rl_domain *domain);

#endif
