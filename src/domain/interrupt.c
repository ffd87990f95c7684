/* Interrupt: the handler; the hook that it sets is in region.c. */
#include "domain/interrupt.h"

#include <pthread.h>
#include <signal.h>

#include "domain/fiber.h"

/* The one mutable thing that is not reached through a pointer: a handler has no argument. */
static _Thread_local struct rl_domain *volatile here;

int rl_interrupt_signal(void) {
  return SIGURG;
}

static void on_signal(int number) {
  (void)number;
  if (here)
    rl_fiber_arm(here);
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
