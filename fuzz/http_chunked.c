/* Decodes chunks whole and in pieces, whose sizes the first byte chooses: data and answer must be
 * the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/body.h"
#include "http/chars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
  char *data;
  size_t size, used;
};

static const struct rl_http_limits limits = {.trailers = 60, .overhead = 50, .body = 100};
static const struct rl_head head = {.body = RL_BODY_CHUNKED};

static void expect(int condition) {
  if (!condition)
    abort();
}

/* One piece; false when the body is over, well or not. */
static int feed_piece(struct rl_body *body, struct result *result, const char *bytes, size_t size) {
  size_t used;
  for (size_t at = 0; at < size && !body->done; at += used) {
    struct rl_slice data;
    if (rl_body_feed(body, bytes + at, size - at, &used, &data) != 0)
      return 0;
    expect(used > 0 && used <= size - at && data.size <= used);
    expect(data.bytes >= bytes && data.bytes + data.size <= bytes + size);
    memcpy(result->data + result->size, data.bytes, data.size);
    result->size += data.size;
    result->used += used;
  }
  return !body->done;
}

static struct result feed(struct rl_body *body, const char *bytes, size_t size, size_t piece) {
  struct result result = {.data = malloc(size + 1)};
  int more = 1;
  for (size_t at = 0; more && at < size; at += piece) {
    size_t given = piece < size - at ? piece : size - at;
    char *copy = malloc(given);
    memcpy(copy, bytes + at, given);
    more = feed_piece(body, &result, copy, given);
    free(copy);
  }
  return result;
}

static void check_trailers(const struct rl_body *body) {
  struct rl_slice name, value;
  for (size_t at = 0; rl_body_trailer(body, &at, &name, &value);) {
    expect(rl_chars_are(name.bytes, name.size, RL_CHAR_TOKEN) && name.size > 0);
    expect(rl_chars_are(value.bytes, value.size, RL_CHAR_VALUE));
    expect(rl_header_of(name.bytes, name.size) == RL_HEADER_OTHER);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct rl_heap heap;
  struct rl_body whole, pieces;
  if (size < 1)
    return 0;
  rl_heap_init(&heap);
  rl_body_init(&whole, &head, &limits, limits.body, &heap);
  rl_body_init(&pieces, &head, &limits, limits.body, &heap);
  struct result a = feed(&whole, (const char *)data + 1, size - 1, size);
  struct result b = feed(&pieces, (const char *)data + 1, size - 1, 1 + data[0] % 64);
  expect(whole.done == pieces.done && whole.refusal.status == pieces.refusal.status);
  expect(a.size == b.size && memcmp(a.data, b.data, a.size) == 0 && a.size <= limits.body);
  if (whole.done) {
    expect(a.used == b.used);
    check_trailers(&whole);
  }
  free(a.data);
  free(b.data);
  rl_body_free(&whole);
  rl_body_free(&pieces);
  expect(atomic_load(&heap.blocks) == 0);
  return 0;
}
