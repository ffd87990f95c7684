/* Scheduler: opens a domain on a loop, runs its passes, and closes it in order.
 *
 * One pass, in the loop's prepare and check phases: take the messages, run the ready fibers, take a
 * task if it is a compute domain, and again while there is something to do, for a bounded time;
 * then spin a little if an answer is about to come and a core is free; then announce sleep, look
 * once more, and let the loop poll. Domain's own thread only. */
#ifndef RL_DOMAIN_SCHEDULER_H
#define RL_DOMAIN_SCHEDULER_H

#include "domain/domain.h"

/* Opens the domain on `loop`: state, modules, mailbox, handles. The caller has zeroed the struct
 * and set settings, main, feed, vm.compute and vm.number. 0; or a negative libuv error, with
 * everything undone, and nothing left in the loop; the text of a Lua error while opening modules is
 * logged. */
int rl_scheduler_open(struct rl_domain *domain, uv_loop_t *loop);

/* Takes messages and runs fibers until nothing is ready, without the loop. */
void rl_scheduler_drain(struct rl_domain *domain);

/* The loop will not run for a while: senders are to wake it. Whether that was announced, and holds:
 * false if there is something to do at once. */
void rl_scheduler_pause(struct rl_domain *domain);
bool rl_scheduler_paused(const struct rl_domain *domain);

/* Cancels every fiber and refuses new ones. They end during the next passes. */
void rl_scheduler_end(struct rl_domain *domain);

/* Whether nothing of the domain is left to wait for: no fibers, no messages under way. */
static inline bool rl_scheduler_ended(const struct rl_domain *domain) {
  return domain->fibers == 0 && domain->out == 0;
}

/* After it has ended: closes the Lua state, then the handles; the loop must run until they are gone
 * (domain->open is 0 then), after which the struct may be freed. */
void rl_scheduler_close(struct rl_domain *domain);

#endif
