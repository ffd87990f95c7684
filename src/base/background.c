/* The kernel's scheduler has two ways to prefer a loop that wakes up to a thread that computes:
 *  - niceness: the thread gets less of a core that both want. Not the lowest, or whatever else the
 *    machine has to do would starve it;
 *  - the slice, since Linux 6.12 (sched(7), sched_runtime of sched_setattr): a thread that runs is
 *    left alone until it has had its slice, unless the one that wakes up asks for a shorter slice,
 *    which is what a loop with the default of about 3 ms does. Before 6.12 it is ignored. */
#include "base/background.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  NICENESS = 5,
  SLICE = 100000000 /* ns; the longest that the kernel takes */
};

void rl_background_here(void) {
  struct sched_attr attributes = {
      .size = sizeof attributes,
      .sched_flags = SCHED_FLAG_KEEP_POLICY, /* the host's affair */
      .sched_nice = NICENESS,
      .sched_runtime = SLICE,
  };
  if (syscall(SYS_sched_setattr, 0, &attributes, 0) != 0)
    setpriority(PRIO_PROCESS, 0, NICENESS); /* of this thread, on Linux */
}
