/* Slice: borrowed bytes. Whoever hands one out says how long the bytes stay. */
#ifndef RL_BASE_SLICE_H
#define RL_BASE_SLICE_H

#include <stddef.h>

struct rl_slice {
  const char *bytes;
  size_t size;
};

#endif
