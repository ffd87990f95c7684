/* Loops: the serving domains after the first, each on a thread of its own. All of this on the
 * thread of the first loop, which also joins them. */
#ifndef RL_HOST_LOOPS_H
#define RL_HOST_LOOPS_H

#include "host/loop.h"

/* Starts loop `number`, which runs the same script as the first: 0 or a libuv error. What goes
 * wrong later fails the program. */
int rl_loops_start(struct rl_loop *first, unsigned number);

#endif
