/* Body: decodes what follows a head: bytes up to a length, or chunks with trailers.
 *
 *   while (!body.done && size) {
 *     if (rl_body_feed(&body, bytes, size, &used, &data) != 0) refuse with body.refusal
 *     ... data.size bytes of the body, inside of `bytes` ...
 *     bytes += used, size -= used;
 *   }
 *
 * What is left then belongs to the next request. Nothing is copied but trailers, and nothing is
 * allocated by what a length promises. How the bytes are cut changes neither data nor answer.
 * Owner: whoever embeds it; one thread at a time. */
#ifndef RL_HTTP_BODY_H
#define RL_HTTP_BODY_H

#include "base/buffer.h"
#include "http/head.h"
#include "http/limits.h"

struct rl_body {
  struct rl_refusal refusal;
  const struct rl_http_limits *limits;
  uint64_t left;             /* data of this chunk, or of the body, still to come */
  uint64_t room;             /* what the limit on the body leaves */
  uint32_t overhead;         /* framing not paid for by data */
  uint32_t framing;          /* bytes of framing of this chunk so far */
  uint32_t arrived;          /* bytes of trailers, also of those that were dropped */
  uint8_t state;             /* see body.c */
  uint8_t digits;            /* of the chunk's size */
  bool done;                 /* the message is complete */
  size_t line;               /* where in `trailers` the line begins that is being read */
  struct rl_buffer trailers; /* lines that were accepted, each with its CRLF */
};

/* For the body of `head`, of at most `limit` bytes (usually limits->body). 0, or -1 when its length
 * is over the limit. Only a body with trailers takes memory from the heap. */
int rl_body_init(struct rl_body *body, const struct rl_head *head,
                 const struct rl_http_limits *limits, uint64_t limit, struct rl_heap *heap);
void rl_body_free(struct rl_body *body);

/* From now on at most `limit` further bytes of data, if it was to be more: 0, or -1 when it is
 * known already that there will be. */
int rl_body_bound(struct rl_body *body, uint64_t limit);

/* Takes `used` of the `size` bytes, 1 or more if the body is not done, and finds at most one run of
 * data in them, which may be empty. 0 or -1. */
int rl_body_feed(struct rl_body *body, const char *bytes, size_t size, size_t *used,
                 struct rl_slice *data);

/* After the end: the trailer that begins at `*at` (0 for the first), which is then moved on; false
 * when there are no more. Trailers whose names mean something in a head were dropped. Good until
 * rl_body_free. */
bool rl_body_trailer(const struct rl_body *body, size_t *at, struct rl_slice *name,
                     struct rl_slice *value);

#endif
