/* Clients: how many connections each address has at each port, over all loops of a runtime.
 *
 * Of IPv6 the first 64 bits count as the address, since one client has all that follow; an IPv4
 * address mapped into IPv6 is the same as that. Threads: any. Nothing raises. */
#ifndef RL_IO_CLIENTS_H
#define RL_IO_CLIENTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "io/address.h"

struct rl_client; /* one address at one port */

struct rl_clients {
  pthread_mutex_t lock;
  struct rl_heap *heap;
  uint64_t seed; /* who may choose addresses shall not choose where they are kept */

  /* under the lock */
  struct rl_client **slots;
  size_t capacity, count; /* of slots: a power of two or 0; of clients */
};

void rl_clients_init(struct rl_clients *clients, struct rl_heap *heap);

/* There are no connections any more. */
void rl_clients_free(struct rl_clients *clients);

/* One connection more from `peer`, which is an IP address, at `port`. NULL if it would be more than
 * `limit`, or there is no memory. */
struct rl_client *rl_clients_enter(struct rl_clients *clients, const union rl_endpoint *peer,
                                   uint16_t port, unsigned limit);

/* One less. */
void rl_clients_leave(struct rl_clients *clients, struct rl_client *client);

/* Whether the address is one of the machine itself. */
bool rl_clients_is_loopback(const union rl_endpoint *peer);

#endif
