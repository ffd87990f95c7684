/* Reads arbitrary bytes as a multipart body, whole and in pieces: both must tell the same.
 *
 * The first byte is the size of the pieces. The boundary is "b". */
#include <stdint.h>
#include <stdlib.h>

#include "http/multipart.h"
#include "http/scan.h"

enum { HEAD_LIMIT = 200, PARTS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
  if (!holds)
    abort();
}

static void tell(struct rl_buffer *story, char event, struct rl_slice text) {
  rl_buffer_byte(story, (unsigned char)event);
  rl_buffer_append(story, text.bytes, text.size);
}

static void tell_part(struct rl_buffer *story, const struct rl_multipart_part *part) {
  struct rl_slice value;
  tell(story, 'P', part->name);
  tell(story, part->has_filename ? 'F' : 'f', part->filename);
  tell(story, 'T', part->type);
  tell(story, 'H', part->headers);
  must(rl_multipart_header(part, "Content-Disposition", &value));
}

/* False when nothing more is to come. */
static bool feed(struct rl_multipart *parser, struct rl_slice input, struct rl_buffer *story) {
  struct rl_slice data, none = {0};
  for (;;) {
    switch (rl_multipart_next(parser, &input, &data)) {
    case RL_MULTIPART_MORE: must(input.size == 0); return true;
    case RL_MULTIPART_PART: tell_part(story, &parser->part); break;
    case RL_MULTIPART_DATA:
      must(data.size > 0);
      rl_buffer_append(story, data.bytes, data.size);
      break;
    case RL_MULTIPART_PART_END: tell(story, '.', none); break;
    case RL_MULTIPART_END: tell(story, 'E', none); return false;
    case RL_MULTIPART_FAILED: tell(story, 'X', rl_scan_text(parser->wrong)); return false;
    }
  }
}

static void read_body(struct rl_slice body, size_t piece, struct rl_buffer *story) {
  struct rl_multipart parser;
  must(rl_multipart_init(&parser, story->heap, rl_scan_text("b"), HEAD_LIMIT, PARTS) == 0);
  bool more = true;
  while (more && body.size) {
    struct rl_slice input = {body.bytes, body.size < piece ? body.size : piece};
    more = feed(&parser, input, story);
    rl_scan_skip(&body, input.size);
  }
  rl_multipart_free(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct rl_heap heap;
  struct rl_buffer whole, pieces;
  if (size == 0)
    return 0;
  struct rl_slice body = {(const char *)data + 1, size - 1};
  rl_heap_init(&heap);
  rl_buffer_init(&whole, &heap);
  rl_buffer_init(&pieces, &heap);
  read_body(body, SIZE_MAX, &whole);
  read_body(body, data[0] % 32 + 1, &pieces);
  must(rl_scan_equal((struct rl_slice){(char *)whole.bytes, whole.size},
                     (struct rl_slice){(char *)pieces.bytes, pieces.size}));
  rl_buffer_free(&whole);
  rl_buffer_free(&pieces);
  must(atomic_load(&heap.blocks) == 0);
  return 0;
}
