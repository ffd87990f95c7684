/* JSON names. The strings stay where they are, since the table holds them: an array that points to
 * them is sorted. */
#include "vm/json_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

struct name {
  const char *text; /* NULL: an integer */
  size_t size;
  lua_Integer integer;
};

static struct name written(const struct name *name, char *room) {
  if (name->text)
    return *name;
  return (struct name){room, rl_decimal_integer(name->integer, room), 0};
}

static int compare(const void *left, const void *right) {
  char room[2][RL_DECIMAL_ROOM];
  struct name one = written(left, room[0]), other = written(right, room[1]);
  size_t shorter = one.size < other.size ? one.size : other.size;
  int order = memcmp(one.text, other.text, shorter);
  return order != 0 ? order : (one.size > other.size) - (one.size < other.size);
}

/* [key] -> [key] */
static struct name name_of(lua_State *L) {
  struct name name = {0};
  if (lua_isinteger(L, -1))
    name.integer = lua_tointeger(L, -1);
  else
    name.text = lua_tolstring(L, -1, &name.size);
  return name;
}

static lua_Integer count_of(lua_State *L, int index) {
  lua_Integer count = 0;
  for (lua_pushnil(L); lua_next(L, index); count++) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING && !lua_isinteger(L, -1))
      return -1;
  }
  return count;
}

lua_Integer rl_json_names(lua_State *L, int index) {
  lua_Integer count = count_of(L, index), i = 0;
  if (count < 0)
    return -1;
  struct name *names = lua_newuserdatauv(L, (size_t)count * sizeof *names, 0);
  for (lua_pushnil(L); lua_next(L, index); i++) {
    lua_pop(L, 1);
    names[i] = name_of(L);
  }
  qsort(names, (size_t)count, sizeof *names, compare);
  lua_createtable(L, (int)count, 0);
  for (i = 0; i < count; i++) {
    if (names[i].text)
      lua_pushlstring(L, names[i].text, names[i].size);
    else
      lua_pushinteger(L, names[i].integer);
    lua_rawseti(L, -2, i + 1);
  }
  lua_remove(L, -2);
  return count;
}
