/* Identity: which objects a pack has met, by address, so that cycles and shared references come out
 * as they went in. Cleared in no time between packs. Owner thread only. */
#ifndef RL_VM_IDENTITY_H
#define RL_VM_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"

struct rl_seen {
  const void *object;
  size_t position; /* of the slot of its first mention in the bytes */
  uint32_t slot;   /* 0 until it is mentioned again */
  uint32_t stamp;  /* of the pack that met it; an entry of an older one is free */
};

struct rl_identity {
  struct rl_heap *heap;
  struct rl_seen *entries;
  size_t capacity; /* a power of two; 0 before the first use */
  size_t used;     /* entries with the current stamp */
  uint32_t stamp;
};

void rl_identity_init(struct rl_identity *identity, struct rl_heap *heap);
void rl_identity_free(struct rl_identity *identity);

/* Forgets all objects; gives memory back after an unusually large pack. */
void rl_identity_clear(struct rl_identity *identity);

/* The entry of an object, new (position and slot 0, *met false) or met before. Stays valid until
 * the next call. NULL when there is no memory. */
struct rl_seen *rl_identity_meet(struct rl_identity *identity, const void *object, bool *met);

#endif
