/* JSON encoding: one pass over the value, into the state's buffer; an array is looked through once
 * before, for whether it is one. Unless names are sorted nothing allocates Lua's memory before the
 * text is complete, so no finalizer comes in between and uses the buffer as well. */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "vm/inside.h"
#include "vm/json.h"
#include "vm/json_mark.h"
#include "vm/json_names.h"
#include "vm/json_text.h"
#include "vm/scratch.h"
#include "vm/step.h"
#include "vm/vm.h"

enum { KEPT = 1 << 16 };

const struct rl_json_style rl_json_plain = {.depth = RL_JSON_DEPTH};

/* A table on the way to the value that is being written. */
struct level {
  const struct level *outer; /* NULL for the outermost */
  int key;                   /* where on the stack the key is, or 0: */
  lua_Integer place;         /* in an array */
  int depth;
};

struct encoder {
  lua_State *L;
  struct rl_buffer *to;
  const struct rl_json_style *style;
  bool inside; /* tables may be looked into */
};

static void encode(struct encoder *e, int index, const struct level *level);

/* -- what is wrong -------------------------------------------------------------------------- */

/* [] -> [path] */
static void push_path(lua_State *L, const struct level *level) {
  int base = lua_gettop(L);
  lua_pushliteral(L, "");
  for (; level; level = level->outer) {
    if (level->key)
      rl_step_push(L, level->key);
    else
      lua_pushfstring(L, "[%I]", level->place);
    lua_insert(L, base + 1);
    lua_concat(L, 2);
  }
}

static void refuse(struct encoder *e, const struct level *level, const char *what) {
  luaL_checkstack(e->L, 8, "JSON");
  push_path(e->L, level);
  const char *path = lua_tostring(e->L, -1);
  luaL_error(e->L, "JSON: %s %s", *path ? path : "the value", what);
}

/* -- strings, numbers ----------------------------------------------------------------------- */

static void put(struct encoder *e, const char *text, size_t size) {
  rl_buffer_append(e->to, text, size);
}

static void put_escape(struct encoder *e, unsigned char byte) {
  static const char letters[] = "btn?fr"; /* 8 to 13 */
  static const char digits[] = "0123456789abcdef";
  char text[6] = {'\\', (char)byte};
  size_t size = 2;
  if (byte >= 8 && byte <= 13 && byte != 11) {
    text[1] = letters[byte - 8];
  } else if (byte < ' ') {
    memcpy(text + 1, "u00", 3);
    text[4] = digits[byte >> 4];
    text[5] = digits[byte & 15];
    size = 6;
  }
  put(e, text, size);
}

static bool put_text(struct encoder *e, const char *text, size_t size) {
  const char *end = text + size;
  rl_buffer_byte(e->to, '"');
  for (;;) {
    const char *special = rl_json_text(text, end);
    put(e, text, (size_t)(special - text));
    if (special == end)
      break;
    if ((unsigned char)*special >= 0x80)
      return false;
    put_escape(e, (unsigned char)*special);
    text = special + 1;
  }
  rl_buffer_byte(e->to, '"');
  return true;
}

/* `what` is the text, which put_text has not taken. */
static void refuse_text(struct encoder *e, const struct level *level, const char *what,
                        const char *text, size_t size) {
  const char *end = text + size, *at = rl_json_text(text, end);
  while ((unsigned char)*at < 0x80)
    at = rl_json_text(at + 1, end);
  refuse(e, level,
         lua_pushfstring(e->L,
                         "%s not UTF-8 (byte %I is \"\\%d\"): make it so, or text by crypto.base64",
                         what, (lua_Integer)(at - text + 1), (int)(unsigned char)*at));
}

static void put_string(struct encoder *e, int index, const struct level *level) {
  size_t size;
  const char *text = lua_tolstring(e->L, index, &size);
  if (!put_text(e, text, size))
    refuse_text(e, level, "is", text, size);
}

static void put_integer(struct encoder *e, lua_Integer value) {
  char text[RL_DECIMAL_ROOM];
  put(e, text, rl_decimal_integer(value, text));
}

static void put_number(struct encoder *e, int index, const struct level *level) {
  char text[RL_DECIMAL_ROOM];
  if (lua_isinteger(e->L, index)) {
    put_integer(e, lua_tointeger(e->L, index));
    return;
  }
  lua_Number value = lua_tonumber(e->L, index);
  if (!isfinite(value))
    refuse(e, level, isnan(value) ? "is NaN" : "is infinite");
  put(e, text, rl_decimal_float(value, text));
}

/* -- arrays --------------------------------------------------------------------------------- */

/* Whether a table without a hash part, whose length by the API is `length`, has nothing else. */
static bool is_pure(lua_State *L, int index, lua_Integer length) {
  const struct rl_inside_table *table = rl_inside_of(L, index);
  if (rl_inside_pairs(table) > 0)
    return false;
  size_t room = rl_inside_room(table);
  for (size_t i = 0; i < room; i++)
    if (rl_inside_nil(table->array[i].kind) != (i >= (size_t)length))
      return false;
  return true;
}

/* How long the array is, whose keys are 1 to n and no others; 0 if it is none or empty. */
static lua_Integer length_of(struct encoder *e, int index) {
  lua_State *L = e->L;
  lua_Integer length = (lua_Integer)lua_rawlen(L, index), count = 0;
  if (length == 0 || (e->inside && is_pure(L, index, length)))
    return length;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    lua_Integer key = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
    if (key < 1 || key > length) {
      lua_pop(L, 2);
      return 0;
    }
    count++;
  }
  return count == length ? length : 0;
}

static bool is_empty(lua_State *L, int index) {
  lua_pushnil(L);
  bool empty = !lua_next(L, index);
  if (!empty)
    lua_pop(L, 2);
  return empty;
}

/* A new line for what is `depth` deep, where lines are asked for. */
static void put_line(struct encoder *e, int depth) {
  if (e->style->indent == 0)
    return;
  size_t spaces = (size_t)depth * (size_t)e->style->indent;
  rl_buffer_byte(e->to, '\n');
  unsigned char *room = rl_buffer_extend(e->to, spaces);
  if (room)
    memset(room, ' ', spaces);
}

static void put_array(struct encoder *e, int index, lua_Integer length, struct level *level) {
  rl_buffer_byte(e->to, '[');
  for (level->place = 1; level->place <= length; level->place++) {
    if (level->place > 1)
      rl_buffer_byte(e->to, ',');
    put_line(e, level->depth);
    lua_rawgeti(e->L, index, level->place);
    encode(e, lua_gettop(e->L), level);
    lua_pop(e->L, 1);
  }
  put_line(e, level->depth - 1);
  rl_buffer_byte(e->to, ']');
}

/* -- objects -------------------------------------------------------------------------------- */

/* A name that an integer has as well would be there twice. */
static void check_single(struct encoder *e, int index, const struct level *level) {
  struct rl_decimal decimal;
  size_t size;
  const char *text = lua_tolstring(e->L, level->key, &size);
  const char *end = rl_decimal_read(text, &decimal);
  if (decimal.kind != RL_DECIMAL_INTEGER || end != text + size)
    return;
  if (lua_rawgeti(e->L, index, decimal.integer) != LUA_TNIL)
    refuse(e, level->outer,
           lua_pushfstring(e->L, "has the key %I both as an integer and as a string",
                           (lua_Integer)decimal.integer));
  lua_pop(e->L, 1);
}

static void put_name(struct encoder *e, int index, const struct level *level) {
  size_t size;
  if (lua_type(e->L, level->key) == LUA_TSTRING) {
    const char *text = lua_tolstring(e->L, level->key, &size);
    if (*text <= '9')
      check_single(e, index, level);
    if (!put_text(e, text, size))
      refuse_text(e, level->outer, "has a key that is", text, size);
  } else if (lua_isinteger(e->L, level->key)) {
    rl_buffer_byte(e->to, '"');
    put_integer(e, lua_tointeger(e->L, level->key));
    rl_buffer_byte(e->to, '"');
  } else {
    refuse(e, level->outer, "has a key that is neither a string nor an integer");
  }
}

/* [key, value] -> [key] */
static void put_member(struct encoder *e, int index, struct level *level, bool first) {
  level->key = lua_gettop(e->L) - 1;
  if (!first)
    rl_buffer_byte(e->to, ',');
  put_line(e, level->depth);
  put_name(e, index, level);
  rl_buffer_byte(e->to, ':');
  if (e->style->indent > 0)
    rl_buffer_byte(e->to, ' ');
  encode(e, level->key + 1, level);
  lua_pop(e->L, 1);
}

static void put_members(struct encoder *e, int index, struct level *level) {
  bool first = true;
  for (lua_pushnil(e->L); lua_next(e->L, index); first = false)
    put_member(e, index, level, first);
}

static void put_sorted_members(struct encoder *e, int index, struct level *level) {
  lua_State *L = e->L;
  lua_Integer count = rl_json_names(L, index);
  if (count < 0) {
    level->key = lua_gettop(L);
    put_name(e, index, level); /* which refuses it */
  }
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i); // [.., names, key]
    lua_pushvalue(L, -1);
    lua_rawget(L, index);
    put_member(e, index, level, i == 1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* A value read where it lies; false: it is none that can be written so. */
static bool put_plain(struct encoder *e, uint8_t kind, union rl_inside_datum datum) {
  char digits[RL_DECIMAL_ROOM];
  size_t size;
  switch (kind) {
  case RL_INSIDE_FALSE: put(e, "false", 5); return true;
  case RL_INSIDE_TRUE: put(e, "true", 4); return true;
  case RL_INSIDE_INTEGER: put_integer(e, datum.integer); return true;
  case RL_INSIDE_FLOAT:
    if (!isfinite(datum.number))
      return false;
    put(e, digits, rl_decimal_float(datum.number, digits));
    return true;
  case RL_INSIDE_SHORT:
  case RL_INSIDE_LONG: {
    const char *text = rl_inside_text(datum.object, &size);
    return put_text(e, text, size);
  }
  default: return false;
  }
}

/* The same for a pair whose name no integer can have as well. */
static bool put_plain_pair(struct encoder *e, const struct rl_inside_pair *pair) {
  size_t size;
  if (pair->key_kind != RL_INSIDE_SHORT)
    return false;
  const char *name = rl_inside_text(pair->key.object, &size);
  if (*name <= '9' || !put_text(e, name, size))
    return false;
  rl_buffer_byte(e->to, ':');
  return put_plain(e, pair->kind, pair->value);
}

/* Most objects hold nothing but plain values under names: these need no call of Lua's API. Where
 * one holds something else, or something wrong, nothing is written. */
static bool put_plain_object(struct encoder *e, int index) {
  const struct rl_inside_table *table = rl_inside_of(e->L, index);
  size_t pairs = rl_inside_pairs(table), start = e->to->size;
  if (pairs == 0 || rl_inside_room(table) != 0)
    return false;
  char before = '{';
  for (size_t i = 0; i < pairs; i++) {
    if (rl_inside_nil(table->pairs[i].kind))
      continue;
    rl_buffer_byte(e->to, (unsigned char)before);
    before = ',';
    if (!put_plain_pair(e, &table->pairs[i])) {
      e->to->size = start;
      return false;
    }
  }
  if (before == '{')
    return false;
  rl_buffer_byte(e->to, '}');
  return true;
}

static void put_object(struct encoder *e, int index, struct level *level) {
  rl_buffer_byte(e->to, '{');
  if (e->style->sorted)
    put_sorted_members(e, index, level);
  else
    put_members(e, index, level);
  put_line(e, level->depth - 1);
  rl_buffer_byte(e->to, '}');
}

/* -- values --------------------------------------------------------------------------------- */

static void put_table(struct encoder *e, int index, const struct level *outer) {
  struct level level = {.outer = outer, .depth = outer ? outer->depth + 1 : 1};
  if (level.depth > e->style->depth)
    luaL_error(e->L, "JSON: a table contains itself, or they are nested more than %d deep",
               e->style->depth);
  luaL_checkstack(e->L, 8, "JSON");
  enum rl_json_mark mark = rl_json_mark_of(e->L, index);
  bool direct = e->inside && !e->style->sorted && e->style->indent == 0;
  if (direct && mark != RL_JSON_ARRAY && put_plain_object(e, index))
    return;
  lua_Integer length = mark == RL_JSON_OBJECT ? 0 : length_of(e, index);
  if (length > 0)
    put_array(e, index, length, &level);
  else if (is_empty(e->L, index))
    put(e, mark == RL_JSON_ARRAY ? "[]" : "{}", 2);
  else if (mark == RL_JSON_ARRAY)
    refuse(e, outer, "is marked as an array, but its keys are not 1 to n");
  else
    put_object(e, index, &level);
}

/* Of a type that JSON lacks: a task, say, which was not awaited. */
static const char *name_of(lua_State *L, int index) {
  if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING)
    return lua_tostring(L, -1); /* the metatable has it */
  return luaL_typename(L, index);
}

/* `index` is absolute. */
static void encode(struct encoder *e, int index, const struct level *level) {
  lua_State *L = e->L;
  switch (lua_type(L, index)) {
  case LUA_TNIL: put(e, "null", 4); return;
  case LUA_TBOOLEAN:
    put(e, lua_toboolean(L, index) ? "true" : "false", lua_toboolean(L, index) ? 4 : 5);
    return;
  case LUA_TNUMBER: put_number(e, index, level); return;
  case LUA_TSTRING: put_string(e, index, level); return;
  case LUA_TTABLE: put_table(e, index, level); return;
  case LUA_TLIGHTUSERDATA:
    if (!lua_touserdata(L, index)) {
      put(e, "null", 4);
      return;
    }
  /* fall through */
  default:
    refuse(e, level, lua_pushfstring(L, "is a %s, which JSON cannot say", name_of(L, index)));
  }
}

/* -- the whole ------------------------------------------------------------------------------ */

void rl_json_append(lua_State *L, int index, struct rl_buffer *to) {
  struct encoder e = {L, to, &rl_json_plain, rl_vm_of(L)->inside};
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, "JSON");
  encode(&e, lua_absindex(L, index), NULL);
  if (to->failed)
    luaL_error(L, "not enough memory");
  lua_settop(L, top);
}

void rl_json_encode(lua_State *L, int index, const struct rl_json_style *style) {
  struct rl_vm *vm = rl_vm_of(L);
  struct encoder e = {L, &vm->text, style, vm->inside};
  int value = lua_absindex(L, index), top = lua_gettop(L);
  luaL_checkstack(L, 8, "JSON");
  if (style->sorted) /* one of its own, since sorting lets finalizers run */
    e.to = rl_scratch_push(L);
  else if (e.to->failed)
    rl_buffer_free(e.to);
  e.to->size = 0;
  encode(&e, value, NULL);
  if (e.to->failed)
    luaL_error(L, "not enough memory");
  lua_pushlstring(L, (const char *)e.to->bytes, e.to->size);
  if (style->sorted || e.to->capacity > KEPT)
    rl_buffer_free(e.to);
  lua_copy(L, -1, top + 1);
  lua_settop(L, top + 1);
}
