/* Accept: what a client would rather have (RFC 9110, 12.5): lists of names with weights.
 *
 * A member whose weight is malformed is passed over; where a name comes twice the first counts.
 * Threads: any. Nothing is copied. */
#ifndef RL_HTTP_ACCEPT_H
#define RL_HTTP_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum rl_accept_kind {
  RL_ACCEPT_NAMES,     /* names, and `*` for all others: Accept-Charset, say */
  RL_ACCEPT_ENCODINGS, /* the same, but `identity` is taken unless it is excluded, as the last
                          choice; `x-gzip` is gzip */
  RL_ACCEPT_MEDIA,     /* media types: one itself goes before its type with any subtype, that before
                          any type; other parameters than the weight do not count */
};

struct rl_accept_item {
  struct rl_slice name;
  int weight; /* 0 to 1000 */
};

/* Takes the next member: false at the end. */
bool rl_accept_next(struct rl_slice *rest, struct rl_accept_item *item);

/* The weight of `name` in a list: 0 when it is not wanted, otherwise up to 1000. */
int rl_accept_weight(struct rl_slice list, enum rl_accept_kind kind, const char *name);

/* The best of `count` names that are on offer, the first of those with the same weight; -1 when
 * none is wanted. Encodings: `identity` has to be offered to be chosen. A client that sends no such
 * field at all takes anything, which is the caller's affair; an empty one is a list of none. */
int rl_accept_choose(struct rl_slice list, enum rl_accept_kind kind, const char *const *names,
                     int count);

#endif
