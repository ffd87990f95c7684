/* Request: takes the bytes of a connection until the head of a request is whole, and understands
 * it.
 *
 *   feed(bytes) -> MORE   all bytes were taken and are held by the request
 *               -> HEAD   `used` of them were, the rest is body (body.h) or the next request
 *               -> BAD    answer `refusal`, then a lingering close
 *
 * A head that is whole in one read is neither copied nor allocated for: head.bytes are then the
 * caller's, good for as long as those are. Who needs them longer calls rl_request_keep, a copy.
 * A head in pieces is held in the request. How the bytes are cut never changes the answer.
 *
 * Meant to be borrowed: a connection needs one from the first byte of a head until its answer, and
 * none while it is idle. A request that was reset needs no memory but its own 600 bytes or so and,
 * after heads in pieces, a small buffer. Owner: whoever embeds it; one thread at a time. */
#ifndef RL_HTTP_REQUEST_H
#define RL_HTTP_REQUEST_H

#include "base/buffer.h"
#include "http/head.h"
#include "http/limits.h"

enum rl_request_step { RL_REQUEST_MORE, RL_REQUEST_HEAD, RL_REQUEST_BAD };

struct rl_request {
  struct rl_head head; /* after RL_REQUEST_HEAD */
  struct rl_refusal refusal;
  const struct rl_http_limits *limits;
  struct rl_buffer held; /* a head in pieces, or one that was kept */
  uint32_t start;        /* where the request line begins: after an empty line */
  uint32_t line;         /* where the line begins that is being read */
  uint32_t scanned;      /* no line end is between `line` and here */
  uint32_t line_end;     /* of the request line; 0 while it is not whole */
};

/* Both must live as long as the request. */
void rl_request_init(struct rl_request *request, struct rl_heap *heap,
                     const struct rl_http_limits *limits);
void rl_request_free(struct rl_request *request);

/* For the next head. */
void rl_request_reset(struct rl_request *request);

/* `used` is set for MORE and HEAD. Not to be called again after HEAD or BAD without a reset. */
enum rl_request_step rl_request_feed(struct rl_request *request, const char *bytes, size_t size,
                                     size_t *used);

/* After HEAD: makes the head's bytes the request's own. 0, or -1 when there is no memory. */
int rl_request_keep(struct rl_request *request);

/* After MORE: has a head begun? An empty line before it is none. */
static inline bool rl_request_begun(const struct rl_request *request) {
  const struct rl_buffer *held = &request->held;
  return held->size > 2 || (held->size && held->bytes[0] != '\r');
}

#endif
