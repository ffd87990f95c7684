/* Brotli: the coding `br`, over Google's libraries.
 *
 * The encoder, as Debian builds it, ends the process when it finds no memory. So an allocation that
 * fails never returns to it: it is left by longjmp, and what it held, which is in a list, is freed
 * without asking it. */
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <setjmp.h>
#include <stdalign.h>

#include "base/list.h"
#include "codec/coder.h"

/* Windows: 256 KiB for what comes in pieces or fits, 4 MiB for a larger whole. */
enum { WINDOW = 18, LARGE_WINDOW = 22 };

/* -- the encoder ---------------------------------------------------------------------------- */

struct encoder {
  BrotliEncoderState *state;
  struct rl_heap *heap;
  struct rl_list blocks; /* all that the library holds */
  jmp_buf no_memory;     /* out of the library */
};

struct block {
  struct rl_list link;
  size_t size; /* all in all */
  alignas(max_align_t) unsigned char bytes[];
};

static void *take(void *opaque, size_t size) {
  struct encoder *encoder = opaque;
  struct block *block = size < SIZE_MAX / 2 ? rl_alloc(encoder->heap, size + sizeof *block) : NULL;
  if (!block)
    longjmp(encoder->no_memory, 1);
  block->size = size + sizeof *block;
  rl_list_push(&encoder->blocks, &block->link);
  return block->bytes;
}

static void give_block(struct encoder *encoder, struct block *block) {
  rl_list_remove(&block->link);
  rl_free(encoder->heap, block, block->size);
}

static void give(void *opaque, void *bytes) {
  if (bytes)
    give_block(opaque, RL_OF(bytes, struct block, bytes));
}

static void end_encoder(struct encoder *encoder) {
  while (!rl_list_empty(&encoder->blocks))
    give_block(encoder, RL_OF(encoder->blocks.next, struct block, link));
  rl_free(encoder->heap, encoder, sizeof *encoder);
}

static void set(struct encoder *encoder, BrotliEncoderParameter parameter, size_t value) {
  BrotliEncoderSetParameter(encoder->state, parameter,
                            value < UINT32_MAX ? (uint32_t)value : UINT32_MAX);
}

static int begin_encoder(struct rl_coder *coder, int level, size_t hint) {
  struct encoder *encoder = rl_alloc(coder->heap, sizeof *encoder);
  if (!encoder)
    return -1;
  encoder->heap = coder->heap;
  rl_list_init(&encoder->blocks);
  if (setjmp(encoder->no_memory)) {
    end_encoder(encoder);
    return -1;
  }
  encoder->state = BrotliEncoderCreateInstance(take, give, encoder);
  set(encoder, BROTLI_PARAM_QUALITY, (size_t)level);
  set(encoder, BROTLI_PARAM_LGWIN, hint > (size_t)1 << WINDOW ? LARGE_WINDOW : WINDOW);
  set(encoder, BROTLI_PARAM_SIZE_HINT, hint);
  coder->state = encoder;
  return 0;
}

static enum rl_coder_status compress(BrotliEncoderState *state, struct rl_coder_span *span,
                                     enum rl_coder_step step) {
  static const BrotliEncoderOperation operations[] = {
      BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH};
  if (!BrotliEncoderCompressStream(state, operations[step], &span->left, &span->from, &span->room,
                                   &span->to, NULL))
    return RL_CODER_NO_MEMORY;
  if (BrotliEncoderIsFinished(state))
    return RL_CODER_ENDED;
  return BrotliEncoderHasMoreOutput(state) || span->left > 0 ? RL_CODER_FULL : RL_CODER_WENT;
}

static enum rl_coder_status encode(struct encoder *encoder, struct rl_coder_span *span,
                                   enum rl_coder_step step) {
  if (setjmp(encoder->no_memory))
    return RL_CODER_NO_MEMORY;
  return compress(encoder->state, span, step);
}

/* -- the decoder ---------------------------------------------------------------------------- */

/* The library tells failed allocations from bad bytes by ranges of its codes. */
static bool no_memory(BrotliDecoderErrorCode code) {
  return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
         code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
}

static enum rl_coder_status decode(BrotliDecoderState *state, struct rl_coder_span *span) {
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

/* -- the coding ----------------------------------------------------------------------------- */

static int begin(struct rl_coder *coder, int level, size_t hint) {
  if (!coder->decodes)
    return begin_encoder(coder, level, hint);
  coder->state = BrotliDecoderCreateInstance(rl_coder_alloc, rl_coder_free, coder->heap);
  return coder->state ? 0 : -1;
}

static enum rl_coder_status run(struct rl_coder *coder, struct rl_coder_span *span,
                                enum rl_coder_step step) {
  return coder->decodes ? decode(coder->state, span) : encode(coder->state, span, step);
}

static void end(struct rl_coder *coder) {
  if (coder->decodes)
    BrotliDecoderDestroyInstance(coder->state);
  else
    end_encoder(coder->state);
}

const struct rl_coding rl_coding_brotli = {
    .name = "br", .least = 0, .most = 11, .usual = 4, .begin = begin, .run = run, .end = end};
