/* Address: where to listen or connect, as a URL says it:
 *
 *     tcp://127.0.0.1:2000   tcp://[::1]:0   tcp://localhost:80   unix:/run/rille.sock
 *
 * Plain values and text; nothing is resolved here. Threads: any. */
#ifndef RL_IO_ADDRESS_H
#define RL_IO_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum rl_address_kind { RL_ADDRESS_IP, RL_ADDRESS_NAME, RL_ADDRESS_UNIX };

/* The socket addresses that Rille deals in. */
union rl_endpoint {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
};

struct rl_address {
  enum rl_address_kind kind;
  uint16_t port; /* IP and NAME */
  union {
    union rl_endpoint ip;
    struct sockaddr_un local;
    char name[256];
  } where;
};

/* Room for any text made here, with its terminator. */
enum { RL_ADDRESS_TEXT = 128 };

/* Reads a URL: NULL, or what is wrong with it (a static text; `address` is untouched then). */
const char *rl_address_parse(struct rl_address *address, const char *text, size_t size);

/* Whether they say the same; of two that are not NAMEs. */
bool rl_address_equal(const struct rl_address *one, const struct rl_address *other);

/* "127.0.0.1:2000", "[::1]:2000"; "" for any other family. An IPv4 address mapped into IPv6 is
 * written as what it is. */
void rl_address_format(const union rl_endpoint *endpoint, char text[RL_ADDRESS_TEXT]);

/* The URL of an address: what rl_address_parse would read. */
void rl_address_url(const struct rl_address *address, char *text, size_t size);

#endif
