/* JSON decoding: one pass by recursive descent, no deeper than allowed. The text is a Lua string,
 * so there is a NUL behind it, at which every scan stops.
 *
 * Elements and members are collected on the Lua stack, BATCH values at a time, above a slot for
 * their table: so most tables are made in their final size.
 *
 * Where something is wrong its message is pushed, and all functions return false. */
#include <lauxlib.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/decimal.h"
#include "base/utf8.h"
#include "vm/json.h"
#include "vm/json_text.h"
#include "vm/vm.h"

enum {
  BATCH = 32, /* an even number */
  NAME = 40,  /* bytes of a name that a message shows, at most */
  KEPT = 1 << 16
};

struct decoder {
  lua_State *L;
  const char *at, *start, *end;
  struct rl_buffer *room; /* for strings with escapes */
  int depth, most;        /* how deep it is, and may get */
};

static bool value(struct decoder *d);

/* -- what is wrong -------------------------------------------------------------------------- */

/* [] -> [message] */
static bool fail(struct decoder *d, const char *at, const char *format, ...) {
  const char *line = d->start;
  int lines = 1;
  for (const char *c = d->start; c < at; c++) {
    if (*c == '\n') {
      line = c + 1;
      lines++;
    }
  }
  lua_pushfstring(d->L, "line %d, column %I: ", lines, (lua_Integer)(at - line + 1));
  va_list list;
  va_start(list, format);
  lua_pushvfstring(d->L, format, list);
  va_end(list);
  lua_concat(d->L, 2);
  return false;
}

static bool expected(struct decoder *d, const char *at, const char *what) {
  static const char digits[] = "0123456789ABCDEF";
  unsigned char byte = (unsigned char)*at;
  if (at == d->end)
    return fail(d, at, "%s expected, got the end of the text", what);
  if (byte > ' ' && byte < 0x7F)
    return fail(d, at, "%s expected, got '%c'", what, byte);
  return fail(d, at, "%s expected, got the byte 0x%c%c", what, digits[byte >> 4],
              digits[byte & 15]);
}

/* -- strings -------------------------------------------------------------------------------- */

static int hex_of(char digit) {
  if (digit >= '0' && digit <= '9')
    return digit - '0';
  digit |= 'a' - 'A';
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The four digits at `at`, or -1. */
static int32_t hex4(const char *at) {
  int32_t number = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_of(at[i]);
    if (digit < 0)
      return -1;
    number = number << 4 | digit;
  }
  return number;
}

/* At the `u` of an escape, which may need another one to make a pair. */
static bool unicode(struct decoder *d) {
  const char *escape = d->at - 1;
  int32_t code = hex4(d->at + 1);
  if (code < 0)
    return fail(d, escape, "four hexadecimal digits expected after \\u");
  d->at += 5;
  if (code >= 0xD800 && code < 0xE000) {
    bool pair = code < 0xDC00 && d->at[0] == '\\' && d->at[1] == 'u';
    int32_t low = pair ? hex4(d->at + 2) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
      return fail(d, escape, "half of a surrogate pair");
    code = 0x10000 + ((code - 0xD800) << 10 | (low - 0xDC00));
    d->at += 6;
  }
  char bytes[4];
  rl_buffer_append(d->room, bytes, rl_utf8_write((uint32_t)code, bytes));
  return true;
}

/* At a backslash. */
static bool escape(struct decoder *d) {
  static const unsigned char meant[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                           ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
  unsigned char letter = (unsigned char)*++d->at;
  if (letter == 'u')
    return unicode(d);
  if (meant[letter] == 0)
    return expected(d, d->at, "one of \"\\/bfnrtu after a backslash");
  rl_buffer_byte(d->room, meant[letter]);
  d->at++;
  return true;
}

/* At a byte that cannot stand in a string. */
static bool stray(struct decoder *d) {
  if (d->at == d->end)
    return expected(d, d->at, "'\"'");
  if ((unsigned char)*d->at >= 0x80)
    return fail(d, d->at, "bytes that are not UTF-8");
  return fail(d, d->at, "a control character in a string, where an escape is expected");
}

/* From the first escape on. */
static bool string_with_escapes(struct decoder *d, const char *start) {
  struct rl_buffer *room = d->room;
  room->size = 0;
  for (;;) {
    rl_buffer_append(room, start, (size_t)(d->at - start));
    if (*d->at == '"')
      break;
    if (*d->at != '\\')
      return stray(d);
    if (!escape(d))
      return false;
    start = d->at;
    d->at = rl_json_text(start, d->end);
  }
  if (room->failed)
    return luaL_error(d->L, "not enough memory");
  d->at++;
  lua_pushlstring(d->L, (const char *)room->bytes, room->size);
  return true;
}

/* At the quote. */
static bool string(struct decoder *d) {
  const char *start = d->at + 1;
  d->at = rl_json_text(start, d->end);
  if (*d->at != '"')
    return string_with_escapes(d, start);
  lua_pushlstring(d->L, start, (size_t)(d->at - start));
  d->at++;
  return true;
}

/* -- numbers, words ------------------------------------------------------------------------- */

static bool number(struct decoder *d) {
  struct rl_decimal decimal;
  const char *end = rl_decimal_read(d->at, &decimal);
  if (decimal.kind == RL_DECIMAL_BAD)
    return expected(d, end, "a digit");
  if (decimal.kind == RL_DECIMAL_INTEGER)
    lua_pushinteger(d->L, decimal.integer);
  else if (isinf(decimal.number))
    return fail(d, d->at, "a number too large for a float");
  else
    lua_pushnumber(d->L, decimal.number);
  d->at = end;
  return true;
}

static bool is_word(struct decoder *d, const char *word, size_t size) {
  if (strncmp(d->at, word, size) != 0)
    return false;
  d->at += size;
  return true;
}

static bool word(struct decoder *d) {
  if (is_word(d, "true", 4))
    lua_pushboolean(d->L, true);
  else if (is_word(d, "false", 5))
    lua_pushboolean(d->L, false);
  else if (is_word(d, "null", 4))
    lua_pushlightuserdata(d->L, NULL);
  else
    return expected(d, d->at, "a value");
  return true;
}

/* -- arrays, objects ------------------------------------------------------------------------ */

static void skip(struct decoder *d) {
  while (*d->at == ' ' || *d->at == '\n' || *d->at == '\t' || *d->at == '\r')
    d->at++;
}

/* At the bracket: [] -> [nil], in the slot; what follows the bracket is next. */
static bool enter(struct decoder *d) {
  if (d->depth == d->most)
    return fail(d, d->at, "nested more than %d deep", d->most);
  d->depth++;
  luaL_checkstack(d->L, BATCH + 8, "JSON");
  lua_pushnil(d->L);
  d->at++;
  skip(d);
  return true;
}

/* After an element: whether there is another one; then a comma was read. */
static bool another(struct decoder *d) {
  skip(d);
  if (*d->at != ',')
    return false;
  d->at++;
  skip(d);
  return true;
}

static bool leave(struct decoder *d, char bracket, const char *wanted) {
  if (*d->at != bracket)
    return expected(d, d->at, wanted);
  d->at++;
  d->depth--;
  return true;
}

/* [.. table or nil, `count` values] -> [.. table]: they are its last ones, up to `size`. */
static void add_elements(lua_State *L, int slot, int count, lua_Integer size) {
  if (lua_isnil(L, slot)) {
    lua_createtable(L, count, 0);
    lua_replace(L, slot);
  }
  for (; count > 0; count--)
    lua_rawseti(L, slot, size--);
}

static bool array(struct decoder *d) {
  lua_State *L = d->L;
  int slot = lua_gettop(L) + 1, pending = 0;
  lua_Integer size = 0;
  if (!enter(d))
    return false;
  if (*d->at == ']') {
    lua_newtable(L);
    lua_replace(L, slot);
    rl_json_array(L);
    lua_setmetatable(L, slot);
    return leave(d, ']', NULL);
  }
  do {
    if (!value(d))
      return false;
    size++;
    if (++pending == BATCH) {
      add_elements(L, slot, pending, size);
      pending = 0;
    }
  } while (another(d));
  if (!leave(d, ']', "',' or ']'"))
    return false;
  add_elements(L, slot, pending, size);
  return true;
}

/* [.. name]: the name is in the object already. */
static bool repeated(struct decoder *d) {
  size_t size;
  const char *name = lua_tolstring(d->L, -1, &size);
  if (size > NAME)
    return fail(d, d->at, "up to here an object has the same name twice, of %I bytes",
                (lua_Integer)size);
  return fail(d, d->at, "up to here an object has the name \"%s\" twice", name);
}

/* [.. table or nil, name, value, ..] -> [.. table] */
static bool add_members(struct decoder *d, int slot, int count) {
  lua_State *L = d->L;
  if (lua_isnil(L, slot)) {
    lua_createtable(L, 0, count / 2);
    lua_replace(L, slot);
  }
  for (; count > 0; count -= 2) {
    lua_pushvalue(L, -2);
    if (lua_rawget(L, slot) != LUA_TNIL) {
      lua_pop(L, 2);
      return repeated(d);
    }
    lua_pop(L, 1);
    lua_rawset(L, slot);
  }
  return true;
}

/* [] -> [name, value] */
static bool member(struct decoder *d) {
  if (*d->at != '"')
    return expected(d, d->at, "a name in quotes");
  if (!string(d))
    return false;
  skip(d);
  if (*d->at != ':')
    return expected(d, d->at, "':'");
  d->at++;
  skip(d);
  return value(d);
}

static bool object(struct decoder *d) {
  int slot = lua_gettop(d->L) + 1, pending = 0;
  if (!enter(d))
    return false;
  if (*d->at != '}') {
    do {
      if (!member(d))
        return false;
      pending += 2;
      if (pending == BATCH) {
        if (!add_members(d, slot, pending))
          return false;
        pending = 0;
      }
    } while (another(d));
  }
  return leave(d, '}', "',' or '}'") && add_members(d, slot, pending);
}

/* [] -> [value]; at its first byte. */
static bool value(struct decoder *d) {
  switch (*d->at) {
  case '{': return object(d);
  case '[': return array(d);
  case '"': return string(d);
  case '-':
  case '0':
  case '1':
  case '2':
  case '3':
  case '4':
  case '5':
  case '6':
  case '7':
  case '8':
  case '9': return number(d);
  default: return word(d);
  }
}

/* -- the whole ------------------------------------------------------------------------------ */

bool rl_json_decode(lua_State *L, int index, int depth) {
  size_t size;
  const char *text = lua_tolstring(L, index, &size);
  struct rl_buffer *room = &rl_vm_of(L)->text;
  struct decoder d = {L, text, text, text + size, room, 0, depth};
  int top = lua_gettop(L);
  if (room->failed)
    rl_buffer_free(room);
  luaL_checkstack(L, 8, "JSON");
  skip(&d);
  bool good = value(&d);
  if (good) {
    skip(&d);
    good = d.at == d.end || expected(&d, d.at, "the end of the text");
  }
  if (room->capacity > KEPT)
    rl_buffer_free(room);
  if (!good) {
    lua_copy(L, -1, top + 1);
    lua_settop(L, top + 1);
  }
  return good;
}
