/* Scan: pieces of header fields. One pass over the bytes each, and no state. */
#include "http/scan.h"

#include <string.h>

#include "http/chars.h"
#include "http/header.h"

static bool is_blank(char byte) {
  return byte == ' ' || byte == '\t';
}

struct rl_slice rl_scan_text(const char *text) {
  return (struct rl_slice){text, strlen(text)};
}

size_t rl_scan_token(struct rl_slice text) {
  size_t size = 0;
  while (size < text.size && rl_char_is(text.bytes[size], RL_CHAR_TOKEN))
    size++;
  return size;
}

struct rl_slice rl_scan_trim(struct rl_slice text) {
  while (text.size && is_blank(text.bytes[0]))
    rl_scan_skip(&text, 1);
  while (text.size && is_blank(text.bytes[text.size - 1]))
    text.size--;
  return text;
}

bool rl_scan_is(struct rl_slice text, const char *other) {
  return text.size == strlen(other) && rl_header_same(text.bytes, other, text.size);
}

bool rl_scan_equal(struct rl_slice one, struct rl_slice other) {
  return one.size == other.size && (one.size == 0 || memcmp(one.bytes, other.bytes, one.size) == 0);
}

size_t rl_scan_quoted(struct rl_slice text) {
  if (text.size == 0 || text.bytes[0] != '"')
    return 0;
  for (size_t i = 1; i < text.size; i++) {
    if (text.bytes[i] == '"')
      return i + 1;
    if (text.bytes[i] == '\\')
      i++;
  }
  return 0;
}

/* Up to the next comma outside of quotes. A quoted string that does not end takes all that follows:
 * so each byte is looked at once. */
static size_t member_size(struct rl_slice rest) {
  size_t at = 0;
  while (at < rest.size && rest.bytes[at] != ',') {
    size_t quoted = rl_scan_quoted((struct rl_slice){rest.bytes + at, rest.size - at});
    if (rest.bytes[at] == '"' && quoted == 0)
      return rest.size;
    at += quoted ? quoted : 1;
  }
  return at;
}

bool rl_scan_member(struct rl_slice *rest, struct rl_slice *member) {
  while (rest->size) {
    size_t size = member_size(*rest);
    *member = rl_scan_trim((struct rl_slice){rest->bytes, size});
    rl_scan_skip(rest, size < rest->size ? size + 1 : size);
    if (member->size)
      return true;
  }
  return false;
}

/* The value after `=`: a token or a quoted string. */
static bool take_value(struct rl_slice *rest, struct rl_scan_parameter *parameter) {
  size_t size = rl_scan_quoted(*rest);
  parameter->quoted = size > 0;
  if (size) {
    parameter->value = (struct rl_slice){rest->bytes + 1, size - 2};
  } else {
    size = rl_scan_token(*rest);
    parameter->value = (struct rl_slice){rest->bytes, size};
  }
  rl_scan_skip(rest, size);
  return size > 0;
}

bool rl_scan_pair(struct rl_slice *rest, struct rl_scan_parameter *parameter) {
  struct rl_slice text = *rest;
  size_t size = rl_scan_token(text);
  if (size == 0 || size == text.size || text.bytes[size] != '=')
    return false;
  parameter->name = (struct rl_slice){text.bytes, size};
  rl_scan_skip(&text, size + 1);
  if (!take_value(&text, parameter))
    return false;
  *rest = text;
  return true;
}

int rl_scan_parameter(struct rl_slice *rest, struct rl_scan_parameter *parameter) {
  struct rl_slice text = rl_scan_trim(*rest);
  if (text.size && text.bytes[0] != ';')
    return -1;
  while (text.size && (text.bytes[0] == ';' || is_blank(text.bytes[0])))
    rl_scan_skip(&text, 1);
  bool ends = text.size == 0;
  if (!ends && !rl_scan_pair(&text, parameter))
    return -1;
  *rest = text;
  return ends ? 0 : 1;
}

bool rl_scan_number(struct rl_slice text, uint64_t *number) {
  uint64_t value = 0;
  for (size_t i = 0; i < text.size; i++) {
    uint64_t digit = (uint64_t)(unsigned char)text.bytes[i] - '0';
    if (digit > 9)
      return false;
    value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
  }
  *number = value;
  return text.size > 0;
}

bool rl_scan_has(struct rl_slice text, const char *others) {
  for (size_t i = 0; i < text.size; i++) {
    unsigned char byte = (unsigned char)text.bytes[i];
    if (byte < 32 || byte == 127 || strchr(others, byte))
      return true;
  }
  return false;
}
