/* Pattern: what a route's path looks like.
 *
 *     /users/:id{int}/posts/:post
 *
 * Text stands for itself; `:name` for one segment of at least one byte, or for what follows some
 * text in it (`/@:name`), `:name{int}` for one that is a decimal integer of 64 bits, `*rest`, at
 * the beginning of a segment and the end of the pattern, for all that follows, which may be
 * nothing. What has a meaning is written as an escape where it shall stand for itself: `%3A` for a
 * colon, `%2A` for an asterisk.
 *
 * Parts are read one by one: to be added to a router, to name what was captured, to build a path.
 * Threads: any. Nothing is copied. */
#ifndef RL_HTTP_PATTERN_H
#define RL_HTTP_PATTERN_H

#include <stddef.h>

#include "base/slice.h"

enum rl_pattern_kind {
  RL_PATTERN_TEXT,
  RL_PATTERN_INTEGER, /* :name{int} */
  RL_PATTERN_NAME,    /* :name */
  RL_PATTERN_REST,    /* *name */
};

struct rl_pattern_part {
  enum rl_pattern_kind kind;
  struct rl_slice text; /* the text, as it was written; or the name */
};

struct rl_pattern {
  struct rl_slice text; /* borrowed */
  size_t at;            /* the place of the next part, or of what is wrong */
  const char *wrong;    /* a static text, once there was an error */
};

void rl_pattern_init(struct rl_pattern *pattern, struct rl_slice text);

/* Takes the next part: 1, or 0 at the end, or -1 when the pattern is wrong. */
int rl_pattern_next(struct rl_pattern *pattern, struct rl_pattern_part *part);

#endif
