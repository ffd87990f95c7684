/* Gauges: what the runtime tells of itself among its metrics: domains, fibers, the queue, jobs,
 * memory, the process. A domain writes down what others may see of it when it comes to its loop and
 * leaves it, once metrics are asked for; until then that costs it a load. */
#ifndef RL_DOMAIN_GAUGES_H
#define RL_DOMAIN_GAUGES_H

#include "base/metric.h"
#include "domain/domain.h"

struct rl_buffer;

/* The domain's number among all, for its cells of metrics. */
static inline unsigned rl_gauges_slot(const struct rl_domain *domain) {
  return domain->vm.number * 2 + domain->vm.compute;
}

static inline bool rl_gauges_wanted(const struct rl_domain *domain) {
  return atomic_load_explicit(&domain->settings->metrics->on, memory_order_relaxed);
}

/* For the scheduler: the loop has looked at its sockets, and is about to. */
void rl_gauges_note_begin(struct rl_domain *domain);
void rl_gauges_note_end(struct rl_domain *domain);

static inline void rl_gauges_begin(struct rl_domain *domain) {
  if (rl_gauges_wanted(domain))
    rl_gauges_note_begin(domain);
}

static inline void rl_gauges_end(struct rl_domain *domain) {
  if (rl_gauges_wanted(domain))
    rl_gauges_note_end(domain);
}

/* Appends them, in the text format of Prometheus. On the thread of `domain`, which is any. */
void rl_gauges_text(struct rl_domain *domain, struct rl_buffer *out);

#endif
