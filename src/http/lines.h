/* Lines: fields that will be sent, as the lines they will be, "Name: value CRLF" one after another
 * in a buffer: they are added far more often than they are looked up. Threads: one at a time. */
#ifndef RL_HTTP_LINES_H
#define RL_HTTP_LINES_H

#include "base/buffer.h"
#include "base/slice.h"

/* The value of the first field of that name, in any case, at or after `*at` (0 at first), which
 * then is behind it; bytes NULL when there is none. Borrowed from the buffer. */
struct rl_slice rl_lines_find(const struct rl_buffer *lines, struct rl_slice name, size_t *at);

/* Removes all fields of that name. */
void rl_lines_remove(struct rl_buffer *lines, struct rl_slice name);

#endif
