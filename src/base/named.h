/* Named: things that are found by their name, in a hash table of a fixed size. Things embed their
 * link and own their name; nothing is ever allocated. */
#ifndef RL_BASE_NAMED_H
#define RL_BASE_NAMED_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum { RL_NAMED_BUCKETS = 256 };

struct rl_named {
  struct rl_list link;
  uint64_t hash;
  const void *name; /* any bytes */
  size_t size;
};

struct rl_named_table {
  struct rl_list buckets[RL_NAMED_BUCKETS];
};

void rl_named_init(struct rl_named_table *table);

/* NULL if there is none. */
struct rl_named *rl_named_find(const struct rl_named_table *table, const void *name, size_t size);

/* Adds a thing whose name and size are set; rl_list_remove(&thing->link) takes it out. */
void rl_named_add(struct rl_named_table *table, struct rl_named *thing);

#endif
