/* Unpack: makes values from the bytes of a parcel (wire.h), on the receiver's thread.
 *
 * Corrupt input ends in an error; a slot or piece of code that does not exist does too. Where a
 * parcel has slots or deferred bodies, two tables lie below its values while it is read: the
 * objects by slot, and the deferred ones by number; under -1, -2, ... there are pairs of a table
 * and a metatable to set at the end.
 */
#include "vm/code.h"
#include "vm/collector.h"
#include "vm/reader.h"
#include "vm/resolve.h"
#include "vm/rows.h"
#include "vm/shared.h"
#include "vm/vm.h"

enum { LARGE = 16 * 1024 }; /* bytes of a parcel worth holding the collector back for */

/* No more elements than bytes may be announced; Lua's own limit is an int. */
static void push_table(struct rl_reader *r, struct rl_reader_sizes sizes) {
  if (sizes.sequence > rl_reader_left(r) || sizes.pairs > rl_reader_left(r) ||
      (sizes.sequence | sizes.pairs) >> 30)
    rl_reader_corrupt(r);
  lua_createtable(r->L, (int)sizes.sequence, (int)sizes.pairs);
}

/* [object] -> [object]: it may be mentioned again if its slot is not 0. */
static void keep(struct rl_reader *r, uint32_t slot) {
  if (slot == 0)
    return;
  if (slot > r->parcel->slots)
    rl_reader_corrupt(r);
  lua_pushvalue(r->L, -1);
  lua_rawseti(r->L, r->objects, slot);
}

/* [object] -> [object]: its body comes later. */
static void defer(struct rl_reader *r) {
  if (r->later == r->parcel->later)
    rl_reader_corrupt(r);
  lua_pushvalue(r->L, -1);
  lua_rawseti(r->L, r->deferred, ++r->later);
}

/* [] -> [object] */
static void push_again(struct rl_reader *r, uint32_t slot) {
  if (slot == 0 || slot > r->parcel->slots || lua_rawgeti(r->L, r->objects, slot) == LUA_TNIL)
    rl_reader_corrupt(r);
}

static void push_text(struct rl_reader *r, size_t size) {
  lua_pushlstring(r->L, rl_reader_take(r, size), size);
}

/* The hash is for whoever looks ahead (rows.c). */
static void push_short(struct rl_reader *r) {
  size_t size = rl_reader_u8(r);
  rl_reader_u32(r);
  push_text(r, size);
}

static void push_lent(struct rl_reader *r) {
  const char *bytes;
  uint64_t size;
  uint32_t slot = rl_reader_u32(r);
  memcpy(&bytes, rl_reader_take(r, sizeof bytes), sizeof bytes);
  memcpy(&size, rl_reader_take(r, sizeof size), sizeof size);
  if (!r->parcel->lends)
    rl_reader_corrupt(r);
  lua_pushlstring(r->L, bytes, size);
  keep(r, slot);
}

static void push_code(struct rl_reader *r, enum rl_code_captures captures) {
  uint32_t slot = rl_reader_u32(r), index = rl_reader_u32(r);
  if (index >= r->parcel->code_count)
    rl_reader_corrupt(r);
  rl_codes_push(r->L, rl_parcel_code(r->parcel, index), captures);
  keep(r, slot);
}

static void push_named(struct rl_reader *r) {
  uint32_t slot = rl_reader_u32(r), size = rl_reader_u32(r);
  const char *path = rl_reader_take(r, size);
  rl_rows_end(r);
  rl_resolve_push(r->L, path, size);
  keep(r, slot);
}

static void push_value(struct rl_reader *r, unsigned depth);

/* [function] -> [function]: joins its variable `n` with that of a function before. */
static void join(struct rl_reader *r, int n) {
  int other = (int)rl_reader_u8(r);
  push_again(r, rl_reader_u32(r));
  if (lua_type(r->L, -1) != LUA_TFUNCTION || lua_iscfunction(r->L, -1) ||
      !lua_getupvalue(r->L, -1, other))
    rl_reader_corrupt(r);
  lua_pop(r->L, 1);
  lua_upvaluejoin(r->L, -2, n, -1, other);
  lua_pop(r->L, 1);
}

/* [function] -> [function]: the captures, each set explicitly, since loading code has made the
 * first the globals, whatever it was. */
static void read_captures(struct rl_reader *r, unsigned depth) {
  int count = (int)rl_reader_u8(r), function = lua_gettop(r->L);
  for (int n = 1; n <= count; n++) {
    unsigned tag = rl_reader_u8(r);
    if (tag == RL_WIRE_CELL_AGAIN) {
      join(r, n);
      continue;
    }
    if (tag == RL_WIRE_ENV) {
      lua_pushglobaltable(r->L);
    } else if (tag == RL_WIRE_CELL) {
      rl_reader_u8(r); /* n, for the sender */
      uint32_t slot = rl_reader_u32(r);
      lua_pushvalue(r->L, function);
      keep(r, slot);
      lua_pop(r->L, 1);
      push_value(r, depth + 1);
    } else {
      rl_reader_corrupt(r);
    }
    if (!lua_setupvalue(r->L, function, n))
      rl_reader_corrupt(r);
  }
}

/* [table] -> [table] */
static void read_fields(struct rl_reader *r, struct rl_reader_sizes sizes, unsigned depth) {
  lua_State *L = r->L;
  int table = lua_gettop(L);
  for (uint32_t i = 0; i < sizes.sequence;) {
    uint32_t before = i;
    if (r->inside) {
      i += rl_rows_numbers(r, table, i, sizes.sequence);
      i += rl_rows_store(r, table, i, sizes.sequence);
    }
    if (i == before) {
      push_value(r, depth + 1);
      lua_rawseti(L, table, ++i);
    }
  }
  for (uint32_t i = 0; i < sizes.pairs; i++) {
    push_value(r, depth + 1);
    push_value(r, depth + 1);
    lua_rawset(L, table);
  }
}

/* [table, metatable] -> [table] */
static void finish_later(struct rl_reader *r) {
  if (r->final == r->parcel->final)
    rl_reader_corrupt(r);
  lua_Integer key = -2 * (lua_Integer)++r->final;
  lua_rawseti(r->L, r->deferred, key);
  lua_pushvalue(r->L, -1);
  lua_rawseti(r->L, r->deferred, key + 1);
}

/* [table] -> [table] */
static void read_metatable(struct rl_reader *r, unsigned tag, unsigned depth) {
  if (tag == RL_WIRE_TABLE)
    return;
  push_value(r, depth + 1);
  if (!lua_istable(r->L, -1))
    rl_reader_corrupt(r);
  if (tag == RL_WIRE_FINAL)
    finish_later(r);
  else
    lua_setmetatable(r->L, -2);
}

static void push_fields(struct rl_reader *r, unsigned tag, unsigned depth) {
  uint32_t slot = rl_reader_u32(r);
  struct rl_reader_sizes sizes = rl_reader_sizes(r);
  push_table(r, sizes);
  keep(r, slot);
  read_fields(r, sizes, depth);
  read_metatable(r, tag, depth);
}

static void push_model(struct rl_reader *r) {
  uint32_t slot = rl_reader_u32(r);
  struct rl_reader_sizes sizes = rl_reader_sizes(r);
  if (!r->inside || sizes.sequence != 0 || sizes.pairs == 0 || sizes.pairs > RL_WIRE_ROW_MOST)
    rl_reader_corrupt(r);
  push_table(r, sizes);
  keep(r, slot);
  rl_rows_model(r, sizes.pairs);
}

/* Whoever reads a value that may be one has made room for it on the stack. */
static void push_row(struct rl_reader *r) {
  uint32_t slot = rl_reader_u32(r);
  rl_rows_push(r);
  keep(r, slot);
}

static void push_made(struct rl_reader *r, unsigned depth) {
  uint32_t slot = rl_reader_u32(r), count = rl_reader_u32(r);
  if (count > rl_reader_left(r) || count > INT_MAX / 2)
    rl_reader_corrupt(r);
  luaL_checkstack(r->L, (int)count + LUA_MINSTACK, "arguments of a constructor");
  for (uint32_t i = 0; i <= count; i++)
    push_value(r, depth + 1);
  rl_rows_end(r); /* only now: there may be a model among these */
  lua_call(r->L, (int)count, 1);
  keep(r, slot);
}

static void push_shared(struct rl_reader *r) {
  uint32_t slot = rl_reader_u32(r), index = rl_reader_u32(r);
  if (index >= r->parcel->share_count)
    rl_reader_corrupt(r);
  rl_rows_end(r);
  rl_shared_push(r->L, r->parcel->shares[index]);
  keep(r, slot);
}

/* What follows the tag of an integer. */
union integer {
  int8_t one;
  int16_t two;
  int32_t four;
  int64_t eight;
};

static void push_integer(struct rl_reader *r, unsigned tag) {
  union integer number;
  size_t size = (size_t)1 << (tag - RL_WIRE_INT1);
  memcpy(&number, rl_reader_take(r, size), size);
  switch (size) {
  case 1: lua_pushinteger(r->L, number.one); break;
  case 2: lua_pushinteger(r->L, number.two); break;
  case 4: lua_pushinteger(r->L, number.four); break;
  default: lua_pushinteger(r->L, number.eight); break;
  }
}

static void push_float(struct rl_reader *r) {
  double number;
  memcpy(&number, rl_reader_take(r, sizeof number), sizeof number);
  lua_pushnumber(r->L, number);
}

static void push_key(struct rl_reader *r) {
  uint32_t slot = rl_reader_u32(r);
  push_text(r, rl_reader_u32(r));
  keep(r, slot);
}

static void push_later(struct rl_reader *r) {
  uint32_t slot = rl_reader_u32(r);
  push_table(r, rl_reader_sizes(r));
  keep(r, slot);
  defer(r);
}

static void push_object(struct rl_reader *r, unsigned tag, unsigned depth) {
  if (depth > RL_WIRE_MADE_DEPTH)
    rl_reader_corrupt(r);
  luaL_checkstack(r->L, RL_ROWS_STACK + LUA_MINSTACK, "nested values");
  switch (tag) {
  case RL_WIRE_TABLE:
  case RL_WIRE_CLASSED:
  case RL_WIRE_FINAL: push_fields(r, tag, depth); break;
  case RL_WIRE_MODEL: push_model(r); break;
  case RL_WIRE_LATER: push_later(r); break;
  case RL_WIRE_GLOBALS: lua_pushglobaltable(r->L); break;
  case RL_WIRE_NAMED: push_named(r); break;
  case RL_WIRE_BARE: push_code(r, RL_CODE_NOTHING); break;
  case RL_WIRE_GLOBAL: push_code(r, RL_CODE_ENV); break;
  case RL_WIRE_CLOSURE:
    push_code(r, RL_CODE_OTHERS);
    read_captures(r, depth);
    break;
  case RL_WIRE_LATER_CLOSURE:
    push_code(r, RL_CODE_OTHERS);
    defer(r);
    break;
  case RL_WIRE_MADE: push_made(r, depth); break;
  case RL_WIRE_SHARED: push_shared(r); break;
  default: rl_reader_corrupt(r);
  }
}

static void push_value(struct rl_reader *r, unsigned depth) {
  unsigned tag = rl_reader_u8(r);
  if (tag >= RL_WIRE_SMALL) {
    lua_pushinteger(r->L, tag - RL_WIRE_SMALL);
    return;
  }
  switch (tag) {
  case RL_WIRE_NIL: lua_pushnil(r->L); break;
  case RL_WIRE_FALSE: lua_pushboolean(r->L, false); break;
  case RL_WIRE_TRUE: lua_pushboolean(r->L, true); break;
  case RL_WIRE_INT1:
  case RL_WIRE_INT2:
  case RL_WIRE_INT4:
  case RL_WIRE_INT8: push_integer(r, tag); break;
  case RL_WIRE_FLOAT: push_float(r); break;
  case RL_WIRE_TEXT1: push_text(r, rl_reader_u8(r)); break;
  case RL_WIRE_TEXT4: push_text(r, rl_reader_u32(r)); break;
  case RL_WIRE_SHORT: push_short(r); break;
  case RL_WIRE_KEY: push_key(r); break;
  case RL_WIRE_LENT: push_lent(r); break;
  case RL_WIRE_ROW: push_row(r); break;
  case RL_WIRE_AGAIN1: push_again(r, rl_reader_u8(r)); break;
  case RL_WIRE_AGAIN4: push_again(r, rl_reader_u32(r)); break;
  default: push_object(r, tag, depth);
  }
}

/* The bodies, in the order of their mention; reading one may defer more. */
static void read_deferred(struct rl_reader *r) {
  while (r->settled < r->later) {
    lua_rawgeti(r->L, r->deferred, ++r->settled);
    if (lua_isfunction(r->L, -1)) {
      read_captures(r, 0);
    } else {
      unsigned tag = rl_reader_u8(r);
      if (tag < RL_WIRE_TABLE || tag > RL_WIRE_FINAL)
        rl_reader_corrupt(r);
      read_fields(r, rl_reader_sizes(r), 0);
      read_metatable(r, tag, 0);
    }
    lua_pop(r->L, 1);
    lua_pushnil(r->L);
    lua_rawseti(r->L, r->deferred, r->settled);
  }
}

static void set_metatables(struct rl_reader *r) {
  for (lua_Integer key = -1; key >= -2 * (lua_Integer)r->final; key -= 2) {
    lua_rawgeti(r->L, r->deferred, key);
    lua_rawgeti(r->L, r->deferred, key - 1);
    lua_setmetatable(r->L, -2);
    lua_pop(r->L, 1);
  }
}

static int unpack(lua_State *L, struct rl_parcel *parcel) {
  const unsigned char *bytes = parcel->bytes.bytes;
  struct rl_reader r = {.L = L, .parcel = parcel, .at = bytes, .value = push_value};
  r.inside = rl_vm_of(L)->inside;
  r.state = rl_vm_of(L)->state;
  r.end = bytes ? bytes + parcel->bytes.size : NULL;
  luaL_checkstack(L, parcel->values + RL_ROWS_STACK + LUA_MINSTACK, "unpacked values");
  if (parcel->slots || parcel->later || parcel->final) {
    lua_createtable(L, (int)parcel->slots, 0);
    lua_createtable(L, (int)parcel->later, 2 * (int)parcel->final);
    r.deferred = lua_gettop(L);
    r.objects = r.deferred - 1;
  }
  for (int i = 0; i < parcel->values; i++)
    push_value(&r, 0);
  if (r.objects) {
    read_deferred(&r);
    set_metatables(&r);
    lua_remove(L, r.deferred);
    lua_remove(L, r.objects);
  }
  rl_rows_end(&r);
  for (uint32_t i = 0; i < parcel->code_count; i++)
    rl_codes_give(L, rl_parcel_code(parcel, i));
  parcel->code_count = 0;
  return parcel->values;
}

static int unpack_held(lua_State *L) { // [parcel]
  struct rl_parcel *parcel = lua_touserdata(L, 1);
  lua_settop(L, 0);
  return unpack(L, parcel);
}

int rl_unpack(lua_State *L, struct rl_parcel *parcel) {
  if (parcel->bytes.size < LARGE)
    return unpack(L, parcel);
  luaL_checkstack(L, parcel->values + RL_ROWS_STACK + LUA_MINSTACK, "unpacked values");
  if (rl_collector_hold(L, unpack_held, parcel) != LUA_OK)
    return lua_error(L);
  return parcel->values;
}
