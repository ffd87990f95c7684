/* Leaf: what is written where it lies. No Lua code runs meanwhile, so tables stay as they are. */
#include "vm/leaf.h"

#include "vm/mention.h"
#include "vm/names.h"

enum {
  STRETCH = 64,                                   /* numbers written at a time */
  SMALL = RL_WIRE_SHORT_HEAD + RL_WIRE_SHORT_MOST /* bytes that number or short string takes */
};

static unsigned char *put_number(unsigned char *at, uint8_t kind, union rl_inside_datum datum) {
  if (kind == RL_INSIDE_INTEGER)
    return at + rl_put_integer(at, datum.integer);
  *at = RL_WIRE_FLOAT;
  memcpy(at + 1, &datum.number, sizeof datum.number);
  return at + 1 + sizeof datum.number;
}

void rl_leaf_put_plain(struct rl_packer *p, uint8_t kind, union rl_inside_datum datum,
                       bool is_key) {
  if (rl_leaf_number(kind)) {
    rl_put_used(p, put_number(rl_put_room(p, 9), kind, datum));
  } else if (rl_inside_string(kind)) {
    size_t size;
    const char *text = rl_inside_text(datum.object, &size);
    rl_text_pack_bytes(p, 0, text, size, is_key);
  } else if (rl_inside_nil(kind)) {
    rl_put_u8(p, RL_WIRE_NIL);
  } else {
    rl_put_u8(p, kind == RL_INSIDE_TRUE ? RL_WIRE_TRUE : RL_WIRE_FALSE);
  }
}

size_t rl_leaf_put_numbers(struct rl_packer *p, const struct rl_inside_value *values,
                           size_t count) {
  count = count < STRETCH ? count : STRETCH;
  unsigned char *at = rl_put_room(p, count * 9);
  size_t i = 0;
  for (; i < count && rl_leaf_number(values[i].kind); i++)
    at = put_number(at, values[i].kind, values[i].datum);
  rl_put_used(p, at);
  return i;
}

static bool may_be_leaf(const struct rl_packer *p, const struct rl_inside_table *table) {
  return !table->metatable && table != p->globals && !rl_names_maybe(p->names, table);
}

static bool holds_plain(const struct rl_inside_table *table) {
  size_t room = rl_inside_room(table), pairs = rl_inside_pairs(table);
  for (size_t i = 0; i < room; i++)
    if (!rl_leaf_plain(table->array[i].kind, table->array[i].datum))
      return false;
  for (size_t i = 0; i < pairs; i++) {
    const struct rl_inside_pair *pair = &table->pairs[i];
    if (!rl_inside_nil(pair->kind) &&
        !(rl_leaf_plain(pair->kind, pair->value) && rl_leaf_plain(pair->key_kind, pair->key)))
      return false;
  }
  return true;
}

bool rl_leaf_is(const struct rl_packer *p, const struct rl_inside_table *table) {
  return rl_mention_met(p, rl_identity_find(&p->seen, table)) ||
         (may_be_leaf(p, table) && holds_plain(table));
}

size_t rl_leaf_sequence(const struct rl_inside_table *table) {
  size_t size = rl_inside_room(table);
  while (size > 0 && rl_inside_nil(table->array[size - 1].kind))
    size--;
  return size;
}

/* The key of a pair that is there, if it is a short string. */
static const void *short_key(const struct rl_inside_pair *pair) {
  bool fine = !rl_inside_nil(pair->kind) && pair->key_kind == RL_INSIDE_SHORT;
  return fine ? pair->key.object : NULL;
}

static bool may_fit(const struct rl_shape *shape, const struct rl_inside_table *table) {
  return shape->places != 0 && rl_inside_pairs(table) == shape->places &&
         rl_inside_room(table) == 0;
}

/* Whether the table has the keys of the shape in the same places, and plain values. */
static bool fits(const struct rl_shape *shape, const struct rl_inside_table *table) {
  if (!may_fit(shape, table))
    return false;
  for (size_t i = 0; i < shape->places; i++) {
    const struct rl_inside_pair *pair = &table->pairs[i];
    bool there = !rl_inside_nil(pair->kind);
    if (there != (shape->keys[i] != NULL) || short_key(pair) != shape->keys[i] ||
        !rl_leaf_plain(pair->kind, pair->value))
      return false;
  }
  return true;
}

/* Remembers the keys of a table that has been written at `position`, if rows can follow it. */
static void remember(struct rl_shape *shape, const struct rl_inside_table *table, size_t position) {
  size_t places = rl_inside_pairs(table), keys = 0, others = rl_inside_room(table);
  shape->places = 0;
  if (places > RL_WIRE_ROW_MOST)
    return;
  for (size_t i = 0; i < places; i++) {
    shape->keys[i] = short_key(&table->pairs[i]);
    keys += shape->keys[i] != NULL;
    others += !shape->keys[i] && !rl_inside_nil(table->pairs[i].kind);
  }
  if (keys > 0 && others == 0)
    shape->places = places;
  shape->position = position;
}

/* What takes at most SMALL bytes is written to `at`; NULL of what might take more. */
static unsigned char *put_small(unsigned char *at, uint8_t kind, union rl_inside_datum datum) {
  if (rl_leaf_number(kind))
    return put_number(at, kind, datum);
  if (kind == RL_INSIDE_SHORT) {
    const struct rl_inside_string *string = datum.object;
    at[0] = RL_WIRE_SHORT;
    at[1] = string->short_size;
    memcpy(at + 2, &string->hash, sizeof string->hash);
    memcpy(at + RL_WIRE_SHORT_HEAD, string->bytes, string->short_size);
    return at + RL_WIRE_SHORT_HEAD + string->short_size;
  }
  if (kind != RL_INSIDE_TRUE && kind != RL_INSIDE_FALSE)
    return NULL;
  *at = kind == RL_INSIDE_TRUE ? RL_WIRE_TRUE : RL_WIRE_FALSE;
  return at + 1;
}

/* The values of a table that fits and holds only small ones: where they end. NULL of another. */
static unsigned char *put_values(const struct rl_shape *shape, const struct rl_inside_table *table,
                                 unsigned char *at) {
  for (size_t i = 0; i < shape->places && at; i++) {
    const struct rl_inside_pair *pair = &table->pairs[i];
    if (short_key(pair) != shape->keys[i])
      return NULL;
    if (shape->keys[i])
      at = put_small(at, pair->kind, pair->value);
    else if (!rl_inside_nil(pair->kind))
      return NULL;
  }
  return at;
}

/* Looks whether the table fits while it writes, for most do. False if it does not, or holds a
 * longer string: nothing is written. */
static bool put_small_row(struct rl_packer *p, struct rl_seen *seen,
                          const struct rl_inside_table *table) {
  const struct rl_shape *shape = &p->shape;
  if (!may_fit(shape, table))
    return false;
  enum { HEAD = 1 + sizeof(uint32_t) };
  unsigned char *head = rl_put_room(p, HEAD + shape->places * SMALL);
  unsigned char *end = put_values(shape, table, head + HEAD);
  rl_put_used(p, head);
  if (!end)
    return false;
  rl_mention_begin(p, seen, table, 0);
  p->parcel->bytes.bytes[shape->position] = RL_WIRE_MODEL;
  head[0] = RL_WIRE_ROW;
  memset(head + 1, 0, sizeof(uint32_t)); /* no slot */
  rl_put_used(p, end);
  return true;
}

static void put_row_value(struct rl_packer *p, const struct rl_inside_pair *pair) {
  unsigned char *room = rl_put_room(p, SMALL);
  unsigned char *end = put_small(room, pair->kind, pair->value);
  rl_put_used(p, end ? end : room);
  if (!end)
    rl_leaf_put_plain(p, pair->kind, pair->value, false);
}

static void put_row(struct rl_packer *p, const struct rl_inside_table *table) {
  p->parcel->bytes.bytes[p->shape.position] = RL_WIRE_MODEL;
  rl_put_head(p, RL_WIRE_ROW);
  for (size_t i = 0; i < p->shape.places; i++)
    if (p->shape.keys[i])
      put_row_value(p, &table->pairs[i]);
}

static void put_table(struct rl_packer *p, const struct rl_inside_table *table) {
  size_t position = rl_put_position(p), places = rl_inside_pairs(table);
  uint32_t sequence = (uint32_t)rl_leaf_sequence(table), pairs = 0;
  rl_put_head(p, RL_WIRE_TABLE);
  size_t sizes = rl_put_position(p);
  rl_put_u32(p, sequence);
  rl_put_u32(p, 0);
  for (size_t i = 0; i < sequence; i++)
    rl_leaf_put_plain(p, table->array[i].kind, table->array[i].datum, false);
  for (size_t i = 0; i < places; i++) {
    const struct rl_inside_pair *pair = &table->pairs[i];
    if (rl_inside_nil(pair->kind))
      continue;
    rl_leaf_put_plain(p, pair->key_kind, pair->key, true);
    rl_leaf_put_plain(p, pair->kind, pair->value, false);
    pairs++;
  }
  rl_put_patch(p, sizes + sizeof sequence, pairs);
  remember(&p->shape, table, position);
}

bool rl_leaf_put(struct rl_packer *p, const struct rl_inside_table *table) {
  struct rl_seen *seen = rl_mention_find(p, table);
  if (rl_mention_met(p, seen)) {
    rl_mention_again(p, rl_mention_slot(p, seen));
    return true;
  }
  if (!may_be_leaf(p, table))
    return false;
  if (put_small_row(p, seen, table))
    return true;
  bool row = fits(&p->shape, table);
  if (!row && !holds_plain(table))
    return false;
  rl_mention_begin(p, seen, table, 0);
  if (row)
    put_row(p, table);
  else
    put_table(p, table);
  return true;
}
