/* Brotli: the coding `br`, over Google's libraries. */
#include <brotli/decode.h>
#include <brotli/encode.h>

#include "codec/coder.h"

/* Windows: 256 KiB for what comes in pieces or fits, 4 MiB for a larger whole. */
enum { WINDOW = 18, LARGE_WINDOW = 22 };

static int begin_encoder(struct rl_coder *coder, int level, size_t hint) {
  BrotliEncoderState *state =
      BrotliEncoderCreateInstance(rl_coder_alloc, rl_coder_free, coder->heap);
  if (!state)
    return -1;
  uint32_t window = hint > (size_t)1 << WINDOW ? LARGE_WINDOW : WINDOW;
  BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, (uint32_t)level);
  BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN, window);
  BrotliEncoderSetParameter(state, BROTLI_PARAM_SIZE_HINT,
                            hint < UINT32_MAX ? (uint32_t)hint : UINT32_MAX);
  coder->state = state;
  return 0;
}

static int begin(struct rl_coder *coder, int level, size_t hint) {
  if (!coder->decodes)
    return begin_encoder(coder, level, hint);
  coder->state = BrotliDecoderCreateInstance(rl_coder_alloc, rl_coder_free, coder->heap);
  return coder->state ? 0 : -1;
}

static enum rl_coder_status encode(struct rl_coder *coder, struct rl_coder_span *span,
                                   enum rl_coder_step step) {
  static const BrotliEncoderOperation operations[] = {
      BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH};
  BrotliEncoderState *state = coder->state;
  if (!BrotliEncoderCompressStream(state, operations[step], &span->left, &span->from, &span->room,
                                   &span->to, NULL))
    return RL_CODER_NO_MEMORY;
  if (BrotliEncoderIsFinished(state))
    return RL_CODER_ENDED;
  return BrotliEncoderHasMoreOutput(state) || span->left > 0 ? RL_CODER_FULL : RL_CODER_WENT;
}

/* The library tells failed allocations from bad bytes by ranges of its codes. */
static bool no_memory(BrotliDecoderErrorCode code) {
  return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
         code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
}

static enum rl_coder_status decode(struct rl_coder *coder, struct rl_coder_span *span) {
  BrotliDecoderState *state = coder->state;
  switch (BrotliDecoderDecompressStream(state, &span->left, &span->from, &span->room, &span->to,
                                        NULL)) {
  case BROTLI_DECODER_RESULT_SUCCESS: return RL_CODER_ENDED;
  case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: /* even if there was no room for all it has */
    return BrotliDecoderHasMoreOutput(state) ? RL_CODER_FULL : RL_CODER_WENT;
  case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return RL_CODER_FULL;
  default:
    return no_memory(BrotliDecoderGetErrorCode(state)) ? RL_CODER_NO_MEMORY : RL_CODER_MALFORMED;
  }
}

static enum rl_coder_status run(struct rl_coder *coder, struct rl_coder_span *span,
                                enum rl_coder_step step) {
  return coder->decodes ? decode(coder, span) : encode(coder, span, step);
}

static void end(struct rl_coder *coder) {
  if (coder->decodes)
    BrotliDecoderDestroyInstance(coder->state);
  else
    BrotliEncoderDestroyInstance(coder->state);
}

const struct rl_coding rl_coding_brotli = {
    .name = "br", .least = 0, .most = 11, .usual = 4, .begin = begin, .run = run, .end = end};
