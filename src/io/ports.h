/* Ports: where the loops of a runtime listen, so that each gets its share of one port's clients.
 *
 * The first loop that listens at an address claims it; others that listen there join it. Of port 0
 * the k-th listener of one loop is the k-th of every other: the kernel picks the port once. A loop
 * that listens twice at one address gets UV_EADDRINUSE, as does whoever wants one that another
 * program has. Threads: any. Nothing raises. */
#ifndef RL_IO_PORTS_H
#define RL_IO_PORTS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/heap.h"
#include "base/list.h"
#include "io/address.h"

struct rl_port;

struct rl_ports { /* all of it: under the lock */
  pthread_mutex_t lock;
  struct rl_heap *heap;
  struct rl_list open;  /* of struct rl_port: that somebody listens at */
  struct rl_list turns; /* of struct turn: how often a loop has asked for a port 0 */
};

/* One loop's part in a port. */
struct rl_member {
  struct rl_list link; /* in its port, under the lock */
  struct rl_port *port;
  const void *loop; /* whose it is */
  int fd;
};

void rl_ports_init(struct rl_ports *ports, struct rl_heap *heap);

/* Nobody listens any more. */
void rl_ports_free(struct rl_ports *ports);

/* How to listen. */
struct rl_ports_wish {
  struct rl_address address; /* not a NAME */
  int backlog;
  bool alone; /* no other loop may join */
};

/* Listens for `loop`: 0, with member->fd and the real address; or a libuv error. */
int rl_ports_enter(struct rl_ports *ports, struct rl_member *member, const void *loop,
                   const struct rl_ports_wish *wish, struct rl_address *real);

/* Closes member->fd. With the last member of a Unix socket goes its file. */
void rl_ports_leave(struct rl_ports *ports, struct rl_member *member);

#endif
