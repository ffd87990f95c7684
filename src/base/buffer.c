/* Buffer: growth by doubling, from 64 bytes. */
#include "base/buffer.h"

#include <assert.h>
#include <stdint.h>

void rl_buffer_init(struct rl_buffer *buffer, struct rl_heap *heap) {
  *buffer = (struct rl_buffer){.heap = heap};
}

void rl_buffer_lend(struct rl_buffer *buffer, void *room, size_t capacity) {
  assert(!buffer->bytes && !buffer->failed);
  buffer->bytes = room;
  buffer->capacity = capacity;
  buffer->lent = true;
}

void rl_buffer_free(struct rl_buffer *buffer) {
  if (!buffer->lent)
    rl_free(buffer->heap, buffer->bytes, buffer->capacity);
  rl_buffer_init(buffer, buffer->heap);
}

int rl_buffer_grow(struct rl_buffer *buffer, size_t extra) {
  size_t needed = buffer->size + extra;
  if (buffer->failed || needed < extra || needed > SIZE_MAX / 2)
    goto fail;
  size_t capacity = buffer->capacity > 64 ? buffer->capacity : 64;
  while (capacity < needed)
    capacity *= 2;
  bool lent = buffer->lent;
  unsigned char *bytes = lent ? rl_alloc(buffer->heap, capacity)
                              : rl_realloc(buffer->heap, buffer->bytes, buffer->capacity, capacity);
  if (!bytes)
    goto fail;
  if (lent)
    memcpy(bytes, buffer->bytes, buffer->size);
  buffer->lent = false;
  buffer->bytes = bytes;
  buffer->capacity = capacity;
  return 0;
fail:
  buffer->failed = true;
  return -1;
}

void rl_buffer_drop(struct rl_buffer *buffer, size_t size) {
  assert(size <= buffer->size);
  buffer->size -= size;
  if (buffer->size)
    memmove(buffer->bytes, buffer->bytes + size, buffer->size);
}
