/* Route: which route a request's method and path lead to. A radix tree over canonical paths
 * (percent.h), in which parameters are branches.
 *
 * At each place text goes before `:name{int}`, that before `:name`, that before `*rest`; a way that
 * leads nowhere, or only to other methods, is given up for the next one. So a request is answered
 * "not this method" only when no route at all takes it.
 *
 * A path is taken as it is: "/a" and "/a/" are two paths, a doubled slash is an empty segment,
 * which no parameter takes. Whoever wants to redirect asks again for the other path.
 *
 * Cost: matching allocates nothing. The place in the path at which a branch is met follows from the
 * branch alone, so each of the tree's is looked at once at most, however much is given up: at worst
 * the bytes of the path times the number of routes.
 *
 * Owner: whoever embeds the struct. Threads: one while routes are added, any number afterwards. */
#ifndef RL_HTTP_ROUTE_H
#define RL_HTTP_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/slice.h"

enum {
  RL_ROUTE_CAPTURES = 16, /* parameters in one pattern */
  RL_ROUTE_PATTERN = 512, /* bytes of one pattern */
  RL_ROUTE_MESSAGE = 512, /* room for what is wrong with one */
};

/* Methods are bits; what they stand for is the caller's affair. */
#define RL_ROUTE_ANY UINT64_MAX

struct rl_routes {
  struct rl_heap *heap;
  struct rl_route_node *root; /* NULL while there is no route */
  struct rl_route *all;       /* every route that was added; the tree borrows their texts */
};

enum rl_route_end {
  RL_ROUTE_FOUND,
  RL_ROUTE_NO_PATH,   /* no pattern is like this path: 404 */
  RL_ROUTE_NO_METHOD, /* some are, for the methods in `allowed`: 405 */
};

struct rl_route_match {
  int id;
  unsigned captured;
  uint64_t allowed;
  struct rl_slice captures[RL_ROUTE_CAPTURES]; /* of the path, still escaped, in pattern order */
};

void rl_route_init(struct rl_routes *routes, struct rl_heap *heap);
void rl_route_free(struct rl_routes *routes);

/* 0, or -1 with a message that says what is wrong with a pattern, and where. */
int rl_route_check(struct rl_slice pattern, char message[RL_ROUTE_MESSAGE]);

/* Adds a route: 0, or -1 with a message that names the pattern and the place. Two routes of one
 * shape may not share a method; but one for RL_ROUTE_ANY gets what the others of its shape do not
 * take. `pattern` is copied. */
int rl_route_add(struct rl_routes *routes, struct rl_slice pattern, uint64_t methods, int id,
                 char message[RL_ROUTE_MESSAGE]);

/* Finds the route of a canonical path for the bit `method`, or at equal paths for `instead` (GET
 * for HEAD, say; 0 for none). `match` is valid as the result says. */
enum rl_route_end rl_route_match(const struct rl_routes *routes, struct rl_slice path,
                                 uint64_t method, uint64_t instead, struct rl_route_match *match);

#endif
