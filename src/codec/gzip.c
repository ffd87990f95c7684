/* Gzip: the coding of that name, over zlib. */
#include <limits.h>
#include <zlib.h>

#include "codec/coder.h"

enum { GZIP = 16, WINDOW = 15, SMALLEST_WINDOW = 10, MEMORY = 8 };

static void *take(void *heap, unsigned count, unsigned size) {
  return rl_coder_alloc(heap, (size_t)count * size);
}

/* A window no larger than what it will see: a small text is not worth clearing 128 KiB. */
static int window_for(size_t hint) {
  int bits = SMALLEST_WINDOW;
  while (bits < WINDOW && (hint == 0 || hint > (size_t)1 << bits))
    bits++;
  return bits;
}

static int begin(struct rl_coder *coder, int level, size_t hint) {
  z_stream *z = rl_zalloc(coder->heap, sizeof *z);
  if (!z)
    return -1;
  z->zalloc = take;
  z->zfree = rl_coder_free;
  z->opaque = coder->heap;
  int bits = window_for(hint);
  int memory = bits < MEMORY + 6 ? bits - 6 : MEMORY;
  int status = coder->decodes
                   ? inflateInit2(z, WINDOW + GZIP)
                   : deflateInit2(z, level, Z_DEFLATED, bits + GZIP, memory, Z_DEFAULT_STRATEGY);
  if (status != Z_OK) {
    rl_free(coder->heap, z, sizeof *z);
    return -1;
  }
  coder->state = z;
  return 0;
}

static unsigned clamp(size_t size) {
  return size < UINT_MAX ? (unsigned)size : UINT_MAX;
}

static int step_of(const struct rl_coder_span *span, enum rl_coder_step step) {
  static const int flushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
  return span->left > UINT_MAX ? Z_NO_FLUSH : flushes[step];
}

static enum rl_coder_status run(struct rl_coder *coder, struct rl_coder_span *span,
                                enum rl_coder_step step) {
  z_stream *z = coder->state;
  unsigned from = clamp(span->left), room = clamp(span->room);
  z->next_in = (unsigned char *)(uintptr_t)span->from; /* zlib does not write there */
  z->next_out = span->to;
  z->avail_in = from;
  z->avail_out = room;
  int status = coder->decodes ? inflate(z, Z_NO_FLUSH) : deflate(z, step_of(span, step));
  span->from += from - z->avail_in;
  span->left -= from - z->avail_in;
  span->room -= room - z->avail_out;
  if (status == Z_STREAM_END)
    return RL_CODER_ENDED;
  if (status == Z_MEM_ERROR)
    return RL_CODER_NO_MEMORY;
  if (status != Z_OK && status != Z_BUF_ERROR)
    return RL_CODER_MALFORMED;
  return z->avail_out == 0 ? RL_CODER_FULL : RL_CODER_WENT;
}

static void end(struct rl_coder *coder) {
  z_stream *z = coder->state;
  if (coder->decodes)
    inflateEnd(z);
  else
    deflateEnd(z);
  rl_free(coder->heap, z, sizeof *z);
}

const struct rl_coding rl_coding_gzip = {
    .name = "gzip", .least = 1, .most = 9, .usual = 6, .begin = begin, .run = run, .end = end};
