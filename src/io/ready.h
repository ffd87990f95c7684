/* Ready: tells when one of the standard descriptors can be read.
 *
 * libuv would make a descriptor that it polls non-blocking, for everybody who has that terminal or
 * pipe open: so this polls one of its own, opened anew for that.
 *
 * Owner: whoever embeds it. Life: open -> close -> `closed`, after which the memory may be reused.
 * Threads: the loop's only. Nothing raises. */
#ifndef RL_IO_READY_H
#define RL_IO_READY_H

#include <uv.h>

struct rl_ready {
  uv_poll_t poll;
  int fd;
  void (*readable)(struct rl_ready *ready); /* once for each start */
  void (*closed)(struct rl_ready *ready);
};

/* 0; or a libuv error, and nothing is left behind: a file, say, can always be read. */
int rl_ready_open(struct rl_ready *ready, uv_loop_t *loop, int standard);

/* Waits, and keeps the loop alive meanwhile: 0 or a libuv error. May be started again. */
int rl_ready_start(struct rl_ready *ready);
void rl_ready_stop(struct rl_ready *ready);

void rl_ready_close(struct rl_ready *ready);

#endif
