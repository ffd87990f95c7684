/* Log: puts a line together, then hands it to the sink in one piece.
 *
 * Takes no memory from a heap, so that a line can be logged when there is none left: a long text
 * that finds no room is cut. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/allocator.h"

enum { LINE_SIZE = 2048 };

static void write_stderr(void *context, const char *text, size_t size) {
  (void)context;
  ssize_t written;
  do
    written = write(STDERR_FILENO, text, size);
  while (written < 0 && errno == EINTR);
}

/* Joins both into `line`, which has room for `room` bytes, and ends it with a newline. */
static size_t join(char *line, size_t room, const char *prefix, const char *text, size_t size) {
  size_t head = strlen(prefix);
  head = head < room - 1 ? head : room - 1;
  memcpy(line, prefix, head);
  size = size < room - 1 - head ? size : room - 1 - head;
  memcpy(line + head, text, size);
  size += head;
  if (size == 0 || line[size - 1] != '\n')
    line[size++] = '\n';
  return size;
}

void rl_log_init(struct rl_log *log) {
  *log = (struct rl_log){.write = write_stderr};
}

void rl_log_line(const struct rl_log *log, const char *format, ...) {
  char line[LINE_SIZE];
  va_list arguments;
  va_start(arguments, format);
  int wanted = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (wanted < 0)
    return;
  size_t size = (size_t)wanted < sizeof line - 1 ? (size_t)wanted : sizeof line - 1;
  line[size] = '\n';
  log->write(log->context, line, size + 1);
}

void rl_log_text(const struct rl_log *log, const char *prefix, const char *text, size_t size) {
  char line[LINE_SIZE];
  size_t room = strlen(prefix) + size + 1;
  char *whole = room > sizeof line ? rl_allocator_resize(NULL, room) : NULL;
  if (whole)
    log->write(log->context, whole, join(whole, room, prefix, text, size));
  else
    log->write(log->context, line, join(line, sizeof line, prefix, text, size));
  rl_allocator_release(whole);
}
