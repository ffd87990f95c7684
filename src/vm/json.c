/* JSON: one pass over the value; a table is looked through once before, for whether it is an array.
 */
#include "vm/json.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEPTH = 128 };

static void encode(lua_State *L, int index, struct rl_buffer *to, int depth);

static void put(struct rl_buffer *to, const char *text, size_t size) {
  rl_buffer_append(to, text, size);
}

static void put_escape(struct rl_buffer *to, unsigned char byte) {
  static const char letters[] = "btn?fr"; /* 8 to 13 */
  char text[8] = {'\\', (char)byte};
  size_t size = 2;
  if (byte >= 8 && byte <= 13 && byte != 11)
    text[1] = letters[byte - 8];
  else if (byte < ' ')
    size = (size_t)snprintf(text, sizeof text, "\\u%04x", byte);
  put(to, text, size);
}

static void put_string(lua_State *L, int index, struct rl_buffer *to) {
  size_t size, start = 0;
  const char *text = lua_tolstring(L, index, &size);
  rl_buffer_byte(to, '"');
  for (size_t i = 0; i < size; i++) {
    unsigned char byte = (unsigned char)text[i];
    if (byte >= ' ' && byte != '"' && byte != '\\')
      continue;
    put(to, text + start, i - start);
    put_escape(to, byte);
    start = i + 1;
  }
  put(to, text + start, size - start);
  rl_buffer_byte(to, '"');
}

static void put_integer(lua_Integer value, struct rl_buffer *to) {
  char text[24];
  put(to, text, (size_t)snprintf(text, sizeof text, LUA_INTEGER_FMT, value));
}

/* The shortest of the usual forms that is read back as the same number. */
static void put_float(lua_State *L, lua_Number value, struct rl_buffer *to) {
  char text[32];
  if (!isfinite(value))
    luaL_error(L, "JSON has no %s", isnan(value) ? "NaN" : "infinity");
  int size = snprintf(text, sizeof text, "%.15g", value);
  if (strtod(text, NULL) != value)
    size = snprintf(text, sizeof text, "%.17g", value);
  put(to, text, (size_t)size);
}

static void put_number(lua_State *L, int index, struct rl_buffer *to) {
  if (lua_isinteger(L, index))
    put_integer(lua_tointeger(L, index), to);
  else
    put_float(L, lua_tonumber(L, index), to);
}

/* How long the array is; 0 if the table is none. */
static lua_Integer length_of(lua_State *L, int index) {
  lua_Integer length = (lua_Integer)lua_rawlen(L, index), count = 0;
  if (length == 0)
    return 0;
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

static void put_array(lua_State *L, int index, lua_Integer length, struct rl_buffer *to,
                      int depth) {
  for (lua_Integer i = 1; i <= length; i++) {
    rl_buffer_byte(to, i == 1 ? '[' : ',');
    lua_rawgeti(L, index, i);
    encode(L, lua_gettop(L), to, depth);
    lua_pop(L, 1);
  }
  rl_buffer_byte(to, ']');
}

static void put_key(lua_State *L, int index, struct rl_buffer *to) {
  if (lua_type(L, index) == LUA_TSTRING) {
    put_string(L, index, to);
  } else if (lua_isinteger(L, index)) {
    rl_buffer_byte(to, '"');
    put_integer(lua_tointeger(L, index), to);
    rl_buffer_byte(to, '"');
  } else {
    luaL_error(L, "JSON has no keys of type %s", luaL_typename(L, index));
  }
}

static void put_object(lua_State *L, int index, struct rl_buffer *to, int depth) {
  const char *before = "{";
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    put(to, before, 1);
    before = ",";
    put_key(L, lua_gettop(L) - 1, to);
    rl_buffer_byte(to, ':');
    encode(L, lua_gettop(L), to, depth);
  }
  if (*before == '{')
    rl_buffer_byte(to, '{');
  rl_buffer_byte(to, '}');
}

static void put_table(lua_State *L, int index, struct rl_buffer *to, int depth) {
  if (depth > DEPTH)
    luaL_error(L, "JSON: a table contains itself, or they are nested more than %d deep", DEPTH);
  luaL_checkstack(L, 4, "JSON");
  lua_Integer length = length_of(L, index);
  if (length > 0)
    put_array(L, index, length, to, depth);
  else
    put_object(L, index, to, depth);
}

/* `index` is absolute. */
static void encode(lua_State *L, int index, struct rl_buffer *to, int depth) {
  switch (lua_type(L, index)) {
  case LUA_TNIL: put(to, "null", 4); return;
  case LUA_TBOOLEAN:
    put(to, lua_toboolean(L, index) ? "true" : "false", lua_toboolean(L, index) ? 4 : 5);
    return;
  case LUA_TNUMBER: put_number(L, index, to); return;
  case LUA_TSTRING: put_string(L, index, to); return;
  case LUA_TTABLE: put_table(L, index, to, depth + 1); return;
  case LUA_TLIGHTUSERDATA:
    if (!lua_touserdata(L, index)) {
      put(to, "null", 4);
      return;
    }
  /* fall through */
  default: luaL_error(L, "JSON cannot say a %s", luaL_typename(L, index));
  }
}

void rl_json_encode(lua_State *L, int index, struct rl_buffer *to) {
  encode(L, lua_absindex(L, index), to, 0);
  if (to->failed)
    luaL_error(L, "not enough memory");
}
