/* Route node: the radix tree behind route.h, of which it is a part.
 *
 *     "/users/" ─┬─ "me"               a child per first byte
 *                ├─ :name{int}         one at most
 *                ├─ :name ── "/posts"  one at most
 *                └─ *rest              only the routes, since nothing follows
 *
 * Two patterns with other names in the same places have the same shape and share their nodes. A
 * node's text lies in the route that brought it, and routes are never removed. */
#ifndef RL_HTTP_ROUTE_NODE_H
#define RL_HTTP_ROUTE_NODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/slice.h"

struct rl_route {
  struct rl_route *next; /* of all, for freeing */
  struct rl_route *peer; /* the next one of the same shape */
  uint64_t methods;
  int id;
  struct rl_slice pattern; /* in `bytes`, as it was written */
  size_t used;             /* bytes in use: the pattern, then its text in canonical form */
  char bytes[];            /* four times the pattern: an escape is three bytes long */
};

struct rl_route_node {
  struct rl_slice text;            /* what leads here from the parent; empty for parameters */
  struct rl_route_node **children; /* those with a text; no two begin with the same byte */
  unsigned char *firsts;           /* these bytes, in the same order */
  size_t count, room;
  struct rl_route_node *integer, *name;
  struct rl_route *here; /* what ends here */
  struct rl_route *rest; /* what takes all the rest from here on */
};

/* Frees a node, which may be NULL, and all below. */
void rl_route_node_free(struct rl_heap *heap, struct rl_route_node *node);

/* The child with a text of this first byte, where the node holds it; NULL when there is none. */
struct rl_route_node **rl_route_node_child(const struct rl_route_node *node, char first);

/* The node to which `text` leads from here, made if it is not there; NULL without memory. */
struct rl_route_node *rl_route_node_text(struct rl_heap *heap, struct rl_route_node *node,
                                         struct rl_slice text);

/* The node at `place`, made if it is not there; NULL without memory. */
struct rl_route_node *rl_route_node_parameter(struct rl_heap *heap, struct rl_route_node **place);

#endif
