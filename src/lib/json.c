/* rille.json: JSON (RFC 8259). None of its functions suspends; all may be called on any
 * domain.
 *
 *     objects     tables with strings as keys; integers become strings when they are encoded
 *     arrays      tables with the keys 1 to n. An empty table is an object, unless json.array has
 *                 marked it; decode marks an empty array, so that it stays one.
 *     numbers     what is written as an integer and fits 64 bits is one, all else a float; no digit
 *                 of either is lost. A whole float is encoded without a point.
 *     null        json.null, in objects too, and also when it is all there is. It is true in a
 *                 condition: compare with json.null.
 *     strings     UTF-8, which is checked both ways
 *
 * A metatable with a string __jsontype, "array" or "object", says the same as json.array does;
 * metamethods are not called.
 *
 * Fields:
 *
 *     null       lightuserdata: what stands for JSON's null
 *     array_mt   table: the metatable of what json.array has marked */
#include <lauxlib.h>
#include <string.h>

#include "lib/modules.h"
#include "vm/json.h"

static int integer_option(lua_State *L, const char *name, int least, int most) {
  int whole;
  lua_Integer value = lua_tointegerx(L, -1, &whole);
  if (lua_type(L, -1) != LUA_TNUMBER || !whole || value < least || value > most)
    return luaL_error(L, "option %s: an integer from %d to %d expected", name, least, most);
  return (int)value;
}

/* [.., name, value] */
static void read_option(lua_State *L, struct rl_json_style *style, bool decodes) {
  const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
  if (strcmp(name, "depth") == 0)
    style->depth = integer_option(L, name, 1, RL_JSON_MOST_DEPTH);
  else if (!decodes && strcmp(name, "indent") == 0)
    style->indent = integer_option(L, name, 0, 16);
  else if (!decodes && strcmp(name, "sorted") == 0)
    style->sorted = lua_toboolean(L, -1);
  else
    luaL_error(L, "there is no option %s", luaL_tolstring(L, -2, NULL));
}

static struct rl_json_style read_options(lua_State *L, int index, bool decodes) {
  struct rl_json_style style = rl_json_plain;
  if (lua_isnoneornil(L, index))
    return style;
  luaL_checktype(L, index, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    read_option(L, &style, decodes);
  return style;
}

/* json.encode(value [, options]) -> string
 *
 * Options:
 *
 *     indent   spaces a level, each member and element on its own line (0: all on one line)
 *     sorted   members in the order of their names, so that equal values give equal texts
 *     depth    how deep tables may be nested (128, at most 1000)
 *
 * What JSON cannot say is an error that tells where it is: a function, a coroutine, a userdata,
 * NaN, an infinite number, a string that is not UTF-8 (`crypto.base64` makes text of bytes), a key
 * that is neither a string nor an integer, a table in itself. */
static int encode(lua_State *L) {
  luaL_checkany(L, 1);
  struct rl_json_style style = read_options(L, 2, false);
  rl_json_encode(L, 1, &style);
  return 1;
}

/* json.decode(text [, options]) -> value | nil, message
 *
 * The message has the line and the column. Strict: nothing but one value and blanks around it; no
 * comments, no comma at an end, no NaN; a name twice in an object, half a surrogate pair, and a
 * number beyond any float are refused too.
 *
 * Options:
 *
 *     depth    how deep arrays and objects may be nested (128, at most 1000) */
static int decode(lua_State *L) {
  luaL_checkstring(L, 1);
  struct rl_json_style style = read_options(L, 2, true);
  if (rl_json_decode(L, 1, style.depth))
    return 1;
  luaL_pushfail(L);
  lua_insert(L, -2);
  return 2;
}

/* json.array([table]) -> table
 *
 * The table, or a new one, which is encoded as an array, also while it is empty. It then has the
 * metatable json.array_mt, and must have none before. */
static int array(lua_State *L) {
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    lua_newtable(L);
    lua_replace(L, 1);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  rl_json_array(L);
  luaL_argcheck(L, !lua_getmetatable(L, 1) || lua_rawequal(L, -1, -2), 1,
                "the table has another metatable");
  lua_settop(L, 2);
  lua_setmetatable(L, 1);
  return 1;
}

static const luaL_Reg functions[] = {
    {"encode", encode},
    {"decode", decode},
    {"array", array},
    {NULL, NULL},
};

int luaopen_rille_json(lua_State *L) {
  luaL_newlib(L, functions);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  rl_json_array(L);
  lua_setfield(L, -2, "array_mt");
  return 1;
}
