/* Lines: each is found from the end of the one before. */
#include "http/lines.h"

#include <string.h>

#include "http/header.h"

/* A value has no LF of its own. */
static const char *end_of_line(const char *at, const char *end) {
  const char *line = memchr(at, '\n', (size_t)(end - at));
  return line ? line + 1 : end;
}

static bool is_named(const char *line, const char *end, struct rl_slice name) {
  return (size_t)(end - line) > name.size && line[name.size] == ':' &&
         rl_header_same(line, name.bytes, name.size);
}

struct rl_slice rl_lines_find(const struct rl_buffer *lines, struct rl_slice name, size_t *at) {
  if (lines->size == 0)
    return (struct rl_slice){NULL, 0};
  const char *bytes = (const char *)lines->bytes, *end = bytes + lines->size;
  for (const char *line = bytes + *at, *next; line < end; line = next) {
    next = end_of_line(line, end);
    *at = (size_t)(next - bytes);
    if (is_named(line, end, name))
      return (struct rl_slice){line + name.size + 2, (size_t)(next - line) - name.size - 4};
  }
  return (struct rl_slice){NULL, 0};
}

void rl_lines_remove(struct rl_buffer *lines, struct rl_slice name) {
  size_t at = 0;
  while (at < lines->size) {
    const char *line = (const char *)lines->bytes + at,
               *end = (const char *)lines->bytes + lines->size;
    size_t size = (size_t)(end_of_line(line, end) - line);
    if (!is_named(line, end, name)) {
      at += size;
      continue;
    }
    memmove(lines->bytes + at, line + size, lines->size - at - size);
    lines->size -= size;
  }
}
