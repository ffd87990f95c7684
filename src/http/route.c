/* Route: adding routes to the tree (route_node.h), and the search in it. */
#include "http/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "http/pattern.h"
#include "http/percent.h"
#include "http/route_node.h"
#include "http/scan.h"

void rl_route_init(struct rl_routes *routes, struct rl_heap *heap) {
  *routes = (struct rl_routes){.heap = heap};
}

static size_t route_size(size_t pattern) {
  return sizeof(struct rl_route) + 4 * pattern;
}

void rl_route_free(struct rl_routes *routes) {
  rl_route_node_free(routes->heap, routes->root);
  for (struct rl_route *route = routes->all, *next; route; route = next) {
    next = route->next;
    rl_free(routes->heap, route, route_size(route->pattern.size));
  }
  rl_route_init(routes, routes->heap);
}

static int complain(char message[RL_ROUTE_MESSAGE], struct rl_slice pattern, const char *wrong,
                    size_t at) {
  int shown = pattern.size < 200 ? (int)pattern.size : 200;
  snprintf(message, RL_ROUTE_MESSAGE, "route \"%.*s\": %s (at byte %zu)", shown, pattern.bytes,
           wrong, at + 1);
  return -1;
}

static int no_memory(char message[RL_ROUTE_MESSAGE]) {
  snprintf(message, RL_ROUTE_MESSAGE, "not enough memory");
  return -1;
}

/* Whether the name of `part` is one of the captures before it. */
static bool is_repeated(struct rl_slice text, const struct rl_pattern_part *part) {
  struct rl_pattern pattern;
  struct rl_pattern_part before;
  rl_pattern_init(&pattern, text);
  while (rl_pattern_next(&pattern, &before) == 1 && before.text.bytes < part->text.bytes)
    if (before.kind != RL_PATTERN_TEXT && rl_scan_equal(before.text, part->text))
      return true;
  return false;
}

int rl_route_check(struct rl_slice text, char message[RL_ROUTE_MESSAGE]) {
  struct rl_pattern pattern;
  struct rl_pattern_part part;
  unsigned captures = 0;
  int more;
  if (text.size > RL_ROUTE_PATTERN)
    return complain(message, text, "it is longer than 512 bytes", RL_ROUTE_PATTERN);
  rl_pattern_init(&pattern, text);
  while ((more = rl_pattern_next(&pattern, &part)) == 1) {
    if (part.kind == RL_PATTERN_TEXT)
      continue;
    size_t at = (size_t)(part.text.bytes - text.bytes);
    if (++captures > RL_ROUTE_CAPTURES)
      return complain(message, text, "it has more than 16 parameters", at);
    if (is_repeated(text, &part))
      return complain(message, text, "two parameters have the same name", at);
  }
  return more == 0 ? 0 : complain(message, text, pattern.wrong, pattern.at);
}

/* Brings `text`, a piece of the pattern, into canonical form, kept in the route. */
static int keep_text(struct rl_routes *routes, struct rl_route *route, struct rl_slice *text,
                     char message[RL_ROUTE_MESSAGE]) {
  struct rl_buffer room;
  struct rl_slice canonical;
  size_t where = 0;
  rl_buffer_init(&room, routes->heap);
  int trouble = rl_percent_canonical(*text, &room, &canonical, &where);
  if (trouble == 0) {
    char *kept = route->bytes + route->used;
    memcpy(kept, canonical.bytes, canonical.size);
    route->used += canonical.size;
    *text = (struct rl_slice){kept, canonical.size};
  }
  rl_buffer_free(&room);
  if (trouble == RL_PERCENT_NO_MEMORY)
    return no_memory(message);
  where += (size_t)(text->bytes - route->bytes);
  return trouble
             ? complain(message, route->pattern, "an escape needs two hexadecimal digits", where)
             : 0;
}

/* Goes down the route's pattern, making what is missing: the list in which the route belongs, or
 * NULL with a message. */
static struct rl_route **go_down(struct rl_routes *routes, struct rl_route *route,
                                 char message[RL_ROUTE_MESSAGE]) {
  struct rl_heap *heap = routes->heap;
  struct rl_route_node *node = rl_route_node_parameter(heap, &routes->root);
  struct rl_pattern pattern;
  struct rl_pattern_part part;
  rl_pattern_init(&pattern, route->pattern);
  while (node && rl_pattern_next(&pattern, &part) == 1) {
    if (part.kind == RL_PATTERN_REST)
      return &node->rest;
    if (part.kind == RL_PATTERN_INTEGER)
      node = rl_route_node_parameter(heap, &node->integer);
    else if (part.kind == RL_PATTERN_NAME)
      node = rl_route_node_parameter(heap, &node->name);
    else if (keep_text(routes, route, &part.text, message) != 0)
      return NULL;
    else
      node = rl_route_node_text(heap, node, part.text);
  }
  if (!node)
    no_memory(message);
  return node ? &node->here : NULL;
}

/* The route of the same shape that takes a method of this one, or NULL. */
static const struct rl_route *rival_of(const struct rl_route *route, const struct rl_route *peer) {
  for (; peer; peer = peer->peer) {
    bool any = route->methods == RL_ROUTE_ANY, peer_any = peer->methods == RL_ROUTE_ANY;
    if (any == peer_any && route->methods & peer->methods)
      return peer;
  }
  return NULL;
}

/* A route of its own, already among all; NULL without memory. */
static struct rl_route *keep_route(struct rl_routes *routes, struct rl_slice pattern) {
  struct rl_route *route = rl_alloc(routes->heap, route_size(pattern.size));
  if (!route)
    return NULL;
  *route = (struct rl_route){.next = routes->all, .used = pattern.size};
  memcpy(route->bytes, pattern.bytes, pattern.size);
  route->pattern = (struct rl_slice){route->bytes, pattern.size};
  routes->all = route;
  return route;
}

int rl_route_add(struct rl_routes *routes, struct rl_slice pattern, uint64_t methods, int id,
                 char message[RL_ROUTE_MESSAGE]) {
  if (rl_route_check(pattern, message) != 0)
    return -1;
  struct rl_route *route = keep_route(routes, pattern);
  if (!route)
    return no_memory(message);
  route->methods = methods;
  route->id = id;
  struct rl_route **list = go_down(routes, route, message);
  if (!list)
    return -1;
  const struct rl_route *rival = rival_of(route, *list);
  if (rival) {
    char wrong[RL_ROUTE_MESSAGE / 2 + 64];
    int shown = rival->pattern.size < 200 ? (int)rival->pattern.size : 200;
    snprintf(wrong, sizeof wrong, "\"%.*s\" already takes the same requests", shown,
             rival->pattern.bytes);
    return complain(message, pattern, wrong, 0);
  }
  route->peer = *list;
  *list = route;
  return 0;
}

/* ---- Matching ---- */

struct search {
  struct rl_slice path;
  uint64_t method, instead;
  struct rl_route_match *match;
};

static const struct rl_route *route_for(const struct rl_route *list, uint64_t methods, bool any) {
  for (; list; list = list->peer)
    if ((list->methods & methods) && any == (list->methods == RL_ROUTE_ANY))
      return list;
  return NULL;
}

/* Whether one of these routes of one shape takes the request. */
static bool choose(struct search *search, const struct rl_route *list) {
  const struct rl_route *route = route_for(list, search->method, false);
  if (!route)
    route = route_for(list, search->instead, false);
  if (!route)
    route = route_for(list, search->method, true);
  if (route) {
    search->match->id = route->id;
    return true;
  }
  for (; list; list = list->peer)
    search->match->allowed |= list->methods;
  return false;
}

static bool is_integer(struct rl_slice text) {
  uint64_t number;
  bool negative = text.size && text.bytes[0] == '-';
  rl_scan_skip(&text, negative);
  return rl_scan_number(text, &number) && number <= (uint64_t)INT64_MAX + negative;
}

static bool visit(struct search *search, const struct rl_route_node *node, size_t at);

static bool capture(struct search *search, const struct rl_route_node *node, size_t at,
                    struct rl_slice text) {
  struct rl_route_match *match = search->match;
  match->captures[match->captured++] = text;
  if (visit(search, node, at + text.size))
    return true;
  match->captured--;
  return false;
}

static bool visit_parameters(struct search *search, const struct rl_route_node *node, size_t at) {
  const char *from = search->path.bytes + at;
  const char *slash = memchr(from, '/', search->path.size - at);
  struct rl_slice segment = {from, slash ? (size_t)(slash - from) : search->path.size - at};
  if (segment.size == 0)
    return false;
  if (node->integer && is_integer(segment) && capture(search, node->integer, at, segment))
    return true;
  return node->name && capture(search, node->name, at, segment);
}

/* Goes on from `node`, to which the first `at` bytes led. As deep as patterns are long. */
static bool visit(struct search *search, const struct rl_route_node *node, size_t at) {
  struct rl_slice left = {search->path.bytes + at, search->path.size - at};
  if (left.size == 0 && choose(search, node->here))
    return true;
  struct rl_route_node **place = left.size ? rl_route_node_child(node, left.bytes[0]) : NULL;
  if (place) {
    struct rl_slice text = (*place)->text;
    if (text.size <= left.size && memcmp(text.bytes, left.bytes, text.size) == 0 &&
        visit(search, *place, at + text.size))
      return true;
  }
  if (left.size && (node->integer || node->name) && visit_parameters(search, node, at))
    return true;
  if (!node->rest || !choose(search, node->rest))
    return false;
  search->match->captures[search->match->captured++] = left;
  return true;
}

enum rl_route_end rl_route_match(const struct rl_routes *routes, struct rl_slice path,
                                 uint64_t method, uint64_t instead, struct rl_route_match *match) {
  struct search search = {path, method, instead, match};
  match->captured = 0;
  match->allowed = 0;
  if (routes->root && visit(&search, routes->root, 0))
    return RL_ROUTE_FOUND;
  return match->allowed ? RL_ROUTE_NO_METHOD : RL_ROUTE_NO_PATH;
}
