/* Errands: what libuv has yet to do for the domain of a loop, counted, since a loop that belongs to
 * the host tells nobody whose work it still waits for. What its threads do must not outlive the
 * domain; and what a stream is to write, once it can, may meet a peer that is gone, which raises
 * SIGPIPE (scheduler.c). And what its streams have done so far. The loop's thread only. */
#ifndef RL_IO_ERRANDS_H
#define RL_IO_ERRANDS_H

#include <stdint.h>
#include <uv.h>

struct rl_errands {
  uv_loop_t *loop;
  unsigned out;    /* given to libuv's threads, and not yet back */
  unsigned writes; /* queued, and not yet done */

  unsigned streams;        /* open now */
  uint64_t received, sent; /* bytes of all streams; what is queued counts as sent */
};

/* An error of libuv's: nothing has begun. `back` counts it down again. */
static inline int rl_errand_send(struct rl_errands *errands, uv_work_t *work, uv_work_cb run,
                                 uv_after_work_cb back) {
  int error = uv_queue_work(errands->loop, work, run, back);
  if (error == 0)
    errands->out++;
  return error;
}

#endif
