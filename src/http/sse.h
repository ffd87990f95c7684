/* Sse: server-sent events as text/event-stream says them (WHATWG HTML, 9.2). Threads: any. */
#ifndef RL_HTTP_SSE_H
#define RL_HTTP_SSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

/* One event. Slices with bytes NULL are left out; an empty id resets what the client remembers. */
struct rl_sse_event {
  struct rl_slice id, event;
  struct rl_slice data; /* any text: each of its lines becomes one; the client gets all line ends as
                           LF. Without data no event happens, but id and retry count */
  uint32_t retry;       /* milliseconds */
  bool has_retry;
};

/* Appends an event: NULL, or what is wrong with it (a static text; nothing is appended then). */
const char *rl_sse_write(const struct rl_sse_event *event, struct rl_buffer *to);

/* Appends a comment of nothing, which keeps a silent connection from being taken for dead. */
void rl_sse_beat(struct rl_buffer *to);

#endif
