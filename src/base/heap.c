/* Heap: counts, and fails on demand; the memory itself is the allocator's. */
#include "base/heap.h"

#include <stdbool.h>
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
  void *moved = rl_allocator_resize(block, size);
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
  rl_allocator_release(block);
  atomic_fetch_sub_explicit(&heap->blocks, 1, memory_order_relaxed);
  atomic_fetch_sub_explicit(&heap->bytes, size, memory_order_relaxed);
}

void *rl_heap_lua(struct rl_heap *heap, void *block, size_t old, size_t size) {
  if (size == 0) {
    rl_allocator_release(block);
    return NULL;
  }
  bool shrinks = block && size <= old; /* Lua assumes that shrinking never fails */
  if (!shrinks && must_fail(heap))
    return NULL;
  return rl_allocator_resize(block, size);
}
