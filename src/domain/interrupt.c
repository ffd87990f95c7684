/* Interrupt: the handler. */
#include "domain/interrupt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/clock.h"
#include "vm/collector.h"
#include "vm/inside.h"

enum {
  ARM_SHARE = 8,                   /* setting hooks takes a ninth of a domain's time at most; */
  LONGEST_REST = 100 * 1000 * 1000 /* ns: what took longer did not run meanwhile */
};

/* The one mutable thing that is not reached through a pointer: a handler has no argument. */
static _Thread_local struct rl_domain *volatile here;

/* What is to stop is stopped in finalizers and in a script's own hooks, too. */
static void let_hooks_in(struct rl_domain *domain, lua_State *L) {
  struct rl_inside_thread *thread = (struct rl_inside_thread *)(void *)L;
  const unsigned ends = RL_ASK_STOP | RL_ASK_FORBID | RL_ASK_INTERRUPT;
  if (domain->vm.inside_threads && atomic_load(&domain->watch.asks) & ends)
    thread->hooks = 1;
}

static void arm(struct rl_domain *domain, lua_State *L) {
  lua_sethook(L, domain->look, LUA_MASKCOUNT, 1);
  let_hooks_in(domain, L);
}

void rl_interrupt_arm(struct rl_domain *domain) {
  lua_State *L = domain->innermost;
  if (L && domain->running)
    arm(domain, L);
}

/* Takes note of the finalizer that runs on L, and lets hooks into it; false if none does.
 * finalizer.h says why. */
static bool notice(struct rl_domain *domain, lua_State *L) {
  struct rl_inside_thread *thread = (struct rl_inside_thread *)(void *)L;
  volatile struct rl_finalizing *now = &domain->finalizing;
  if (!domain->vm.inside_threads || !rl_collector_finalizes(L)) {
    *now = (struct rl_finalizing){0};
    return false;
  }
  bool another = !thread->hooks && !now->caught;
  if (another || now->since == 0)
    *now = (struct rl_finalizing){.since = rl_clock_real()};
  now->caught = now->over;
  thread->hooks = 1;
  return true;
}

/* What the signal asks for: nothing of code that runs no finalizer, if it is only about those. */
static void answer(struct rl_domain *domain) {
  lua_State *L = domain->innermost;
  if (!L && !domain->running)
    L = domain->between;
  bool looks = atomic_load(&domain->watch.asks) & RL_ASK_FINALIZER;
  if (looks)
    atomic_fetch_and(&domain->watch.asks, ~(unsigned)RL_ASK_FINALIZER);
  bool finalizes = looks && L && notice(domain, L);
  if (L && (finalizes || (domain->running && atomic_load(&domain->watch.asks) != 0)))
    arm(domain, L);
}

/* Setting a hook marks every call of the thread, which for a recursion of 200,000 takes longer than
 * a tick: set with each signal, it would leave the code no time to come to its hook. It is set
 * again all the same, since the interpreter may have been about to write what was set here. */
static void arm_again(struct rl_domain *domain) {
  uint64_t now = rl_clock_real();
  if (now < domain->arm_at)
    return; /* the ticker asks again */
  answer(domain);
  uint64_t end = rl_clock_real();
  uint64_t rest = (end - now) * ARM_SHARE;
  domain->arm_at = end + (rest < LONGEST_REST ? rest : LONGEST_REST);
}

static void on_signal(int number) {
  (void)number;
  if (here)
    arm_again(here);
}

static bool is_free(const struct sigaction *action) {
  bool plain = !(action->sa_flags & SA_SIGINFO);
  return plain && (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN ||
                   action->sa_handler == on_signal);
}

int rl_interrupt_install(int number) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
  sigemptyset(&action.sa_mask);
  if (sigaction(number, NULL, &before) != 0)
    return errno;
  if (!is_free(&before))
    return EBUSY;
  return sigaction(number, &action, NULL) == 0 ? 0 : errno;
}

static sigset_t signal_of(const struct rl_domain *domain) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, domain->settings->interrupt_signal);
  return set;
}

void rl_interrupt_here(struct rl_domain *domain) {
  struct rl_domain *before = here;
  sigset_t set, blocked;
  here = domain;
  if (before)
    atomic_store_explicit(&before->watch.present, false, memory_order_relaxed);
  if (before && before->let_in) {
    set = signal_of(before);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
  }
  if (!domain)
    return;
  atomic_store_explicit(&domain->watch.present, true, memory_order_relaxed);
  set = signal_of(domain);
  pthread_sigmask(SIG_UNBLOCK, &set, &blocked);
  domain->let_in = sigismember(&blocked, domain->settings->interrupt_signal) == 1;
}

void rl_interrupt_ask(struct rl_domain *domain, unsigned asks) {
  atomic_fetch_or(&domain->watch.asks, asks);
  if (!domain->settings->simulation) /* there its hook looks by itself */
    pthread_kill(domain->watch.thread, domain->settings->interrupt_signal);
}
