/* Scheduler: see the header for what a pass is. */
#include "domain/scheduler.h"

#include <assert.h>
#include <lauxlib.h>
#include <sched.h>

#include "base/clock.h"
#include "domain/fiber.h"
#include "domain/finalizer.h"
#include "domain/future.h"
#include "domain/gauges.h"
#include "domain/report.h"
#include "domain/simulation.h"
#include "domain/standstill.h"
#include "domain/task.h"
#include "domain/ticker.h"
#include "domain/timer.h"
#include "vm/call.h"
#include "vm/pristine.h"

enum {
  PASS_NS = 200 * 1000, /* a pass ends after this long, so that sockets get their turn */
  STEPS = 8,            /* of a compute domain between two looks at the clock */
  MOST_SLICES = 16,     /* tasks that one domain runs in turns; each has its heap's worth here */
  SPIN_NS = 40 * 1000,  /* a wake-up costs a quarter of this on a quiet machine, more on others */
};

static void set_awake(struct rl_domain *domain, bool awake) {
  if (domain->awake == awake)
    return;
  domain->awake = awake;
  atomic_fetch_add(&domain->settings->awake, awake ? 1 : -1);
}

static bool take_messages(struct rl_domain *domain) {
  struct rl_message *message = rl_mailbox_take(&domain->mailbox);
  if (!message)
    return false;
  while (message) {
    struct rl_message *next = message->next; /* whoever it arrives at may free it */
    message->arrive(domain, message);
    message = next;
  }
  return true;
}

/* A domain with sliced tasks begins new ones between slices, up to a number. */
static bool may_take(struct rl_domain *domain) {
  if (rl_list_empty(&domain->ready))
    return true;
  return domain->slices > 0 && domain->slices < MOST_SLICES && domain->feed->ready(domain);
}

/* Takes a task, which runs at once, or does what else its feed has to do. */
static bool feed(struct rl_domain *domain) {
  unsigned before = domain->slices;
  bool did = domain->feed->take(domain);
  domain->cut = domain->slices > before;
  return did;
}

/* Behind each slice messages and new tasks come before the next one. */
static bool step(struct rl_domain *domain) {
  bool did = take_messages(domain);
  if (domain->cut && may_take(domain) && feed(domain))
    return true;
  if (domain->feed && !rl_list_empty(&domain->ready))
    domain->feed->run(domain);
  did |= rl_fiber_run_ready(domain);
  domain->cut = domain->slices > 0;
  if (domain->feed && !domain->cut && may_take(domain))
    did |= feed(domain);
  return did;
}

/* True when there may be more to do: the time of the pass is over. Reading the clock takes a
 * twentieth of a small task, whose domain has few sockets to look at; a slice is longer than that
 * time. */
static bool pass(struct rl_domain *domain) {
  const unsigned every = domain->feed ? STEPS : 1;
  uint64_t end = 0;
  for (unsigned steps = 1; step(domain); steps++) {
    if (steps % every != 0 && domain->slices == 0)
      continue;
    uint64_t now = rl_domain_now(domain);
    if (end == 0)
      end = now + PASS_NS;
    else if (now > end)
      return true;
  }
  return false;
}

static bool is_tempted(struct rl_domain *domain) {
  return !rl_mailbox_empty(&domain->mailbox) || (domain->feed && domain->feed->ready(domain));
}

/* Spinning pays if what is waited for comes sooner than a sleeping thread wakes, and takes no core
 * from a domain that works. */
static bool spin(struct rl_domain *domain) {
  bool hopeful = domain->expected < SPIN_NS && (domain->feed || domain->out > 0);
  if (!hopeful || domain->ending || domain->settings->simulation)
    return false;
  uint64_t end = rl_domain_now(domain) + SPIN_NS;
  while (atomic_load_explicit(&domain->settings->awake, memory_order_relaxed) <=
         domain->settings->cores) {
    for (int i = 0; i < 32; i++) {
      if (is_tempted(domain))
        return true;
      rl_clock_relax();
    }
    if (rl_domain_now(domain) > end)
      return false;
    sched_yield(); /* who is waited for may want this very core */
  }
  return false;
}

/* Announces sleep; false when something came in between. */
static bool fall_asleep(struct rl_domain *domain) {
  rl_mailbox_sleep(&domain->mailbox, true);
  bool calm = rl_mailbox_empty(&domain->mailbox);
  if (calm && domain->feed)
    calm = domain->feed->doze(domain);
  if (calm) {
    set_awake(domain, false);
    rl_standstill_rest(domain);
    if (domain->dealing > 0)
      rl_ticker_want(domain->settings->ticker);
  } else {
    rl_mailbox_sleep(&domain->mailbox, false);
  }
  return calm;
}

/* True if the loop is to wait for something; else there is more to do than one pass allows: it
 * looks at the sockets without waiting, then goes on. */
static bool run_until_asleep(struct rl_domain *domain) {
  while (!pass(domain)) {
    if (spin(domain))
      continue;
    if (fall_asleep(domain))
      return true;
  }
  rl_domain_keep_polling(domain);
  return false;
}

static void wake_up(struct rl_domain *domain) {
  domain->paused = false;
  rl_mailbox_sleep(&domain->mailbox, false);
  rl_standstill_rouse(domain);
  if (!domain->awake && domain->feed)
    domain->feed->rouse(domain);
  set_awake(domain, true);
}

void rl_scheduler_pause(struct rl_domain *domain) {
  domain->paused = true;
  if (rl_list_empty(&domain->ready))
    fall_asleep(domain);
}

bool rl_scheduler_paused(const struct rl_domain *domain) {
  return atomic_load(&domain->mailbox.sleeping); /* a sender that wakes it takes this back */
}

/* The writing that libuv does while it polls would raise SIGPIPE in the host. */
static void hush(struct rl_domain *domain) {
  domain->hushed = domain->errands.writes > 0;
  if (domain->hushed)
    rl_sigpipe_block(&domain->sigpipe);
}

static void unhush(struct rl_domain *domain) {
  if (domain->hushed)
    rl_sigpipe_restore(&domain->sigpipe, true);
  domain->hushed = false;
}

static void on_prepare(uv_prepare_t *prepare) {
  struct rl_domain *domain = prepare->data;
  if (domain->paused)
    wake_up(domain);
  bool asleep = run_until_asleep(domain);
  rl_gauges_end(domain);
  if (asleep)
    uv_update_time(domain->loop); /* or it would poll as much longer as Lua has run */
  if (domain->settings->simulation)
    rl_simulation_poll(domain, asleep);
  hush(domain);
}

static void on_check(uv_check_t *check) {
  struct rl_domain *domain = check->data;
  unhush(domain);
  rl_gauges_begin(domain);
  wake_up(domain);
  if (rl_list_empty(&domain->ready))
    uv_idle_stop(&domain->idle);
  pass(domain);
  if (domain->guest)
    rl_scheduler_pause(domain);
}

static void on_wake(uv_async_t *wake) {
  (void)wake; /* it only ended the poll; on_check does the rest */
}

void rl_scheduler_drain(struct rl_domain *domain) {
  while (step(domain))
    ;
}

static void handle_closed(uv_handle_t *handle) {
  struct rl_domain *domain = handle->data;
  domain->open--;
}

static void close_handle(struct rl_domain *domain, uv_handle_t *handle) {
  handle->data = domain;
  uv_close(handle, handle_closed);
}

static void close_handles(struct rl_domain *domain) {
  rl_timers_free(&domain->timers);
  close_handle(domain, (uv_handle_t *)&domain->timers.handle);
  close_handle(domain, (uv_handle_t *)&domain->mailbox.wake);
  close_handle(domain, (uv_handle_t *)&domain->prepare);
  close_handle(domain, (uv_handle_t *)&domain->check);
  close_handle(domain, (uv_handle_t *)&domain->idle);
  set_awake(domain, false);
}

static int open_handles(struct rl_domain *domain) {
  int error = rl_mailbox_open(&domain->mailbox, domain->loop, on_wake);
  if (error != 0)
    return error;
  rl_timers_open(&domain->timers, domain->loop);
  uv_prepare_init(domain->loop, &domain->prepare);
  uv_check_init(domain->loop, &domain->check);
  uv_idle_init(domain->loop, &domain->idle);
  domain->prepare.data = domain->check.data = domain;
  uv_prepare_start(&domain->prepare, on_prepare);
  uv_check_start(&domain->check, on_check);
  uv_unref((uv_handle_t *)&domain->prepare);
  uv_unref((uv_handle_t *)&domain->check);
  if (!domain->feed) /* a main domain's loop ends when there is nothing to wait for */
    uv_unref((uv_handle_t *)&domain->mailbox.wake);
  domain->open = 5;
  set_awake(domain, true);
  return 0;
}

static int open_modules(lua_State *L) {
  struct rl_domain *domain = lua_touserdata(L, 1);
  rl_finalizer_prepare(L);
  rl_fiber_prepare(L);
  domain->settings->open_modules(L);
  if (domain->feed)
    rl_pristine_open(L);
  return 0;
}

static int open_state(struct rl_domain *domain) {
  domain->vm.hashes = domain->settings->hashes;
  if (domain->settings->simulation)
    rl_simulation_prepare(domain);
  if (rl_vm_open(&domain->vm, domain->settings->heap) != 0)
    return UV_ENOMEM;
  if (rl_call_protected(domain->vm.L, open_modules, domain) == LUA_OK)
    return 0;
  size_t size;
  const char *text = rl_traceback_text(domain->vm.L, -1, &size);
  rl_report_text(domain, NULL, RL_LOG_ERROR, "cannot open the modules of a domain: ", text, size);
  return UV_ENOMEM;
}

static void close_state(struct rl_domain *domain) {
  domain->ending = true; /* finalizers start nothing any more */
  rl_vm_close(&domain->vm);
  /* Only now: finalizers may still look at the fibers of old waits, and give tasks back. */
  rl_fiber_free_all(domain);
  rl_task_free_all(domain);
}

/* The handles last: they would need turns of the loop to go again. */
int rl_scheduler_open(struct rl_domain *domain, uv_loop_t *loop) {
  domain->loop = loop;
  domain->errands = (struct rl_errands){.loop = loop};
  struct rl_list *lists[] = {&domain->ready,     &domain->parked,     &domain->free_fibers,
                             &domain->unawaited, &domain->free_tasks, &domain->sliced,
                             &domain->watch.link};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    rl_list_init(lists[i]);
  rl_timers_init(&domain->timers, domain->settings->heap, &domain->settings->clock);
  int error = open_state(domain);
  if (error == 0)
    error = open_handles(domain);
  if (error == 0)
    rl_ticker_enter(domain->settings->ticker, domain);
  else
    close_state(domain);
  return error;
}

void rl_scheduler_end(struct rl_domain *domain) {
  domain->ending = true;
  rl_fiber_end_all(domain);
}

/* The ticker still looks while finalizers run. */
void rl_scheduler_close(struct rl_domain *domain) {
  struct rl_ticker *ticker = domain->settings->ticker;
  rl_mailbox_sleep(&domain->mailbox, false);
  rl_standstill_rouse(domain);
  rl_ticker_want(ticker);
  rl_future_report_all(domain);
  close_state(domain);
  rl_ticker_leave(ticker, domain);
  close_handles(domain);
}
