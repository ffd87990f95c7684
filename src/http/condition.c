/* Condition: entity tags and the order in which they and dates are looked at. */
#include "http/condition.h"

#include <string.h>

#include "http/scan.h"

/* An entity tag without its mark of weakness. */
struct tag {
  struct rl_slice quoted;
  bool weak;
};

/* Takes an entity tag at the beginning. */
static bool take_tag(struct rl_slice *text, struct tag *tag) {
  tag->weak = text->size >= 2 && memcmp(text->bytes, "W/", 2) == 0;
  if (tag->weak)
    rl_scan_skip(text, 2);
  if (text->size < 2 || text->bytes[0] != '"')
    return false;
  for (size_t i = 1; i < text->size; i++) {
    unsigned char byte = (unsigned char)text->bytes[i];
    if (byte == '"') {
      tag->quoted = (struct rl_slice){text->bytes, i + 1};
      rl_scan_skip(text, i + 1);
      return true;
    }
    if (byte <= ' ' || byte == 127)
      return false;
  }
  return false;
}

static bool read_tag(struct rl_slice text, struct tag *tag) {
  return take_tag(&text, tag) && text.size == 0;
}

static bool same(const struct tag *one, const struct tag *other, bool strongly) {
  return !(strongly && (one->weak || other->weak)) && rl_scan_equal(one->quoted, other->quoted);
}

bool rl_condition_same(struct rl_slice etag, struct rl_slice other, bool strongly) {
  struct tag one, two;
  return read_tag(etag, &one) && read_tag(other, &two) && same(&one, &two, strongly);
}

/* Passes over blanks and commas: whether there was a comma, or nothing but the end. */
static bool skip_comma(struct rl_slice *list) {
  bool comma = false;
  while (list->size && memchr(" \t,", list->bytes[0], 3)) {
    comma = comma || list->bytes[0] == ',';
    rl_scan_skip(list, 1);
  }
  return comma || list->size == 0;
}

bool rl_condition_lists(struct rl_slice list, const struct rl_condition_state *state,
                        bool strongly) {
  struct tag mine, listed;
  struct rl_slice rest = rl_scan_trim(list);
  if (rl_scan_equal(rest, rl_scan_text("*")))
    return state->exists;
  if (!read_tag(state->etag, &mine))
    return false;
  skip_comma(&rest);
  while (take_tag(&rest, &listed) && skip_comma(&rest))
    if (same(&mine, &listed, strongly))
      return true;
  return false;
}

enum rl_condition_end rl_condition_check(const struct rl_condition *condition,
                                         const struct rl_condition_state *state) {
  const int64_t unsaid = RL_CONDITION_UNSAID;
  bool dated = state->modified != unsaid;
  if (condition->if_match.bytes) {
    if (!rl_condition_lists(condition->if_match, state, true))
      return RL_CONDITION_FAILED;
  } else if (condition->if_unmodified_since != unsaid && dated &&
             state->modified > condition->if_unmodified_since) {
    return RL_CONDITION_FAILED;
  }
  if (condition->if_none_match.bytes) {
    if (rl_condition_lists(condition->if_none_match, state, false))
      return condition->reads ? RL_CONDITION_UNMODIFIED : RL_CONDITION_FAILED;
  } else if (condition->reads && condition->if_modified_since != unsaid && dated &&
             state->modified <= condition->if_modified_since) {
    return RL_CONDITION_UNMODIFIED;
  }
  return RL_CONDITION_GO;
}

bool rl_condition_range(struct rl_slice field, int64_t date,
                        const struct rl_condition_state *state) {
  if (date != RL_CONDITION_UNSAID)
    return date == state->modified;
  return rl_condition_same(rl_scan_trim(field), state->etag, true);
}
