/* SIGPIPE: the signal of a failed write is sent to the thread that wrote. Blocked there, it waits,
 * and is taken away before it can be delivered. Two system calls, three if the host blocks it. */
#include "io/sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static sigset_t only_sigpipe(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

void rl_sigpipe_block(struct rl_sigpipe *sigpipe) {
  sigset_t set = only_sigpipe(), before, waiting;
  pthread_sigmask(SIG_BLOCK, &set, &before);
  *sigpipe = (struct rl_sigpipe){.blocked = !sigismember(&before, SIGPIPE)};
  if (!sigpipe->blocked && sigpending(&waiting) == 0)
    sigpipe->waiting = sigismember(&waiting, SIGPIPE);
}

void rl_sigpipe_restore(const struct rl_sigpipe *sigpipe, bool broke) {
  static const struct timespec at_once = {0, 0};
  sigset_t set = only_sigpipe();
  int error = errno;
  if (broke && !sigpipe->waiting)
    while (sigtimedwait(&set, NULL, &at_once) < 0 && errno == EINTR)
      ;
  if (sigpipe->blocked)
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  errno = error;
}
