/* Decompresses arbitrary bytes, in one piece and in small ones, to a limit; what comes out is
 * compressed, and decompressed again.
 *
 * The first byte chooses the coding, the level and the size of the pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/coder.h"

enum { LIMIT = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rl_coding *const codings[] = {&rl_coding_gzip, &rl_coding_brotli,
                                                  &rl_coding_zstd};

static void must(bool holds) {
  if (!holds)
    abort();
}

static bool is_good(enum rl_coder_status status) {
  return status == RL_CODER_ENDED || status == RL_CODER_WENT;
}

/* Feeds pieces of `step` bytes, until one fails. */
static enum rl_coder_status feed(struct rl_coder *coder, struct rl_slice from, size_t step,
                                 struct rl_buffer *to) {
  enum rl_coder_status status = RL_CODER_WENT;
  while (from.size > 0 && is_good(status)) {
    struct rl_slice piece = {from.bytes, from.size < step ? from.size : step};
    status = rl_coder_feed(coder, piece, RL_CODER_GO, to);
    from.bytes += piece.size;
    from.size -= piece.size;
  }
  return status;
}

static enum rl_coder_status decode(const struct rl_coding *coding, struct rl_heap *heap,
                                   struct rl_slice from, size_t step, struct rl_buffer *to) {
  struct rl_coder coder;
  must(rl_coder_begin_decoder(&coder, coding, heap, LIMIT) == 0);
  enum rl_coder_status status = feed(&coder, from, step, to);
  must(status != RL_CODER_NO_MEMORY && to->size <= LIMIT + 1);
  must(to->size <= LIMIT || status == RL_CODER_TOO_LARGE);
  rl_coder_end(&coder);
  return status;
}

static void encode(const struct rl_coding *coding, struct rl_heap *heap, int level,
                   struct rl_slice from, size_t step) {
  struct rl_coder coder;
  struct rl_buffer to, again;
  rl_buffer_init(&to, heap);
  rl_buffer_init(&again, heap);
  must(rl_coder_begin_encoder(&coder, coding, heap, level, step % 2 ? from.size : 0) == 0);
  feed(&coder, from, step * 7, &to);
  must(rl_coder_feed(&coder, (struct rl_slice){"", 0}, RL_CODER_FINISH, &to) == RL_CODER_ENDED);
  rl_coder_end(&coder);
  struct rl_slice text = {(char *)to.bytes, to.size};
  must(decode(coding, heap, text, step, &again) == RL_CODER_ENDED);
  must(again.size == from.size && (from.size == 0 || !memcmp(again.bytes, from.bytes, from.size)));
  rl_buffer_free(&to);
  rl_buffer_free(&again);
}

/* Where the pieces end changes nothing in what is good; Zstandard sees more faults in a whole. */
static void compare(enum rl_coder_status status, const struct rl_buffer *whole,
                    enum rl_coder_status other, const struct rl_buffer *pieces) {
  if (!is_good(status) || !is_good(other))
    return;
  must(status == other && whole->size == pieces->size);
  must(whole->size == 0 || memcmp(whole->bytes, pieces->bytes, whole->size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct rl_heap heap;
  struct rl_buffer whole, pieces;
  if (size == 0)
    return 0;
  const struct rl_coding *coding = codings[data[0] % 3];
  if (coding->package)
    return 0; /* not in this build */
  struct rl_slice from = {(const char *)data + 1, size - 1};
  size_t step = data[0] / 3 % 8 + 1;
  rl_heap_init(&heap);
  rl_buffer_init(&whole, &heap);
  rl_buffer_init(&pieces, &heap);
  enum rl_coder_status status = decode(coding, &heap, from, size, &whole);
  compare(status, &whole, decode(coding, &heap, from, step, &pieces), &pieces);
  if (status == RL_CODER_ENDED)
    encode(coding, &heap, coding->least + data[0] / 24 % 5,
           (struct rl_slice){(char *)whole.bytes, whole.size}, step);
  rl_buffer_free(&whole);
  rl_buffer_free(&pieces);
  must(atomic_load(&heap.blocks) == 0);
  rl_heap_trim(&heap);
  return 0;
}
