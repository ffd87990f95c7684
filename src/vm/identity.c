/* Identity: open addressing with linear probing, at most three quarters full. */
#include "vm/identity.h"

#include <string.h>

enum { LEAST = 256, KEPT = 1 << 16 }; /* entries, 16 bytes each */

bool rl_identity_grow(struct rl_identity *identity) {
  struct rl_identity larger = *identity;
  larger.capacity = identity->capacity ? identity->capacity * 2 : LEAST;
  larger.entries = rl_zalloc(identity->heap, larger.capacity * sizeof *larger.entries);
  if (!larger.entries)
    return false;
  for (size_t i = 0; i < identity->capacity; i++) {
    const struct rl_seen *entry = &identity->entries[i];
    if (entry->stamp == identity->stamp)
      *rl_identity_find(&larger, entry->object) = *entry;
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
