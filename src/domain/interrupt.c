/* Interrupt: the handler and the hook. */
#include "domain/interrupt.h"

#include <pthread.h>
#include <signal.h>

#include "domain/fiber.h"

/* The one mutable thing that is not reached through a pointer: a handler has no argument. */
static _Thread_local struct rl_domain *volatile here;

int rl_interrupt_signal(void) {
  return SIGURG;
}

static bool is_ending(struct rl_domain *domain) {
  return domain->feed && atomic_load(&domain->settings->ending);
}

static bool is_unwanted(const struct rl_fiber *fiber) {
  return fiber->stop && atomic_load(fiber->stop) && !fiber->whole.cancelled;
}

/* The reason proper lies in the mailbox, which nobody reads while Lua code runs. */
static void cancel(lua_State *L, struct rl_fiber *fiber) {
  lua_pushliteral(L, "cancelled");
  rl_fiber_cancel(L, fiber);
}

static void on_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  struct rl_domain *domain = rl_domain_of(L);
  lua_sethook(L, NULL, 0, 0);
  if (!domain->running)
    return;
  if (is_ending(domain))
    rl_fiber_end(domain->running);
  else if (is_unwanted(domain->running))
    cancel(L, domain->running);
  rl_fiber_insist(L);
}

static void on_signal(int number) {
  (void)number;
  struct rl_domain *domain = here;
  lua_State *L = domain ? domain->innermost : NULL;
  if (L)
    lua_sethook(L, on_hook, LUA_MASKCOUNT, 1);
}

void rl_interrupt_install(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(rl_interrupt_signal(), &action, NULL);
}

void rl_interrupt_here(struct rl_domain *domain) {
  here = domain;
}

void rl_interrupt_send(uv_thread_t thread) {
  pthread_kill(thread, rl_interrupt_signal());
}
