/* Forwarded: what proxies say about the client in front of them, in Forwarded (RFC 7239) or in
 * X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host.
 *
 * Each proxy adds at the right, so these lists are read from right to left: what a trusted proxy
 * has written is there, and what is left of it anybody may have written, even half a quoted string.
 * Lines of the same name are one list.
 *
 * Everything here borrows: the slices point into the head. Threads: any. Nothing allocates. */
#ifndef RL_HTTP_FORWARDED_H
#define RL_HTTP_FORWARDED_H

#include "http/head.h"

/* Who came to a proxy. */
struct rl_forwarded_node {
  bool known;                /* false: the proxy does not tell, as "unknown" or "_hidden" */
  unsigned char address[16]; /* of IPv6; IPv4 in its mapped form */
  uint16_t port;             /* 0: it is not said */
};

enum rl_forwarded_scheme { RL_FORWARDED_UNSAID, RL_FORWARDED_HTTP, RL_FORWARDED_HTTPS };

/* An element of Forwarded. */
struct rl_forwarded_hop {
  struct rl_forwarded_node node; /* not known if there is no `for` */
  enum rl_forwarded_scheme scheme;
  struct rl_slice host; /* an authority; empty: it is not said */
};

/* A list that is read from its end. */
struct rl_forwarded {
  const struct rl_head *head;
  enum rl_header header;
  uint32_t index;       /* of the fields, how many are still to be looked at */
  struct rl_slice rest; /* of the field in hand */
  bool open;            /* something of that, perhaps nothing, is still to be returned */
};

void rl_forwarded_init(struct rl_forwarded *list, const struct rl_head *head,
                       enum rl_header header);

/* The next member to the left, trimmed, perhaps empty; false at the end. */
bool rl_forwarded_before(struct rl_forwarded *list, struct rl_slice *member);

/* Understand a member: 0, or -1 when it is malformed. The node of X-Forwarded-For may be an IPv6
 * address without brackets. Schemes are http and https, and for them ws and wss. */
int rl_forwarded_element(struct rl_slice member, struct rl_forwarded_hop *hop);
int rl_forwarded_node(struct rl_slice member, struct rl_forwarded_node *node);
int rl_forwarded_scheme(struct rl_slice member, enum rl_forwarded_scheme *scheme);

#endif
