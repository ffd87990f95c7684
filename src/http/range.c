/* Range: one pass over the list; each new range takes in those before it that it meets. At most
 * sixteen of them, so meeting all costs nothing to speak of. */
#include "http/range.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "http/scan.h"

enum parsed { WRONG, OUTSIDE, INSIDE };

/* "first-last", "first-" or "-suffix", within `size` bytes. */
static enum parsed parse_one(struct rl_slice text, uint64_t size, struct rl_range *range) {
  const char *dash = memchr(text.bytes, '-', text.size);
  if (!dash)
    return WRONG;
  struct rl_slice first = {text.bytes, (size_t)(dash - text.bytes)};
  struct rl_slice last = {dash + 1, text.size - first.size - 1};
  uint64_t from, to = UINT64_MAX;
  if (last.size && !rl_scan_number(last, &to))
    return WRONG;
  if (first.size == 0) {
    *range = (struct rl_range){to < size ? size - to : 0, size - 1};
    return last.size == 0 ? WRONG : to == 0 ? OUTSIDE : INSIDE;
  }
  if (!rl_scan_number(first, &from) || from > to)
    return WRONG;
  *range = (struct rl_range){from, to < size ? to : size - 1};
  return from < size ? INSIDE : OUTSIDE;
}

static bool meet(struct rl_range one, struct rl_range other) {
  return one.first <= other.last + 1 && other.first <= one.last + 1;
}

/* Adds a range, which takes the place of the first one that it meets and takes in all the others:
 * the new count. Ends lie below a size, so adding one to them does not overflow. */
static int add(struct rl_range *ranges, int count, struct rl_range range) {
  int place = count, kept = 0;
  for (int i = count - 1; i >= 0; i--) /* taking in one may make it meet an earlier one */
    for (int j = 0; j < count; j++)
      if (meet(ranges[j], range)) {
        place = j < place ? j : place;
        range.first = ranges[j].first < range.first ? ranges[j].first : range.first;
        range.last = ranges[j].last > range.last ? ranges[j].last : range.last;
      }
  for (int j = 0; j < count; j++)
    if (j == place)
      ranges[kept++] = range;
    else if (!meet(ranges[j], range))
      ranges[kept++] = ranges[j];
  if (place == count)
    ranges[kept++] = range;
  return kept;
}

int rl_range_parse(struct rl_slice field, uint64_t size, struct rl_range ranges[RL_RANGE_LIMIT]) {
  static const char unit[] = "bytes";
  size_t prefix = sizeof unit - 1;
  struct rl_slice text = rl_scan_trim(field), member;
  int count = 0, seen = 0;
  if (size == 0 || text.size <= prefix || text.bytes[prefix] != '=' ||
      !rl_scan_is((struct rl_slice){text.bytes, prefix}, unit))
    return RL_RANGE_WHOLE;
  rl_scan_skip(&text, prefix + 1);
  while (rl_scan_member(&text, &member)) {
    struct rl_range range;
    enum parsed parsed = parse_one(member, size, &range);
    if (parsed == WRONG || ++seen > RL_RANGE_LIMIT)
      return RL_RANGE_WHOLE;
    if (parsed == INSIDE)
      count = add(ranges, count, range);
  }
  return seen && count == 0 ? RL_RANGE_NONE : count;
}

static void put(struct rl_buffer *to, const char *text) {
  rl_buffer_append(to, text, strlen(text));
}

void rl_range_write(struct rl_range range, uint64_t size, struct rl_buffer *to) {
  char text[80];
  snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range.first, range.last,
           size);
  put(to, text);
}

void rl_range_write_none(uint64_t size, struct rl_buffer *to) {
  char text[40];
  snprintf(text, sizeof text, "bytes */%" PRIu64, size);
  put(to, text);
}
