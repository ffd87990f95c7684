/* Fields: a table's sequence, then its pairs.
 *
 * There are two ways to read a table: by lua_next, and where it lies (inside.h). The second is for
 * when Lua code cannot run meanwhile. It takes numbers and strings without a call of Lua's API, and
 * tables that hold nothing else ("leaves") as well; other values are still fetched with the API. */
#include "vm/fields.h"

#include "vm/inside.h"
#include "vm/mention.h"
#include "vm/names.h"
#include "vm/text.h"

enum {
  STRETCH = 64, /* numbers written at a time */
  GAP = 4       /* nils in a sequence that cost less than a pair would */
};

/* -- by the API -- */

static void pack_key(struct rl_packer *p, int key, unsigned depth) {
  if (lua_type(p->L, key) == LUA_TSTRING)
    rl_text_pack(p, key, true);
  else
    p->value(p, key, depth + 1);
}

/* [.., key 0] -> [.., key, value] or [..]: writes what lua_next gives as long as the keys are those
 * of a sequence; small gaps are filled with nils. `key` is the stack index of the key. */
static bool pack_sequence(struct rl_packer *p, int table, int key, uint32_t *size, unsigned depth) {
  lua_State *L = p->L;
  lua_Integer last = 0;
  bool more;
  while ((more = lua_next(L, table)) && lua_isinteger(L, key)) {
    lua_Integer next = lua_tointeger(L, key);
    if (next <= last || next > last + GAP || next > INT32_MAX)
      break;
    while (++last < next)
      rl_put_u8(p, RL_WIRE_NIL);
    p->value(p, key + 1, depth + 1);
    lua_settop(L, key);
  }
  *size = (uint32_t)last;
  return more;
}

/* [.., key, value if more] -> [..]: writes this pair and those that lua_next gives after it: how
 * many. */
static uint32_t pack_pairs(struct rl_packer *p, int table, int key, bool more, unsigned depth) {
  uint32_t pairs = 0;
  for (; more; more = lua_next(p->L, table)) {
    pack_key(p, key, depth);
    p->value(p, key + 1, depth + 1);
    lua_settop(p->L, key);
    pairs++;
  }
  return pairs;
}

/* -- where it lies -- */

static const struct rl_inside_table *table_of(union rl_inside_datum datum) {
  return datum.object;
}

static bool is_number(uint8_t kind) {
  return kind == RL_INSIDE_INTEGER || kind == RL_INSIDE_FLOAT;
}

/* Neither an object nor a string that is lent. */
static bool is_plain(uint8_t kind, union rl_inside_datum datum) {
  size_t size;
  if (rl_inside_string(kind)) {
    rl_inside_text(datum.object, &size);
    return size < RL_TEXT_LENT;
  }
  return is_number(kind) || kind == RL_INSIDE_FALSE || kind == RL_INSIDE_TRUE ||
         rl_inside_nil(kind);
}

/* A table of nothing but plain values, without a metatable or name; or one met before. */
static bool is_leaf(const struct rl_packer *p, const struct rl_inside_table *table) {
  if (rl_mention_known(p, table))
    return true;
  if (table->metatable || table == p->globals || rl_names_maybe(p->names, table))
    return false;
  size_t room = rl_inside_room(table), pairs = rl_inside_pairs(table);
  for (size_t i = 0; i < room; i++)
    if (!is_plain(table->array[i].kind, table->array[i].datum))
      return false;
  for (size_t i = 0; i < pairs; i++) {
    const struct rl_inside_pair *pair = &table->pairs[i];
    if (!rl_inside_nil(pair->kind) &&
        !(is_plain(pair->kind, pair->value) && is_plain(pair->key_kind, pair->key)))
      return false;
  }
  return true;
}

static unsigned char *put_number(unsigned char *at, uint8_t kind, union rl_inside_datum datum) {
  if (kind == RL_INSIDE_INTEGER)
    return at + rl_put_integer(at, datum.integer);
  *at = RL_WIRE_FLOAT;
  memcpy(at + 1, &datum.number, sizeof datum.number);
  return at + 1 + sizeof datum.number;
}

static void put_plain(struct rl_packer *p, uint8_t kind, union rl_inside_datum datum, bool is_key) {
  if (is_number(kind)) {
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

/* Writes numbers as long as there are any, some at a time: how many. */
static size_t put_numbers(struct rl_packer *p, const struct rl_inside_value *values, size_t count) {
  count = count < STRETCH ? count : STRETCH;
  unsigned char *at = rl_put_room(p, count * 9);
  size_t i = 0;
  for (; i < count && is_number(values[i].kind); i++)
    at = put_number(at, values[i].kind, values[i].datum);
  rl_put_used(p, at);
  return i;
}

/* Without the nils at its end. */
static size_t sequence_size(const struct rl_inside_table *table) {
  size_t size = rl_inside_room(table);
  while (size > 0 && rl_inside_nil(table->array[size - 1].kind))
    size--;
  return size;
}

static void put_leaf(struct rl_packer *p, const struct rl_inside_table *table) {
  if (!rl_mention_first(p, table, 0))
    return;
  rl_put_head(p, RL_WIRE_TABLE);
  size_t sizes = rl_put_position(p), room = rl_inside_pairs(table);
  uint32_t sequence = (uint32_t)sequence_size(table), pairs = 0;
  rl_put_u32(p, sequence);
  rl_put_u32(p, 0);
  for (size_t i = 0; i < sequence; i++)
    put_plain(p, table->array[i].kind, table->array[i].datum, false);
  for (size_t i = 0; i < room; i++) {
    const struct rl_inside_pair *pair = &table->pairs[i];
    if (rl_inside_nil(pair->kind))
      continue;
    put_plain(p, pair->key_kind, pair->key, true);
    put_plain(p, pair->kind, pair->value, false);
    pairs++;
  }
  rl_put_patch(p, sizes + sizeof sequence, pairs);
}

/* Writes a value if it can be done without the API. */
static bool put_inside(struct rl_packer *p, uint8_t kind, union rl_inside_datum datum, bool leaves,
                       bool is_key) {
  if (is_plain(kind, datum))
    put_plain(p, kind, datum, is_key);
  else if (leaves && kind == RL_INSIDE_TABLE && is_leaf(p, table_of(datum)))
    put_leaf(p, table_of(datum));
  else
    return false;
  return true;
}

static uint32_t pack_array(struct rl_packer *p, int table, unsigned depth) {
  const struct rl_inside_table *inside = rl_inside_of(p->L, table);
  const struct rl_inside_value *values = inside->array;
  bool leaves = depth + 1 < RL_WIRE_DEPTH;
  size_t size = sequence_size(inside);
  for (size_t i = 0; i < size; i++) {
    if (is_number(values[i].kind)) {
      i += put_numbers(p, values + i, size - i) - 1;
    } else if (!put_inside(p, values[i].kind, values[i].datum, leaves, false)) {
      lua_rawgeti(p->L, table, (lua_Integer)i + 1);
      p->value(p, lua_gettop(p->L), depth + 1);
      lua_pop(p->L, 1);
    }
  }
  return (uint32_t)size;
}

/* Whether the hash part can be written without the API. */
static bool is_simple(const struct rl_packer *p, const struct rl_inside_table *table, bool leaves) {
  size_t room = rl_inside_pairs(table);
  for (size_t i = 0; i < room; i++) {
    const struct rl_inside_pair *pair = &table->pairs[i];
    if (rl_inside_nil(pair->kind))
      continue;
    if (!is_plain(pair->key_kind, pair->key))
      return false;
    if (!is_plain(pair->kind, pair->value) &&
        !(leaves && pair->kind == RL_INSIDE_TABLE && is_leaf(p, table_of(pair->value))))
      return false;
  }
  return true;
}

static uint32_t pack_hash(struct rl_packer *p, int table, unsigned depth) {
  lua_State *L = p->L;
  const struct rl_inside_table *inside = rl_inside_of(L, table);
  bool leaves = depth + 1 < RL_WIRE_DEPTH;
  if (!is_simple(p, inside, leaves)) {
    size_t last = rl_inside_room(inside); /* the key that comes before the hash part */
    if (last == 0)
      lua_pushnil(L);
    else
      lua_pushinteger(L, (lua_Integer)last);
    int key = lua_gettop(L);
    return pack_pairs(p, table, key, lua_next(L, table), depth);
  }
  size_t room = rl_inside_pairs(inside);
  uint32_t pairs = 0;
  for (size_t i = 0; i < room; i++) {
    const struct rl_inside_pair *pair = &inside->pairs[i];
    if (rl_inside_nil(pair->kind))
      continue;
    put_plain(p, pair->key_kind, pair->key, true);
    put_inside(p, pair->kind, pair->value, true, false);
    pairs++;
  }
  return pairs;
}

void rl_fields_pack(struct rl_packer *p, int table, size_t sizes, unsigned depth) {
  uint32_t sequence, pairs;
  if (p->inside) {
    sequence = pack_array(p, table, depth);
    pairs = pack_hash(p, table, depth);
  } else {
    int key = lua_gettop(p->L) + 1;
    lua_pushnil(p->L);
    bool more = pack_sequence(p, table, key, &sequence, depth);
    pairs = pack_pairs(p, table, key, more, depth);
  }
  rl_put_patch(p, sizes, sequence);
  rl_put_patch(p, sizes + sizeof sequence, pairs);
}
