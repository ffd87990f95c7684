/* The function `print`: Lua's, but a line leaves in one piece, since other domains print too. */
#include <lauxlib.h>
#include <stdio.h>

#include "lib/modules.h"

/* print(...): the arguments as tostring makes them, between tabs, to standard output, which is
 * flushed. */
static int print(lua_State *L) {
  int count = lua_gettop(L);
  luaL_Buffer line;
  luaL_buffinit(L, &line);
  for (int i = 1; i <= count; i++) {
    if (i > 1)
      luaL_addchar(&line, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&line);
  }
  luaL_addchar(&line, '\n');
  luaL_pushresult(&line);
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  fwrite(text, 1, size, stdout); /* which takes its lock once; Lua's print ignores failures, too */
  fflush(stdout);
  return 0;
}

void rl_lib_replace_print(lua_State *L) {
  lua_pushcfunction(L, print);
  lua_setglobal(L, "print");
}
