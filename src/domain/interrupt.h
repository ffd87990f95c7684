/* Interrupt: makes Lua code that runs stop for a moment, from another thread.
 *
 * A signal to the thread sets a count hook on the Lua thread that runs there, as the `lua` program
 * does for Ctrl-C: lua_sethook from another thread would race with the interpreter, from a handler
 * on the same thread it does not. What the hook then does is domain->look (preempt.c); it takes
 * itself off first, so code runs at full speed otherwise. */
#ifndef RL_DOMAIN_INTERRUPT_H
#define RL_DOMAIN_INTERRUPT_H

#include "domain/domain.h"

/* Installs the handler of a signal, for the whole process; repeated calls do no harm. 0; or an
 * error of errno.h: EBUSY if the signal has a handler that is not ours. */
int rl_interrupt_install(int number);

/* On the domain's own thread: which domain runs here; NULL before it closes. Lets the signal
 * through where whoever started the thread had blocked it, until another domain, or none, does. */
void rl_interrupt_here(struct rl_domain *domain);

/* Any thread, while the domain's thread lives: asks its running fiber for what `asks` says (enum
 * rl_ask). */
void rl_interrupt_ask(struct rl_domain *domain, unsigned asks);

/* On the domain's thread, from the handler too: sets the hook on the Lua thread that runs. */
void rl_interrupt_arm(struct rl_domain *domain);

#endif
