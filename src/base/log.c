/* Log: puts a line together, then hands it to the sink.
 *
 * Takes no memory from a heap, so that a line can be logged when there is none left: a long one
 * that finds no room is cut. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/allocator.h"
#include "base/clock.h"

enum { SHORT_LINE = 2048, LONGEST_LINE = 64 << 10 };

static void write_stderr(void *context, const char *text, size_t size) {
  (void)context;
  ssize_t written;
  do
    written = write(STDERR_FILENO, text, size);
  while (written < 0 && errno == EINTR);
}

void rl_log_init(struct rl_log *log) {
  *log = (struct rl_log){.write = write_stderr};
  atomic_init(&log->level, RL_LOG_INFO);
  atomic_init(&log->form, RL_LOG_UNCHOSEN);
  atomic_init(&log->terminal, false);
}

enum rl_log_form rl_log_form_of(const struct rl_log *log) {
  int form = atomic_load_explicit(&log->form, memory_order_relaxed);
  if (form >= 0)
    return (enum rl_log_form)form;
  if (form == RL_LOG_UNCHOSEN)
    return RL_LOG_PLAIN;
  return atomic_load_explicit(&log->terminal, memory_order_relaxed) ? RL_LOG_TEXT : RL_LOG_JSON;
}

static int64_t time_of(const struct rl_log *log) {
  struct timespec now;
  if (log->clock && log->clock->simulated)
    return (int64_t)(log->clock->time / 1000000);
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What has no room on the stack gets some of the allocator's, if there is any. */
static void enter_long(const struct rl_log *log, const struct rl_log_entry *entry) {
  char *bytes = rl_allocator_take(LONGEST_LINE), room[SHORT_LINE];
  struct rl_log_line line = {.bytes = bytes ? bytes : room,
                             .room = bytes ? LONGEST_LINE : sizeof room};
  rl_log_form(&line, rl_log_form_of(log), entry);
  log->write(log->context, line.bytes, line.size);
  rl_allocator_release(bytes);
}

void rl_log_enter(const struct rl_log *log, struct rl_log_entry *entry) {
  char bytes[SHORT_LINE];
  struct rl_log_line line = {.bytes = bytes, .room = sizeof bytes};
  entry->time = time_of(log);
  rl_log_form(&line, rl_log_form_of(log), entry);
  if (line.cut)
    enter_long(log, entry);
  else
    log->write(log->context, line.bytes, line.size);
}

void rl_log_line(const struct rl_log *log, enum rl_log_level level, const char *format, ...) {
  char text[SHORT_LINE];
  if (!rl_log_wants(log, level))
    return;
  va_list arguments;
  va_start(arguments, format);
  int wanted = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (wanted < 0)
    return;
  size_t size = (size_t)wanted < sizeof text - 1 ? (size_t)wanted : sizeof text - 1;
  rl_log_enter(log, &(struct rl_log_entry){.level = level, .message = {text, size}});
}

void rl_log_text(const struct rl_log *log, enum rl_log_level level, const char *prefix,
                 const char *text, size_t size) {
  if (rl_log_wants(log, level))
    rl_log_enter(log, &(struct rl_log_entry){.level = level,
                                             .prefix = {prefix, strlen(prefix)},
                                             .message = {text, size},
                                             .lines = true});
}
