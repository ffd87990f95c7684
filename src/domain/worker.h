/* Worker: the thread of a compute domain, from its start to its join. */
#ifndef RL_DOMAIN_WORKER_H
#define RL_DOMAIN_WORKER_H

#include "domain/pool.h"

/* For rl_pool_init: starts a thread with a domain of the pool, which has counted it. Any thread.
 * What goes wrong is logged, and the pool told. */
void rl_worker_start(struct rl_pool *pool);

#endif
