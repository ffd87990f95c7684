/* Pool: one bounded queue of tasks, and the compute domains that take from it.
 *
 * Everything under one lock, which is held for a few list operations at a time, never while
 * packing, unpacking or running Lua. Domains that find no work spin (they are "looking"), then doze
 * in the idle list. Whoever adds a task wakes a dozing domain, or starts one, unless enough domains
 * are looking; whoever takes a task and leaves others behind does the same. Where there is nothing
 * to decide a task comes without the lock, by the inbox.
 *
 * The pool knows nothing of threads: worker.c starts and ends the domains. Any thread, except where
 * a comment says otherwise. */
#ifndef RL_DOMAIN_POOL_H
#define RL_DOMAIN_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/list.h"
#include "domain/account.h"
#include "domain/broadcast.h"
#include "domain/domain.h"
#include "domain/inbox.h"
#include "domain/job.h"
#include "domain/queue.h"

struct rl_task;

/* A compute domain as the pool sees it. */
struct rl_worker {
  struct rl_domain domain; /* first: a worker and its domain have one address */
  struct rl_pool *pool;

  /* pool's lock */
  struct rl_list link;      /* in pool->workers */
  struct rl_list idle_link; /* in pool->idle while it dozes with nothing to take */
  bool looking;             /* awake, found the queue empty */
  bool coming;              /* woken or started for a task, has not looked yet */
  bool dozing;              /* asleep, whether it may take tasks or not */
  atomic_bool retiring;     /* takes no more tasks, ends when its fibers have; its own thread reads
                               it without the lock */
  bool stuck;               /* given up: retiring, and not known to end */

  /* written by its own thread, read by any */
  atomic_uint tasks; /* begun and not ended */
  struct rl_histogram waits, runs;

  /* worker.c's */
  uv_thread_t thread;  /* written by the starter, read by who joins */
  atomic_bool running; /* its thread can be interrupted */
  uv_loop_t loop;
  size_t opened;        /* bytes of Lua memory before its first task; 0: not there yet */
  uint64_t idle_since;  /* clock when it found the queue empty; 0: it has work */
  struct rl_timer *nap; /* its idle time, once it has dozed */
  double nap_seconds;
  bool expected; /* roused, and has not looked for a task since */
  bool worked;   /* took a task since the nap began */
  struct rl_message gone;
  struct rl_hearing hearing;
};

struct rl_bounds {
  unsigned min, max;
};

struct rl_pool {
  struct rl_settings *settings;
  struct rl_domain *home; /* the main domain: joins ended domains */
  /* Starts a compute domain; the pool has counted it already. Called without the lock. */
  void (*start)(struct rl_pool *pool);

  atomic_uint threads; /* started and not yet joined */

  char apart[RL_CACHE_LINE]; /* who submits is not to wait for the line that others write */
  struct rl_inbox inbox;
  char apart_too[RL_CACHE_LINE];

  pthread_mutex_t lock; /* of what follows: first what every task needs */
  unsigned coming;      /* domains that will look for a task */
  unsigned sleepers;    /* length of idle */
  unsigned domains;     /* counted: starting, running, retiring */
  unsigned retiring;    /* of these */
  unsigned stuck;       /* of these */
  unsigned holding;     /* length of held */
  unsigned limit;       /* of the tasks that are queued and not held */
  struct rl_bounds bounds;
  struct rl_worker *taker;   /* took a task last, and has not dozed off since; NULL: none */
  uint64_t taken;            /* clock when it did */
  uint64_t under_way;        /* sum of the estimates of tasks that were taken and have not ended */
  struct rl_likeness plain;  /* of tasks without a job */
  struct rl_figures figures; /* of all tasks, with a job or without */
  struct rl_queue queue;     /* of struct rl_task, by `entry` */
  struct rl_list held; /* of these, those beyond the limit, oldest first: their callers wait */
  struct rl_list workers, idle;
  double idle_seconds; /* after which a domain above min ends */
  uint64_t retry_at;   /* clock before which no domain is started; 0: the last start went well */
  struct rl_jobs jobs;
  struct rl_histogram waits, runs; /* of ended domains, and of tasks that main domains ran */
  struct rl_broadcasts broadcasts; /* under a lock of its own */
};

/* Worker's thread, the only one that writes it. */
static inline void rl_pool_add_tasks(struct rl_worker *worker, unsigned by) {
  unsigned tasks = atomic_load_explicit(&worker->tasks, memory_order_relaxed);
  atomic_store_explicit(&worker->tasks, tasks + by, memory_order_relaxed);
}

struct rl_pool_stats { /* pool_stats.c */
  unsigned domains, busy, idle, queued, waiting, held;
  struct rl_figures figures;
  struct rl_histogram waits, runs;
};

void rl_pool_init(struct rl_pool *pool, struct rl_settings *settings, struct rl_domain *home,
                  void (*start)(struct rl_pool *pool));
void rl_pool_destroy(struct rl_pool *pool);

enum rl_verdict {
  RL_VERDICT_QUEUED,
  RL_VERDICT_HELD,   /* beyond the queue's limit: it has its place, but its caller is to wait until
                        task->admitted arrives */
  RL_VERDICT_REFUSED /* it still belongs to the caller; task->overload says why */
};

/* The origin hands over a packed task. When the pool is stopping it comes back cancelled. */
enum rl_verdict rl_pool_submit(struct rl_pool *pool, struct rl_task *task);

/* The origin wants its task no more: true if it had not begun, and the caller owns it again; else
 * the runner is told (task->reason must be packed), and it will come back as always. */
bool rl_pool_cancel(struct rl_pool *pool, struct rl_task *task);

/* The origin asks whether its task is still queued, or held. */
bool rl_pool_unbegun(struct rl_pool *pool, const struct rl_task *task);

/* Worker's thread: the next task, or NULL. A worker with sliced tasks gets one only if no other
 * domain is about to take it; one that would take a core from others for a moment's work gets none.
 * The task's `started` is set. */
struct rl_task *rl_pool_take(struct rl_pool *pool, struct rl_worker *worker);

/* Worker's thread, before it sleeps: false if there is work after all. */
bool rl_pool_doze(struct rl_pool *pool, struct rl_worker *worker);

/* Worker's thread, after it slept. */
void rl_pool_rouse(struct rl_pool *pool, struct rl_worker *worker);

/* Worker's thread, before it does something else than take: no task is to wait for it. */
void rl_pool_engage(struct rl_pool *pool, struct rl_worker *worker);

/* Worker's thread, after its idle time: true if it is to end. */
bool rl_pool_spare(struct rl_pool *pool, struct rl_worker *worker);

/* Worker's thread, outside any task: it takes no more tasks, and ends when those that it has begun
 * are over; another may be started in its place. */
void rl_pool_retire(struct rl_pool *pool, struct rl_worker *worker);

/* A domain that is about to start enters and gets the lowest free number; it leaves at its end (its
 * figures stay). If it could not start (`worker` may be NULL), the log says why, once for many, and
 * the queued tasks are refused when no other domain is there to run them. */
void rl_pool_enter(struct rl_pool *pool, struct rl_worker *worker);
void rl_pool_leave(struct rl_pool *pool, struct rl_worker *worker);
void rl_pool_start_failed(struct rl_pool *pool, struct rl_worker *worker, const char *why);

/* Own thread: whether the running fiber belongs to what a compute domain runs for a broadcast. */
bool rl_pool_hears(struct rl_domain *domain);

void rl_pool_set_bounds(struct rl_pool *pool, struct rl_bounds bounds);
struct rl_bounds rl_pool_bounds(struct rl_pool *pool);
void rl_pool_set_limit(struct rl_pool *pool, unsigned limit);
unsigned rl_pool_limit(struct rl_pool *pool);
void rl_pool_set_idle_time(struct rl_pool *pool, double seconds);
double rl_pool_idle_time(struct rl_pool *pool);

/* Under the lock: the lowest number that no domain has. */
unsigned rl_pool_free_number(struct rl_pool *pool);

/* Fills `stats`, whose histograms are the caller's. */
void rl_pool_stats(struct rl_pool *pool, struct rl_pool_stats *stats);

/* Ticker's thread: what runs at the worker does not stop. The worker takes no more tasks, so
 * another may be started in its place, and the origin of its task is told. */
void rl_pool_give_up(struct rl_pool *pool, struct rl_worker *worker);

/* Copies the figures of up to `room` accounts, with their names, which live as long as the pool;
 * returns how many accounts there are. */
struct rl_account_copy {
  const char *name;
  struct rl_figures figures;
};
unsigned rl_pool_accounts(struct rl_pool *pool, struct rl_account_copy *copies, unsigned room);

/* Whether of its domains only those are left that were given up. */
bool rl_pool_all_stuck(struct rl_pool *pool);

/* Refuses what is queued and to come, and tells every domain to end. */
void rl_pool_stop(struct rl_pool *pool);

/* Interrupts every domain, so that Lua code that runs there notices that the pool is stopping. */
void rl_pool_interrupt(struct rl_pool *pool);

/* Any thread: whether tasks wait that may be taken. */
static inline bool rl_pool_has_work(const struct rl_pool *pool) {
  return rl_queue_ready(&pool->queue) > 0 || !rl_inbox_empty(&pool->inbox);
}

/* -- between the pool's own files ----------------------------------------------------------- */

/* Takes the lock; what came by the inbox is in the queue then. */
void rl_pool_lock(struct rl_pool *pool);
void rl_pool_unlock(struct rl_pool *pool);

/* -- the same, under the lock --------------------------------------------------------------- */

/* Moves what is in the inbox to the queue: after each promise that is taken back. Whoever does that
 * sees to the tasks that relied on it. */
void rl_pool_empty_inbox(struct rl_pool *pool);

/* The same on the thread that will run them, or some of them: asks for their lines at once. */
void rl_pool_empty_inbox_to_run(struct rl_pool *pool);

/* So many tasks may come by the inbox as the queue has room for; none to a pool without domains. */
void rl_pool_promise_room(struct rl_pool *pool);

/* For each task that may be taken and that no domain is looking for: wakes a domain, or counts one
 * that the caller is to start with rl_pool_start, once the lock is released. The second one does
 * neither for what will be over sooner, by the clock `now`, than that would help. */
unsigned rl_pool_call_help(struct rl_pool *pool);
unsigned rl_pool_call_help_if_long(struct rl_pool *pool, uint64_t now);
void rl_pool_start(struct rl_pool *pool, unsigned count);

/* The next task, out of the queue; NULL if there is none. */
struct rl_task *rl_pool_next(struct rl_pool *pool);

/* Domain's thread: whether the next task is to begin though sliced ones go on here. Not if one of
 * them has a higher priority, nor if a domain that computes for fewer is about to come. Else if one
 * has a lower priority; or will not be over sooner than it, as far as can be said: beginning what
 * takes as long as they do would only make all of them late. */
bool rl_pool_is_urgent(struct rl_pool *pool, const struct rl_domain *domain);

/* Lets a task into the queue, or not. */
enum rl_verdict rl_pool_admit(struct rl_pool *pool, struct rl_task *task);

/* The same for one that came by the inbox. */
void rl_pool_admit_plain(struct rl_pool *pool, struct rl_task *task);

/* There may be room in the queue: tells those who wait for that. */
void rl_pool_let_in(struct rl_pool *pool);

/* The same, when this task has left the queue. */
void rl_pool_vacate(struct rl_pool *pool, struct rl_task *task);

/* Takes a task out of the queue that will not run, and belongs to the caller. */
void rl_pool_remove(struct rl_pool *pool, struct rl_task *task, uint64_t now);

/* Ends the queued tasks that would be late, if they began now. */
void rl_pool_expire(struct rl_pool *pool);

/* The same with each tick, without the lock; whether queued tasks have deadlines. */
bool rl_pool_tick(void *pool, uint64_t now);

/* While no compute domain may be: moves what may be taken into a list for rl_pool_run_at_main,
 * which is called without the lock. */
void rl_pool_take_for_main(struct rl_pool *pool, struct rl_list *tasks);
void rl_pool_run_at_main(struct rl_list *tasks);

/* Moves all tasks that have not begun, or those that nobody will take because no domain could be
 * started, into a list for rl_pool_refuse. */
void rl_pool_take_all(struct rl_pool *pool, struct rl_list *tasks);
void rl_pool_take_orphans(struct rl_pool *pool, struct rl_list *tasks);

/* Without the lock: ends them unrun. */
void rl_pool_refuse(struct rl_pool *pool, struct rl_list *tasks);

/* Makes Lua code that runs at a compute domain look whether it is to stop. */
void rl_pool_nudge(struct rl_domain *runner);

#endif
