/* Ring: see the header. What reaches the end of the room goes on at its beginning. */
#include "base/ring.h"

#include <string.h>

/* Bytes from `at` to the end of the room, but no more than `size`. */
static size_t stretch(const struct rl_ring *ring, size_t at, size_t size) {
  return size < ring->room - at ? size : ring->room - at;
}

bool rl_ring_put(struct rl_ring *ring, const char *text, size_t size) {
  if (size > ring->room - ring->size)
    return false;
  size_t at = (ring->begin + ring->size) % ring->room, first = stretch(ring, at, size);
  memcpy(ring->bytes + at, text, first);
  memcpy(ring->bytes, text + first, size - first);
  ring->size += size;
  return true;
}

static char byte_at(const struct rl_ring *ring, size_t index) {
  return ring->bytes[(ring->begin + index) % ring->room];
}

/* Of the first `most` bytes: as many as end with a newline; or all. */
static size_t whole_lines(const struct rl_ring *ring, size_t most) {
  for (size_t size = most; size > 0; size--)
    if (byte_at(ring, size - 1) == '\n')
      return size;
  return most;
}

size_t rl_ring_take(struct rl_ring *ring, char *to, size_t most) {
  size_t size = ring->size <= most ? ring->size : whole_lines(ring, most);
  size_t first = stretch(ring, ring->begin, size);
  memcpy(to, ring->bytes + ring->begin, first);
  memcpy(to + first, ring->bytes, size - first);
  ring->begin = (ring->begin + size) % ring->room;
  ring->size -= size;
  return size;
}

size_t rl_ring_lines(const struct rl_ring *ring) {
  size_t lines = 0;
  for (size_t i = 0; i < ring->size; i++)
    lines += byte_at(ring, i) == '\n';
  return lines;
}
