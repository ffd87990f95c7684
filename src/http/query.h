/* Query: the pairs of a query string or of an urlencoded body, one after the other.
 *
 * Pairs are separated by `&` and only by it; a name without `=` has an empty value; empty pairs are
 * passed over. Names repeat as they were sent. Threads: any. */
#ifndef RL_HTTP_QUERY_H
#define RL_HTTP_QUERY_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/slice.h"

/* As rl_percent_trouble, and one more. */
enum { RL_QUERY_TOO_MANY = -10 };

struct rl_query {
  struct rl_slice text;   /* borrowed, without its `?` */
  size_t at;              /* where the next pair begins */
  size_t where;           /* after an error: the byte that caused it */
  int trouble;            /* the error, once there was one */
  unsigned left;          /* pairs that may still come */
  struct rl_buffer *room; /* borrowed: for what has to be decoded */
};

struct rl_query_pair {
  struct rl_slice name, value;
};

/* At most `limit` pairs. `room` is emptied for each. */
void rl_query_init(struct rl_query *query, struct rl_slice text, unsigned limit,
                   struct rl_buffer *room);

/* Takes the next pair, decoded: 1, or 0 at the end, or what is wrong, and that for good. The pair
 * borrows from the text where it is plain, from `room` otherwise, and stays until the next call. */
int rl_query_next(struct rl_query *query, struct rl_query_pair *pair);

/* The first value of `name`, from here on: 1, or 0 when there is none, or what is wrong: nothing
 * but that value is decoded, so bad escapes elsewhere go unnoticed. */
int rl_query_find(struct rl_query *query, struct rl_slice name, struct rl_slice *value);

#endif
