/* Log: a runtime's: what is logged, by scripts and by the runtime itself, becomes a line here and
 * goes to the sink in one piece: io/log_writer.h, or a function of the embedding program's.
 * Any thread, but for what is set before others know of it. */
#ifndef RL_BASE_LOG_H
#define RL_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/log_form.h"

struct rl_clock;

/* Forms of a log, beside an rl_log_form. */
enum {
  RL_LOG_UNCHOSEN = -2,  /* plain, until a script uses the log: automatic then */
  RL_LOG_AUTOMATIC = -1, /* text on a terminal, else JSON */
};

struct rl_log {
  atomic_int level; /* an rl_log_level: what is below is not logged */
  atomic_int form;  /* an rl_log_form, or one of the above */
  atomic_bool terminal;
  const struct rl_clock *clock; /* if it is simulated, entries bear its time; NULL: they do not */
  /* Takes `size` bytes of text that ends with a newline; called on the thread that logs. */
  void (*write)(void *context, const char *text, size_t size);
  void *context;
};

/* To standard error, as one write; plain, from info upwards. What that refuses (closed, full) is
 * dropped. */
void rl_log_init(struct rl_log *log);

enum rl_log_form rl_log_form_of(const struct rl_log *log);

static inline bool rl_log_wants(const struct rl_log *log, enum rl_log_level level) {
  return (int)level >= atomic_load_explicit(&log->level, memory_order_relaxed);
}

/* The entry's time is set, its level was asked for. Cut at 64 KiB, or, without memory, at 2. */
void rl_log_enter(const struct rl_log *log, struct rl_log_entry *entry);

/* One line of the runtime's own; the newline is added. */
void rl_log_line(const struct rl_log *log, enum rl_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An error, with the lines of its traceback. */
void rl_log_text(const struct rl_log *log, enum rl_log_level level, const char *prefix,
                 const char *text, size_t size);

#endif
