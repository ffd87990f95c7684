/* Named: FNV-1a, and a list for each bucket. */
#include "base/named.h"

#include <string.h>

static uint64_t hash_of(const void *name, size_t size) {
  const unsigned char *bytes = name;
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
  return hash;
}

void rl_named_init(struct rl_named_table *table) {
  for (int i = 0; i < RL_NAMED_BUCKETS; i++)
    rl_list_init(&table->buckets[i]);
}

struct rl_named *rl_named_find(const struct rl_named_table *table, const void *name, size_t size) {
  uint64_t hash = hash_of(name, size);
  const struct rl_list *bucket = &table->buckets[hash % RL_NAMED_BUCKETS];
  for (struct rl_list *at = bucket->next; at != bucket; at = at->next) {
    struct rl_named *thing = RL_OF(at, struct rl_named, link);
    if (thing->hash == hash && thing->size == size && memcmp(thing->name, name, size) == 0)
      return thing;
  }
  return NULL;
}

void rl_named_add(struct rl_named_table *table, struct rl_named *thing) {
  thing->hash = hash_of(thing->name, thing->size);
  rl_list_push(&table->buckets[thing->hash % RL_NAMED_BUCKETS], &thing->link);
}
