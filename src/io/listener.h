/* Listener: a listening socket on a libuv loop that hands out connected descriptors.
 *
 * It accepts by itself, with a uv_poll_t, because libuv's own accept sheds clients when descriptors
 * run out. Here accepting pauses instead, says so once in the log, tries again every 100 ms without
 * using the processor in between, and says when it goes on; clients wait in the backlog meanwhile.
 *
 * Owner: whoever embeds it. Life: open -> close -> `closed`, after which the memory may be reused.
 * Threads: the loop's only. Nothing raises. */
#ifndef RL_IO_LISTENER_H
#define RL_IO_LISTENER_H

#include <stdbool.h>
#include <sys/stat.h>
#include <uv.h>

#include "base/log.h"
#include "io/address.h"

struct rl_listener;

struct rl_listener_events {
  /* A client: the descriptor (non-blocking, closed on exec) is the callee's now. May close the
   * listener. The endpoint's family is AF_UNSPEC for Unix sockets. */
  void (*accepted)(struct rl_listener *listener, int fd, const union rl_endpoint *peer);
  void (*closed)(struct rl_listener *listener);
};

struct rl_listener {
  uv_poll_t poll;
  uv_timer_t retry;
  const struct rl_listener_events *on;
  const struct rl_log *log;
  struct rl_address address; /* where it really listens: the port is never 0 */
  int fd;
  dev_t device; /* of a Unix socket's file, so that only our own is removed */
  ino_t inode;
  unsigned handles; /* of the two above: not yet closed */
  bool closing;
};

enum { RL_LISTENER_BACKLOG = 4096 };

/* Binds, listens, starts to accept: 0 or a libuv error, and then nothing is left behind. The
 * address is not a NAME. A file that a dead server left at a Unix path is replaced; UV_EADDRINUSE
 * if the server is alive. */
int rl_listener_open(struct rl_listener *listener, uv_loop_t *loop,
                     const struct rl_address *address, int backlog, const struct rl_log *log,
                     const struct rl_listener_events *on);

/* Stops at once; a Unix socket's file is removed. May be called again. */
void rl_listener_close(struct rl_listener *listener);

#endif
