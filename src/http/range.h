/* Range: which bytes of a file a request asks for (RFC 9110, 14). Threads: any. */
#ifndef RL_HTTP_RANGE_H
#define RL_HTTP_RANGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

enum {
  RL_RANGE_WHOLE = 0,  /* serve all of it, as if nothing had been asked: 200 */
  RL_RANGE_NONE = -1,  /* no range lies within: 416 */
  RL_RANGE_LIMIT = 16, /* ranges in one field */
};

/* Both ends are part of it. */
struct rl_range {
  uint64_t first, last;
};

/* Reads a Range field for a content of `size` bytes: how many ranges there are, in the order in
 * which they were asked for, cut to the content; or RL_RANGE_NONE. Ranges that overlap or touch
 * have become one, so that nobody is served more than the whole. What is malformed, in another unit
 * or of too many ranges counts as not asked, and so does any range of an empty content. */
int rl_range_parse(struct rl_slice field, uint64_t size, struct rl_range ranges[RL_RANGE_LIMIT]);

/* Appends the value of a Content-Range field, "bytes 0-9/100". */
void rl_range_write(struct rl_range range, uint64_t size, struct rl_buffer *to);

/* The same for a 416: an asterisk and the size. */
void rl_range_write_none(uint64_t size, struct rl_buffer *to);

#endif
