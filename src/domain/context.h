/* Context: a small table of strings that travels with work: from a fiber to those that it starts,
 * on whichever domain. An immutable block, shared by reference: who sets a key makes a new block
 * for himself, so nobody sees another's changes. NULL is the empty context; most work has that, and
 * pays nothing. Any thread. */
#ifndef RL_DOMAIN_CONTEXT_H
#define RL_DOMAIN_CONTEXT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct rl_heap;

enum { RL_CONTEXT_MOST = 64, RL_CONTEXT_BYTES = 8192 }; /* keys; bytes of all keys and values */

struct rl_context_item {
  uint32_t key_size, value_size;
};

struct rl_context {
  atomic_uint references;
  unsigned count;
  size_t bytes; /* of the texts */
  struct rl_heap *heap;
  struct rl_context_item items[]; /* `count`; then the texts: key, value, key, value, ... */
};

/* One more reference, from one who has one; NULL for NULL. */
static inline struct rl_context *rl_context_share(struct rl_context *context) {
  if (context)
    atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
  return context;
}

/* For rl_context_release: the last reference. */
void rl_context_free(struct rl_context *context);

/* Gives up a reference; NULL is allowed. */
static inline void rl_context_release(struct rl_context *context) {
  if (context && atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) == 1)
    rl_context_free(context);
}

/* The value of a key; `bytes` is NULL if it has none. Valid as long as the context. */
struct rl_slice rl_context_find(const struct rl_context *context, struct rl_slice key);

/* The key at `index` < count, as valid. */
struct rl_slice rl_context_key(const struct rl_context *context, unsigned index);

enum rl_context_fault { RL_CONTEXT_FINE, RL_CONTEXT_NO_MEMORY, RL_CONTEXT_TOO_BIG };

/* Makes `*made` the context that has `value` under `key` (none, if value.bytes is NULL), and all
 * else from `context`, which may be NULL and stays as it is. One reference, the caller's. */
enum rl_context_fault rl_context_with(struct rl_heap *heap, const struct rl_context *context,
                                      struct rl_slice key, struct rl_slice value,
                                      struct rl_context **made);

/* The id of the request that the work is for, as a part of a line in the log: " (request ID)", cut
 * if it is long; empty if there is none. */
enum { RL_CONTEXT_NOTE = 96 };
const char *rl_context_note(const struct rl_context *context, char note[RL_CONTEXT_NOTE]);

#endif
