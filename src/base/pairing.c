/* Pairing: see the header. A root's `next` and `back` are NULL. */
#include "base/pairing.h"

#include <stddef.h>

/* Of two roots, the one with the greater key becomes the first child of the other. */
static struct rl_pairing *meld(struct rl_pairing *a, struct rl_pairing *b) {
  if (!a || !b)
    return a ? a : b;
  if (b->key < a->key) {
    struct rl_pairing *least = b;
    b = a;
    a = least;
  }
  b->next = a->child;
  if (b->next)
    b->next->back = b;
  b->back = a;
  a->child = b;
  return a;
}

static struct rl_pairing *cut(struct rl_pairing *first) {
  struct rl_pairing *rest = first->next;
  first->next = first->back = NULL;
  return rest;
}

/* Makes one heap of siblings: in pairs from the left, then these from the right, without recursion.
 */
static struct rl_pairing *unite(struct rl_pairing *siblings) {
  struct rl_pairing *pairs = NULL, *heap = NULL;
  while (siblings) {
    struct rl_pairing *a = siblings, *b = cut(a);
    siblings = b ? cut(b) : NULL;
    a = meld(a, b);
    a->next = pairs;
    pairs = a;
  }
  while (pairs) {
    struct rl_pairing *pair = pairs;
    pairs = cut(pair);
    heap = meld(heap, pair);
  }
  return heap;
}

void rl_pairing_push(struct rl_pairing **heap, struct rl_pairing *node, uint64_t key) {
  *node = (struct rl_pairing){.key = key};
  *heap = meld(*heap, node);
}

void rl_pairing_remove(struct rl_pairing **heap, struct rl_pairing *node) {
  struct rl_pairing *below = unite(node->child);
  if (!node->back) {
    *heap = below;
    return;
  }
  if (node->back->child == node)
    node->back->child = node->next;
  else
    node->back->next = node->next;
  if (node->next)
    node->next->back = node->back;
  *heap = meld(*heap, below);
}
