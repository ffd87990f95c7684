/* Ticker: see the header.
 *
 * It falls asleep in two steps. `awake` is cleared, and a tick later it looks once more: a domain
 * whose turn began meanwhile has either woken it, or its turn is seen by then. So a turn costs no
 * memory barrier. */
#include "domain/ticker.h"

#include <assert.h>
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/domain.h"
#include "domain/interrupt.h"

enum {
  MILLISECOND = 1000 * 1000,
  SLICE = 10 * MILLISECOND,
  HOLDUP = 100 * MILLISECOND,
  CLEANUP = 1000 * MILLISECOND,
  LONGEST_TICK = SLICE / 2,
  SHORTEST_TICK = MILLISECOND / 20,
  URGENT_TICK = MILLISECOND, /* while somebody has been asked to stop */
  HALT = 100 * MILLISECOND,  /* a main domain that runs so long does not come to its loop */
  LINGER = 100 * MILLISECOND,
  STUCK = 100 * MILLISECOND,    /* not stopped after so long: it is in a C function, */
  ANSWER = 10 * MILLISECOND,    /* if it has used so much processor time meanwhile; */
  BLOCKED = 1000 * MILLISECOND, /* or it blocks there */
  BRIEF = 10 * MILLISECOND,     /* what every finalizer may take */
  LOOKS = 8, /* that finalizers are looked for within the time that one may take */
  STACK_BYTES = 128 << 10
};

void rl_ticker_init(struct rl_ticker *ticker, const struct rl_log *log,
                    const struct rl_clock *clock) {
  *ticker = (struct rl_ticker){.log = log, .clock = clock};
  atomic_init(&ticker->awake, clock->simulated); /* so that nobody ever wakes it */
  atomic_init(&ticker->slice, SLICE);
  atomic_init(&ticker->holdup, HOLDUP);
  atomic_init(&ticker->forbidden, RL_NEVER);
  atomic_init(&ticker->cleanup, CLEANUP);
  pthread_mutex_init(&ticker->lock, NULL);
  rl_list_init(&ticker->domains);
}

/* -- looking ------------------------------------------------------------------------------- */

static bool is_crowded(struct rl_domain *domain) {
  return atomic_load_explicit(&domain->watch.company, memory_order_relaxed) ||
         !rl_mailbox_empty(&domain->mailbox) || domain->feed->crowded(domain);
}

uint64_t rl_ticker_forbidden(const struct rl_ticker *ticker, const struct rl_domain *domain) {
  uint64_t all = atomic_load_explicit(&ticker->forbidden, memory_order_relaxed);
  uint64_t own = atomic_load_explicit(&domain->watch.most, memory_order_relaxed);
  return own != 0 && own < all ? own : all;
}

uint64_t rl_ticker_finalizing(const struct rl_ticker *ticker, const struct rl_domain *domain) {
  if (atomic_load_explicit(&domain->watch.haunted, memory_order_relaxed))
    return 0;
  uint64_t time = atomic_load_explicit(&ticker->cleanup, memory_order_relaxed);
  return time < BRIEF ? BRIEF : time;
}

/* Whether it is time to look for finalizers, in a turn or between two. */
static unsigned finalizer_ask(struct rl_ticker *ticker, struct rl_domain *domain, uint64_t now) {
  struct rl_watch *watch = &domain->watch;
  uint64_t bound = rl_ticker_finalizing(ticker, domain);
  if (bound == RL_NEVER || domain->settings->simulation)
    return 0;
  if (watch->look_at == 0)
    watch->look_at = now + bound / LOOKS;
  if (now < watch->look_at)
    return 0;
  watch->look_at = 0;
  return RL_ASK_FINALIZER;
}

/* What the fiber is to be asked, which has run for so long. */
static unsigned asks_for(struct rl_ticker *ticker, struct rl_domain *domain, uint64_t now) {
  struct rl_watch *watch = &domain->watch;
  uint64_t ran = now - atomic_load_explicit(&watch->since, memory_order_relaxed);
  unsigned asks = atomic_load(&watch->asks); /* again what was not answered */
  asks |= finalizer_ask(ticker, domain, now);
  if (now >= atomic_load_explicit(&watch->due, memory_order_relaxed))
    asks |= RL_ASK_STOP;
  if (domain->feed) {
    if (ran >= atomic_load_explicit(&ticker->slice, memory_order_relaxed) && is_crowded(domain))
      asks |= RL_ASK_SLICE;
  } else {
    if (ran >= HALT && atomic_load_explicit(&ticker->halting, memory_order_relaxed))
      asks |= RL_ASK_STOP;
    if (ran > 0 && atomic_load_explicit(&ticker->recalling, memory_order_relaxed))
      asks |= RL_ASK_STOP;
    if (ran >= atomic_load_explicit(&ticker->holdup, memory_order_relaxed) && !watch->reported)
      asks |= RL_ASK_REPORT;
    watch->reported = watch->reported || asks & RL_ASK_REPORT;
    if (ran >= rl_ticker_forbidden(ticker, domain))
      asks |= RL_ASK_FORBID;
    if (ran > 0 && atomic_load_explicit(&ticker->pressed, memory_order_relaxed))
      asks |= RL_ASK_INTERRUPT;
  }
  return asks;
}

/* Not a thread that had no processor to answer on; but one that blocks needs none. */
static bool had_its_chance(struct rl_domain *domain, uint64_t now) {
  struct rl_watch *watch = &domain->watch;
  uint64_t waited = now - watch->asked_at;
  return waited >= BLOCKED || (waited >= STUCK && rl_watch_spent(watch) - watch->spent >= ANSWER);
}

/* A fiber that was asked to stop and does not. */
static void judge(struct rl_domain *domain, uint64_t now) {
  struct rl_watch *watch = &domain->watch;
  if (watch->asked_at == 0) {
    watch->asked_at = now;
    watch->spent = rl_watch_spent(watch);
  } else if (domain->feed && !watch->stuck && had_its_chance(domain, now)) {
    watch->stuck = true;
    domain->feed->stuck(domain);
  }
}

bool rl_ticker_do_chore(struct rl_ticker *ticker, uint64_t now) {
  return ticker->chore && ticker->chore(ticker->chore_owner, now);
}

/* Between turns only finalizers may take long, or a main domain's callbacks of libuv. */
static bool look_between(struct rl_ticker *ticker, struct rl_domain *domain, uint64_t now) {
  if (!atomic_load_explicit(&domain->watch.present, memory_order_relaxed) ||
      atomic_load(&domain->mailbox.sleeping))
    return false;
  ticker->active = now;
  if (finalizer_ask(ticker, domain, now))
    rl_interrupt_ask(domain, RL_ASK_FINALIZER);
  return atomic_load_explicit(&domain->watch.haunted, memory_order_relaxed);
}

/* Whether it has been asked to stop. */
bool rl_ticker_look(struct rl_ticker *ticker, struct rl_domain *domain, uint64_t now) {
  struct rl_watch *watch = &domain->watch;
  uint64_t turn = atomic_load_explicit(&watch->turn, memory_order_relaxed);
  bool unanswered = atomic_load(&watch->asks) & RL_ASK_STOP;
  if (turn != atomic_load_explicit(&watch->seen, memory_order_relaxed)) {
    atomic_store_explicit(&watch->since, now, memory_order_relaxed);
    if (turn % 2 != 0)
      atomic_store_explicit(&watch->lag, rl_watch_lag(watch), memory_order_relaxed);
    atomic_store(&watch->seen, turn);
    ticker->active = now;
    watch->reported = false;
    watch->look_at = 0;
    watch->asked_at = 0; /* whoever was asked has stopped */
  }
  if (turn % 2 == 0)
    return look_between(ticker, domain, now);
  ticker->active = now;
  if (unanswered)
    judge(domain, now);
  else
    watch->asked_at = 0;
  unsigned asks = asks_for(ticker, domain, now);
  if (asks != 0)
    rl_interrupt_ask(domain, asks);
  return asks & RL_ASK_STOP;
}

/* Under the lock. */
static void survey(struct rl_ticker *ticker) {
  if (ticker->survey)
    ticker->survey(ticker->survey_owner, &ticker->domains);
}

void rl_ticker_survey(struct rl_ticker *ticker) {
  pthread_mutex_lock(&ticker->lock);
  survey(ticker);
  pthread_mutex_unlock(&ticker->lock);
}

/* How long to sleep until the next look. */
static uint64_t look(struct rl_ticker *ticker) {
  uint64_t now = rl_clock_now(ticker->clock);
  uint64_t tick = atomic_load_explicit(&ticker->slice, memory_order_relaxed) / 2;
  if (rl_ticker_do_chore(ticker, now))
    ticker->active = now;
  pthread_mutex_lock(&ticker->lock);
  for (struct rl_list *at = ticker->domains.next; at != &ticker->domains; at = at->next) {
    struct rl_domain *domain = RL_OF(at, struct rl_domain, watch.link);
    if (rl_ticker_look(ticker, domain, now) && tick > URGENT_TICK)
      tick = URGENT_TICK;
  }
  survey(ticker);
  pthread_mutex_unlock(&ticker->lock);
  return tick < SHORTEST_TICK ? SHORTEST_TICK : tick > LONGEST_TICK ? LONGEST_TICK : tick;
}

/* -- the thread ---------------------------------------------------------------------------- */

static void sleep_for(uint64_t nanoseconds) {
  struct timespec time = {.tv_nsec = (long)nanoseconds};
  nanosleep(&time, NULL);
}

static bool is_idle(const struct rl_ticker *ticker) {
  return rl_clock_now(ticker->clock) - ticker->active >= LINGER;
}

/* Until somebody wants it, or at once if something runs after all. */
static void doze(struct rl_ticker *ticker) {
  atomic_store(&ticker->awake, false);
  sleep_for(LONGEST_TICK);
  look(ticker);
  if (is_idle(ticker) && !atomic_load(&ticker->awake) && !atomic_load(&ticker->ending))
    uv_run(&ticker->loop, UV_RUN_ONCE);
  atomic_store(&ticker->awake, true);
  ticker->active = rl_clock_now(ticker->clock);
}

static void close_handles(struct rl_ticker *ticker) {
  uv_close((uv_handle_t *)&ticker->wake, NULL);
  for (int i = 0; i < ticker->watched; i++)
    uv_close((uv_handle_t *)&ticker->signals[i], NULL);
  uv_run(&ticker->loop, UV_RUN_DEFAULT);
}

static void thread_main(void *argument) {
  struct rl_ticker *ticker = argument;
  ticker->active = rl_clock_now(ticker->clock);
  while (!atomic_load(&ticker->ending)) {
    sleep_for(look(ticker));
    if (ticker->watched > 0)
      uv_run(&ticker->loop, UV_RUN_NOWAIT);
    if (is_idle(ticker))
      doze(ticker);
  }
  close_handles(ticker);
}

static void woken(uv_async_t *wake) {
  (void)wake; /* it only ended the poll */
}

/* Signals are for the threads of the embedding program, and would cut the ticks short. */
static int create(struct rl_ticker *ticker) {
  uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int error = uv_thread_create_ex(&ticker->thread, &options, thread_main, ticker);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

static void open_signals(struct rl_ticker *ticker) {
  for (int i = 0; i < ticker->watched; i++) {
    uv_signal_init(&ticker->loop, &ticker->signals[i]);
    uv_signal_start(&ticker->signals[i], ticker->signalled, ticker->numbers[i]);
  }
}

void rl_ticker_watch_signals(struct rl_ticker *ticker, const int *numbers, int count,
                             uv_signal_cb signalled, void *data) {
  assert(!ticker->started && count <= RL_TICKER_SIGNALS);
  ticker->watched = count;
  ticker->signalled = signalled;
  for (int i = 0; i < count; i++) {
    ticker->numbers[i] = numbers[i];
    ticker->signals[i].data = data;
  }
}

static int begin(struct rl_ticker *ticker) {
  int error = uv_loop_init(&ticker->loop);
  if (error != 0)
    return error;
  error = uv_async_init(&ticker->loop, &ticker->wake, woken);
  if (error == 0) {
    open_signals(ticker);
    ticker->started = true; /* before there is a thread that clears `awake` */
    error = create(ticker);
    if (error == 0)
      return 0;
    ticker->started = false;
    close_handles(ticker);
  }
  uv_loop_close(&ticker->loop);
  return error;
}

/* Without the thread tasks are neither sliced nor bounded; it is not tried again. */
static void start(struct rl_ticker *ticker) {
  int error = begin(ticker);
  if (error != 0)
    rl_log_line(ticker->log, RL_LOG_ERROR, "cannot start the ticker: %s", uv_strerror(error));
}

/* Without a lock: who sets `awake` is alone with `started` until the ticker clears it again. */
void rl_ticker_wake(struct rl_ticker *ticker) {
  if (atomic_exchange(&ticker->awake, true))
    return;
  if (ticker->started)
    uv_async_send(&ticker->wake);
  else
    start(ticker);
}

void rl_ticker_destroy(struct rl_ticker *ticker) {
  atomic_store(&ticker->ending, true);
  if (ticker->started) {
    uv_async_send(&ticker->wake);
    uv_thread_join(&ticker->thread);
    uv_loop_close(&ticker->loop);
  }
  pthread_mutex_destroy(&ticker->lock);
}

void rl_ticker_halt(struct rl_ticker *ticker) {
  atomic_store(&ticker->halting, true);
  rl_ticker_want(ticker);
}

void rl_ticker_recall(struct rl_ticker *ticker) {
  atomic_store(&ticker->recalling, true);
  rl_ticker_want(ticker);
}

void rl_ticker_recalled(struct rl_ticker *ticker) {
  atomic_store(&ticker->recalling, false);
}

uint64_t rl_ticker_cleanup_end(const struct rl_ticker *ticker) {
  uint64_t time = atomic_load(&ticker->cleanup);
  return time == RL_NEVER ? RL_NEVER : rl_clock_now(ticker->clock) + time;
}

/* -- who is looked at ---------------------------------------------------------------------- */

void rl_ticker_enter(struct rl_ticker *ticker, struct rl_domain *domain) {
  atomic_store(&domain->watch.due, RL_NEVER);
  pthread_mutex_lock(&ticker->lock);
  domain->watch.thread = uv_thread_self();
  rl_list_remove(&domain->watch.link);
  rl_list_push(&ticker->domains, &domain->watch.link);
  pthread_mutex_unlock(&ticker->lock);
}

void rl_ticker_leave(struct rl_ticker *ticker, struct rl_domain *domain) {
  pthread_mutex_lock(&ticker->lock);
  rl_list_remove(&domain->watch.link);
  pthread_mutex_unlock(&ticker->lock);
}
