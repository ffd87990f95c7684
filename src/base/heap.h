/* Heap: where every byte that Rille's own C asks for comes from, and every byte of a Lua state.
 *
 * One heap a runtime, so that several runtimes in one process are counted apart. C blocks are
 * counted with relaxed atomics; a Lua state counts its own bytes without any (see vm/state.h).
 * In builds with RILLE_FAULTS (debug and the sanitizers) an allocation can be made to fail, which
 * is how the specs try every n-th one; release builds carry no trace of that.
 *
 * Threads: any. Every function returns NULL on failure and never raises. */
#ifndef RL_BASE_HEAP_H
#define RL_BASE_HEAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/allocator.h"
#include "base/arena.h"
#include "base/large.h"

/* Where a heap takes its blocks from, if not from the allocator. As Lua calls an allocator: `size`
 * 0 frees, NULL for want of memory, which a block that shrinks never meets; `old` is the block's
 * size, 0 without one. */
struct rl_supply {
  void *(*allocate)(void *context, void *block, size_t old, size_t size);
  void *context;
};

struct rl_heap {
  atomic_size_t bytes;  /* held by C blocks now */
  atomic_size_t blocks; /* C blocks held now; 0 after the runtime is freed, which is asserted */
  atomic_long fail_in;  /* RILLE_FAULTS: 0 = never; n = the n-th allocation from now fails */
  atomic_bool fail_on;  /* RILLE_FAULTS: after the first failure, all later ones fail as well */
  struct rl_large_cache large;
  /* set before the first block, and apart from what is counted */
  size_t plain; /* blocks below this size are the allocator's; others take a longer way */
  struct rl_supply supply; /* of all blocks; allocate NULL: it has none */
  struct rl_arena arena;   /* the supply of one that was fixed */
};

void rl_heap_init(struct rl_heap *heap);

/* Before the first block: all will come from `supply`, which any thread may call. */
void rl_heap_supply(struct rl_heap *heap, struct rl_supply supply);

/* Before the first block: all will be at the same addresses in every run that asks for the same, if
 * that can be had. For one thread. */
void rl_heap_fix(struct rl_heap *heap);

/* After the last block. */
void rl_heap_destroy(struct rl_heap *heap);

/* Gives back to the system what was kept for reuse, on this thread or for all: at the end, when
 * there is nothing to do, or nothing left. */
void rl_heap_trim(struct rl_heap *heap);

/* A block of `size` > 0 bytes, contents undefined, aligned for any type. */
void *rl_alloc(struct rl_heap *heap, size_t size);

/* The same, filled with zeros. */
void *rl_zalloc(struct rl_heap *heap, size_t size);

/* Resizes a block of `old` bytes (NULL and 0 for a new one). On failure the block stays as it is.
 */
void *rl_realloc(struct rl_heap *heap, void *block, size_t old, size_t size);

/* Frees a block of `size` bytes; NULL is allowed. */
void rl_free(struct rl_heap *heap, void *block, size_t size);

enum { RL_CACHE_LINE = 64 };

/* A zeroed block that begins a line of the cache. And its end: rl_free_lines, with the same size.
 */
void *rl_zalloc_lines(struct rl_heap *heap, size_t size);
void rl_free_lines(struct rl_heap *heap, void *block, size_t size);

/* For Lua states: as lua_Alloc wants it, but uncounted (the state counts for itself). `block` may
 * be NULL (then `old` is ignored); `size` 0 frees. */
void *rl_heap_lua(struct rl_heap *heap, void *block, size_t old, size_t size);

/* Whether a state may have a block of this size from the allocator itself, and give it back there:
 * what rl_heap_lua would do. */
static inline bool rl_heap_small(const struct rl_heap *heap, size_t size) {
#ifdef RILLE_FAULTS
  (void)heap, (void)size;
  return false; /* any may be made to fail */
#else
  return size < heap->plain;
#endif
}

#endif
