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
#include <uv.h>

#include "base/log.h"
#include "io/address.h"
#include "io/ports.h"

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
  struct rl_ports *ports;
  struct rl_member member; /* its descriptor */
  unsigned handles;        /* of the two above: not yet closed */
  bool closing;
};

enum { RL_LISTENER_BACKLOG = 4096 };

/* Listens and starts to accept: 0 or a libuv error, and then nothing is left behind; UV_EADDRINUSE
 * if the address is taken. */
int rl_listener_open(struct rl_listener *listener, uv_loop_t *loop, struct rl_ports *ports,
                     const struct rl_ports_wish *wish, const struct rl_log *log,
                     const struct rl_listener_events *on);

/* Before it closes: accepts those who are connected already as far as the kernel is concerned, and
 * would be reset. */
void rl_listener_drain(struct rl_listener *listener);

/* Stops at once. May be called again. */
void rl_listener_close(struct rl_listener *listener);

#endif
