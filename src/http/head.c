/* Head: the request line first, then one pass over the fields, which trims each value, finds its
 * header's number and looks at those that decide about framing. Whatever two readers could
 * understand differently is refused (RFC 9112 section 11.2). */
#include "http/head.h"

#include <string.h>

#include "http/authority.h"
#include "http/chars.h"
#include "http/scan.h"

enum { VERSION_SIZE = 8 }; /* HTTP/1.1 */

/* What the fields say before they are weighed against one another. */
struct claims {
  const struct rl_field *host, *length;
  bool close, keep_alive, upgrade; /* in Connection */
  bool coded;                      /* there is a Transfer-Encoding */
  bool chunked;                    /* and its last coding so far is chunked */
  bool foreign;                    /* and it has another one */
  bool expect_continue, expect_other;
};

static bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

static bool is_blank(char byte) {
  return byte == ' ' || byte == '\t';
}

/* The next element of a comma-separated list, trimmed; false at its end. */
static bool next_element(struct rl_slice *list, struct rl_slice *element) {
  if (!list->bytes)
    return false;
  const char *comma = list->size ? memchr(list->bytes, ',', list->size) : NULL;
  size_t size = comma ? (size_t)(comma - list->bytes) : list->size;
  *element = rl_scan_trim((struct rl_slice){list->bytes, size});
  *list = comma ? (struct rl_slice){comma + 1, list->size - size - 1} : (struct rl_slice){NULL, 0};
  return true;
}

static int read_version(struct rl_head *head, const char *version, struct rl_refusal *refusal) {
  if (memcmp(version, "HTTP/", 5) != 0 || !is_digit(version[5]) || version[6] != '.' ||
      !is_digit(version[7]))
    return rl_refusal_set(refusal, 400, "no version in the request line");
  if (version[5] != '1')
    return rl_refusal_set(refusal, 505, "a version other than HTTP/1");
  head->minor = version[7] != '0';
  return 0;
}

/* Cuts [at, end) at its question mark into path and query. */
static void split_path(struct rl_head *head, uint32_t at, uint32_t end) {
  const char *mark = end > at ? memchr(head->bytes + at, '?', end - at) : NULL;
  uint32_t path_end = mark ? (uint32_t)(mark - head->bytes) : end;
  head->path = (struct rl_span){at, path_end - at};
  head->query = mark ? (struct rl_span){path_end + 1, end - path_end - 1} : (struct rl_span){0, 0};
}

static int read_absolute(struct rl_head *head, struct rl_refusal *refusal) {
  struct rl_slice target = rl_head_slice(head, head->target);
  uint32_t skip = 0;
  if (target.size > 7 && rl_header_same(target.bytes, "http://", 7))
    skip = 7;
  else if (target.size > 8 && rl_header_same(target.bytes, "https://", 8))
    skip = 8;
  if (skip == 0)
    return rl_refusal_set(refusal, 400, "a target of an unknown form");
  uint32_t at = head->target.at + skip, end = head->target.at + head->target.size, stop = at;
  while (stop < end && head->bytes[stop] != '/' && head->bytes[stop] != '?')
    stop++;
  head->authority = (struct rl_span){at, stop - at};
  if (!rl_authority_valid(rl_head_slice(head, head->authority)))
    return rl_refusal_set(refusal, 400, "the target names no valid host");
  head->form = RL_FORM_ABSOLUTE;
  split_path(head, stop, end);
  return 0;
}

static int read_target(struct rl_head *head, struct rl_refusal *refusal) {
  struct rl_slice target = rl_head_slice(head, head->target);
  if (target.size == 0 || !rl_chars_are(target.bytes, target.size, RL_CHAR_TARGET))
    return rl_refusal_set(refusal, 400, "a byte in the target that may not be there");
  head->authority = (struct rl_span){0, 0};
  if (target.bytes[0] == '/') {
    head->form = RL_FORM_ORIGIN;
    split_path(head, head->target.at, head->target.at + head->target.size);
    return 0;
  }
  if (target.size > 1 || target.bytes[0] != '*')
    return read_absolute(head, refusal);
  if (head->method != RL_METHOD_OPTIONS)
    return rl_refusal_set(refusal, 400, "the target * belongs to OPTIONS");
  head->form = RL_FORM_ASTERISK;
  head->path = head->target;
  head->query = (struct rl_span){0, 0};
  return 0;
}

int rl_head_line(struct rl_head *head, uint32_t start, uint32_t end, struct rl_refusal *refusal) {
  uint32_t target = start + head->method_text.size + 1;
  if (end < target + 1 + VERSION_SIZE + 2)
    return rl_refusal_set(refusal, 400, "no version in the request line");
  uint32_t version = end - 2 - VERSION_SIZE;
  if (head->bytes[version - 1] != ' ')
    return rl_refusal_set(refusal, 400, "no version in the request line");
  head->target = (struct rl_span){target, version - 1 - target};
  if (read_version(head, head->bytes + version, refusal) != 0)
    return -1;
  return read_target(head, refusal);
}

static int read_host(struct rl_head *head, struct claims *claims, const struct rl_field *field,
                     struct rl_refusal *refusal) {
  if (claims->host)
    return rl_refusal_set(refusal, 400, "two Host fields");
  claims->host = field;
  if (!rl_authority_valid(rl_field_value(head->bytes, field)))
    return rl_refusal_set(refusal, 400, "Host names no valid host");
  return 0;
}

static int read_length(struct rl_head *head, struct claims *claims, const struct rl_field *field,
                       struct rl_refusal *refusal) {
  struct rl_slice value = rl_field_value(head->bytes, field);
  if (claims->length)
    return rl_refusal_set(refusal, 400, "two Content-Length fields");
  claims->length = field;
  head->length = 0;
  for (size_t i = 0; i < value.size; i++) {
    uint64_t digit = (uint64_t)value.bytes[i] - '0';
    if (digit > 9 || head->length > (INT64_MAX - digit) / 10)
      return rl_refusal_set(refusal, 400, "Content-Length is no length");
    head->length = head->length * 10 + digit;
  }
  if (value.size == 0)
    return rl_refusal_set(refusal, 400, "Content-Length is empty");
  return 0;
}

/* A coding with its parameters: `gzip;level=9`. */
static bool is_coding(struct rl_slice coding) {
  struct rl_scan_parameter parameter;
  size_t size = rl_scan_token(coding);
  int more;
  rl_scan_skip(&coding, size);
  while ((more = rl_scan_parameter(&coding, &parameter)) == 1)
    continue;
  return size > 0 && more == 0;
}

static int read_coding(struct rl_head *head, struct claims *claims, const struct rl_field *field,
                       struct rl_refusal *refusal) {
  struct rl_slice list = rl_field_value(head->bytes, field), coding;
  claims->coded = true;
  while (next_element(&list, &coding)) {
    if (claims->chunked || coding.size == 0 || !is_coding(coding))
      return rl_refusal_set(refusal, 400, "Transfer-Encoding is no list that ends in chunked");
    if (rl_scan_is(coding, "chunked"))
      claims->chunked = true;
    else
      claims->foreign = true;
  }
  return 0;
}

static void read_connection(struct rl_head *head, struct claims *claims,
                            const struct rl_field *field) {
  struct rl_slice list = rl_field_value(head->bytes, field), option;
  while (next_element(&list, &option)) {
    claims->close |= rl_scan_is(option, "close");
    claims->keep_alive |= rl_scan_is(option, "keep-alive");
    claims->upgrade |= rl_scan_is(option, "upgrade");
  }
}

static void read_expect(struct rl_head *head, struct claims *claims, const struct rl_field *field) {
  struct rl_slice list = rl_field_value(head->bytes, field), expectation;
  while (next_element(&list, &expectation)) {
    if (rl_scan_is(expectation, "100-continue"))
      claims->expect_continue = true;
    else if (expectation.size)
      claims->expect_other = true;
  }
}

static int read_field(struct rl_head *head, struct claims *claims, const struct rl_field *field,
                      struct rl_refusal *refusal) {
  switch (field->header) {
  case RL_HEADER_HOST: return read_host(head, claims, field, refusal);
  case RL_HEADER_CONTENT_LENGTH: return read_length(head, claims, field, refusal);
  case RL_HEADER_TRANSFER_ENCODING: return read_coding(head, claims, field, refusal);
  case RL_HEADER_CONNECTION: read_connection(head, claims, field); return 0;
  case RL_HEADER_EXPECT: read_expect(head, claims, field); return 0;
  default: return 0;
  }
}

/* A body is announced, but not where it ends: by an expectation, or by an old client, which would
 * end it with the connection. */
static bool lacks_length(const struct rl_head *head, const struct claims *claims) {
  bool sends = head->method == RL_METHOD_POST || head->method == RL_METHOD_PUT ||
               head->method == RL_METHOD_PATCH;
  return sends && !claims->length && !claims->coded &&
         (head->minor == 0 || claims->expect_continue);
}

static int decide_body(struct rl_head *head, const struct claims *claims,
                       struct rl_refusal *refusal) {
  if (claims->coded && claims->length)
    return rl_refusal_set(refusal, 400, "both Transfer-Encoding and Content-Length");
  if (claims->coded && head->minor == 0)
    return rl_refusal_set(refusal, 400, "Transfer-Encoding in HTTP/1.0");
  if (claims->foreign)
    return rl_refusal_set(refusal, 501, "a transfer coding other than chunked");
  if (lacks_length(head, claims))
    return rl_refusal_set(refusal, 411, "a body without Content-Length");
  head->body = claims->coded                         ? RL_BODY_CHUNKED
               : claims->length && head->length != 0 ? RL_BODY_LENGTH
                                                     : RL_BODY_NONE;
  return 0;
}

static int decide(struct rl_head *head, const struct claims *claims, struct rl_refusal *refusal) {
  if (!claims->host && head->minor != 0)
    return rl_refusal_set(refusal, 400, "no Host field");
  if (claims->host && head->form != RL_FORM_ABSOLUTE)
    head->authority = (struct rl_span){claims->host->value, claims->host->value_size};
  if (decide_body(head, claims, refusal) != 0)
    return -1;
  if (claims->expect_other && head->minor != 0)
    return rl_refusal_set(refusal, 417, "an expectation other than 100-continue");
  head->keep_alive = !claims->close && (head->minor != 0 || claims->keep_alive);
  head->expect_continue = claims->expect_continue && head->minor != 0 && head->body != RL_BODY_NONE;
  head->upgrade = claims->upgrade && head->minor != 0 &&
                  rl_field_known(&head->fields, RL_HEADER_UPGRADE, NULL) != NULL;
  return 0;
}

/* Cuts a line at its colon, and trims the value. No token has a colon, so it is the first. */
static int cut_line(struct rl_head *head, struct rl_field *field, struct rl_refusal *refusal) {
  const char *name = head->bytes + field->name, *end = head->bytes + field->value;
  const char *colon = memchr(name, ':', (size_t)(end - name));
  if (!colon || colon - name > UINT16_MAX)
    return rl_refusal_set(refusal, 400, "a field without a name");
  const char *value = colon + 1;
  while (value < end && is_blank(*value))
    value++;
  while (value < end && is_blank(end[-1]))
    end--;
  field->name_size = (uint16_t)(colon - name);
  field->value = (uint32_t)(value - head->bytes);
  field->value_size = (uint32_t)(end - value);
  return 0;
}

int rl_head_fields(struct rl_head *head, struct rl_refusal *refusal) {
  struct claims claims = {0};
  struct rl_field_list *fields = &head->fields;
  for (uint32_t i = 0; i < fields->count; i++) {
    struct rl_field *field = &fields->list[i];
    if (cut_line(head, field, refusal) != 0)
      return -1;
    enum rl_header header = rl_header_of(head->bytes + field->name, field->name_size);
    field->header = (uint16_t)header;
    if (header == RL_HEADER_OTHER)
      continue;
    fields->present |= (uint64_t)1 << header;
    if (read_field(head, &claims, field, refusal) != 0)
      return -1;
  }
  return decide(head, &claims, refusal);
}
