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
  uint32_t position; /* of the slot of its first mention in the bytes */
  uint32_t stamp;    /* of the pack that met it; an entry of an older one is free */
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

/* Makes room for one more object: false when there is no memory. */
bool rl_identity_grow(struct rl_identity *identity);

/* The entry of an object: where it is, or is to be. */
static inline struct rl_seen *rl_identity_find(const struct rl_identity *identity,
                                               const void *object) {
  uint64_t hash = (uint64_t)(uintptr_t)object * UINT64_C(0x9e3779b97f4a7c15);
  size_t place = (size_t)(hash >> 32) & (identity->capacity - 1);
  struct rl_seen *entry = &identity->entries[place];
  while (entry->stamp == identity->stamp && entry->object != object) {
    place = (place + 1) & (identity->capacity - 1);
    entry = &identity->entries[place];
  }
  return entry;
}

/* The entry of an object, met before or new (*met false; the position is the caller's to set).
 * Stays valid until the next call. NULL when there is no memory. */
static inline struct rl_seen *rl_identity_meet(struct rl_identity *identity, const void *object,
                                               bool *met) {
  *met = false;
  if (identity->used >= identity->capacity / 4 * 3 && !rl_identity_grow(identity))
    return NULL;
  struct rl_seen *entry = rl_identity_find(identity, object);
  *met = entry->stamp == identity->stamp;
  if (!*met) {
    entry->object = object;
    entry->stamp = identity->stamp;
    identity->used++;
  }
  return entry;
}

#endif
