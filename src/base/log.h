/* Log: one line, or one error with its traceback, to the runtime's sink (standard error unless the
 * embedder takes it). Any thread; a line is written whole. */
#ifndef RL_BASE_LOG_H
#define RL_BASE_LOG_H

#include <stddef.h>

struct rl_log {
  /* Takes `size` bytes of text that ends with a newline; called on the thread that logs. */
  void (*write)(void *context, const char *text, size_t size);
  void *context;
};

/* To standard error, as one write; what that refuses (closed, full) is dropped, for there is no
 * further place to report it to. */
void rl_log_init(struct rl_log *log);

/* One line; the newline is added. Cut at 2 KiB. */
void rl_log_line(const struct rl_log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A text of any length, newline added when it lacks one. */
void rl_log_text(const struct rl_log *log, const char *prefix, const char *text, size_t size);

#endif
