/* Response: nothing here checks but rl_response_field_fault; whoever lets a script's text in calls
 * it. All pieces of a line go into the buffer with one test for room. */
#include "http/response.h"

#include <assert.h>

#include "http/chars.h"
#include "http/status.h"

enum { NUMBER_SIZE = 20, LINE_SIZE = 64 };

static unsigned char *put(unsigned char *at, const char *text, size_t size) {
  memcpy(at, text, size);
  return at + size;
}

static void append_text(struct rl_buffer *out, const char *text) {
  rl_buffer_append(out, text, strlen(text));
}

/* Digits without leading zeros: how many. */
static size_t put_number(char text[NUMBER_SIZE], uint64_t number) {
  char reversed[NUMBER_SIZE];
  size_t size = 0;
  do {
    reversed[size++] = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  for (size_t i = 0; i < size; i++)
    text[i] = reversed[size - 1 - i];
  return size;
}

static const char *connection_token(const struct rl_response_to *to, int status, bool keep_alive) {
  if (status < 200) /* an upgrade says its own, the others are not the answer yet */
    return NULL;
  if (!keep_alive)
    return "close";
  return to->minor == 0 ? "keep-alive" : NULL;
}

static enum rl_framing framing_of(const struct rl_response_to *to, int status, int64_t length) {
  if (rl_status_bodyless(status))
    return RL_FRAMING_NONE;
  if (length >= 0)
    return RL_FRAMING_LENGTH;
  if (to->head)
    return RL_FRAMING_NONE;
  return to->minor == 0 ? RL_FRAMING_CLOSE : RL_FRAMING_CHUNKED;
}

struct rl_response_frame rl_response_frame(const struct rl_response_to *to, int status,
                                           int64_t length) {
  enum rl_framing framing = framing_of(to, status, length);
  bool keep_alive = to->keep_alive && framing != RL_FRAMING_CLOSE;
  return (struct rl_response_frame){
      .framing = framing,
      .body = framing != RL_FRAMING_NONE && !to->head && length != 0,
      .keep_alive = keep_alive,
      .token = connection_token(to, status, keep_alive),
      .length = framing == RL_FRAMING_LENGTH ? (uint64_t)length : 0,
  };
}

const char *rl_response_field_fault(struct rl_slice name, struct rl_slice value) {
  if (name.size == 0)
    return "its name is empty";
  if (!rl_chars_are(name.bytes, name.size, RL_CHAR_TOKEN))
    return "its name has a character that no name may have";
  for (size_t i = 0; i < value.size; i++) {
    char byte = value.bytes[i];
    if (rl_char_is(byte, RL_CHAR_VALUE))
      continue;
    if (byte == '\r')
      return "its value has a CR";
    if (byte == '\n')
      return "its value has an LF";
    return byte == 0 ? "its value has a NUL" : "its value has a control character";
  }
  return NULL;
}

void rl_response_begin(struct rl_buffer *out, int status) {
  assert(rl_status_valid(status));
  char line[LINE_SIZE] = "HTTP/1.1 ";
  const char *reason = rl_status_reason(status);
  size_t size = strlen(reason);
  line[9] = (char)('0' + status / 100);
  line[10] = (char)('0' + status / 10 % 10);
  line[11] = (char)('0' + status % 10);
  line[12] = ' ';
  memcpy(line + 13, reason, size);
  memcpy(line + 13 + size, "\r\n", 2);
  rl_buffer_append(out, line, 13 + size + 2);
}

void rl_response_field(struct rl_buffer *out, struct rl_slice name, struct rl_slice value) {
  unsigned char *at = rl_buffer_extend(out, name.size + 2 + value.size + 2);
  if (!at)
    return;
  at = put(at, name.bytes, name.size);
  at = put(at, ": ", 2);
  if (value.size)
    at = put(at, value.bytes, value.size);
  put(at, "\r\n", 2);
}

void rl_response_end(struct rl_buffer *out, const struct rl_response_frame *frame,
                     struct rl_slice date) {
  if (date.size)
    rl_buffer_append(out, date.bytes, date.size);
  if (frame->framing == RL_FRAMING_LENGTH) {
    char line[LINE_SIZE] = "Content-Length: ";
    size_t size = 16 + put_number(line + 16, frame->length);
    memcpy(line + size, "\r\n", 2);
    rl_buffer_append(out, line, size + 2);
  } else if (frame->framing == RL_FRAMING_CHUNKED) {
    append_text(out, "Transfer-Encoding: chunked\r\n");
  }
  if (frame->token) {
    append_text(out, "Connection: ");
    append_text(out, frame->token);
    append_text(out, "\r\n");
  }
  append_text(out, "\r\n");
}

size_t rl_response_chunk(char line[RL_RESPONSE_CHUNK_SIZE], size_t size) {
  char reversed[RL_RESPONSE_CHUNK_SIZE];
  size_t digits = 0;
  assert(size > 0);
  for (; size; size >>= 4)
    reversed[digits++] = "0123456789abcdef"[size & 15];
  for (size_t i = 0; i < digits; i++)
    line[i] = reversed[digits - 1 - i];
  memcpy(line + digits, "\r\n", 2);
  return digits + 2;
}

void rl_response_append_chunk(struct rl_buffer *out, struct rl_slice data) {
  char line[RL_RESPONSE_CHUNK_SIZE];
  if (data.size == 0)
    return;
  size_t size = rl_response_chunk(line, data.size);
  unsigned char *at = rl_buffer_extend(out, size + data.size + 2);
  if (!at)
    return;
  at = put(at, line, size);
  at = put(at, data.bytes, data.size);
  put(at, "\r\n", 2);
}

void rl_response_last_chunk(struct rl_buffer *out) {
  append_text(out, "0\r\n");
}
