/* Coder: grows the output, keeps to the limit. What a library asks for is freed without its size,
 * which therefore stands before each block. */
#include "codec/coder.h"

#include <stdalign.h>

enum { HEAD = alignof(max_align_t), LEAST_ROOM = 512, MOST_ROOM = 256 * 1024 };

_Static_assert(sizeof(size_t) <= HEAD, "a block's size fits before it");

void *rl_coder_alloc(void *heap, size_t size) {
  if (size > SIZE_MAX - HEAD)
    return NULL;
  unsigned char *block = rl_alloc(heap, size + HEAD);
  if (!block)
    return NULL;
  *(size_t *)(void *)block = size + HEAD;
  return block + HEAD;
}

void rl_coder_free(void *heap, void *block) {
  if (!block)
    return;
  unsigned char *start = (unsigned char *)block - HEAD;
  rl_free(heap, start, *(size_t *)(void *)start);
}

int rl_coder_begin_encoder(struct rl_coder *coder, const struct rl_coding *coding,
                           struct rl_heap *heap, int level, size_t hint) {
  *coder = (struct rl_coder){.coding = coding, .heap = heap};
  return coding->begin(coder, level, hint);
}

int rl_coder_begin_decoder(struct rl_coder *coder, const struct rl_coding *coding,
                           struct rl_heap *heap, uint64_t limit) {
  *coder = (struct rl_coder){.coding = coding, .heap = heap, .decodes = true, .limit = limit};
  return coding->begin(coder, 0, 0);
}

/* Room for what probably comes; a decoder may write one byte more than its limit, which tells. */
static size_t room_for(const struct rl_coder *coder, size_t left, size_t written) {
  size_t room = (coder->decodes ? left * 4 : left / 2) + written;
  if (room < LEAST_ROOM)
    room = LEAST_ROOM;
  if (room > MOST_ROOM)
    room = MOST_ROOM;
  if (coder->decodes && room > coder->limit)
    room = (size_t)coder->limit + 1;
  return room;
}

/* One run of the library into the buffer. */
static enum rl_coder_status run(struct rl_coder *coder, struct rl_coder_span *span, size_t room,
                                enum rl_coder_step step, struct rl_buffer *to) {
  span->to = rl_buffer_extend(to, room);
  span->room = room;
  if (!span->to)
    return RL_CODER_NO_MEMORY;
  enum rl_coder_status status = coder->coding->run(coder, span, step);
  to->size -= span->room;
  size_t written = room - span->room;
  if (!coder->decodes)
    return status;
  if (written > coder->limit)
    return RL_CODER_TOO_LARGE;
  coder->limit -= written;
  return status;
}

enum rl_coder_status rl_coder_feed(struct rl_coder *coder, struct rl_slice from,
                                   enum rl_coder_step step, struct rl_buffer *to) {
  struct rl_coder_span span = {.from = (const unsigned char *)from.bytes, .left = from.size};
  if (coder->ended)
    return from.size == 0 ? RL_CODER_ENDED : RL_CODER_MALFORMED;
  size_t before = to->size;
  enum rl_coder_status status;
  do {
    status = run(coder, &span, room_for(coder, span.left, to->size - before), step, to);
  } while (status == RL_CODER_FULL || (status == RL_CODER_WENT && span.left > 0));
  if (status == RL_CODER_ENDED && coder->decodes) {
    coder->ended = true;
    return span.left == 0 ? RL_CODER_ENDED : RL_CODER_MALFORMED;
  }
  return status;
}

void rl_coder_end(struct rl_coder *coder) {
  if (coder->state)
    coder->coding->end(coder);
  coder->state = NULL;
}
