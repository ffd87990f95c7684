/* Values: the traversal.
 *
 * Tables are read raw. Each object has its place in `seen`, and in the bytes a slot that stays 0
 * until the object is met again. Recursion is bounded: what lies deeper is deferred.
 *
 * The table `held` on the stack holds what only Lua can: the objects deferred, under 1, 2, ...
 * until their bodies are written; the strings lent, under -1, -2, ...; in a careful pack every
 * object met, as a key; and the string "__gc" under 0. It is kept for the next pack if it was left
 * empty. It is got first: after that nothing here lets the collector step, so that no finalizer
 * changes what is being packed, and no address is used twice. */
#include "vm/values.h"

#include <lauxlib.h>
#include <string.h>

#include "vm/code.h"
#include "vm/fields.h"
#include "vm/mention.h"
#include "vm/names.h"
#include "vm/refuse.h"
#include "vm/shared.h"
#include "vm/text.h"

enum { MOST_LATER = 4096 }; /* objects deferred in a pack that leaves its table for the next */

static void no_memory(struct rl_packer *p) {
  luaL_error(p->L, "not enough memory");
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

static void pack_number(struct rl_packer *p, int index) {
  unsigned char *bytes = rl_put_room(p, 9);
  if (lua_isinteger(p->L, index)) {
    bytes += rl_put_integer(bytes, lua_tointeger(p->L, index));
  } else {
    lua_Number number = lua_tonumber(p->L, index);
    *bytes = RL_WIRE_FLOAT;
    memcpy(bytes + 1, &number, sizeof number);
    bytes += 1 + sizeof number;
  }
  rl_put_used(p, bytes);
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

/* [] -> [metatable] if there is one: the tag. */
static unsigned push_metatable(struct rl_packer *p, int table) {
  lua_State *L = p->L;
  if (!lua_getmetatable(L, table))
    return RL_WIRE_TABLE;
  if (lua_topointer(L, -1) != p->metatable) {
    p->metatable = lua_topointer(L, -1);
    lua_rawgeti(L, p->held, 0);
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
    rl_put_head(p, tag);
  else
    rl_put_u8(p, tag);
  size_t sizes = rl_put_position(p);
  rl_put_room(p, 2 * sizeof(uint32_t));
  rl_fields_pack(p, table, sizes, depth);
  if (tag != RL_WIRE_TABLE) {
    pack_value(p, lua_gettop(L), depth + 1);
    lua_pop(L, 1);
  }
  return sizes;
}

static void pack_table(struct rl_packer *p, int index, unsigned depth) {
  if (too_deep(p, depth)) {
    rl_put_head(p, RL_WIRE_LATER);
    defer(p, index, rl_put_position(p));
    rl_put_room(p, 2 * sizeof(uint32_t));
  } else {
    pack_body(p, index, true, depth);
  }
}

/* The number of the code in the parcel. Codes are met as objects are, by their address. */
static uint32_t code_of(struct rl_packer *p, int index) {
  struct rl_known *known = rl_codes_recall(p->L, index);
  if (!known)
    known = rl_codes_learn(p->L, index);
  struct rl_seen *seen = rl_mention_find(p, known->code);
  if (!rl_mention_met(p, seen)) {
    rl_identity_add(&p->seen, seen, known->code);
    seen->position = p->parcel->code_count; /* it has no slot */
    struct rl_code *code = rl_codes_take(known);
    if (!rl_parcel_add_code(p->parcel, code)) {
      rl_codes_give(p->L, code);
      no_memory(p);
    }
  }
  return seen->position;
}

/* [.., captured value] -> [.., captured value]: the n-th of the function at `index`. */
static void pack_cell(struct rl_packer *p, int index, int n, unsigned depth) {
  const void *cell = lua_upvalueid(p->L, index, n);
  struct rl_seen *seen = rl_mention_find(p, cell);
  if (rl_mention_met(p, seen)) {
    unsigned other = p->parcel->bytes.bytes[seen->position - 1];
    uint32_t slot = rl_mention_slot(p, seen);
    rl_put_u8(p, RL_WIRE_CELL_AGAIN);
    rl_put_u8(p, other);
    rl_put_u32(p, slot);
  } else {
    rl_put_u8(p, RL_WIRE_CELL);
    rl_mention_begin(p, seen, cell, index); /* whose number is its head */
    rl_put_u8(p, (unsigned)n);
    rl_put_u32(p, 0);
    pack_value(p, lua_gettop(p->L), depth + 1);
  }
}

static void pack_captures(struct rl_packer *p, int index, unsigned depth) {
  lua_State *L = p->L;
  size_t position = rl_put_position(p);
  rl_put_u8(p, 0);
  int n = 1;
  for (; lua_getupvalue(L, index, n); n++) {
    if (lua_topointer(L, -1) == p->globals)
      rl_put_u8(p, RL_WIRE_ENV);
    else
      pack_cell(p, index, n, depth);
    lua_pop(L, 1);
  }
  p->parcel->bytes.bytes[position] = (unsigned char)(n - 1);
}

int rl_values_function_tag(lua_State *L, int index, const void *globals) {
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
  int tag = rl_values_function_tag(p->L, index, p->globals);
  bool later = tag == RL_WIRE_CLOSURE && too_deep(p, depth);
  rl_put_head(p, later ? RL_WIRE_LATER_CLOSURE : (unsigned)tag);
  rl_put_u32(p, code);
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
  int first = lua_gettop(p->L) + 1;
  p->shape.places = 0;
  too_deep(p, p->making ? depth : 0);
  rl_put_head(p, RL_WIRE_MADE);
  size_t slot = rl_put_position(p) - sizeof(uint32_t);
  rl_put_patch(p, slot, RL_MENTION_UNFINISHED);
  call_pack(p, index, first);
  int last = lua_gettop(p->L);
  rl_put_u32(p, (uint32_t)(last - first));
  p->making++;
  for (int i = first; i <= last; i++)
    pack_value(p, i, depth + 1);
  p->making--;
  rl_put_patch(p, slot, 0);
  lua_settop(p->L, first - 1);
}

static void pack_named(struct rl_packer *p) { // [path]
  p->shape.places = 0;                        /* the receiver may run a module's code */
  size_t size;
  const char *path = lua_tolstring(p->L, -1, &size);
  rl_put_head(p, RL_WIRE_NAMED);
  rl_put_u32(p, (uint32_t)size);
  rl_put_bytes(p, path, size);
  lua_pop(p->L, 1);
}

/* A module's channel is the one that is sent, not what the receiver's module has: so it crosses by
 * reference even if it has a name. */
static void pack_shared(struct rl_packer *p, struct rl_shared *shared) {
  p->shape.places = 0; /* the receiver may load its module */
  rl_put_head(p, RL_WIRE_SHARED);
  rl_put_u32(p, p->parcel->share_count);
  if (!rl_parcel_add_share(p->parcel, shared))
    no_memory(p);
}

/* No object, and any address: it is never taken for one met before. */
static void pack_light(struct rl_packer *p, int index) {
  luaL_checkstack(p->L, LUA_MINSTACK, "nested values");
  if (!rl_names_find(p->L, index))
    refuse(p, index);
  pack_named(p);
}

static void pack_object(struct rl_packer *p, int index, int type, unsigned depth) {
  const void *object = lua_topointer(p->L, index);
  if (object == p->globals) {
    rl_put_u8(p, RL_WIRE_GLOBALS);
    return;
  }
  if (!rl_mention_first(p, object, index))
    return;
  luaL_checkstack(p->L, LUA_MINSTACK, "nested values");
  struct rl_shared *shared = type == LUA_TUSERDATA ? rl_shared_at(p->L, index) : NULL;
  if (shared)
    pack_shared(p, shared);
  else if (rl_names_find(p->L, index))
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
  case LUA_TNIL: rl_put_u8(p, RL_WIRE_NIL); break;
  case LUA_TBOOLEAN: rl_put_u8(p, lua_toboolean(p->L, index) ? RL_WIRE_TRUE : RL_WIRE_FALSE); break;
  case LUA_TNUMBER: pack_number(p, index); break;
  case LUA_TSTRING: rl_text_pack(p, index, false); break;
  case LUA_TTABLE:
  case LUA_TFUNCTION:
  case LUA_TUSERDATA: pack_object(p, index, type, depth); break;
  case LUA_TLIGHTUSERDATA: pack_light(p, index); break;
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

/* [] -> [held]: the one of the last pack, which has left it empty, or a new one. */
static void push_held(struct rl_packer *p) {
  if (p->keeps && lua_rawgetp(p->L, LUA_REGISTRYINDEX, p) == LUA_TTABLE)
    return;
  lua_settop(p->L, p->held - 1);
  lua_createtable(p->L, 0, 1);
  lua_pushliteral(p->L, "__gc");
  lua_rawseti(p->L, -2, 0);
  if (p->keeps) {
    lua_pushvalue(p->L, -1);
    lua_rawsetp(p->L, LUA_REGISTRYINDEX, p);
  }
}

void rl_values_forget(lua_State *L, struct rl_packer *p) {
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, p);
}

void rl_values_write(struct rl_packer *p, int count) {
  p->value = pack_value;
  p->held = count + 1;
  push_held(p);
  for (int i = 1; i <= count; i++)
    pack_value(p, i, 0);
  write_deferred(p);
  if (p->parcel->lends) {
    lua_settop(p->L, p->held);
    p->parcel->anchor = luaL_ref(p->L, LUA_REGISTRYINDEX);
  }
  if (p->keeps && (p->parcel->lends || p->careful || p->parcel->later > MOST_LATER))
    rl_values_forget(p->L, p);
  if (rl_put_position(p) > UINT32_MAX)
    luaL_error(p->L, "more than 4 GiB to pack");
}
