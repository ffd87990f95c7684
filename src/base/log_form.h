/* Log form: the bytes of one entry of the log.
 *
 *     plain   the message alone, as a program says it to whoever has called it
 *     text    2026-11-27T03:34:08.123Z info served domain=main ms=3 route=/x
 *     JSON    {"time":"2026-11-27T03:34:08.123Z","level":"info","message":"served",..,"ms":3}
 *
 * Whatever an entry is about, it looks like no other one: control characters and what is no UTF-8
 * are escaped. One entry is one line; but in plain and text the further lines of an error stand
 * below it, indented. Pure: any thread. */
#ifndef RL_BASE_LOG_FORM_H
#define RL_BASE_LOG_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum rl_log_level { RL_LOG_DEBUG, RL_LOG_INFO, RL_LOG_WARN, RL_LOG_ERROR };

enum rl_log_form { RL_LOG_PLAIN, RL_LOG_TEXT, RL_LOG_JSON };

enum rl_log_kind { RL_LOG_STRING, RL_LOG_INTEGER, RL_LOG_NUMBER, RL_LOG_BOOLEAN };

struct rl_log_field {
  struct rl_slice name;
  bool own; /* the line's, like `domain`; another one with such a name is called fields.NAME */
  enum rl_log_kind kind;
  union {
    struct rl_slice text;
    int64_t integer;
    double number;
    bool truth;
  };
};

struct rl_log_entry {
  enum rl_log_level level;
  int64_t time;           /* ms since 1970, UTC */
  struct rl_slice prefix; /* before the message */
  struct rl_slice message;
  bool lines; /* a newline in the message begins a further line, of a traceback */
  const struct rl_log_field *fields;
  size_t count;
};

struct rl_log_line {
  char *bytes; /* the caller's, `room` of them: at least RL_LOG_LEAST */
  size_t room, size;
  bool cut; /* not all of the entry had room; what is there is well formed all the same */
};

enum { RL_LOG_LEAST = 256 };

/* "debug", "info", "warn", "error" */
const char *rl_log_level_name(enum rl_log_level level);

/* Replaces what is in the line; it ends with a newline. */
void rl_log_form(struct rl_log_line *line, enum rl_log_form form, const struct rl_log_entry *entry);

#endif
