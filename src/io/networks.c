/* Networks: compared bit by bit from the left, all of them as IPv6. */
#include "io/networks.h"

#include <arpa/inet.h>
#include <string.h>

enum { MAPPED = 96 }; /* bits before an IPv4 address in its mapped form */

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

/* The number after the slash: at most `most`, or -1. */
static int parse_bits(const char *text, size_t size, int most) {
  int bits = 0;
  if (size == 0 || size > 3 || (size > 1 && text[0] == '0'))
    return -1;
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9')
      return -1;
    bits = bits * 10 + (text[i] - '0');
  }
  return bits <= most ? bits : -1;
}

/* Whether the first `bits` bits of both are the same. */
static bool begin_alike(const unsigned char *one, const unsigned char *other, unsigned bits) {
  unsigned whole = bits / 8, rest = bits % 8;
  if (memcmp(one, other, whole) != 0)
    return false;
  return rest == 0 || (one[whole] ^ other[whole]) >> (8 - rest) == 0;
}

/* Whether no bit behind the first `bits` is set. */
static bool ends_empty(const struct rl_network *network) {
  for (unsigned bit = network->bits; bit < 128; bit++) {
    if (network->address[bit / 8] & 0x80 >> bit % 8)
      return false;
  }
  return true;
}

static const char *parse(struct rl_network *network, const char *text, size_t size) {
  char host[INET6_ADDRSTRLEN];
  const char *slash = memchr(text, '/', size);
  size_t length = slash ? (size_t)(slash - text) : size;
  if (length >= sizeof host || memchr(text, '\0', size))
    return "it is no IP address";
  memcpy(host, text, length);
  host[length] = '\0';
  bool v4 = inet_pton(AF_INET, host, network->address + sizeof mapped) == 1;
  if (v4)
    memcpy(network->address, mapped, sizeof mapped);
  else if (inet_pton(AF_INET6, host, network->address) != 1)
    return "it is no IP address";
  int most = v4 ? 32 : 128;
  int bits = slash ? parse_bits(slash + 1, size - length - 1, most) : most;
  if (bits < 0)
    return v4 ? "the slash must be followed by a number from 0 to 32"
              : "the slash must be followed by a number from 0 to 128";
  network->bits = (unsigned)bits + (v4 ? MAPPED : 0);
  return ends_empty(network) ? NULL : "bits are set behind the range: 10.0.0.0/8, not 10.0.0.1/8";
}

const char *rl_networks_add(struct rl_networks *networks, const char *text, size_t size) {
  static const char local[] = "unix";
  struct rl_network read;
  if (size == sizeof local - 1 && memcmp(text, local, size) == 0) {
    networks->local = true;
    return NULL;
  }
  const char *wrong = parse(&read, text, size);
  if (!wrong)
    networks->list[networks->count++] = read;
  return wrong;
}

struct rl_networks *rl_networks_copy(struct rl_heap *heap, const struct rl_networks *networks) {
  size_t size = rl_networks_size(networks->count);
  struct rl_networks *copy = rl_alloc(heap, size);
  if (copy)
    memcpy(copy, networks, size);
  return copy;
}

void rl_networks_free(struct rl_heap *heap, struct rl_networks *networks) {
  if (networks)
    rl_free(heap, networks, rl_networks_size(networks->count));
}

bool rl_networks_have(const struct rl_networks *networks, const union rl_endpoint *peer) {
  unsigned char address[16];
  if (peer->any.sa_family == AF_INET) {
    memcpy(address, mapped, sizeof mapped);
    memcpy(address + sizeof mapped, &peer->in.sin_addr, 4);
  } else if (peer->any.sa_family == AF_INET6) {
    memcpy(address, &peer->in6.sin6_addr, sizeof address);
  } else {
    return false;
  }
  for (size_t i = 0; i < networks->count; i++) {
    if (begin_alike(networks->list[i].address, address, networks->list[i].bits))
      return true;
  }
  return false;
}
