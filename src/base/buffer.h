/* Buffer: bytes that grow. A failed allocation makes the buffer `failed` for good: it never grows
 * again and what it holds is worthless, so that a writer checks once at its end. Owner: whoever
 * embeds it. Threads: one at a time. */
#ifndef RL_BASE_BUFFER_H
#define RL_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/heap.h"

struct rl_buffer {
  struct rl_heap *heap;
  unsigned char *bytes; /* NULL while nothing was appended or lent */
  size_t size;          /* bytes in use */
  size_t capacity;      /* bytes allocated, or lent */
  bool failed;          /* an append found no memory */
  bool lent;            /* the bytes are its embedder's, see rl_buffer_lend */
};

void rl_buffer_init(struct rl_buffer *buffer, struct rl_heap *heap);

/* Gives a buffer without bytes the room of its embedder, which it uses until that is too small, or
 * it is freed. The room must last as long as the buffer. */
void rl_buffer_lend(struct rl_buffer *buffer, void *room, size_t capacity);

/* Frees the bytes and leaves an empty buffer. */
void rl_buffer_free(struct rl_buffer *buffer);

/* Makes room for `extra` more bytes: 0, or -1 (then the buffer has failed). */
int rl_buffer_grow(struct rl_buffer *buffer, size_t extra);

/* Room for `extra` bytes at the end, which count as used; NULL when there is no memory. */
static inline unsigned char *rl_buffer_extend(struct rl_buffer *buffer, size_t extra) {
  if (buffer->capacity - buffer->size < extra && rl_buffer_grow(buffer, extra) != 0)
    return NULL;
  unsigned char *room = buffer->bytes + buffer->size;
  buffer->size += extra;
  return room;
}

static inline void rl_buffer_append(struct rl_buffer *buffer, const void *bytes, size_t size) {
  if (size == 0)
    return;
  unsigned char *room = rl_buffer_extend(buffer, size);
  if (room)
    memcpy(room, bytes, size);
}

static inline void rl_buffer_byte(struct rl_buffer *buffer, unsigned char byte) {
  unsigned char *room = rl_buffer_extend(buffer, 1);
  if (room)
    *room = byte;
}

/* Drops the first `size` bytes. */
void rl_buffer_drop(struct rl_buffer *buffer, size_t size);

#endif
