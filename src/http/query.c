/* Query: splits at `&` and at the first `=`, and decodes what is asked for. */
#include "http/query.h"

#include <string.h>

#include "http/percent.h"

void rl_query_init(struct rl_query *query, struct rl_slice text, unsigned limit,
                   struct rl_buffer *room) {
  *query = (struct rl_query){.text = text, .left = limit, .room = room};
}

/* Ends the query: the error comes again at each later call. */
static int fail(struct rl_query *query, const char *where, int trouble) {
  query->where = (size_t)(where - query->text.bytes);
  query->trouble = trouble;
  return trouble;
}

/* The next pair as it was sent: 1, 0 or an error. */
static int next_raw(struct rl_query *query, struct rl_query_pair *pair) {
  if (query->trouble || query->text.size == 0)
    return query->trouble;
  const char *end = query->text.bytes + query->text.size;
  const char *from = query->text.bytes + query->at;
  while (from < end && *from == '&')
    from++;
  if (from == end) {
    query->at = query->text.size;
    return 0;
  }
  if (query->left == 0)
    return fail(query, from, RL_QUERY_TOO_MANY);
  const char *to = memchr(from, '&', (size_t)(end - from));
  to = to ? to : end;
  const char *equals = memchr(from, '=', (size_t)(to - from));
  const char *value = equals ? equals + 1 : to;
  pair->name = (struct rl_slice){from, (size_t)((equals ? equals : to) - from)};
  pair->value = (struct rl_slice){value, (size_t)(to - value)};
  query->left--;
  query->at = (size_t)(to - query->text.bytes);
  return 1;
}

static int decode(struct rl_query *query, struct rl_slice *text) {
  size_t where = 0;
  int trouble = rl_percent_decode(*text, RL_PERCENT_FORM, query->room, text, &where);
  return trouble ? fail(query, text->bytes + where, trouble) : 0;
}

/* Room for the whole pair, so that decoding the value does not move the name. */
static int make_room(struct rl_query *query, const struct rl_query_pair *pair) {
  size_t size = pair->name.size + pair->value.size;
  query->room->size = 0;
  if (rl_percent_is_plain(pair->name, RL_PERCENT_FORM) || query->room->capacity >= size)
    return 0;
  return rl_buffer_grow(query->room, size) ? RL_PERCENT_NO_MEMORY : 0;
}

int rl_query_next(struct rl_query *query, struct rl_query_pair *pair) {
  int found = next_raw(query, pair);
  if (found != 1)
    return found;
  if (make_room(query, pair) != 0)
    return fail(query, pair->name.bytes, RL_PERCENT_NO_MEMORY);
  int trouble = decode(query, &pair->name);
  if (trouble == 0)
    trouble = decode(query, &pair->value);
  return trouble ? trouble : 1;
}

int rl_query_find(struct rl_query *query, struct rl_slice name, struct rl_slice *value) {
  struct rl_query_pair pair;
  int found;
  while ((found = next_raw(query, &pair)) == 1) {
    if (!rl_percent_equal(pair.name, RL_PERCENT_FORM, name))
      continue;
    query->room->size = 0;
    found = decode(query, &pair.value);
    *value = pair.value;
    return found ? found : 1;
  }
  return found;
}
