/* Route node: growing the tree. A text that parts from another in its middle splits the node. */
#include "http/route_node.h"

#include <string.h>

#include "http/scan.h"

void rl_route_node_free(struct rl_heap *heap, struct rl_route_node *node) {
  if (!node)
    return;
  for (size_t i = 0; i < node->count; i++)
    rl_route_node_free(heap, node->children[i]);
  rl_route_node_free(heap, node->integer);
  rl_route_node_free(heap, node->name);
  rl_free(heap, node->children, node->room * sizeof(struct rl_route_node *));
  rl_free(heap, node->firsts, node->room);
  rl_free(heap, node, sizeof *node);
}

struct rl_route_node **rl_route_node_child(const struct rl_route_node *node, char first) {
  if (node->count == 0)
    return NULL;
  const unsigned char *at = memchr(node->firsts, (unsigned char)first, node->count);
  return at ? &node->children[at - node->firsts] : NULL;
}

static int make_room(struct rl_heap *heap, struct rl_route_node *node) {
  if (node->count < node->room)
    return 0;
  size_t old = node->room, room = old ? 2 * old : 2, one = sizeof(struct rl_route_node *);
  struct rl_route_node **children = rl_alloc(heap, room * one);
  unsigned char *firsts = rl_alloc(heap, room);
  if (!children || !firsts) {
    rl_free(heap, children, room * one);
    rl_free(heap, firsts, room);
    return -1;
  }
  if (old) {
    memcpy(children, node->children, old * one);
    memcpy(firsts, node->firsts, old);
  }
  rl_free(heap, node->children, old * one);
  rl_free(heap, node->firsts, old);
  node->children = children;
  node->firsts = firsts;
  node->room = room;
  return 0;
}

/* A new child with the whole of `text`; NULL without memory. */
static struct rl_route_node *add_child(struct rl_heap *heap, struct rl_route_node *node,
                                       struct rl_slice text) {
  struct rl_route_node *child = NULL;
  if (make_room(heap, node) == 0 && (child = rl_zalloc(heap, sizeof *child))) {
    child->text = text;
    node->firsts[node->count] = (unsigned char)text.bytes[0];
    node->children[node->count++] = child;
  }
  return child;
}

/* Puts a node in the middle of the text that leads to `*place`: the first `size` bytes lead there,
 * the others go on. */
static int split(struct rl_heap *heap, struct rl_route_node **place, size_t size) {
  struct rl_route_node *upper = rl_zalloc(heap, sizeof *upper), *lower = *place;
  if (!upper || make_room(heap, upper) != 0) {
    rl_free(heap, upper, sizeof *upper);
    return -1;
  }
  upper->text = (struct rl_slice){lower->text.bytes, size};
  rl_scan_skip(&lower->text, size);
  upper->firsts[0] = (unsigned char)lower->text.bytes[0];
  upper->children[0] = lower;
  upper->count = 1;
  *place = upper;
  return 0;
}

static size_t common_size(struct rl_slice one, struct rl_slice other) {
  size_t size = 0;
  while (size < one.size && size < other.size && one.bytes[size] == other.bytes[size])
    size++;
  return size;
}

struct rl_route_node *rl_route_node_text(struct rl_heap *heap, struct rl_route_node *node,
                                         struct rl_slice text) {
  while (node && text.size) {
    struct rl_route_node **place = rl_route_node_child(node, text.bytes[0]);
    if (!place)
      return add_child(heap, node, text);
    size_t size = common_size((*place)->text, text);
    if (size < (*place)->text.size && split(heap, place, size) != 0)
      return NULL;
    node = *place;
    rl_scan_skip(&text, size);
  }
  return node;
}

struct rl_route_node *rl_route_node_parameter(struct rl_heap *heap, struct rl_route_node **place) {
  if (!*place)
    *place = rl_zalloc(heap, sizeof **place);
  return *place;
}
