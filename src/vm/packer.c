/* Packer: the traversal.
 *
 * Tables are read raw. Each object has its place in `seen`, and in the bytes a slot that stays 0
 * until the object is met again. Recursion is bounded: what lies deeper is deferred.
 *
 * The table `held` on the stack holds what only Lua can: the objects deferred, under 1, 2, ...
 * until their bodies are written; the strings lent, under -1, -2, ...; in a careful pack every
 * object met, as a key. The string "__gc" lies above it. Both are made first: after them nothing
 * here lets the collector step, so that no finalizer changes what is being packed, and no address
 * is used twice. */
#include "vm/packer.h"

#include <lauxlib.h>
#include <string.h>

#include "vm/code.h"
#include "vm/inside.h"
#include "vm/names.h"
#include "vm/refuse.h"
#include "vm/state.h"

enum {
  SHARED_TEXT = 128,     /* a string value this long is looked for among those met */
  LENT_TEXT = 32 * 1024, /* and one this long is lent */
  STRANGE = 1024,        /* strings to meet before giving up on finding any again */
  STRETCH = 64,          /* numbers written at a time */
  GAP = 4,               /* nils in a sequence that cost less than a pair would */
  KEPT = 1 << 16         /* bytes of `mentions` worth keeping */
};

static const uint32_t unfinished = UINT32_MAX; /* a slot: its object is being made */

static void no_memory(struct rl_packer *p) {
  luaL_error(p->L, "not enough memory");
}

static unsigned char *room(struct rl_packer *p, size_t size) {
  unsigned char *bytes = rl_buffer_extend(&p->parcel->bytes, size);
  if (!bytes)
    no_memory(p);
  return bytes;
}

static void put_u8(struct rl_packer *p, unsigned value) {
  *room(p, 1) = (unsigned char)value;
}

static void put_u32(struct rl_packer *p, uint32_t value) {
  memcpy(room(p, sizeof value), &value, sizeof value);
}

static void put_bytes(struct rl_packer *p, const void *bytes, size_t size) {
  memcpy(room(p, size), bytes, size);
}

/* A tag and an empty slot. */
static void put_head(struct rl_packer *p, unsigned tag) {
  unsigned char *head = room(p, 1 + sizeof(uint32_t));
  *head = (unsigned char)tag;
  memset(head + 1, 0, sizeof(uint32_t));
}

static void patch_u32(struct rl_packer *p, size_t position, uint32_t value) {
  memcpy(p->parcel->bytes.bytes + position, &value, sizeof value);
}

static _Noreturn void stop(struct rl_packer *p, enum rl_packer_trouble trouble) {
  p->trouble = trouble;
  lua_pushnil(p->L);
  lua_error(p->L);
  __builtin_unreachable();
}

static void refuse(struct rl_packer *p, int index) {
  if (!p->refreshed)
    stop(p, RL_PACKER_UNNAMED);
  if (!p->making)
    stop(p, RL_PACKER_REFUSED);
  rl_refuse_describe(p->L, index);
  luaL_error(p->L, "a value that __pack returned is %s and cannot leave its domain",
             lua_tostring(p->L, -1));
}

/* The entry of an object; `index` is that of a value that keeps it alive (of none for a string read
 * inside a table, which is not done in a careful pack). */
static struct rl_seen *meet(struct rl_packer *p, const void *object, int index, bool *met) {
  struct rl_seen *seen = rl_identity_meet(&p->seen, object, met);
  if (!seen)
    no_memory(p);
  if (p->careful && !*met) {
    lua_pushvalue(p->L, index);
    lua_pushboolean(p->L, true);
    lua_rawset(p->L, p->held);
  }
  return seen;
}

/* The slot of an object met before, from now on known to the receiver. */
static uint32_t slot_of(struct rl_packer *p, struct rl_seen *seen) {
  if (seen->slot == unfinished)
    luaL_error(p->L, "__pack of an object returned the object itself");
  if (seen->slot == 0) {
    seen->slot = ++p->parcel->slots;
    patch_u32(p, seen->position, seen->slot);
  }
  return seen->slot;
}

static void put_again(struct rl_packer *p, struct rl_seen *seen) {
  uint32_t slot = slot_of(p, seen);
  if (slot <= UINT8_MAX) {
    put_u8(p, RL_WIRE_AGAIN1);
    put_u8(p, slot);
  } else {
    put_u8(p, RL_WIRE_AGAIN4);
    put_u32(p, slot);
  }
}

/* Either a reference to an object met before, or true: it is about to be written, head first. */
static bool first_time(struct rl_packer *p, const void *object, int index) {
  bool met;
  struct rl_seen *seen = meet(p, object, index, &met);
  if (met)
    put_again(p, seen);
  else
    seen->position = p->parcel->bytes.size + 1;
  return !met;
}

static void pack_lent(struct rl_packer *p, int index, const char *text, uint64_t size) {
  if (!first_time(p, text, index))
    return;
  put_head(p, RL_WIRE_LENT);
  put_bytes(p, &text, sizeof text);
  put_bytes(p, &size, sizeof size);
  lua_pushvalue(p->L, index);
  lua_rawseti(p->L, p->held, --p->lent);
  p->parcel->lends = true;
}

/* Whether it is likely that strings come again: not in a dictionary of a million keys. */
static bool worth_meeting(const struct rl_packer *p) {
  return p->strange < STRANGE + 4 * p->familiar;
}

static void pack_shared(struct rl_packer *p, int index, const char *text, size_t size) {
  if (!first_time(p, text, index)) {
    p->familiar++;
    return;
  }
  p->strange++;
  put_head(p, RL_WIRE_KEY);
  put_u32(p, (uint32_t)size);
  put_bytes(p, text, size);
}

/* A string that is not lent. */
static void pack_text(struct rl_packer *p, int index, const char *text, size_t size, bool is_key) {
  if ((is_key || size >= SHARED_TEXT) && worth_meeting(p)) {
    pack_shared(p, index, text, size);
  } else if (size <= UINT8_MAX) {
    unsigned char *bytes = room(p, 2 + size);
    bytes[0] = RL_WIRE_TEXT1;
    bytes[1] = (unsigned char)size;
    memcpy(bytes + 2, text, size);
  } else {
    put_u8(p, RL_WIRE_TEXT4);
    put_u32(p, (uint32_t)size);
    put_bytes(p, text, size);
  }
}

static void pack_string(struct rl_packer *p, int index, bool is_key) {
  size_t size;
  const char *text = lua_tolstring(p->L, index, &size);
  if (size >= LENT_TEXT)
    pack_lent(p, index, text, size);
  else
    pack_text(p, index, text, size, is_key);
}

static void pack_number(struct rl_packer *p, int index) {
  unsigned char *bytes = room(p, 9);
  size_t used = 9;
  if (lua_isinteger(p->L, index)) {
    used = rl_packer_integer(bytes, lua_tointeger(p->L, index));
  } else {
    lua_Number number = lua_tonumber(p->L, index);
    *bytes = RL_WIRE_FLOAT;
    memcpy(bytes + 1, &number, sizeof number);
  }
  p->parcel->bytes.size -= 9 - used;
}

static void pack_value(struct rl_packer *p, int index, unsigned depth);

/* Whether an object at this depth has to wait for its body. */
static bool too_deep(struct rl_packer *p, unsigned depth) {
  if (p->making == 0)
    return depth >= RL_WIRE_DEPTH;
  if (depth >= RL_WIRE_MADE_DEPTH)
    luaL_error(p->L, "the values that __pack returned are nested too deeply");
  return false;
}

/* Remembers the object at `index` for write_deferred; `sizes` is where its mention wants them. */
static void defer(struct rl_packer *p, int index, size_t sizes) {
  rl_buffer_append(&p->mentions, &sizes, sizeof sizes);
  if (p->mentions.failed)
    no_memory(p);
  lua_pushvalue(p->L, index);
  lua_rawseti(p->L, p->held, ++p->parcel->later);
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
      put_u8(p, RL_WIRE_NIL);
    if (lua_isinteger(L, key + 1))
      pack_number(p, key + 1);
    else
      pack_value(p, key + 1, depth + 1);
    lua_settop(L, key);
  }
  *size = (uint32_t)last;
  return more;
}

/* [.., key] -> [..]: writes the pairs that lua_next gives after the key, which is itself one of
 * them if `more`, with its value. Returns how many. */
static uint32_t pack_pairs(struct rl_packer *p, int table, int key, bool more, unsigned depth) {
  lua_State *L = p->L;
  uint32_t pairs = 0;
  for (; more; more = lua_next(L, table)) {
    if (lua_type(L, key) == LUA_TSTRING)
      pack_string(p, key, true);
    else
      pack_value(p, key, depth + 1);
    pack_value(p, key + 1, depth + 1);
    lua_settop(L, key);
    pairs++;
  }
  return pairs;
}

/* Writes numbers as long as there are any: how many. */
static size_t pack_numbers(struct rl_packer *p, const struct rl_inside_value *values,
                           size_t count) {
  if (count > STRETCH)
    count = STRETCH;
  unsigned char *first = room(p, count * 9), *at = first;
  size_t i = 0;
  for (; i < count; i++) {
    if (values[i].kind == RL_INSIDE_INTEGER) {
      at += rl_packer_integer(at, values[i].datum.integer);
    } else if (values[i].kind == RL_INSIDE_FLOAT) {
      *at = RL_WIRE_FLOAT;
      memcpy(at + 1, &values[i].datum, sizeof(lua_Number));
      at += 9;
    } else {
      break;
    }
  }
  p->parcel->bytes.size -= count * 9 - (size_t)(at - first);
  return i;
}

/* Whether pack_plain takes such a value. */
static bool is_plain(uint8_t kind, union rl_inside_datum datum) {
  size_t size;
  if (rl_inside_string(kind)) {
    rl_inside_text(datum.object, &size);
    return size < LENT_TEXT;
  }
  return kind == RL_INSIDE_INTEGER || kind == RL_INSIDE_FLOAT || kind == RL_INSIDE_FALSE ||
         kind == RL_INSIDE_TRUE || rl_inside_nil(kind);
}

static void pack_plain(struct rl_packer *p, uint8_t kind, union rl_inside_datum datum,
                       bool is_key) {
  struct rl_inside_value value = {.datum = datum, .kind = kind};
  if (rl_inside_string(kind)) {
    size_t size;
    const char *text = rl_inside_text(datum.object, &size);
    pack_text(p, 0, text, size, is_key);
  } else if (kind == RL_INSIDE_INTEGER || kind == RL_INSIDE_FLOAT) {
    pack_numbers(p, &value, 1);
  } else if (rl_inside_nil(kind)) {
    put_u8(p, RL_WIRE_NIL);
  } else {
    put_u8(p, kind == RL_INSIDE_TRUE ? RL_WIRE_TRUE : RL_WIRE_FALSE);
  }
}

/* Writes the array part of a table as its sequence; returns its size. */
static uint32_t pack_array(struct rl_packer *p, int table, unsigned depth) {
  const struct rl_inside_table *inside = rl_inside_of(p->L, table);
  const struct rl_inside_value *values = inside->array;
  size_t size = rl_inside_room(inside);
  while (size > 0 && rl_inside_nil(values[size - 1].kind))
    size--;
  for (size_t i = 0; i < size;) {
    i += pack_numbers(p, values + i, size - i);
    if (i == size || values[i].kind == RL_INSIDE_INTEGER || values[i].kind == RL_INSIDE_FLOAT)
      continue;
    if (is_plain(values[i].kind, values[i].datum)) {
      pack_plain(p, values[i].kind, values[i].datum, false);
    } else {
      lua_rawgeti(p->L, table, (lua_Integer)i + 1);
      pack_value(p, lua_gettop(p->L), depth + 1);
      lua_pop(p->L, 1);
    }
    i++;
  }
  return (uint32_t)size;
}

static bool all_plain(const struct rl_inside_pair *pairs, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!rl_inside_nil(pairs[i].kind) &&
        !(is_plain(pairs[i].kind, pairs[i].value) && is_plain(pairs[i].key_kind, pairs[i].key)))
      return false;
  return true;
}

/* Writes the hash part of a table; returns the number of its pairs. */
static uint32_t pack_hash(struct rl_packer *p, int table, unsigned depth) {
  lua_State *L = p->L;
  const struct rl_inside_table *inside = rl_inside_of(L, table);
  const struct rl_inside_pair *pairs = inside->pairs;
  size_t count = rl_inside_pairs(inside);
  if (!all_plain(pairs, count)) {
    size_t before = rl_inside_room(inside); /* the key after which the hash part comes */
    if (before == 0)
      lua_pushnil(L);
    else
      lua_pushinteger(L, (lua_Integer)before);
    return pack_pairs(p, table, lua_gettop(L), lua_next(L, table), depth);
  }
  uint32_t found = 0;
  for (size_t i = 0; i < count; i++) {
    if (rl_inside_nil(pairs[i].kind))
      continue;
    pack_plain(p, pairs[i].key_kind, pairs[i].key, true);
    pack_plain(p, pairs[i].kind, pairs[i].value, false);
    found++;
  }
  return found;
}

/* Writes the fields of a table, then their numbers to `sizes`. */
static void pack_fields(struct rl_packer *p, int table, size_t sizes, unsigned depth) {
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
  patch_u32(p, sizes, sequence);
  patch_u32(p, sizes + sizeof sequence, pairs);
}

/* [] -> [metatable] if there is one: the tag. */
static unsigned push_metatable(struct rl_packer *p, int table) {
  lua_State *L = p->L;
  if (!lua_getmetatable(L, table))
    return RL_WIRE_TABLE;
  if (lua_topointer(L, -1) != p->metatable) {
    p->metatable = lua_topointer(L, -1);
    lua_pushvalue(L, p->held + 1);
    p->finalizes = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 1);
  }
  p->parcel->final += p->finalizes;
  return p->finalizes ? RL_WIRE_FINAL : RL_WIRE_CLASSED;
}

/* Sizes, fields and metatable; `slot` says whether there is one in the head. Returns where the
 * sizes are. */
static size_t pack_body(struct rl_packer *p, int table, bool slot, unsigned depth) {
  lua_State *L = p->L;
  unsigned tag = push_metatable(p, table);
  if (slot)
    put_head(p, tag);
  else
    put_u8(p, tag);
  size_t sizes = p->parcel->bytes.size;
  room(p, 2 * sizeof(uint32_t));
  pack_fields(p, table, sizes, depth);
  if (tag != RL_WIRE_TABLE) {
    pack_value(p, lua_gettop(L), depth + 1);
    lua_pop(L, 1);
  }
  return sizes;
}

static void pack_table(struct rl_packer *p, int index, unsigned depth) {
  if (too_deep(p, depth)) {
    put_head(p, RL_WIRE_LATER);
    defer(p, index, p->parcel->bytes.size);
    room(p, 2 * sizeof(uint32_t));
  } else {
    pack_body(p, index, true, depth);
  }
}

/* The number of the code in the parcel. Codes are met as objects are, by their address. */
static uint32_t code_of(struct rl_packer *p, int index) {
  struct rl_known *known = rl_codes_recall(p->L, index);
  if (!known)
    known = rl_codes_learn(p->L, index);
  bool met;
  struct rl_seen *seen = rl_identity_meet(&p->seen, known->code, &met);
  if (!seen)
    no_memory(p);
  if (!met) {
    seen->position = p->parcel->code_count;
    struct rl_code *code = rl_codes_take(known);
    if (!rl_parcel_add_code(p->parcel, code)) {
      rl_codes_give(p->L, code);
      no_memory(p);
    }
  }
  return (uint32_t)seen->position;
}

/* [.., captured value] -> [.., captured value]: the n-th of the function at `index`. */
static void pack_cell(struct rl_packer *p, int index, int n, unsigned depth) {
  bool met;
  struct rl_seen *seen = meet(p, lua_upvalueid(p->L, index, n), index, &met);
  if (met) {
    unsigned other = p->parcel->bytes.bytes[seen->position - 1];
    uint32_t slot = slot_of(p, seen);
    put_u8(p, RL_WIRE_CELL_AGAIN);
    put_u8(p, other);
    put_u32(p, slot);
  } else {
    put_u8(p, RL_WIRE_CELL);
    put_u8(p, (unsigned)n);
    seen->position = p->parcel->bytes.size;
    put_u32(p, 0);
    pack_value(p, lua_gettop(p->L), depth + 1);
  }
}

static void pack_captures(struct rl_packer *p, int index, unsigned depth) {
  lua_State *L = p->L;
  size_t position = p->parcel->bytes.size;
  put_u8(p, 0);
  int n = 1;
  for (; lua_getupvalue(L, index, n); n++) {
    if (lua_topointer(L, -1) == p->globals)
      put_u8(p, RL_WIRE_ENV);
    else
      pack_cell(p, index, n, depth);
    lua_pop(L, 1);
  }
  p->parcel->bytes.bytes[position] = (unsigned char)(n - 1);
}

int rl_packer_function_tag(lua_State *L, int index, const void *globals) {
  if (!lua_getupvalue(L, index, 1))
    return RL_WIRE_BARE;
  bool global = lua_topointer(L, -1) == globals;
  lua_pop(L, 1);
  if (global && !lua_getupvalue(L, index, 2))
    return RL_WIRE_GLOBAL;
  if (global)
    lua_pop(L, 1);
  return RL_WIRE_CLOSURE;
}

static void pack_function(struct rl_packer *p, int index, unsigned depth) {
  if (lua_iscfunction(p->L, index))
    refuse(p, index);
  uint32_t code = code_of(p, index);
  int tag = rl_packer_function_tag(p->L, index, p->globals);
  bool later = tag == RL_WIRE_CLOSURE && too_deep(p, depth);
  put_head(p, later ? RL_WIRE_LATER_CLOSURE : (unsigned)tag);
  put_u32(p, code);
  if (later)
    defer(p, index, 0);
  else if (tag == RL_WIRE_CLOSURE)
    pack_captures(p, index, depth);
}

/* [] -> [..]: calls __pack of the userdata at `index`; `first` is the index of what it returns. */
static void call_pack(struct rl_packer *p, int index, int first) {
  if (luaL_getmetafield(p->L, index, "__pack") == LUA_TNIL)
    refuse(p, index);
  if (!p->careful)
    stop(p, RL_PACKER_UNSAFE);
  lua_pushvalue(p->L, index);
  lua_call(p->L, 1, LUA_MULTRET);
  if (!lua_isfunction(p->L, first))
    luaL_error(p->L, "__pack must return a function and its arguments");
  luaL_checkstack(p->L, LUA_MINSTACK, "values that __pack returned");
}

static void pack_made(struct rl_packer *p, int index, unsigned depth) {
  const void *object = lua_topointer(p->L, index);
  int first = lua_gettop(p->L) + 1;
  bool met;
  meet(p, object, index, &met)->slot = unfinished;
  too_deep(p, p->making ? depth : 0);
  call_pack(p, index, first);
  int last = lua_gettop(p->L);
  put_head(p, RL_WIRE_MADE);
  put_u32(p, (uint32_t)(last - first));
  p->making++;
  for (int i = first; i <= last; i++)
    pack_value(p, i, depth + 1);
  p->making--;
  meet(p, object, index, &met)->slot = 0;
  lua_settop(p->L, first - 1);
}

static void pack_named(struct rl_packer *p) { // [path]
  size_t size;
  const char *path = lua_tolstring(p->L, -1, &size);
  put_head(p, RL_WIRE_NAMED);
  put_u32(p, (uint32_t)size);
  put_bytes(p, path, size);
  lua_pop(p->L, 1);
}

static void pack_object(struct rl_packer *p, int index, int type, unsigned depth) {
  const void *object = lua_topointer(p->L, index);
  if (object == p->globals) {
    put_u8(p, RL_WIRE_GLOBALS);
    return;
  }
  if (!first_time(p, object, index))
    return;
  luaL_checkstack(p->L, LUA_MINSTACK, "nested values");
  if (rl_names_find(p->L, index))
    pack_named(p);
  else if (type == LUA_TTABLE)
    pack_table(p, index, depth);
  else if (type == LUA_TFUNCTION)
    pack_function(p, index, depth);
  else
    pack_made(p, index, depth);
}

static void pack_value(struct rl_packer *p, int index, unsigned depth) {
  int type = lua_type(p->L, index);
  switch (type) {
  case LUA_TNIL: put_u8(p, RL_WIRE_NIL); break;
  case LUA_TBOOLEAN: put_u8(p, lua_toboolean(p->L, index) ? RL_WIRE_TRUE : RL_WIRE_FALSE); break;
  case LUA_TNUMBER: pack_number(p, index); break;
  case LUA_TSTRING: pack_string(p, index, false); break;
  case LUA_TTABLE:
  case LUA_TFUNCTION:
  case LUA_TUSERDATA: pack_object(p, index, type, depth); break;
  default: refuse(p, index);
  }
}

static void write_deferred(struct rl_packer *p) {
  lua_State *L = p->L;
  for (uint32_t i = 1; i <= p->parcel->later; i++) {
    lua_rawgeti(L, p->held, i);
    int index = lua_gettop(L);
    if (lua_isfunction(L, index)) {
      pack_captures(p, index, 0);
    } else {
      size_t sizes = pack_body(p, index, false, 0), mention;
      memcpy(&mention, p->mentions.bytes + (i - 1) * sizeof mention, sizeof mention);
      unsigned char *bytes = p->parcel->bytes.bytes;
      memcpy(bytes + mention, bytes + sizes, 2 * sizeof(uint32_t));
    }
    lua_settop(L, index - 1);
    lua_pushnil(L);
    lua_rawseti(L, p->held, i);
  }
}

void rl_packer_write(struct rl_packer *p, int count) {
  lua_newtable(p->L);
  lua_pushliteral(p->L, "__gc");
  p->held = count + 1;
  for (int i = 1; i <= count; i++)
    pack_value(p, i, 0);
  write_deferred(p);
  if (p->parcel->lends) {
    lua_settop(p->L, p->held);
    p->parcel->anchor = luaL_ref(p->L, LUA_REGISTRYINDEX);
  }
}

struct rl_packer *rl_packer_new(struct rl_heap *heap) {
  struct rl_packer *packer = rl_zalloc(heap, sizeof *packer);
  if (!packer)
    return NULL;
  packer->heap = heap;
  rl_identity_init(&packer->seen, heap);
  rl_buffer_init(&packer->mentions, heap);
  return packer;
}

void rl_packer_free(struct rl_packer *packer) {
  if (!packer)
    return;
  rl_identity_free(&packer->seen);
  rl_buffer_free(&packer->mentions);
  rl_free(packer->heap, packer, sizeof *packer);
}

void rl_packer_clear(struct rl_packer *packer) {
  rl_identity_clear(&packer->seen);
  packer->mentions.size = 0;
  if (packer->mentions.failed || packer->mentions.capacity > KEPT)
    rl_buffer_free(&packer->mentions);
  packer->trouble = RL_PACKER_FINE;
  packer->metatable = NULL;
  packer->lent = 0;
  packer->making = packer->strange = packer->familiar = 0;
}
