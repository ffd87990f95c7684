/* Value: see the header. */
#include "host/value.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "domain/fiber.h"

struct rille_value rille_boolean(int boolean) {
  return (struct rille_value){.type = RILLE_BOOLEAN, .boolean = boolean};
}

struct rille_value rille_integer(int64_t integer) {
  return (struct rille_value){.type = RILLE_INTEGER, .integer = integer};
}

struct rille_value rille_number(double number) {
  return (struct rille_value){.type = RILLE_NUMBER, .number = number};
}

struct rille_value rille_bytes(const void *bytes, size_t size) {
  return (struct rille_value){.type = RILLE_BYTES, .bytes = bytes, .size = size};
}

struct rille_value rille_text(const char *text) {
  return rille_bytes(text, strlen(text));
}

/* -- from Lua ------------------------------------------------------------------------------ */

static struct rille_value read_number(lua_State *L, int index) {
  return lua_isinteger(L, index) ? rille_integer(lua_tointeger(L, index))
                                 : rille_number(lua_tonumber(L, index));
}

static struct rille_value read_string(lua_State *L, int index) {
  size_t size;
  const char *bytes = lua_tolstring(L, index, &size);
  return rille_bytes(bytes, size);
}

bool rl_value_read(lua_State *L, int index, struct rille_value *value) {
  switch (lua_type(L, index)) {
  case LUA_TNONE:
  case LUA_TNIL: *value = (struct rille_value){.type = RILLE_NIL}; return true;
  case LUA_TBOOLEAN: *value = rille_boolean(lua_toboolean(L, index)); return true;
  case LUA_TNUMBER: *value = read_number(L, index); return true;
  case LUA_TSTRING: *value = read_string(L, index); return true;
  default: return false;
  }
}

/* -- to Lua -------------------------------------------------------------------------------- */

static void push(lua_State *L, const struct rille_value *value) {
  switch (value->type) {
  case RILLE_BOOLEAN: lua_pushboolean(L, value->boolean); break;
  case RILLE_INTEGER: lua_pushinteger(L, value->integer); break;
  case RILLE_NUMBER: lua_pushnumber(L, value->number); break;
  case RILLE_BYTES: lua_pushlstring(L, value->bytes, value->size); break;
  default: lua_pushnil(L); break;
  }
}

static void push_all(lua_State *L, const struct rille_value *values, size_t count) {
  for (size_t i = 0; i < count; i++)
    push(L, &values[i]);
}

void rl_values_push(lua_State *L, const struct rille_value *values, size_t count) {
  if (count >= INT_MAX - LUA_MINSTACK || !lua_checkstack(L, (int)count + LUA_MINSTACK))
    luaL_error(L, "too many values");
  push_all(L, values, count);
}

struct list {
  const struct rille_value *values;
  size_t count;
};

/* [light userdata list] -> [values..] */
static int push_list(lua_State *L) {
  const struct list *list = lua_touserdata(L, 1);
  rl_values_push(L, list->values, list->count);
  return (int)list->count;
}

/* As most results are: they need no memory, and so no protection. */
static bool are_simple(const struct rille_value *values, size_t count) {
  enum { FEW = 4 };
  for (size_t i = 0; i < count && i < FEW; i++)
    if (values[i].type == RILLE_BYTES)
      return false;
  return count <= FEW;
}

int rl_values_push_protected(lua_State *L, const struct rille_value *values, size_t count) {
  if (are_simple(values, count) && lua_checkstack(L, (int)count)) {
    push_all(L, values, count);
    return LUA_OK;
  }
  struct list list = {.values = values, .count = count};
  lua_pushcfunction(L, push_list);
  lua_pushlightuserdata(L, &list);
  int status = lua_pcall(L, 1, LUA_MULTRET, 0);
  if (status != LUA_OK && rl_fiber_running(L))
    rl_budget_explain(L);
  return status;
}

/* -- copies -------------------------------------------------------------------------------- */

size_t rl_values_size(const struct rille_value *values, size_t count) {
  size_t size = count * sizeof *values;
  for (size_t i = 0; i < count; i++)
    if (values[i].type == RILLE_BYTES)
      size += values[i].size;
  return size;
}

char *rl_values_copy(const struct rille_value *values, size_t count, struct rille_value *to) {
  char *bytes = (char *)(to + count);
  for (size_t i = 0; i < count; i++) {
    to[i] = values[i];
    if (values[i].type != RILLE_BYTES)
      continue;
    if (values[i].size > 0)
      memcpy(bytes, values[i].bytes, values[i].size);
    to[i].bytes = bytes;
    bytes += values[i].size;
  }
  return bytes;
}
