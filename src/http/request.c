/* Request: first the head is cut into lines, which is where all limits apply and where a line may
 * not end in LF alone or begin with white space; then llhttp, in its strict form, judges the whole
 * head at once; then head.c understands it. So the answer depends on the bytes alone, and a head in
 * a thousand pieces costs as much as in one: only the search for line ends goes on piece by piece.
 *
 * What llhttp 8.1 lets through and is refused here: folded lines, bare LF, empty names, several
 * spaces in the request line, HTTP/0.9, '#' in the target, thousands of empty lines before it. */
#include "http/request.h"

#include <llhttp.h>
#include <string.h>

#include "http/chars.h"

enum {
  METHOD_LIMIT = 24,     /* bytes; the longest known has 11 */
  HELD_FOR_REUSE = 4096, /* bytes of buffer that a reset leaves */
};

static enum rl_request_step refuse(struct rl_request *request, int status, const char *why) {
  rl_refusal_set(&request->refusal, status, why);
  return RL_REQUEST_BAD;
}

/* The steps before the head is whole return RL_REQUEST_HEAD for "go on".
 *
 * One empty line before the request is ignored: some clients send one after a body. */
static enum rl_request_step skip_empty_line(struct rl_request *request, const char *bytes,
                                            uint32_t size) {
  if (size == 1)
    return RL_REQUEST_MORE;
  if (bytes[1] != '\n')
    return refuse(request, 400, "a bare CR before the request");
  request->start = request->line = request->scanned = 2;
  return RL_REQUEST_HEAD;
}

static enum rl_request_step judge_method(struct rl_request *request, const char *bytes,
                                         uint32_t size) {
  enum rl_method method = rl_method_of(bytes, size);
  request->head.method = (uint8_t)method;
  request->head.method_text = (struct rl_span){request->start, size};
  if (method != RL_METHOD_UNKNOWN)
    return RL_REQUEST_HEAD;
  if (size == 0)
    return refuse(request, 400, "a space before the method");
  if (size == 3 && memcmp(bytes, "PRI", 3) == 0)
    return refuse(request, 400, "HTTP/2 where HTTP/1 is spoken");
  return refuse(request, 501, "a method that is not known");
}

/* Before all else, so that what is no HTTP is refused at its first byte. */
static enum rl_request_step find_method(struct rl_request *request, const char *bytes,
                                        uint32_t size) {
  const char *text = bytes + request->start;
  for (uint32_t i = 0; i < size - request->start; i++) {
    if (text[i] == ' ')
      return judge_method(request, text, i);
    if (!rl_char_is(text[i], RL_CHAR_TOKEN))
      return refuse(request, 400, "a byte in the method that may not be there");
    if (i == METHOD_LIMIT)
      return refuse(request, 501, "a method that is not known");
  }
  return RL_REQUEST_MORE;
}

/* A whole line, which is not the empty one. 0 or -1. */
static int add_line(struct rl_request *request, const char *bytes, uint32_t end) {
  if (request->line_end == 0) {
    request->line_end = end;
    return 0;
  }
  if (!rl_char_is(bytes[request->line], RL_CHAR_TOKEN))
    return rl_refusal_set(&request->refusal, 400, "a line that does not begin with a name");
  if (request->head.fields.count >= request->limits->fields)
    return rl_refusal_set(&request->refusal, 431, "too many fields");
  struct rl_field *field = rl_field_add(&request->head.fields);
  if (!field)
    return rl_refusal_set(&request->refusal, 503, "no memory for the fields");
  field->name = request->line;
  field->value = end - 2; /* until head.c cuts the line at its colon */
  return 0;
}

static enum rl_request_step find_lines(struct rl_request *request, const char *bytes,
                                       uint32_t size) {
  for (;;) {
    const char *found = memchr(bytes + request->scanned, '\n', size - request->scanned);
    uint32_t end = found ? (uint32_t)(found - bytes) + 1 : size, length = end - request->line;
    bool first = request->line_end == 0;
    if (length > (first ? request->limits->line : request->limits->field))
      return refuse(request, first ? 414 : 431, first ? "a long request line" : "a long field");
    request->scanned = end;
    if (!found)
      return RL_REQUEST_MORE;
    if (length < 2 || bytes[end - 2] != '\r')
      return refuse(request, 400, "a line that ends in LF alone");
    if (length == 2)
      return RL_REQUEST_HEAD;
    if (add_line(request, bytes, end) != 0)
      return RL_REQUEST_BAD;
    request->line = end;
  }
}

static int on_complete(llhttp_t *parser) {
  (void)parser;
  return HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_headers_complete = on_complete};

/* Versions are judged by head.c, which tells those that are unknown from those that are malformed.
 */
static int judge_grammar(struct rl_request *request) {
  struct rl_head *head = &request->head;
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.lenient_flags |= LENIENT_VERSION;
  if (llhttp_execute(&parser, head->bytes + request->start, head->size - request->start) ==
      HPE_PAUSED)
    return 0;
  const char *why = llhttp_get_error_reason(&parser);
  return rl_refusal_set(&request->refusal, 400, why && *why ? why : "malformed");
}

static enum rl_request_step understand(struct rl_request *request, const char *bytes) {
  struct rl_head *head = &request->head;
  head->bytes = bytes;
  head->size = request->scanned;
  if (rl_head_line(head, request->start, request->line_end, &request->refusal) != 0 ||
      judge_grammar(request) != 0 || rl_head_fields(head, &request->refusal) != 0)
    return RL_REQUEST_BAD;
  return RL_REQUEST_HEAD;
}

/* `bytes` begin where the connection's bytes for this head do. */
static enum rl_request_step advance(struct rl_request *request, const char *bytes, uint32_t size) {
  enum rl_request_step step;
  if (size == 0)
    return RL_REQUEST_MORE;
  if (request->start == 0 && bytes[0] == '\r' &&
      (step = skip_empty_line(request, bytes, size)) != RL_REQUEST_HEAD)
    return step;
  if (request->head.method == RL_METHOD_UNKNOWN &&
      (step = find_method(request, bytes, size)) != RL_REQUEST_HEAD)
    return step;
  step = find_lines(request, bytes, size);
  return step == RL_REQUEST_HEAD ? understand(request, bytes) : step;
}

static enum rl_request_step no_memory(struct rl_request *request) {
  return refuse(request, 503, "no memory for the head");
}

enum rl_request_step rl_request_feed(struct rl_request *request, const char *bytes, size_t size,
                                     size_t *used) {
  size_t before = request->held.size, room = request->limits->head - before;
  size_t taken = size < room ? size : room;
  if (before) {
    rl_buffer_append(&request->held, bytes, taken);
    if (request->held.failed)
      return no_memory(request);
    bytes = (const char *)request->held.bytes;
  }
  enum rl_request_step step = advance(request, bytes, (uint32_t)(before + taken));
  if (step == RL_REQUEST_MORE && taken == room)
    return refuse(request, 431, "a long head");
  if (step == RL_REQUEST_MORE && !before) {
    rl_buffer_append(&request->held, bytes, taken);
    if (request->held.failed)
      return no_memory(request);
  }
  if (step == RL_REQUEST_HEAD && before)
    request->held.size = request->head.size;
  *used = step == RL_REQUEST_HEAD ? request->head.size - before : taken;
  return step;
}

int rl_request_keep(struct rl_request *request) {
  if (request->held.size)
    return 0;
  rl_buffer_append(&request->held, request->head.bytes, request->head.size);
  if (request->held.failed)
    return -1;
  request->head.bytes = (const char *)request->held.bytes;
  return 0;
}

void rl_request_init(struct rl_request *request, struct rl_heap *heap,
                     const struct rl_http_limits *limits) {
  request->limits = limits;
  rl_buffer_init(&request->held, heap);
  rl_field_init(&request->head.fields, heap);
  rl_request_reset(request);
}

void rl_request_free(struct rl_request *request) {
  rl_buffer_free(&request->held);
  rl_field_free(&request->head.fields);
}

void rl_request_reset(struct rl_request *request) {
  if (request->held.capacity > HELD_FOR_REUSE || request->held.failed)
    rl_buffer_free(&request->held);
  request->held.size = 0;
  rl_field_clear(&request->head.fields);
  request->head.method = RL_METHOD_UNKNOWN;
  request->refusal = (struct rl_refusal){0, NULL};
  request->start = request->line = request->scanned = request->line_end = 0;
}
