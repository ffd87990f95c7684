/* Identity: open addressing with linear probing, at most three quarters full. */
#include "vm/identity.h"

#include <string.h>

enum { LEAST = 256, KEPT = 1 << 15 }; /* entries, 24 bytes each */

static size_t place_of(const struct rl_identity *identity, const void *object) {
  uint64_t hash = (uint64_t)(uintptr_t)object * UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(hash >> 32) & (identity->capacity - 1);
}

static struct rl_seen *find(const struct rl_identity *identity, const void *object) {
  size_t place = place_of(identity, object);
  struct rl_seen *entry = &identity->entries[place];
  while (entry->stamp == identity->stamp && entry->object != object) {
    place = (place + 1) & (identity->capacity - 1);
    entry = &identity->entries[place];
  }
  return entry;
}

static bool resize(struct rl_identity *identity, size_t capacity) {
  struct rl_identity larger = *identity;
  larger.capacity = capacity;
  larger.entries = rl_zalloc(identity->heap, capacity * sizeof *larger.entries);
  if (!larger.entries)
    return false;
  for (size_t i = 0; i < identity->capacity; i++) {
    const struct rl_seen *entry = &identity->entries[i];
    if (entry->stamp == identity->stamp)
      *find(&larger, entry->object) = *entry;
  }
  rl_free(identity->heap, identity->entries, identity->capacity * sizeof *identity->entries);
  *identity = larger;
  return true;
}

void rl_identity_init(struct rl_identity *identity, struct rl_heap *heap) {
  *identity = (struct rl_identity){.heap = heap, .stamp = 1};
}

void rl_identity_free(struct rl_identity *identity) {
  rl_free(identity->heap, identity->entries, identity->capacity * sizeof *identity->entries);
  rl_identity_init(identity, identity->heap);
}

void rl_identity_clear(struct rl_identity *identity) {
  identity->used = 0;
  if (identity->capacity > KEPT) {
    rl_identity_free(identity);
  } else if (++identity->stamp == 0) {
    memset(identity->entries, 0, identity->capacity * sizeof *identity->entries);
    identity->stamp = 1;
  }
}

struct rl_seen *rl_identity_meet(struct rl_identity *identity, const void *object, bool *met) {
  if (identity->used >= identity->capacity / 4 * 3) {
    size_t capacity = identity->capacity ? identity->capacity * 2 : LEAST;
    if (!resize(identity, capacity))
      return NULL;
  }
  struct rl_seen *entry = find(identity, object);
  *met = entry->stamp == identity->stamp;
  if (!*met) {
    *entry = (struct rl_seen){.object = object, .stamp = identity->stamp};
    identity->used++;
  }
  return entry;
}
