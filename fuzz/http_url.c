/* Reads arbitrary bytes as a path, a query string, a route's pattern. What is decoded, brought into
 * canonical form or encoded must still be the same text. */
#include <stdint.h>
#include <stdlib.h>

#include "http/percent.h"
#include "http/query.h"
#include "http/route.h"
#include "http/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
  if (!holds)
    abort();
}

static bool lies_within(size_t where, struct rl_slice text) {
  return where < text.size;
}

/* Escaped for any place and read again, it is the same. */
static void encode(struct rl_slice text, struct rl_heap *heap) {
  for (unsigned set = RL_PERCENT_COMPONENT; set <= RL_PERCENT_SEGMENTS; set *= 2) {
    struct rl_buffer to, room;
    struct rl_slice again;
    size_t where = 0;
    enum rl_percent_as as = set == RL_PERCENT_FIELD ? RL_PERCENT_FORM : RL_PERCENT_TEXT;
    rl_buffer_init(&to, heap);
    rl_buffer_init(&room, heap);
    rl_percent_encode(text, set, &to);
    struct rl_slice encoded = {(char *)to.bytes, to.size};
    must(rl_percent_decode(encoded, as, &room, &again, &where) == 0 && rl_scan_equal(again, text));
    rl_buffer_free(&to);
    rl_buffer_free(&room);
  }
}

static void decode(struct rl_slice text, struct rl_heap *heap) {
  struct rl_buffer room;
  struct rl_slice decoded;
  rl_buffer_init(&room, heap);
  for (unsigned as = RL_PERCENT_TEXT; as <= RL_PERCENT_PATH; as++) {
    size_t where = 0;
    if (rl_percent_decode(text, as, &room, &decoded, &where) == 0)
      must(rl_percent_equal(text, as, decoded));
    else
      must(lies_within(where, text));
  }
  rl_buffer_free(&room);
}

/* The canonical form means the same, and is its own. */
static void canonical(struct rl_slice path, struct rl_routes *routes) {
  struct rl_buffer room;
  struct rl_slice once, again, one, other;
  struct rl_route_match match;
  size_t where = 0;
  rl_buffer_init(&room, routes->heap);
  rl_buffer_grow(&room, 16 * path.size + 64); /* so that nothing moves */
  if (rl_percent_canonical(path, &room, &once, &where) == 0) {
    must(rl_percent_canonical(once, &room, &again, &where) == 0 && again.bytes == once.bytes);
    must(rl_percent_decode(path, RL_PERCENT_TEXT, &room, &one, &where) == 0);
    must(rl_percent_decode(once, RL_PERCENT_TEXT, &room, &other, &where) == 0);
    must(rl_scan_equal(one, other));
    rl_percent_climbs(once);
    rl_route_match(routes, once, 1, 2, &match);
    must(match.captured <= RL_ROUTE_CAPTURES);
  } else {
    must(lies_within(where, path));
  }
  rl_buffer_free(&room);
}

static void query(struct rl_slice text, struct rl_heap *heap) {
  struct rl_query query;
  struct rl_query_pair pair;
  struct rl_slice value;
  struct rl_buffer room;
  int found;
  rl_buffer_init(&room, heap);
  rl_query_init(&query, text, 20, &room);
  while ((found = rl_query_next(&query, &pair)) == 1)
    must(pair.name.size + pair.value.size <= text.size);
  must(found == 0 || lies_within(query.where, text));
  rl_query_init(&query, text, 20, &room);
  rl_query_find(&query, rl_scan_text("a b"), &value);
  rl_buffer_free(&room);
}

/* Lines are patterns; the first of them, as a path, may lead to any. */
static void route(struct rl_slice lines, struct rl_heap *heap) {
  struct rl_routes routes;
  struct rl_slice path = lines;
  char message[RL_ROUTE_MESSAGE];
  rl_route_init(&routes, heap);
  for (int id = 0; lines.size; id++) {
    size_t size = 0;
    while (size < lines.size && lines.bytes[size] != '\n')
      size++;
    if (id == 0)
      path.size = size;
    rl_route_add(&routes, (struct rl_slice){lines.bytes, size}, 1u << id % 3, id, message);
    rl_scan_skip(&lines, size < lines.size ? size + 1 : size);
  }
  canonical(path, &routes);
  rl_route_free(&routes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct rl_heap heap;
  struct rl_slice text = {(const char *)data, size};
  rl_heap_init(&heap);
  encode(text, &heap);
  decode(text, &heap);
  query(text, &heap);
  route(text, &heap);
  must(atomic_load(&heap.blocks) == 0);
  return 0;
}
