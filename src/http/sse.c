/* Sse: fields, one a line; a blank line ends the event. */
#include "http/sse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool has_any(struct rl_slice text, const char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (text.size && memchr(text.bytes, bytes[i], text.size))
      return true;
  return false;
}

static void put_line(struct rl_buffer *to, const char *field, const char *bytes, size_t size) {
  rl_buffer_append(to, field, strlen(field));
  rl_buffer_append(to, bytes, size);
  rl_buffer_byte(to, '\n');
}

/* Where the first line ends: at CR, LF or the end. */
static const char *line_end(const char *from, const char *end) {
  while (from < end && *from != '\r' && *from != '\n')
    from++;
  return from;
}

static void put_data(struct rl_buffer *to, struct rl_slice data) {
  const char *from = data.bytes, *end = data.bytes + data.size;
  for (;;) {
    const char *stop = line_end(from, end);
    put_line(to, "data: ", from, (size_t)(stop - from));
    if (stop == end)
      return;
    from = stop + (end - stop > 1 && stop[0] == '\r' && stop[1] == '\n' ? 2 : 1);
  }
}

const char *rl_sse_write(const struct rl_sse_event *event, struct rl_buffer *to) {
  if (has_any(event->id, "\r\n\0", 3))
    return "an event's id must hold no CR, LF or NUL";
  if (has_any(event->event, "\r\n\0", 3))
    return "an event's name must hold no CR, LF or NUL";
  if (event->id.bytes)
    put_line(to, "id: ", event->id.bytes, event->id.size);
  if (event->event.bytes)
    put_line(to, "event: ", event->event.bytes, event->event.size);
  if (event->has_retry) {
    char text[16];
    int size = snprintf(text, sizeof text, "%" PRIu32, event->retry);
    put_line(to, "retry: ", text, (size_t)size);
  }
  if (event->data.bytes)
    put_data(to, event->data);
  rl_buffer_byte(to, '\n');
  return NULL;
}

void rl_sse_beat(struct rl_buffer *to) {
  rl_buffer_append(to, ":\n\n", 3);
}
