/* Call: protected calls, and tracebacks that stay with their errors.
 *
 * A string carries its tracebacks at its end. Other values keep theirs in one table of the
 * registry with weak keys, so that an error object that dies takes its traceback along; numbers,
 * booleans and nil, which would never die there, have none. */
#include "vm/call.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "vm/check.h"
#include "vm/weak.h"

static const char remembered_key = 0; /* its address: the table's key in the registry */

enum { HEADING = sizeof "stack traceback:" - 1 }; /* how luaL_traceback begins */

int rl_call_protected(lua_State *L, lua_CFunction function, void *argument) {
  lua_pushcfunction(L, function);
  lua_pushlightuserdata(L, argument);
  return lua_pcall(L, 1, 0, 0);
}

int rl_raise_here(lua_State *L) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

int rl_refuse(lua_State *L, const char *why) {
  luaL_pushfail(L);
  lua_pushstring(L, why);
  return 2;
}

static bool rememberable(lua_State *L, int index) {
  switch (lua_type(L, index)) {
  case LUA_TTABLE:
  case LUA_TFUNCTION:
  case LUA_TUSERDATA:
  case LUA_TTHREAD: return true;
  default: return false;
  }
}

void rl_traceback_attach(lua_State *L) { // [error, traceback]
  if (rememberable(L, -2)) {
    rl_weak_push(L, &remembered_key, "k");
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void rl_traceback_of(lua_State *L, int error) {
  error = lua_absindex(L, error);
  if (!rememberable(L, error)) {
    lua_pushnil(L);
  } else if (lua_rawgetp(L, LUA_REGISTRYINDEX, &remembered_key) == LUA_TTABLE) {
    lua_pushvalue(L, error);
    lua_rawget(L, -2);
    lua_remove(L, -2);
  }
}

/* Whether the string at `index` already ends in a traceback. */
static bool has_traceback(lua_State *L, int index) {
  static const char heading[] = "\nstack traceback:\n";
  size_t size;
  const char *text = lua_tolstring(L, index, &size);
  return memmem(text, size, heading, sizeof heading - 1) != NULL;
}

/* Runs where the stack may have just overflowed: without room it leaves the error as it is, since
 * an error in here would be reported instead of the one that matters. */
int rl_traceback(lua_State *L) {
  lua_settop(L, 1);
  if (!lua_checkstack(L, LUA_MINSTACK))
    return 1;
  if (lua_type(L, 1) == LUA_TSTRING) {
    if (!has_traceback(L, 1)) {
      rl_check_hint(L);
      lua_pushliteral(L, "\n"); /* not by luaL_traceback, which ends a message at its first NUL */
      luaL_traceback(L, L, NULL, 1);
      lua_concat(L, 3);
    }
  } else if (rememberable(L, 1)) {
    rl_traceback_of(L, 1);
    if (lua_isnil(L, -1)) {
      lua_pushvalue(L, 1);
      luaL_traceback(L, L, NULL, 1);
      rl_traceback_attach(L);
    }
    lua_settop(L, 1);
  }
  return 1;
}

/* [] -> [text]: the traceback of L under a heading of ours. */
static void push_stack(lua_State *L, const char *heading, int level) {
  luaL_traceback(L, L, NULL, level);
  lua_pushfstring(L, "%s:%s", heading, lua_tostring(L, -1) + HEADING);
  lua_remove(L, -2);
}

void rl_traceback_join(lua_State *L, const char *heading, int level) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  if (lua_type(L, -1) == LUA_TSTRING) { // [error]
    lua_pushliteral(L, "\n");
    push_stack(L, heading, level);
    lua_concat(L, 3);
  } else if (rememberable(L, -1)) {
    rl_traceback_of(L, -1);
    push_stack(L, heading, level);
    if (lua_isnil(L, -2)) {
      lua_remove(L, -2);
    } else {
      lua_pushliteral(L, "\n");
      lua_insert(L, -2);
      lua_concat(L, 3);
    }
    rl_traceback_attach(L); // [error, traceback]
  }
}

/* [error] -> [text]; raises what __tostring raises. */
static int report(lua_State *L) {
  int type = lua_type(L, 1);
  if (type == LUA_TSTRING || type == LUA_TNUMBER || luaL_getmetafield(L, 1, "__tostring"))
    luaL_tolstring(L, 1, NULL);
  else
    lua_pushfstring(L, "(error object is a %s value)", lua_typename(L, type));
  rl_traceback_of(L, 1);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
  } else {
    lua_pushliteral(L, "\n");
    lua_insert(L, -2);
    lua_concat(L, 3);
  }
  return 1;
}

const char *rl_traceback_text(lua_State *L, int error, size_t *size) {
  error = lua_absindex(L, error);
  if (lua_checkstack(L, LUA_MINSTACK)) {
    lua_pushcfunction(L, report);
    lua_pushvalue(L, error);
    lua_pcall(L, 1, 1, 0); /* its own error is as good a text as any */
    if (lua_type(L, -1) == LUA_TSTRING)
      return lua_tolstring(L, -1, size);
    lua_pop(L, 1);
  }
  static const char unprintable[] = "(error object whose __tostring fails)";
  lua_pushnil(L);
  *size = sizeof unprintable - 1;
  return unprintable;
}
