/* Ticket: what the host completes a suspended call with, once, from any thread; the other end of
 * the call's wait. It is the C library's memory, for it may outlive its runtime.
 *
 *     domain                                     host, any thread
 *     rl_ticket_new: two references  --------->  holds one
 *     rl_ticket_park: the fiber waits
 *     arrive: wakes it               <---------  rille_resume: `domain` becomes NULL, message sent
 *     the fiber gets the results
 *
 * Whoever turns `domain` to NULL, under the lock, has decided how the call ends; if the fiber is
 * cancelled first, that is the domain. After that nobody else touches the domain, so the host may
 * come as late as it likes. */
#ifndef RL_HOST_TICKET_H
#define RL_HOST_TICKET_H

#include <lua.h>

struct rille_ticket;
struct rl_domain;

/* For the running fiber of the domain. NULL without memory. */
struct rille_ticket *rl_ticket_new(struct rl_domain *domain, void (*cancelled)(void *context),
                                   void *context);

/* As rl_park, where the fiber may wait: until the ticket is completed. `what` names the call. */
int rl_ticket_park(lua_State *L, struct rille_ticket *ticket, const char *what);

#endif
