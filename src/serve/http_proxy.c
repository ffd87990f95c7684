/* HTTP proxy: walks from the server to the client, as far as proxies are trusted.
 *
 * Either Forwarded is read or the three X-Forwarded fields, never both: a proxy knows one of them,
 * and hands on whatever a client has put into the other. */
#include "serve/http_proxy.h"

#include <string.h>

#include "http/authority.h"
#include "http/forwarded.h"
#include "io/networks.h"

bool rl_http_proxy_trusted(const struct rl_http_server *server, const union rl_endpoint *peer) {
  const struct rl_networks *trust = server->options.trust;
  if (!trust)
    return false;
  return server->local ? trust->local : rl_networks_have(trust, peer);
}

/* -- what is known ------------------------------------------------------------------------- */

static void set_remote(struct rl_http_exchange *exchange, const struct rl_forwarded_node *node) {
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(node->port)};
  memcpy(&in6.sin6_addr, node->address, sizeof in6.sin6_addr);
  exchange->remote.in6 = in6;
}

static void set_scheme(struct rl_http_exchange *exchange, enum rl_forwarded_scheme scheme) {
  if (scheme != RL_FORWARDED_UNSAID)
    exchange->secure = scheme == RL_FORWARDED_HTTPS;
}

static void set_host(struct rl_http_exchange *exchange, struct rl_slice host) {
  struct rl_head *head = &exchange->request.head;
  if (host.size)
    head->authority = (struct rl_span){(uint32_t)(host.bytes - head->bytes), (uint32_t)host.size};
}

/* Takes the node as the remote. Whether it is a proxy as well that is trusted, so that what stands
 * before it counts. */
static bool pass(struct rl_http_exchange *exchange, const struct rl_forwarded_node *node) {
  if (!node->known)
    return false;
  set_remote(exchange, node);
  return rl_networks_have(exchange->server->options.trust, &exchange->remote);
}

/* -- Forwarded ----------------------------------------------------------------------------- */

/* All or nothing. */
static void read_forwarded(struct rl_http_exchange *exchange) {
  struct rl_head *head = &exchange->request.head;
  struct rl_span host = head->authority;
  struct rl_forwarded list;
  struct rl_forwarded_hop hop;
  struct rl_slice member;
  bool passes = true;
  rl_forwarded_init(&list, head, RL_HEADER_FORWARDED);
  while (passes && rl_forwarded_before(&list, &member)) {
    if (rl_forwarded_element(member, &hop) != 0) {
      exchange->remote.any.sa_family = AF_UNSPEC;
      exchange->secure = false;
      head->authority = host;
      return;
    }
    set_scheme(exchange, hop.scheme);
    set_host(exchange, hop.host);
    passes = pass(exchange, &hop.node);
  }
}

/* -- X-Forwarded-* ------------------------------------------------------------------------- */

/* How many members of X-Forwarded-For are from trusted proxies, and at least 1; the remote is the
 * last of them. */
static unsigned read_for(struct rl_http_exchange *exchange) {
  struct rl_forwarded list;
  struct rl_forwarded_node node;
  struct rl_slice member;
  unsigned depth = 0;
  bool passes = true;
  rl_forwarded_init(&list, &exchange->request.head, RL_HEADER_X_FORWARDED_FOR);
  while (passes && rl_forwarded_before(&list, &member)) {
    if (rl_forwarded_node(member, &node) != 0) {
      exchange->remote.any.sa_family = AF_UNSPEC;
      return 1;
    }
    passes = pass(exchange, &node);
    depth++;
  }
  return depth ? depth : 1;
}

/* The scheme and the host stand at the same place as the address, counted from the right, or, if
 * not every proxy has said one, are the outermost that there are. */
static void read_scheme(struct rl_http_exchange *exchange, unsigned depth) {
  enum rl_forwarded_scheme scheme = RL_FORWARDED_UNSAID;
  struct rl_forwarded list;
  struct rl_slice member;
  rl_forwarded_init(&list, &exchange->request.head, RL_HEADER_X_FORWARDED_PROTO);
  for (; depth > 0 && rl_forwarded_before(&list, &member); depth--)
    if (rl_forwarded_scheme(member, &scheme) != 0)
      return;
  set_scheme(exchange, scheme);
}

static void read_host(struct rl_http_exchange *exchange, unsigned depth) {
  struct rl_forwarded list;
  struct rl_slice member, host = {"", 0};
  rl_forwarded_init(&list, &exchange->request.head, RL_HEADER_X_FORWARDED_HOST);
  for (; depth > 0 && rl_forwarded_before(&list, &member); depth--, host = member)
    if (!rl_authority_valid(member))
      return;
  set_host(exchange, host);
}

void rl_http_proxy_read(struct rl_http_exchange *exchange) {
  if (exchange->server->options.forwarded) {
    read_forwarded(exchange);
    return;
  }
  unsigned depth = read_for(exchange);
  read_scheme(exchange, depth);
  read_host(exchange, depth);
}
