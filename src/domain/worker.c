/* Worker: opens a domain on a thread and a loop of its own, feeds it from the pool, and ends it
 * when the pool has no more use for it and nothing in it is left to wait for. */
#include "domain/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/heap.h"
#include "domain/fiber.h"
#include "domain/interrupt.h"
#include "domain/scheduler.h"
#include "domain/simulation.h"
#include "domain/task.h"
#include "domain/timer.h"
#include "vm/collector.h"

enum {
  STACK_BYTES = 4 << 20, /* Lua's own tests want 512 KiB of C stack; only touched pages cost */
  NICENESS = 5,          /* loops go first when cores are scarce */
  RESIDUE = 16 << 20     /* bytes that dead tasks may leave behind in a domain that is to stay */
};

static struct rl_worker *worker_of(struct rl_domain *domain) {
  return (struct rl_worker *)(void *)domain;
}

/* -- the feed ----------------------------------------------------------------------------- */

/* How long work lets a domain wait decides whether it spins for it. */
static void note_pause(struct rl_worker *worker, const struct rl_task *task) {
  if (worker->idle_since == 0)
    return;
  uint64_t pause = task->submitted > worker->idle_since ? task->submitted - worker->idle_since : 0;
  rl_domain_learn(&worker->domain, pause);
  worker->idle_since = 0;
}

/* More than tasks that died of their memory may leave behind, besides what others hold. */
static bool is_burdened(const struct rl_worker *worker) {
  const struct rl_ledger *ledger = &worker->domain.vm.ledger;
  size_t mark = RESIDUE, limit = worker->domain.memory_limit;
  if (limit != 0 && limit / 4 < mark)
    mark = limit / 4;
  return ledger->bytes > worker->opened + rl_ledger_metered(ledger) + mark;
}

/* A task has died of the memory that it took. If that cannot be collected, since a global variable
 * holds it, say, another domain takes the place of this one. */
static void clean(struct rl_worker *worker) {
  worker->domain.spoilt = false;
  for (int i = 0; i < 2 && is_burdened(worker); i++) /* what had finalizers goes the second time */
    lua_gc(worker->domain.vm.L, LUA_GCCOLLECT);
  if (is_burdened(worker) || worker->domain.tampered)
    rl_pool_retire(worker->pool, worker);
}

/* In instalments, between which it looks for work: it is the one whose caches are warm. A finalizer
 * may have done what its task may not. */
static bool collect(struct rl_domain *domain) {
  if (!rl_collector_pay(&domain->vm))
    return false;
  rl_turn_restore(domain);
  return true;
}

static bool take(struct rl_domain *domain) {
  struct rl_worker *worker = worker_of(domain);
  if (domain->spoilt && worker->opened > 0)
    clean(worker);
  if (atomic_load_explicit(&domain->settings->ending, memory_order_relaxed)) {
    if (domain->ending)
      return false;
    rl_scheduler_end(domain);
    return true;
  }
  worker->expected = false;
  if (worker->hearing.opening)
    return false;
  if (worker->opened == 0)
    worker->opened = domain->vm.ledger.bytes;
  struct rl_task *task = rl_pool_take(worker->pool, worker);
  if (!task) {
    if (worker->idle_since == 0 && domain->slices == 0)
      worker->idle_since = rl_domain_now(domain);
    return collect(domain);
  }
  note_pause(worker, task);
  worker->worked = true;
  rl_task_begin(domain, task, true);
  return true;
}

static bool ready(struct rl_domain *domain) {
  struct rl_worker *worker = worker_of(domain);
  struct rl_pool *pool = worker->pool;
  bool takes = !worker->retiring && !worker->hearing.opening;
  return (takes && rl_pool_has_work(pool)) ||
         atomic_load_explicit(&domain->settings->ending, memory_order_relaxed);
}

static bool is_over(struct rl_worker *worker) {
  return (worker->retiring || worker->domain.ending) && rl_scheduler_ended(&worker->domain);
}

static void nap_over(struct rl_timer *timer, void *owner) {
  (void)timer;
  struct rl_worker *worker = owner;
  worker->nap = NULL;
  if (rl_scheduler_ended(&worker->domain))
    rl_pool_spare(worker->pool, worker);
}

/* The idle time counts from the first doze after the last task. */
static void begin_nap(struct rl_worker *worker) {
  double seconds = rl_pool_idle_time(worker->pool);
  if (worker->nap && !worker->worked && worker->nap_seconds == seconds)
    return;
  if (worker->nap)
    rl_timer_stop(worker->nap);
  worker->nap = rl_timer_start(&worker->domain.timers, seconds, false, nap_over, worker);
  worker->nap_seconds = seconds;
  worker->worked = false;
}

static bool doze(struct rl_domain *domain) {
  struct rl_worker *worker = worker_of(domain);
  if (is_over(worker)) {
    uv_stop(domain->loop);
    return true;
  }
  if (!rl_pool_doze(worker->pool, worker))
    return false;
  if (!worker->retiring && !worker->hearing.opening)
    begin_nap(worker);
  return true;
}

static void rouse(struct rl_domain *domain) {
  struct rl_worker *worker = worker_of(domain);
  rl_pool_rouse(worker->pool, worker);
  worker->expected = true;
}

static bool crowded(struct rl_domain *domain) {
  return rl_pool_has_work(worker_of(domain)->pool);
}

static void stuck(struct rl_domain *domain) {
  struct rl_worker *worker = worker_of(domain);
  rl_pool_give_up(worker->pool, worker);
}

static void before_fibers(struct rl_domain *domain) {
  struct rl_worker *worker = worker_of(domain);
  if (worker->looking || worker->expected)
    rl_pool_engage(worker->pool, worker);
  worker->expected = false;
}

static const struct rl_feed feed = {.take = take,
                                    .ready = ready,
                                    .doze = doze,
                                    .rouse = rouse,
                                    .run = before_fibers,
                                    .crowded = crowded,
                                    .stuck = stuck};

/* -- the thread --------------------------------------------------------------------------- */

/* At home: the thread is about to return. */
static void join(struct rl_domain *home, struct rl_message *message) {
  struct rl_worker *worker = RL_OF(message, struct rl_worker, gone);
  if (!home->settings->simulation)
    uv_thread_join(&worker->thread);
  atomic_fetch_sub(&worker->pool->threads, 1);
  rl_free(home->settings->heap, worker, sizeof *worker);
}

static void run(struct rl_worker *worker) {
  struct rl_domain *domain = &worker->domain;
  atomic_store(&worker->running, true);
  rl_hearing_open(&worker->hearing);
  uv_run(&worker->loop, UV_RUN_DEFAULT);
  rl_hearing_stop(&worker->hearing);
  rl_pool_leave(worker->pool, worker);
  rl_scheduler_drain(domain); /* a cancellation that came too late may lie in the mailbox */
  rl_scheduler_close(domain);
  if (!domain->settings->simulation)
    rl_interrupt_here(NULL);
}

static void thread_main(void *argument) {
  struct rl_worker *worker = argument;
  struct rl_pool *pool = worker->pool;
  if (!pool->settings->simulation) {
    setpriority(PRIO_PROCESS, 0, NICENESS); /* of this thread, on Linux; a wish, not a need */
    rl_interrupt_here(&worker->domain);
  }
  int error = rl_scheduler_open(&worker->domain, &worker->loop);
  if (error == 0) {
    run(worker);
  } else {
    rl_hearing_leave(&worker->hearing);
    rl_pool_start_failed(pool, worker, uv_strerror(error));
  }
  uv_run(&worker->loop, UV_RUN_DEFAULT); /* closing handles */
  if (uv_loop_close(&worker->loop) != 0) {
    uv_print_all_handles(&worker->loop, stderr);
    abort();
  }
  rl_heap_trim(pool->settings->heap); /* there was nothing to do for a while */
  worker->gone.arrive = join;
  rl_mailbox_push(&pool->home->mailbox, &worker->gone);
}

static struct rl_worker *create(struct rl_pool *pool) {
  struct rl_worker *worker = rl_zalloc(pool->settings->heap, sizeof *worker);
  if (!worker)
    return NULL;
  worker->pool = pool;
  rl_list_init(&worker->link);
  rl_list_init(&worker->idle_link);
  rl_histogram_init(&worker->waits);
  rl_histogram_init(&worker->runs);
  worker->domain.settings = pool->settings;
  worker->domain.main = pool->home;
  worker->domain.feed = &feed;
  worker->domain.vm.compute = true;
  rl_hearing_init(&worker->hearing, &pool->broadcasts, &worker->domain);
  if (uv_loop_init(&worker->loop) == 0) {
    rl_pool_enter(pool, worker);
    rl_hearing_join(&worker->hearing);
    return worker;
  }
  rl_free(pool->settings->heap, worker, sizeof *worker);
  return NULL;
}

static int start_thread(struct rl_worker *worker) {
  uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
  struct rl_simulation *simulation = worker->pool->settings->simulation;
  if (simulation)
    return rl_simulation_start(simulation, &worker->domain, STACK_BYTES, thread_main, worker);
  return uv_thread_create_ex(&worker->thread, &options, thread_main, worker);
}

void rl_worker_start(struct rl_pool *pool) {
  struct rl_worker *worker = create(pool);
  int error = UV_ENOMEM;
  if (worker) {
    atomic_fetch_add(&pool->threads, 1);
    error = start_thread(worker);
  }
  if (error == 0)
    return;
  if (worker)
    rl_hearing_leave(&worker->hearing);
  rl_pool_start_failed(pool, worker, uv_strerror(error));
  if (worker) {
    atomic_fetch_sub(&pool->threads, 1);
    uv_loop_close(&worker->loop);
    rl_free(pool->settings->heap, worker, sizeof *worker);
  }
}
