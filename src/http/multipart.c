/* Multipart: looks for CRLF, two dashes and the boundary with memmem. The delimiter's only CR is
 * its first byte, so if what was fed ends with a beginning of it, that begins at the last CR; and
 * if it turns out to be none, all of it is data, which need not have been kept: it is equal to the
 * delimiter's own bytes. */
#include "http/multipart.h"

#include <string.h>

#include "http/scan.h"

/* CRLF at the beginning of a delimiter. */
enum { LINE_END = 2 };

int rl_multipart_init(struct rl_multipart *parser, struct rl_heap *heap, struct rl_slice boundary,
                      size_t head_limit, unsigned parts) {
  if (boundary.size == 0 || boundary.size > RL_MULTIPART_BOUNDARY || rl_scan_has(boundary, ""))
    return -1;
  *parser = (struct rl_multipart){.state = RL_MULTIPART_PREAMBLE,
                                  .size = 4 + boundary.size,
                                  .matched = LINE_END,
                                  .assumed = LINE_END,
                                  .head_limit = head_limit,
                                  .parts_left = parts};
  memcpy(parser->delimiter, "\r\n--", 4);
  memcpy(parser->delimiter + 4, boundary.bytes, boundary.size);
  rl_buffer_init(&parser->head, heap);
  return 0;
}

void rl_multipart_free(struct rl_multipart *parser) {
  rl_buffer_free(&parser->head);
}

static enum rl_multipart_event fail(struct rl_multipart *parser, const char *wrong) {
  parser->state = RL_MULTIPART_BROKEN;
  parser->wrong = wrong;
  return RL_MULTIPART_FAILED;
}

/* ---- Bodies ---- */

/* How many bytes at the end of `text` may be the beginning of the delimiter. */
static size_t tail_of(const struct rl_multipart *parser, struct rl_slice text) {
  size_t most = text.size < parser->size - 1 ? text.size : parser->size - 1;
  const char *end = text.bytes + text.size;
  const char *from = memrchr(end - most, '\r', most);
  size_t size = from ? (size_t)(end - from) : 0;
  return size && memcmp(from, parser->delimiter, size) == 0 ? size : 0;
}

/* Goes on with a delimiter that was begun: whether that is over, and if so, whether it was none,
 * with the bytes that turn out to be data. */
static bool go_on(struct rl_multipart *parser, struct rl_slice *input, struct rl_slice *data) {
  while (parser->matched < parser->size && input->size &&
         input->bytes[0] == parser->delimiter[parser->matched]) {
    parser->matched++;
    rl_scan_skip(input, 1);
  }
  if (parser->matched == parser->size || input->size == 0)
    return false;
  *data = (struct rl_slice){parser->delimiter + parser->assumed, parser->matched - parser->assumed};
  parser->matched = parser->assumed = 0;
  return true;
}

/* Takes what is data for certain, which may be nothing; `matched` tells how far the delimiter was
 * met after it. */
static struct rl_slice take_data(struct rl_multipart *parser, struct rl_slice *input) {
  struct rl_slice data = {input->bytes, 0};
  if (parser->matched && (!go_on(parser, input, &data) || data.size))
    return data;
  if (input->size == 0)
    return data;
  const char *met = memmem(input->bytes, input->size, parser->delimiter, parser->size);
  parser->matched = met ? parser->size : tail_of(parser, *input);
  parser->assumed = 0;
  size_t size = met ? (size_t)(met - input->bytes) : input->size - parser->matched;
  data = (struct rl_slice){input->bytes, size};
  rl_scan_skip(input, size + parser->matched);
  return data;
}

static enum rl_multipart_event next_data(struct rl_multipart *parser, struct rl_slice *input,
                                         struct rl_slice *data) {
  *data = take_data(parser, input);
  if (data->size)
    return RL_MULTIPART_DATA;
  if (parser->matched < parser->size)
    return RL_MULTIPART_MORE;
  parser->matched = parser->assumed = 0;
  parser->state = RL_MULTIPART_BOUNDARY_MET;
  return RL_MULTIPART_PART_END;
}

/* ---- Heads ---- */

/* Takes the first line, without its CRLF: false at the end. */
static bool next_line(struct rl_slice *rest, struct rl_slice *line) {
  const char *end = rest->size ? memchr(rest->bytes, '\n', rest->size) : NULL;
  if (!end)
    return false;
  size_t size = (size_t)(end - rest->bytes) + 1;
  *line = (struct rl_slice){rest->bytes, size - LINE_END};
  rl_scan_skip(rest, size);
  return true;
}

static bool is_value(struct rl_slice value) {
  for (size_t i = 0; i < value.size; i++) {
    unsigned char byte = (unsigned char)value.bytes[i];
    if ((byte < 32 && byte != '\t') || byte == 127)
      return false;
  }
  return true;
}

static bool split_line(struct rl_slice line, struct rl_slice *name, struct rl_slice *value) {
  size_t size = rl_scan_token(line);
  if (size == 0 || size == line.size || line.bytes[size] != ':')
    return false;
  *name = (struct rl_slice){line.bytes, size};
  *value = rl_scan_trim((struct rl_slice){line.bytes + size + 1, line.size - size - 1});
  return is_value(*value);
}

/* A quoted value without its backslashes, written to `*room` if there are any. */
static struct rl_slice unescape(struct rl_slice value, char **room) {
  if (value.size == 0 || !memchr(value.bytes, '\\', value.size))
    return value;
  struct rl_slice plain = {*room, 0};
  for (size_t i = 0; i < value.size; i++) {
    bool escape = value.bytes[i] == '\\' && i + 1 < value.size &&
                  (value.bytes[i + 1] == '"' || value.bytes[i + 1] == '\\');
    i += escape;
    *(*room)++ = value.bytes[i];
    plain.size++;
  }
  return plain;
}

/* Reads `form-data; name="..."; filename="..."`: NULL, or what is wrong. */
static const char *read_disposition(struct rl_multipart_part *part, struct rl_slice value,
                                    char **room) {
  struct rl_scan_parameter parameter;
  size_t size = rl_scan_token(value);
  int more;
  if (part->name.bytes)
    return "a part has two Content-Dispositions";
  if (!rl_scan_is((struct rl_slice){value.bytes, size}, "form-data"))
    return "a part is not form-data";
  rl_scan_skip(&value, size);
  while ((more = rl_scan_parameter(&value, &parameter)) == 1) {
    bool file = rl_scan_is(parameter.name, "filename");
    struct rl_slice *place = file ? &part->filename : &part->name;
    if (!file && !rl_scan_is(parameter.name, "name"))
      continue;
    if (place->bytes)
      return "a part has two names";
    *place = parameter.quoted ? unescape(parameter.value, room) : parameter.value;
  }
  part->has_filename = part->filename.bytes;
  if (more < 0)
    return "a part's Content-Disposition is malformed";
  return part->name.bytes ? NULL : "a part has no name";
}

/* Reads the lines of a head: NULL, or what is wrong. `room` has space for all of them again. */
static const char *read_head(struct rl_multipart_part *part, char *room) {
  struct rl_slice rest = part->headers, line, name, value;
  while (next_line(&rest, &line)) {
    if (!split_line(line, &name, &value))
      return "a part's header is malformed";
    if (rl_scan_is(name, "content-disposition")) {
      const char *wrong = read_disposition(part, value, &room);
      if (wrong)
        return wrong;
    } else if (rl_scan_is(name, "content-type")) {
      if (part->type.bytes)
        return "a part has two Content-Types";
      part->type = value;
    }
  }
  return part->name.bytes ? NULL : "a part has no Content-Disposition";
}

/* The head is whole, with the empty line at its end. */
static enum rl_multipart_event begin_part(struct rl_multipart *parser) {
  struct rl_buffer *head = &parser->head;
  size_t size = head->size - LINE_END;
  char *room = (char *)rl_buffer_extend(head, head->size);
  if (!room)
    return fail(parser, "not enough memory");
  parser->part = (struct rl_multipart_part){.headers = {(char *)head->bytes, size}};
  const char *wrong = read_head(&parser->part, room);
  if (wrong)
    return fail(parser, wrong);
  parser->state = RL_MULTIPART_BODY;
  parser->matched = parser->assumed = LINE_END;
  return RL_MULTIPART_PART;
}

static bool is_whole(const struct rl_buffer *head) {
  return head->size == LINE_END ||
         (head->size >= 4 && memcmp(head->bytes + head->size - 4, "\r\n\r\n", 4) == 0);
}

/* Takes what there is of one line. */
static enum rl_multipart_event next_head(struct rl_multipart *parser, struct rl_slice *input) {
  struct rl_buffer *head = &parser->head;
  while (input->size) {
    const char *end = memchr(input->bytes, '\n', input->size);
    size_t size = end ? (size_t)(end - input->bytes) + 1 : input->size;
    if (size > parser->head_limit - head->size)
      return fail(parser, "a part's headers are too long");
    rl_buffer_append(head, input->bytes, size);
    if (head->failed)
      return fail(parser, "not enough memory");
    rl_scan_skip(input, size);
    if (!end)
      break;
    if (head->size < LINE_END || head->bytes[head->size - LINE_END] != '\r')
      return fail(parser, "a part's header ends without CR");
    if (is_whole(head))
      return begin_part(parser);
  }
  return RL_MULTIPART_MORE;
}

/* ---- Boundaries ---- */

static enum rl_multipart_event begin_head(struct rl_multipart *parser) {
  if (parser->parts_left == 0)
    return fail(parser, "there are too many parts");
  parser->parts_left--;
  parser->head.size = 0;
  parser->state = RL_MULTIPART_HEAD;
  return RL_MULTIPART_MORE;
}

/* Takes one byte after a boundary. */
static enum rl_multipart_event next_boundary(struct rl_multipart *parser, struct rl_slice *input) {
  char byte = input->bytes[0];
  rl_scan_skip(input, 1);
  if (parser->state == RL_MULTIPART_BOUNDARY_CR && byte == '\n')
    return begin_head(parser);
  if (parser->state == RL_MULTIPART_BOUNDARY_DASH && byte == '-')
    parser->state = RL_MULTIPART_DONE;
  else if (parser->state == RL_MULTIPART_BOUNDARY_MET && byte == '\r')
    parser->state = RL_MULTIPART_BOUNDARY_CR;
  else if (parser->state == RL_MULTIPART_BOUNDARY_MET && byte == '-')
    parser->state = RL_MULTIPART_BOUNDARY_DASH;
  else
    return fail(parser, "a boundary is followed by something else than CRLF or two dashes");
  return RL_MULTIPART_MORE;
}

/* One step: MORE when there is nothing to tell yet. */
static enum rl_multipart_event step(struct rl_multipart *parser, struct rl_slice *input,
                                    struct rl_slice *data) {
  switch (parser->state) {
  case RL_MULTIPART_PREAMBLE:
    next_data(parser, input, data); /* what it says is about no part */
    return RL_MULTIPART_MORE;
  case RL_MULTIPART_BODY: return next_data(parser, input, data);
  case RL_MULTIPART_HEAD: return next_head(parser, input);
  case RL_MULTIPART_DONE: input->size = 0; return RL_MULTIPART_END;
  case RL_MULTIPART_BROKEN: return RL_MULTIPART_FAILED;
  default: return next_boundary(parser, input);
  }
}

/* Whether something is to be told without a further byte. */
static bool is_due(const struct rl_multipart *parser) {
  return parser->state >= RL_MULTIPART_DONE || parser->matched == parser->size;
}

enum rl_multipart_event rl_multipart_next(struct rl_multipart *parser, struct rl_slice *input,
                                          struct rl_slice *data) {
  enum rl_multipart_event event = RL_MULTIPART_MORE;
  while (event == RL_MULTIPART_MORE && (input->size || is_due(parser)))
    event = step(parser, input, data);
  return event;
}

bool rl_multipart_header(const struct rl_multipart_part *part, const char *name,
                         struct rl_slice *value) {
  struct rl_slice rest = part->headers, line, found;
  while (next_line(&rest, &line))
    if (split_line(line, &found, value) && rl_scan_is(found, name))
      return true;
  return false;
}
