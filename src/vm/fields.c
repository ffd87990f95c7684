/* Fields: a table's sequence, then its pairs.
 *
 * There are two ways to read a table: by lua_next, and where it lies (inside.h). The second is for
 * when Lua code cannot run meanwhile. It takes plain values and leaves (leaf.h) without a call of
 * Lua's API; other values are still fetched with it. */
#include "vm/fields.h"

#include "vm/leaf.h"
#include "vm/put.h"

enum {
  GAP = 4,    /* nils in a sequence that cost less than a pair would */
  AHEAD = 12, /* elements of a list to be asked from memory before they are read */
  FETCHED = 8 /* strings of each */
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

/* Writes a value if it can be done without the API. */
static bool put_inside(struct rl_packer *p, uint8_t kind, union rl_inside_datum datum, bool leaves,
                       bool is_key) {
  if (!rl_leaf_plain(kind, datum))
    return leaves && kind == RL_INSIDE_TABLE && rl_leaf_put(p, table_of(datum));
  rl_leaf_put_plain(p, kind, datum, is_key);
  return true;
}

/* The tables of a list, what they hold, and their identities are rarely in the cache: table, pairs
 * and strings are asked for one step after the other. An address that is none does no harm here. */
static void fetch_ahead(const struct rl_packer *p, const struct rl_inside_value *values,
                        size_t count) {
  if (count <= 3 * AHEAD)
    return;
  if (values[3 * AHEAD].kind == RL_INSIDE_TABLE) {
    __builtin_prefetch(values[3 * AHEAD].datum.object);
    rl_identity_fetch(&p->seen, values[3 * AHEAD].datum.object);
  }
  if (values[2 * AHEAD].kind == RL_INSIDE_TABLE)
    __builtin_prefetch(table_of(values[2 * AHEAD].datum)->pairs);
  if (values[AHEAD].kind != RL_INSIDE_TABLE)
    return;
  const struct rl_inside_table *table = table_of(values[AHEAD].datum);
  size_t places = rl_inside_pairs(table);
  for (size_t i = 0; i < places && i < FETCHED; i++)
    if (rl_inside_string(table->pairs[i].kind))
      __builtin_prefetch(table->pairs[i].value.object);
}

static uint32_t pack_array(struct rl_packer *p, int table, unsigned depth) {
  const struct rl_inside_table *inside = rl_inside_of(p->L, table);
  const struct rl_inside_value *values = inside->array;
  bool leaves = depth + 1 < RL_WIRE_DEPTH;
  size_t size = rl_leaf_sequence(inside);
  for (size_t i = 0; i < size; i++) {
    if (rl_leaf_number(values[i].kind)) {
      i += rl_leaf_put_numbers(p, values + i, size - i) - 1;
      continue;
    }
    fetch_ahead(p, values + i, size - i);
    if (!put_inside(p, values[i].kind, values[i].datum, leaves, false)) {
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
    if (!rl_leaf_plain(pair->key_kind, pair->key))
      return false;
    if (!rl_leaf_plain(pair->kind, pair->value) &&
        !(leaves && pair->kind == RL_INSIDE_TABLE && rl_leaf_is(p, table_of(pair->value))))
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
    rl_leaf_put_plain(p, pair->key_kind, pair->key, true);
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
