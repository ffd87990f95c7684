/* Allocator: the C library's malloc. */
#include "base/allocator.h"

#include <stdlib.h>

void *rl_allocator_take(size_t size) {
  return malloc(size);
}

void *rl_allocator_resize(void *block, size_t size) {
  return realloc(block, size);
}

void rl_allocator_release(void *block) {
  free(block);
}

const char *rl_allocator_name(void) {
  return "libc";
}
