/* Heap: counts, and fails on demand; the memory itself is the allocator's, that of large blocks the
 * system's (large.h); or all of it comes from a supply: of the host's, or in a simulation an arena.
 */
#include "base/heap.h"

#include <stdint.h>
#include <string.h>

#include "base/allocator.h"

#ifdef RILLE_FAULTS
static bool must_fail(struct rl_heap *heap) {
  long left = atomic_load_explicit(&heap->fail_in, memory_order_relaxed);
  while (left > 0) {
    bool last = left == 1 && atomic_load(&heap->fail_on);
    long next = last ? 1 : left - 1; /* a heap that keeps failing stays at 1 */
    if (atomic_compare_exchange_weak(&heap->fail_in, &left, next))
      return left == 1;
  }
  return false;
}
#else
static bool must_fail(struct rl_heap *heap) {
  (void)heap;
  return false;
}
#endif

void rl_heap_init(struct rl_heap *heap) {
  atomic_init(&heap->bytes, 0);
  atomic_init(&heap->blocks, 0);
  atomic_init(&heap->fail_in, 0);
  atomic_init(&heap->fail_on, false);
  rl_large_init(&heap->large);
  heap->plain = RL_LARGE_LEAST;
  heap->supply = (struct rl_supply){NULL, NULL};
}

void rl_heap_supply(struct rl_heap *heap, struct rl_supply supply) {
  heap->supply = supply;
  heap->plain = 0;
}

static void *allocate_fixed(void *context, void *block, size_t old, size_t size) {
  struct rl_arena *arena = context;
  if (!block)
    return rl_arena_take(arena, size);
  if (size != 0)
    return rl_arena_resize(arena, block, old, size);
  rl_arena_release(arena, block, old);
  return NULL;
}

void rl_heap_fix(struct rl_heap *heap) {
  if (rl_arena_open(&heap->arena) != 0)
    return;
  rl_heap_supply(heap, (struct rl_supply){allocate_fixed, &heap->arena});
}

void rl_heap_destroy(struct rl_heap *heap) {
  if (heap->supply.allocate == allocate_fixed)
    rl_arena_close(&heap->arena);
}

void rl_heap_trim(struct rl_heap *heap) {
  if (heap->supply.allocate)
    return; /* nothing is kept, and the allocator has other customers */
  rl_large_trim(&heap->large);
  rl_allocator_trim();
}

static void *call_supply(struct rl_heap *heap, void *block, size_t old, size_t size) {
  return heap->supply.allocate(heap->supply.context, block, old, size);
}

static void release(struct rl_heap *heap, void *block, size_t size) {
  if (size < heap->plain)
    rl_allocator_release(block);
  else if (heap->supply.allocate)
    call_supply(heap, block, size, 0);
  else
    rl_large_give(&heap->large, block);
}

static void *take_large(struct rl_heap *heap, size_t size) {
  return heap->supply.allocate ? call_supply(heap, NULL, 0, size)
                               : rl_large_take(&heap->large, size);
}

/* From or to a large block, or both. */
static void *resize_large(struct rl_heap *heap, void *block, size_t old, size_t size) {
  bool large = size >= heap->plain;
  if (heap->supply.allocate)
    return call_supply(heap, block, old, size);
  if (block && large && old >= RL_LARGE_LEAST)
    return rl_large_resize(&heap->large, block, size);
  void *moved = large ? rl_large_take(&heap->large, size) : rl_allocator_take(size);
  if (moved && block) {
    memcpy(moved, block, old < size ? old : size);
    release(heap, block, old);
  }
  return moved;
}

/* `old` is 0 without a block. */
static void *resize(struct rl_heap *heap, void *block, size_t old, size_t size) {
  if (size >= heap->plain || old >= heap->plain)
    return resize_large(heap, block, old, size);
  return block ? rl_allocator_resize(block, size) : rl_allocator_take(size);
}

void *rl_alloc(struct rl_heap *heap, size_t size) {
  return rl_realloc(heap, NULL, 0, size);
}

void *rl_zalloc(struct rl_heap *heap, size_t size) {
  void *block = rl_alloc(heap, size);
  if (block)
    memset(block, 0, size);
  return block;
}

void *rl_realloc(struct rl_heap *heap, void *block, size_t old, size_t size) {
  if (must_fail(heap))
    return NULL;
  void *moved = resize(heap, block, old, size);
  if (!moved)
    return NULL;
  if (!block)
    atomic_fetch_add_explicit(&heap->blocks, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&heap->bytes, size - old, memory_order_relaxed);
  return moved;
}

void rl_free(struct rl_heap *heap, void *block, size_t size) {
  if (!block)
    return;
  release(heap, block, size);
  atomic_fetch_sub_explicit(&heap->blocks, 1, memory_order_relaxed);
  atomic_fetch_sub_explicit(&heap->bytes, size, memory_order_relaxed);
}

/* The byte before it says how far into its own block it begins. */
void *rl_zalloc_lines(struct rl_heap *heap, size_t size) {
  unsigned char *own = rl_zalloc(heap, size + RL_CACHE_LINE);
  if (!own)
    return NULL;
  size_t ahead = RL_CACHE_LINE - (uintptr_t)own % RL_CACHE_LINE;
  own[ahead - 1] = (unsigned char)ahead;
  return own + ahead;
}

void rl_free_lines(struct rl_heap *heap, void *block, size_t size) {
  unsigned char *lines = block;
  rl_free(heap, lines - lines[-1], size + RL_CACHE_LINE);
}

void *rl_heap_lua(struct rl_heap *heap, void *block, size_t old, size_t size) {
  if (!block) {
    if (size == 0 || must_fail(heap))
      return NULL;
    return size < heap->plain ? rl_allocator_take(size) : take_large(heap, size);
  }
  if (size == 0) {
    release(heap, block, old);
    return NULL;
  }
  bool shrinks = size <= old; /* Lua assumes that shrinking never fails */
  if (!shrinks && must_fail(heap))
    return NULL;
  return resize(heap, block, old, size);
}
