/* Freight: bytes that a task with a limit of memory has packed into channels and that nobody has
 * received yet. They lie outside of Lua, and count for the task as long as it lasts. Any thread; it
 * outlives the task, with the letters that count for it. */
#ifndef RL_DOMAIN_FREIGHT_H
#define RL_DOMAIN_FREIGHT_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/heap.h"

struct rl_freight {
  struct rl_heap *heap;
  atomic_uint references; /* the budget's, and one for each letter */
  atomic_size_t bytes;
};

/* With one reference. NULL without memory. */
static inline struct rl_freight *rl_freight_new(struct rl_heap *heap) {
  struct rl_freight *freight = rl_zalloc(heap, sizeof *freight);
  if (!freight)
    return NULL;
  freight->heap = heap;
  atomic_init(&freight->references, 1);
  return freight;
}

/* So many bytes more, or fewer, with a reference for them. */
static inline void rl_freight_load(struct rl_freight *freight, size_t bytes) {
  atomic_fetch_add(&freight->references, 1);
  atomic_fetch_add(&freight->bytes, bytes);
}

static inline void rl_freight_unload(struct rl_freight *freight, size_t bytes) {
  atomic_fetch_sub(&freight->bytes, bytes);
  if (atomic_fetch_sub(&freight->references, 1) == 1)
    rl_free(freight->heap, freight, sizeof *freight);
}

#endif
