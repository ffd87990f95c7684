/* SIGPIPE: keeps the signal of a call that writes into a broken socket, and has no flag against it,
 * from the process, whatever its host has arranged for that signal. The thread's mask is as before
 * afterwards, and a signal that was already waiting still is. Threads: any. */
#ifndef RL_IO_SIGPIPE_H
#define RL_IO_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

struct rl_sigpipe {
  bool blocked; /* by us: it was not before */
  bool waiting; /* one was, before */
};

/* Before the call. */
void rl_sigpipe_block(struct rl_sigpipe *sigpipe);

/* After it; `broke`: it failed with EPIPE. Leaves errno as it is. */
void rl_sigpipe_restore(const struct rl_sigpipe *sigpipe, bool broke);

#endif
