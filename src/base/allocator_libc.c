/* Allocator: the C library's malloc. */
#include "base/allocator.h"

#include <malloc.h>
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

void rl_allocator_trim(void) {
  malloc_trim(0);
}

const char *rl_allocator_name(void) {
  return "libc";
}
