/* Reads arbitrary bytes as the fields that name ranges, entity tags, weights and media types. */
#include <stdint.h>
#include <stdlib.h>

#include "http/accept.h"
#include "http/condition.h"
#include "http/media.h"
#include "http/range.h"
#include "http/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
  if (!holds)
    abort();
}

/* Ranges lie within the content and apart from one another. */
static void range(struct rl_slice field, uint64_t size) {
  struct rl_range ranges[RL_RANGE_LIMIT];
  int count = rl_range_parse(field, size, ranges);
  must(count >= RL_RANGE_NONE && count <= RL_RANGE_LIMIT);
  for (int i = 0; i < count; i++) {
    must(ranges[i].first <= ranges[i].last && ranges[i].last < size);
    for (int j = 0; j < i; j++)
      must(ranges[i].last + 1 < ranges[j].first || ranges[j].last + 1 < ranges[i].first);
  }
}

static void condition(struct rl_slice field) {
  struct rl_condition_state state = {true, rl_scan_text("\"a\""), 100};
  bool strongly = rl_condition_lists(field, &state, true);
  must(!strongly || rl_condition_lists(field, &state, false));
  rl_condition_same(field, field, false);
  rl_condition_range(field, RL_CONDITION_UNSAID, &state);
}

static void accept(struct rl_slice field) {
  static const char *const names[] = {"gzip", "text/html", "identity"};
  for (unsigned kind = RL_ACCEPT_NAMES; kind <= RL_ACCEPT_MEDIA; kind++) {
    for (int i = 0; i < 3; i++) {
      int weight = rl_accept_weight(field, kind, names[i]);
      must(weight >= 0 && weight <= 1000);
    }
    int choice = rl_accept_choose(field, kind, names, 3);
    must(choice >= -1 && choice < 3);
  }
}

static void media(struct rl_slice field) {
  struct rl_media media;
  rl_media_of(field);
  if (rl_media_parse(field, &media) == 0)
    must(media.type.size >= 3 && media.boundary.size <= 70);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  struct rl_slice field = {(const char *)data + 1, size - 1};
  range(field, data[0]);
  range(field, UINT64_MAX);
  condition(field);
  accept(field);
  media(field);
  return 0;
}
