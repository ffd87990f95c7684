/* Feeds a head whole and in pieces, whose sizes the first byte chooses: the answer must be the
 * same, and nothing may be in a head that was accepted but what its grammar allows. The limits are
 * small, so that they are met. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/authority.h"
#include "http/chars.h"
#include "http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rl_http_limits limits = {.line = 100, .field = 80, .fields = 26, .head = 350};

static void expect(int condition) {
  if (!condition)
    abort();
}

static enum rl_request_step feed(struct rl_request *request, const char *bytes, size_t size,
                                 size_t piece) {
  enum rl_request_step step = RL_REQUEST_MORE;
  size_t used;
  for (size_t at = 0; step == RL_REQUEST_MORE && at < size; at += used) {
    size_t given = piece < size - at ? piece : size - at;
    char *copy = malloc(given);
    memcpy(copy, bytes + at, given);
    step = rl_request_feed(request, copy, given, &used);
    if (step == RL_REQUEST_HEAD)
      expect(rl_request_keep(request) == 0);
    free(copy);
    if (step == RL_REQUEST_BAD)
      break;
    expect(used <= given && (step == RL_REQUEST_HEAD || used == given));
  }
  return step;
}

static void check_field(const struct rl_head *head, const struct rl_field *field) {
  struct rl_slice name = rl_field_name(head->bytes, field);
  struct rl_slice value = rl_field_value(head->bytes, field);
  expect(name.size > 0 && rl_chars_are(name.bytes, name.size, RL_CHAR_TOKEN));
  expect(name.bytes[name.size] == ':' && name.bytes[-1] == '\n' && name.bytes[-2] == '\r');
  expect(rl_chars_are(value.bytes, value.size, RL_CHAR_VALUE));
  expect(value.bytes + value.size <= head->bytes + head->size - 4);
  for (const char *at = name.bytes + name.size + 1; at < value.bytes; at++)
    expect(*at == ' ' || *at == '\t');
  expect(rl_field_find(&head->fields, head->bytes, name, NULL) <= field);
}

static void check_head(const struct rl_head *head) {
  struct rl_slice target = rl_head_slice(head, head->target);
  struct rl_slice authority = rl_head_slice(head, head->authority);
  expect(rl_chars_are(target.bytes, target.size, RL_CHAR_TARGET) && target.size > 0);
  expect(authority.size == 0 ? head->minor == 0 : rl_authority_valid(authority));
  expect(memcmp(head->bytes + head->size - 4, "\r\n\r\n", 4) == 0);
  expect(rl_head_path(head).bytes[0] == '/' || head->form == RL_FORM_ASTERISK);
  for (uint32_t i = 0; i < head->fields.count; i++)
    check_field(head, &head->fields.list[i]);
  expect(!rl_field_known(&head->fields, RL_HEADER_CONTENT_LENGTH, NULL) ||
         !rl_field_known(&head->fields, RL_HEADER_TRANSFER_ENCODING, NULL));
}

static void check_same(const struct rl_request *a, const struct rl_request *b) {
  expect(a->refusal.status == b->refusal.status);
  expect(a->head.size == b->head.size && a->head.fields.count == b->head.fields.count);
  expect(memcmp(a->head.bytes, b->head.bytes, a->head.size) == 0);
  expect(memcmp(a->head.fields.list, b->head.fields.list,
                a->head.fields.count * sizeof *a->head.fields.list) == 0);
  expect(a->head.body == b->head.body && a->head.keep_alive == b->head.keep_alive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct rl_heap heap;
  struct rl_request whole, pieces;
  if (size < 1)
    return 0;
  const char *bytes = (const char *)data + 1;
  rl_heap_init(&heap);
  rl_request_init(&whole, &heap, &limits);
  rl_request_init(&pieces, &heap, &limits);
  enum rl_request_step step = feed(&whole, bytes, size - 1, size);
  expect(feed(&pieces, bytes, size - 1, 1 + data[0] % 64) == step);
  if (step == RL_REQUEST_HEAD) {
    check_head(&whole.head);
    check_same(&whole, &pieces);
  }
  expect(whole.refusal.status == pieces.refusal.status);
  rl_request_free(&whole);
  rl_request_free(&pieces);
  expect(atomic_load(&heap.blocks) == 0);
  return 0;
}
