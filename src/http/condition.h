/* Condition: whether a conditional request is to be carried out (RFC 9110, 13).
 *
 * Dates come as seconds since 1970, and RL_CONDITION_UNSAID for one that is missing or malformed,
 * which has the same effect. A field that was sent on several lines comes joined by commas.
 * Threads: any. Nothing is copied. */
#ifndef RL_HTTP_CONDITION_H
#define RL_HTTP_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define RL_CONDITION_UNSAID INT64_MIN

/* What the request says. Slices have bytes NULL when the field is missing. */
struct rl_condition {
  bool reads; /* GET or HEAD */
  struct rl_slice if_match, if_none_match;
  int64_t if_modified_since, if_unmodified_since;
};

/* What is there now. */
struct rl_condition_state {
  bool exists;
  struct rl_slice etag; /* with its quotes, and W/ if it is weak; size 0 for none */
  int64_t modified;     /* or RL_CONDITION_UNSAID */
};

enum rl_condition_end {
  RL_CONDITION_GO,
  RL_CONDITION_UNMODIFIED = 304,
  RL_CONDITION_FAILED = 412,
};

/* Whether these are well-formed entity tags and the same. Strongly: and none of them weak. */
bool rl_condition_same(struct rl_slice etag, struct rl_slice other, bool strongly);

/* Whether a list of entity tags has this one, or is `*` while something exists. What follows a
 * malformed tag in the list is not read. */
bool rl_condition_lists(struct rl_slice list, const struct rl_condition_state *state,
                        bool strongly);

/* Evaluates the fields in the order of 13.2.2. */
enum rl_condition_end rl_condition_check(const struct rl_condition *condition,
                                         const struct rl_condition_state *state);

/* Whether If-Range (`field`; `date` when it is one) lets a Range be served in part. */
bool rl_condition_range(struct rl_slice field, int64_t date,
                        const struct rl_condition_state *state);

#endif
