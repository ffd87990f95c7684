/* Pairing: a heap of things that embed their node, least key first. Insertion and melding take a
 * few instructions, removal the logarithm of the size, amortized; nothing is ever allocated.
 *
 * A heap is the pointer to its root, NULL when it is empty. Equal keys come out in any order. */
#ifndef RL_BASE_PAIRING_H
#define RL_BASE_PAIRING_H

#include <stdint.h>

struct rl_pairing {
  uint64_t key;
  struct rl_pairing *child; /* the first one */
  struct rl_pairing *next;  /* the next child of the same parent */
  struct rl_pairing *back;  /* the previous one, or the parent of the first */
};

/* Sets up the node and puts it in. */
void rl_pairing_push(struct rl_pairing **heap, struct rl_pairing *node, uint64_t key);

/* Takes out a node that is in the heap, the least or any other. */
void rl_pairing_remove(struct rl_pairing **heap, struct rl_pairing *node);

#endif
