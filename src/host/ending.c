/* Ending: every loop rests, and cancels its fibers; all have, and the pool stops; it is gone, and
 * the fibers have ended, so that the other loops may close; they have. */
#include <stdio.h>

#include "host/runtime.h"

enum { STUCK_NS = 1000000000 }; /* what stuck domains get to return after all, at the end */

bool rl_ending_all_cancelled(struct rl_loop *first) {
  return rl_course_all_ending(first->course);
}

/* A thread inside a C function cannot be ended, and what it uses cannot be freed. */
static void leave_stuck(struct rille *runtime) {
  uint64_t now = rl_clock_now(&runtime->settings.clock);
  if (!rl_pool_all_stuck(&runtime->pool))
    runtime->stuck_since = now;
  if (now - runtime->stuck_since < STUCK_NS)
    return;
  rl_log_line(&runtime->settings.log, RL_LOG_ERROR,
              "rille: compute domains are inside C functions that do not return (%u); "
              "the program ends without them",
              atomic_load(&runtime->pool.threads));
  fflush(NULL);
  rl_course_leave(&runtime->course, rl_course_status(&runtime->course));
}

bool rl_ending_pool_is_gone(struct rl_loop *first) {
  struct rille *runtime = RL_OF(first, struct rille, first);
  rl_pool_interrupt(&runtime->pool);
  if (runtime->handles_signals)
    leave_stuck(runtime);
  return atomic_load(&runtime->pool.threads) == 0;
}

bool rl_ending_is_alone(struct rl_loop *first) {
  return rl_course_loops(first->course) == 1;
}

void rl_ending_run(struct rille *runtime) {
  struct rl_loop *first = &runtime->first;
  rl_loop_cancel(first);
  rl_loop_await(first, rl_ending_all_cancelled);
  rl_pool_stop(&runtime->pool);
  rl_loop_finish(first, rl_ending_pool_is_gone);
  rl_course_advance(&runtime->course, RL_CLOSING);
  rl_loop_await(first, rl_ending_is_alone);
  runtime->ended = true;
}
