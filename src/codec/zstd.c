/* Zstd: the coding of that name (RFC 8878, with windows as RFC 9659 bounds them). */
#define ZSTD_STATIC_LINKING_ONLY /* memory of our own */
#include <zstd.h>
#include <zstd_errors.h>

#include "codec/coder.h"

/* Windows: 256 KiB for what comes in pieces; the largest that a client may be asked to keep. */
enum { WINDOW = 18, LARGEST_WINDOW = 23 };

static ZSTD_customMem memory_of(struct rl_coder *coder) {
  return (ZSTD_customMem){rl_coder_alloc, rl_coder_free, coder->heap};
}

static int begin_encoder(struct rl_coder *coder, int level, size_t hint) {
  ZSTD_CCtx *state = ZSTD_createCCtx_advanced(memory_of(coder));
  if (!state)
    return -1;
  ZSTD_CCtx_setParameter(state, ZSTD_c_compressionLevel, level);
  if (hint > 0)
    ZSTD_CCtx_setParameter(state, ZSTD_c_srcSizeHint, hint < 1 << 30 ? (int)hint : 1 << 30);
  else
    ZSTD_CCtx_setParameter(state, ZSTD_c_windowLog, WINDOW);
  coder->state = state;
  return 0;
}

static int begin(struct rl_coder *coder, int level, size_t hint) {
  if (!coder->decodes)
    return begin_encoder(coder, level, hint);
  ZSTD_DCtx *state = ZSTD_createDCtx_advanced(memory_of(coder));
  if (!state)
    return -1;
  ZSTD_DCtx_setParameter(state, ZSTD_d_windowLogMax, LARGEST_WINDOW);
  coder->state = state;
  return 0;
}

static enum rl_coder_status encode(struct rl_coder *coder, ZSTD_inBuffer *from, ZSTD_outBuffer *to,
                                   enum rl_coder_step step) {
  static const ZSTD_EndDirective directives[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
  size_t more = ZSTD_compressStream2(coder->state, to, from, directives[step]);
  if (ZSTD_isError(more))
    return RL_CODER_NO_MEMORY;
  if (step == RL_CODER_FINISH && more == 0)
    return RL_CODER_ENDED;
  return (step != RL_CODER_GO && more > 0) || from->pos < from->size ? RL_CODER_FULL
                                                                     : RL_CODER_WENT;
}

static enum rl_coder_status decode(struct rl_coder *coder, ZSTD_inBuffer *from,
                                   ZSTD_outBuffer *to) {
  size_t more = ZSTD_decompressStream(coder->state, to, from);
  if (ZSTD_isError(more))
    return ZSTD_getErrorCode(more) == ZSTD_error_memory_allocation ? RL_CODER_NO_MEMORY
                                                                   : RL_CODER_MALFORMED;
  if (more == 0)
    return RL_CODER_ENDED;
  return to->pos == to->size ? RL_CODER_FULL : RL_CODER_WENT;
}

static enum rl_coder_status run(struct rl_coder *coder, struct rl_coder_span *span,
                                enum rl_coder_step step) {
  ZSTD_inBuffer from = {span->from, span->left, 0};
  ZSTD_outBuffer to = {span->to, span->room, 0};
  enum rl_coder_status status =
      coder->decodes ? decode(coder, &from, &to) : encode(coder, &from, &to, step);
  span->from += from.pos;
  span->left -= from.pos;
  span->room -= to.pos;
  return status;
}

static void end(struct rl_coder *coder) {
  if (coder->decodes)
    ZSTD_freeDCtx(coder->state);
  else
    ZSTD_freeCCtx(coder->state);
}

const struct rl_coding rl_coding_zstd = {
    .name = "zstd", .least = 1, .most = 19, .usual = 3, .begin = begin, .run = run, .end = end};
