/* Ring: a bounded queue of bytes, in which whole texts wait. Owner: whoever embeds it, and locks it
 * if several threads use it. */
#ifndef RL_BASE_RING_H
#define RL_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>

struct rl_ring {
  char *bytes; /* the caller's, `room` of them */
  size_t room;
  size_t begin; /* of what waits */
  size_t size;
};

static inline void rl_ring_init(struct rl_ring *ring, char *bytes, size_t room) {
  *ring = (struct rl_ring){.bytes = bytes, .room = room};
}

/* All of the text, or, where there is no room for that, nothing of it: false. */
bool rl_ring_put(struct rl_ring *ring, const char *text, size_t size);

/* Takes up to `most` bytes; as many as end with a newline, where there is one among them. Returns
 * how many. */
size_t rl_ring_take(struct rl_ring *ring, char *to, size_t most);

/* How many of the texts that wait, or of their parts, end with a newline. */
size_t rl_ring_lines(const struct rl_ring *ring);

#endif
