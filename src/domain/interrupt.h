/* Interrupt: stops Lua code that runs, from another thread.
 *
 * A signal to the thread sets a count hook on the Lua thread that runs there, as the `lua` program
 * does for Ctrl-C: lua_sethook from another thread would race with the interpreter, from a handler
 * on the same thread it does not. The hook then raises inside the fiber if it was cancelled; when
 * there is nothing to do it takes itself off, so code runs at full speed otherwise. */
#ifndef RL_DOMAIN_INTERRUPT_H
#define RL_DOMAIN_INTERRUPT_H

#include "domain/domain.h"

/* The signal that Rille uses; nothing else is sent. */
int rl_interrupt_signal(void);

/* Installs the handler, for the whole process; repeated calls do no harm. */
void rl_interrupt_install(void);

/* On the domain's own thread: which domain runs here; NULL before it closes. */
void rl_interrupt_here(struct rl_domain *domain);

/* Any thread: makes the domain's running fiber look whether it is to stop. */
void rl_interrupt_send(uv_thread_t thread);

#endif
