/* Date: the dates of HTTP (RFC 9110 section 5.6.7), always in UTC, from 1970 to 9999, whatever the
 * locale. Any thread; a line belongs to its loop. */
#ifndef RL_HTTP_DATE_H
#define RL_HTTP_DATE_H

#include <stdint.h>

#include "base/slice.h"

enum { RL_DATE_SIZE = 29, RL_DATE_LINE_SIZE = 6 + RL_DATE_SIZE + 2 };

/* Writes `Sun, 06 Nov 1994 08:49:37 GMT`, without an end, for the seconds since 1970. */
void rl_date_write(char text[RL_DATE_SIZE], int64_t seconds);

/* Reads any of the three forms: the one above, `Sunday, 06-Nov-94 08:49:37 GMT` and
 * `Sun Nov  6 08:49:37 1994`. A year of two digits is never more than 50 years after `now`. 0, or
 * -1 if it is no date; the day of the week is checked for its name only. */
int rl_date_read(struct rl_slice text, int64_t now, int64_t *seconds);

/* The field that says when an answer was made, written once a second. All zeros to begin with;
 * second 0 itself is never asked for. */
struct rl_date_line {
  int64_t seconds;              /* what it says */
  char text[RL_DATE_LINE_SIZE]; /* `Date: ...` and CRLF */
};

void rl_date_line_write(struct rl_date_line *line, int64_t seconds);

static inline struct rl_slice rl_date_line_at(struct rl_date_line *line, int64_t seconds) {
  if (line->seconds != seconds)
    rl_date_line_write(line, seconds);
  return (struct rl_slice){line->text, sizeof line->text};
}

#endif
