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

/* Before an entry is looked for that may be added. False when there is no memory. */
static inline bool rl_identity_ready(struct rl_identity *identity) {
  return identity->used < identity->capacity / 4 * 3 || rl_identity_grow(identity);
}

static inline struct rl_seen *rl_identity_place(const struct rl_identity *identity,
                                                const void *object) {
  uint64_t hash = (uint64_t)(uintptr_t)object * UINT64_C(0x9e3779b97f4a7c15);
  return &identity->entries[(size_t)(hash >> 32) & (identity->capacity - 1)];
}

/* Asks for the entry's memory, which is rarely in the cache. */
static inline void rl_identity_fetch(const struct rl_identity *identity, const void *object) {
  __builtin_prefetch(rl_identity_place(identity, object));
}

static inline bool rl_identity_knows(const struct rl_identity *identity,
                                     const struct rl_seen *entry) {
  return entry->stamp == identity->stamp;
}

/* The entry of an object: where it is, or is to be. Valid until the next one is added. */
static inline struct rl_seen *rl_identity_find(const struct rl_identity *identity,
                                               const void *object) {
  struct rl_seen *entry = rl_identity_place(identity, object);
  const struct rl_seen *end = identity->entries + identity->capacity;
  while (rl_identity_knows(identity, entry) && entry->object != object)
    entry = entry + 1 < end ? entry + 1 : identity->entries;
  return entry;
}

/* Of an object that is not known, for which the identities are ready. The position is the caller's
 * to set. */
static inline void rl_identity_add(struct rl_identity *identity, struct rl_seen *entry,
                                   const void *object) {
  entry->object = object;
  entry->stamp = identity->stamp;
  identity->used++;
}

#endif
