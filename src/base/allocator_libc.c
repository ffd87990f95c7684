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

/* The sanitizers bring their own malloc: the C library's is not even set up then, and threads that
 * trim it at the same time crash. */
void rl_allocator_trim(void) {
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
  malloc_trim(0);
#endif
}

const char *rl_allocator_name(void) {
  return "libc";
}
