/* Body: a state machine over the framing; data is passed over in one step. Ours and not llhttp's,
 * which in 8.1 refuses a second chunk extension, takes LF alone for the last line end and any
 * number of zeros before a size, and cannot tell what framing costs.
 *
 *   chunk    = 1*16HEX *( ";" name [ "=" ( token / quoted ) ] ) CRLF data CRLF
 *   the last = 1*16"0" extensions CRLF *( trailer CRLF ) CRLF
 *
 * A chunk may cost 16 bytes and twice its data in framing; what it costs more adds up, and chunks
 * that cost less make good for it. So tiny chunks are served, and endless extensions are not. */
#include "http/body.h"

#include <string.h>

#include "http/chars.h"

enum { DIGITS = 16, FREE_FRAMING = 16 };

enum state {
  COUNTED, /* a body with a length */
  SIZE,
  NAME_FIRST, /* of an extension */
  NAME,
  VALUE_FIRST,
  VALUE,
  QUOTED,
  ESCAPED,
  AFTER_QUOTED,
  SIZE_LF,
  DATA,
  DATA_CR,
  DATA_LF,
  LINE, /* a trailer's first byte, or the CR of the last line */
  TRAILER,
  LAST_LF
};

static int refuse(struct rl_body *body, int status, const char *why) {
  return rl_refusal_set(&body->refusal, status, why);
}

int rl_body_init(struct rl_body *body, const struct rl_head *head,
                 const struct rl_http_limits *limits, uint64_t limit, struct rl_heap *heap) {
  *body = (struct rl_body){
      .limits = limits,
      .room = limit,
      .state = head->body == RL_BODY_CHUNKED ? SIZE : COUNTED,
      .left = head->body == RL_BODY_LENGTH ? head->length : 0,
      .done = head->body == RL_BODY_NONE,
  };
  rl_buffer_init(&body->trailers, heap);
  if (body->left > limit)
    return refuse(body, 413, "a body over the limit");
  return 0;
}

void rl_body_free(struct rl_body *body) {
  rl_buffer_free(&body->trailers);
}

int rl_body_bound(struct rl_body *body, uint64_t limit) {
  if (body->left > limit)
    return refuse(body, 413, "a body over the limit");
  if (body->room > limit - body->left)
    body->room = limit - body->left;
  return 0;
}

static int add_digit(struct rl_body *body, int digit) {
  if (body->digits == DIGITS)
    return refuse(body, 400, "a chunk's size of more than 16 digits");
  body->digits++;
  body->left = body->left << 4 | (unsigned)digit;
  return 0;
}

/* What may follow a size or an extension. */
static int end_part(struct rl_body *body, char byte) {
  if (byte == ';')
    body->state = NAME_FIRST;
  else if (byte == '\r')
    body->state = SIZE_LF;
  else
    return refuse(body, 400, "a byte in a chunk's size that may not be there");
  return 0;
}

/* The line with the size is over. */
static int begin_data(struct rl_body *body) {
  if (body->left > body->room)
    return refuse(body, 413, "a body over the limit");
  uint64_t paid = body->left > UINT32_MAX / 4 ? UINT32_MAX : FREE_FRAMING + 2 * body->left;
  body->overhead += body->framing;
  body->overhead -= body->overhead < paid ? body->overhead : (uint32_t)paid;
  body->framing = 0;
  body->digits = 0;
  body->room -= body->left;
  body->state = body->left ? DATA : LINE;
  return 0;
}

/* A byte of extensions. */
static int feed_extension(struct rl_body *body, char byte) {
  bool token = rl_char_is(byte, RL_CHAR_TOKEN);
  switch (body->state) {
  case NAME_FIRST:
  case VALUE_FIRST:
    if (body->state == VALUE_FIRST && byte == '"')
      body->state = QUOTED;
    else if (token)
      body->state++;
    else
      return refuse(body, 400, "a chunk extension without a name or value");
    return 0;
  case NAME:
    if (byte != '=')
      return token ? 0 : end_part(body, byte);
    body->state = VALUE_FIRST;
    return 0;
  case VALUE: return token ? 0 : end_part(body, byte);
  case AFTER_QUOTED: return end_part(body, byte);
  default: /* QUOTED, ESCAPED */
    if (!rl_char_is(byte, RL_CHAR_VALUE))
      return refuse(body, 400, "a control character in a chunk extension");
    if (body->state == ESCAPED)
      body->state = QUOTED;
    else
      body->state = byte == '\\' ? ESCAPED : byte == '"' ? AFTER_QUOTED : QUOTED;
    return 0;
  }
}

/* Finds the parts of a line that ends in CRLF; false when its grammar is wrong. */
static bool split_trailer(const char *line, size_t size, struct rl_slice *name,
                          struct rl_slice *value) {
  const char *colon = memchr(line, ':', size), *end = line + size - 2;
  if (!colon || colon == line || *end != '\r' ||
      !rl_chars_are(line, (size_t)(colon - line), RL_CHAR_TOKEN))
    return false;
  const char *start = colon + 1;
  while (start < end && (*start == ' ' || *start == '\t'))
    start++;
  while (start < end && (end[-1] == ' ' || end[-1] == '\t'))
    end--;
  *name = (struct rl_slice){line, (size_t)(colon - line)};
  *value = (struct rl_slice){start, (size_t)(end - start)};
  return rl_chars_are(start, value->size, RL_CHAR_VALUE);
}

/* A line of trailers is whole. A name that we know has a meaning in a head, and none here. */
static int end_line(struct rl_body *body) {
  const char *line = (const char *)body->trailers.bytes + body->line;
  size_t size = body->trailers.size - body->line;
  struct rl_slice name, value;
  if (size < 2 || !split_trailer(line, size, &name, &value))
    return refuse(body, 400, "a malformed trailer");
  if (rl_header_of(name.bytes, name.size) != RL_HEADER_OTHER)
    body->trailers.size = body->line;
  body->line = body->trailers.size;
  body->state = LINE;
  return 0;
}

static int feed_trailer(struct rl_body *body, const char *bytes, size_t size, size_t *used) {
  const char *found = memchr(bytes, '\n', size);
  size_t piece = found ? (size_t)(found - bytes) + 1 : size;
  if (piece > body->limits->trailers - body->arrived)
    return refuse(body, 431, "long trailers");
  body->arrived += (uint32_t)piece;
  rl_buffer_append(&body->trailers, bytes, piece);
  if (body->trailers.failed)
    return refuse(body, 503, "no memory for the trailers");
  *used = piece;
  return found ? end_line(body) : 0;
}

static int begin_line(struct rl_body *body, char byte) {
  size_t used;
  body->state = byte == '\r' ? LAST_LF : TRAILER;
  return byte == '\r' ? 0 : feed_trailer(body, &byte, 1, &used);
}

/* A byte that is neither data nor trailer. */
static int feed_framing(struct rl_body *body, char byte) {
  if (++body->framing + body->overhead > body->limits->overhead)
    return refuse(body, 400, "more framing of chunks than data");
  switch (body->state) {
  case SIZE: {
    int digit = rl_char_hex(byte);
    if (digit >= 0)
      return add_digit(body, digit);
    if (body->digits == 0)
      return refuse(body, 400, "a chunk without a size");
    return end_part(body, byte);
  }
  case SIZE_LF: return byte == '\n' ? begin_data(body) : refuse(body, 400, "a bare CR in a chunk");
  case DATA_CR:
    body->state = DATA_LF;
    return byte == '\r' ? 0 : refuse(body, 400, "a chunk longer than its size");
  case DATA_LF:
    body->state = SIZE;
    return byte == '\n' ? 0 : refuse(body, 400, "a bare CR in a chunk");
  case LINE: return begin_line(body, byte);
  case LAST_LF:
    body->done = byte == '\n';
    return body->done ? 0 : refuse(body, 400, "a bare CR in the trailers");
  default: return feed_extension(body, byte);
  }
}

static void feed_data(struct rl_body *body, const char *bytes, size_t size, size_t *used,
                      struct rl_slice *data) {
  size_t piece = size < body->left ? size : (size_t)body->left;
  *data = (struct rl_slice){bytes, piece};
  *used = piece;
  body->left -= piece;
  if (body->left != 0)
    return;
  if (body->state == COUNTED)
    body->done = true;
  else
    body->state = DATA_CR;
}

int rl_body_feed(struct rl_body *body, const char *bytes, size_t size, size_t *used,
                 struct rl_slice *data) {
  size_t at = 0, piece = 0;
  int failed = 0;
  *data = (struct rl_slice){bytes, 0};
  while (failed == 0 && at < size && !body->done && data->size == 0) {
    piece = 1;
    if (body->state == DATA || body->state == COUNTED)
      feed_data(body, bytes + at, size - at, &piece, data);
    else if (body->state == TRAILER)
      failed = feed_trailer(body, bytes + at, size - at, &piece);
    else
      failed = feed_framing(body, bytes[at]);
    at += piece;
  }
  *used = at;
  return failed;
}

bool rl_body_trailer(const struct rl_body *body, size_t *at, struct rl_slice *name,
                     struct rl_slice *value) {
  if (*at >= body->trailers.size)
    return false;
  const char *line = (const char *)body->trailers.bytes + *at;
  const char *end = memchr(line, '\n', body->trailers.size - *at);
  size_t size = (size_t)(end - line) + 1;
  *at += size;
  return split_trailer(line, size, name, value);
}
