/* Networks: a list of addresses and CIDR ranges, and whether a peer is in one of them.
 *
 *     192.0.2.7   10.0.0.0/8   2001:db8::/32   unix
 *
 * An IPv4 address is the same as the one mapped into IPv6. "unix" is every peer on a Unix socket.
 * Threads: any. Nothing raises. */
#ifndef RL_IO_NETWORKS_H
#define RL_IO_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/heap.h"
#include "io/address.h"

struct rl_network {
  unsigned char address[16]; /* IPv4 in its mapped form */
  unsigned bits;             /* of it that count */
};

struct rl_networks {
  bool local; /* "unix" is among them */
  size_t count;
  struct rl_network list[];
};

/* The size of a list with room for that many; all zeros are an empty one. */
static inline size_t rl_networks_size(size_t count) {
  return sizeof(struct rl_networks) + count * sizeof(struct rl_network);
}

/* A copy, for rl_networks_free; NULL when there is no memory. */
struct rl_networks *rl_networks_copy(struct rl_heap *heap, const struct rl_networks *networks);

/* `networks` may be NULL. */
void rl_networks_free(struct rl_heap *heap, struct rl_networks *networks);

/* Reads one more into the list, which has room for it: NULL, or what is wrong with it (a static
 * text; the list is untouched then). Strict: bits of the address behind the range are refused. */
const char *rl_networks_add(struct rl_networks *networks, const char *text, size_t size);

/* Whether an IP address is in one of them; false for any other endpoint. */
bool rl_networks_have(const struct rl_networks *networks, const union rl_endpoint *peer);

#endif
