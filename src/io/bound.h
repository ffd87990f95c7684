/* Bound: opens and closes listening sockets.
 *
 * A claim has its address for itself: it fails while anybody else listens there. Further sockets of
 * this process may join it afterwards. For IP that is SO_REUSEPORT, set on the claimed socket only
 * once it listens, so that the claim was a real one: the kernel then spreads clients over all. Unix
 * sockets know nothing like it; the ones that join are the same socket under another descriptor.
 *
 * Threads: any, one at a time for each bound. Nothing raises. */
#ifndef RL_IO_BOUND_H
#define RL_IO_BOUND_H

#include <sys/stat.h>

#include "io/address.h"

struct rl_bound {
  struct rl_address address; /* where it really listens: the port is never 0 */
  dev_t device;              /* of a Unix socket's file, so that only our own is removed */
  ino_t inode;
};

/* Listens at an address that is not a NAME: the descriptor, non-blocking and closed on exec; or a
 * libuv error. A file that a dead server left at a Unix path is replaced. */
int rl_bound_claim(struct rl_bound *bound, const struct rl_address *address, int backlog);

/* One more descriptor for the same place, where `fd` listens; or a libuv error. */
int rl_bound_join(const struct rl_bound *bound, int fd, int backlog);

/* After the last descriptor was closed, or before: removes the file of a Unix socket. */
void rl_bound_remove(const struct rl_bound *bound);

#endif
