/* Allocator: mimalloc, whose per-thread heaps suit one Lua state a thread. */
#include "base/allocator.h"

#include <mimalloc.h>

void *rl_allocator_take(size_t size) {
  return mi_malloc(size);
}

void *rl_allocator_resize(void *block, size_t size) {
  return mi_realloc(block, size);
}

void rl_allocator_release(void *block) {
  mi_free(block);
}

void rl_allocator_trim(void) {
  mi_collect(true);
}

const char *rl_allocator_name(void) {
  return "mimalloc";
}
