/* Rows: a table is made with room for as many pairs as the model has; then the model's pairs are
 * copied over its own, and the values over the model's. Keys need not be looked up, or hashed,
 * again.
 *
 * A table that the collector has seen must not be given objects that it has not seen, and here the
 * collector is not told. So all values of a row are there before its table is made, the table is
 * one that the collector has not seen, and until it is filled nothing happens that may collect. A
 * row is stored into its list where that lies, unless the collector would have to be told
 * (rl_inside_black).
 *
 * Rows are small, and there are many: what they cost is mostly waiting for memory that is not in
 * the cache. So what the next ones will touch is asked for while one is made: the place of each
 * short string in the state's table of strings, by the hash that the sender has sent along, and
 * the memory from which the next blocks will be. All that is only asked for, never looked at. */
#include "vm/rows.h"

enum {
  HEAD = 1 + sizeof(uint32_t),              /* bytes of a row before its values */
  LONGEST = RL_WIRE_SHORT_HEAD + UINT8_MAX, /* of the values that are looked through */
  AHEAD = 512,                              /* bytes of rows looked through before they are made */
  LAG = 8,      /* strings between asking for a bucket and for what is in it */
  SAMPLE = 64,  /* rows that say how many strings the others will add */
  BEYOND = 8192 /* bytes from one block to those that will soon be made */
};

/* -- looking ahead ------------------------------------------------------------------------- */

/* How far the rows have been looked through. */
struct ahead {
  const unsigned char *at;
  uint32_t hashes[LAG]; /* of the last strings */
  unsigned strings;
};

static void fetch_string(const struct rl_inside_strings *strings, struct ahead *ahead,
                         const unsigned char *hash) {
  uint32_t *place = &ahead->hashes[ahead->strings++ % LAG];
  __builtin_prefetch(*rl_inside_bucket(strings, *place));
  memcpy(place, hash, sizeof *place);
  __builtin_prefetch(rl_inside_bucket(strings, *place));
}

/* The bytes of the value at `at`, where LONGEST can be read; 0 if it may take more than that. */
static size_t size_of(const unsigned char *at) {
  unsigned tag = *at;
  if (tag >= RL_WIRE_SMALL || tag <= RL_WIRE_TRUE)
    return 1;
  if (tag <= RL_WIRE_INT8)
    return 1 + ((size_t)1 << (tag - RL_WIRE_INT1));
  switch (tag) {
  case RL_WIRE_SHORT: return (size_t)RL_WIRE_SHORT_HEAD + at[1];
  case RL_WIRE_FLOAT: return 1 + sizeof(lua_Number);
  case RL_WIRE_TEXT1: return (size_t)2 + at[1];
  case RL_WIRE_AGAIN1: return 2;
  case RL_WIRE_AGAIN4: return 1 + sizeof(uint32_t);
  default: return 0;
  }
}

/* Looks through a row: false if there is none, or it cannot be done. */
static bool look_through(const struct rl_reader *r, struct ahead *ahead) {
  const unsigned char *at = ahead->at;
  if (r->end - at < HEAD || *at != RL_WIRE_ROW)
    return false;
  at += HEAD;
  for (uint32_t i = 0; i < r->model.pairs; i++) {
    size_t size = r->end - at < LONGEST ? 0 : size_of(at);
    if (size == 0)
      return false;
    if (*at == RL_WIRE_SHORT)
      fetch_string(&r->state->strings, ahead, at + 2);
    at += size;
  }
  ahead->at = at;
  return true;
}

static void look_ahead(const struct rl_reader *r, struct ahead *ahead) {
  if (!r->state)
    return;
  if (ahead->at < r->at)
    ahead->at = r->at;
  while (ahead->at - r->at < AHEAD && look_through(r, ahead))
    continue;
}

/* For the strings of so many rows, by how many SAMPLE rows have added to those `before`. */
static void make_room(const struct rl_reader *r, int before, uint32_t rows) {
  int added = r->state ? r->state->strings.used - before : 0;
  if (added > 0)
    rl_inside_widen(r->L, (size_t)added * rows / SAMPLE);
}

/* Allocators hand out blocks of a size in the order of their addresses, where they can. */
static void fetch_beyond(const void *block) {
  __builtin_prefetch((const void *)((uintptr_t)block + BEYOND), 1);
}

/* -- numbers ------------------------------------------------------------------------------- */

/* Takes one number: the bytes it took, 0 if it is none or is cut off. */
static inline size_t take_number(struct rl_inside_value *to, const unsigned char *at, size_t size) {
  unsigned tag = *at;
  to->kind = RL_INSIDE_INTEGER;
  if (tag >= RL_WIRE_SMALL) {
    to->datum.integer = tag - RL_WIRE_SMALL;
    return 1;
  }
  if (tag < RL_WIRE_INT1 || tag > RL_WIRE_FLOAT || size < 1 + sizeof to->datum)
    return 0;
  memcpy(&to->datum, at + 1, sizeof to->datum);
  if (tag == RL_WIRE_FLOAT) {
    to->kind = RL_INSIDE_FLOAT;
    return 1 + sizeof to->datum;
  }
  /* Integers of 1, 2, 4 or 8 bytes: what follows them is shifted out, their sign spread. */
  size_t used = (size_t)1 << (tag - RL_WIRE_INT1);
  unsigned above = 64 - 8 * (unsigned)used;
  to->datum.integer = (lua_Integer)((lua_Unsigned)to->datum.integer << above) >> above;
  return 1 + used;
}

uint32_t rl_rows_numbers(struct rl_reader *r, int table, uint32_t done, uint32_t sequence) {
  struct rl_inside_table *inside = rl_inside_of(r->L, table);
  uint32_t i = done;
  if (rl_inside_room(inside) < sequence)
    return 0;
  for (size_t used; i < sequence && rl_reader_left(r) != 0; i++, r->at += used) {
    struct rl_inside_value value;
    used = take_number(&value, r->at, rl_reader_left(r));
    if (used == 0)
      break;
    inside->array[i].datum = value.datum;
    inside->array[i].kind = value.kind;
  }
  return i - done;
}

/* -- rows ---------------------------------------------------------------------------------- */

/* The place of a key in the hash part, or that of none. */
static size_t place_of(const struct rl_inside_table *table, const void *key) {
  size_t place = 0, places = rl_inside_pairs(table);
  while (place < places &&
         (table->pairs[place].key.object != key || table->pairs[place].key_kind != RL_INSIDE_SHORT))
    place++;
  return place;
}

/* Its address is where the registry holds the model. */
static const char anchor;

void rl_rows_model(struct rl_reader *r, uint32_t pairs) {
  lua_State *L = r->L;
  int table = lua_gettop(L);
  const void *keys[RL_WIRE_ROW_MOST];
  for (uint32_t i = 0; i < pairs; i++) {
    r->value(r, RL_WIRE_DEPTH);
    keys[i] = lua_topointer(L, -1);
    r->value(r, RL_WIRE_DEPTH);
    lua_rawset(L, table);
  }
  struct rl_model model = {.table = rl_inside_of(L, table), .pairs = pairs};
  model.places = rl_inside_pairs(model.table);
  for (uint32_t i = 0; i < pairs; i++) {
    size_t place = place_of(model.table, keys[i]);
    if (place >= model.places)
      rl_reader_corrupt(r);
    model.at[i] = (unsigned char)place;
  }
  lua_pushvalue(L, table);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &anchor);
  r->model = model;
}

void rl_rows_end(struct rl_reader *r) {
  if (r->model.pairs == 0)
    return;
  r->model.pairs = 0;
  lua_pushnil(r->L);
  lua_rawsetp(r->L, LUA_REGISTRYINDEX, &anchor);
}

/* [] -> [string] */
static struct rl_inside_value take_short(struct rl_reader *r) {
  const unsigned char *head = rl_reader_take(r, RL_WIRE_SHORT_HEAD);
  const char *bytes = lua_pushlstring(r->L, rl_reader_take(r, head[1]), head[1]);
  fetch_beyond(bytes);
  return rl_inside_made(bytes);
}

/* [] -> [value]: what is neither a number nor short. */
static struct rl_inside_value take_other(struct rl_reader *r) {
  if (*r->at > RL_WIRE_AGAIN4)
    rl_reader_corrupt(r);
  r->value(r, RL_WIRE_DEPTH);
  switch (lua_type(r->L, -1)) {
  case LUA_TBOOLEAN:
    return (struct rl_inside_value){.kind =
                                        lua_toboolean(r->L, -1) ? RL_INSIDE_TRUE : RL_INSIDE_FALSE};
  case LUA_TSTRING: return rl_inside_made(lua_tostring(r->L, -1));
  case LUA_TNUMBER: break; /* one so near the end of the bytes that take_number left it */
  default: rl_reader_corrupt(r);
  }
  if (!lua_isinteger(r->L, -1))
    return (struct rl_inside_value){{.number = lua_tonumber(r->L, -1)}, RL_INSIDE_FLOAT};
  return (struct rl_inside_value){{.integer = lua_tointeger(r->L, -1)}, RL_INSIDE_INTEGER};
}

/* Takes the values of a row; those that are no numbers are left on the stack: how many. */
static int take_values(struct rl_reader *r, struct rl_inside_value *values, uint32_t count) {
  int pushed = 0;
  for (uint32_t i = 0; i < count; i++) {
    size_t size = rl_reader_left(r), used = size == 0 ? 0 : take_number(&values[i], r->at, size);
    r->at += used;
    if (used != 0)
      continue;
    if (size == 0)
      rl_reader_corrupt(r);
    values[i] = *r->at == RL_WIRE_SHORT ? take_short(r) : take_other(r);
    pushed++;
  }
  return pushed;
}

/* [] -> [table]: one that the collector has not seen. A step of it may come to a table as soon as
 * that is on the stack; but not to many, one after the other. */
static struct rl_inside_table *push_unseen(struct rl_reader *r, uint32_t pairs) {
  for (;;) {
    lua_createtable(r->L, 0, (int)pairs);
    struct rl_inside_table *table = rl_inside_of(r->L, -1);
    if (!rl_inside_black(table))
      return table;
    lua_pop(r->L, 1);
  }
}

/* [] -> [table]: such a one, empty, with room for the pairs of the model. The block is asked for
 * here since Lua, where it knows only their number, takes as long for that as for all the rest of a
 * row. */
static struct rl_inside_table *push_empty(struct rl_reader *r, const struct rl_model *model) {
  if (!r->state)
    return push_unseen(r, model->pairs);
  struct rl_inside_table *table = push_unseen(r, 0);
  struct rl_inside_pair *pairs = rl_inside_take(r->L, model->places * sizeof *pairs);
  if (!pairs) { /* Lua collects garbage, and tries again */
    lua_pop(r->L, 1);
    return push_unseen(r, model->pairs);
  }
  table->log_pairs = model->table->log_pairs;
  table->pairs = pairs;
  return table;
}

/* Makes `table`, which is empty and as large, a copy of the model. */
static void copy_model(struct rl_inside_table *table, const struct rl_inside_table *model) {
  memcpy(table->pairs, model->pairs, rl_inside_pairs(model) * sizeof *model->pairs);
  table->last_free = table->pairs + (model->last_free - model->pairs);
  table->flags = model->flags;
}

/* [] -> [values.., table]; `pushed`: how many values there are besides the table. */
static struct rl_inside_table *push_row(struct rl_reader *r, int *pushed) {
  const struct rl_model *model = &r->model;
  struct rl_inside_value values[RL_WIRE_ROW_MOST];
  if (model->pairs == 0 || rl_inside_pairs(model->table) != model->places)
    rl_reader_corrupt(r);
  *pushed = take_values(r, values, model->pairs);
  struct rl_inside_table *table = push_empty(r, model);
  fetch_beyond(table);
  fetch_beyond(table->pairs);
  copy_model(table, model->table);
  for (uint32_t i = 0; i < model->pairs; i++) {
    struct rl_inside_pair *pair = &table->pairs[model->at[i]];
    pair->value = values[i].datum;
    pair->kind = values[i].kind;
  }
  return table;
}

void rl_rows_push(struct rl_reader *r) {
  int pushed;
  push_row(r, &pushed);
  if (pushed > 0)
    lua_replace(r->L, -1 - pushed);
  if (pushed > 1)
    lua_pop(r->L, pushed - 1);
}

/* Whether a row comes that nobody refers to again. */
static bool row_follows(const struct rl_reader *r) {
  uint32_t slot;
  if (rl_reader_left(r) < HEAD || *r->at != RL_WIRE_ROW)
    return false;
  memcpy(&slot, r->at + 1, sizeof slot);
  return slot == 0;
}

uint32_t rl_rows_store(struct rl_reader *r, int table, uint32_t done, uint32_t sequence) {
  struct rl_inside_table *list = rl_inside_of(r->L, table);
  size_t room = rl_inside_room(list);
  struct ahead ahead = {.at = r->at};
  int before = r->state ? r->state->strings.used : 0;
  uint32_t i = done;
  for (; i < sequence && row_follows(r); i++) {
    int pushed;
    look_ahead(r, &ahead);
    if (i == done + SAMPLE)
      make_room(r, before, sequence - i);
    r->at += HEAD;
    struct rl_inside_table *row = push_row(r, &pushed);
    if (i < room && !rl_inside_black(list)) {
      list->array[i].datum.object = row;
      list->array[i].kind = RL_INSIDE_TABLE;
      pushed++;
    } else {
      lua_rawseti(r->L, table, (lua_Integer)i + 1);
    }
    lua_pop(r->L, pushed);
  }
  return i - done;
}
