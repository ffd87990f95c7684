/* rille.command.editor in a build without libedit. Not for scripts. */
#include <lauxlib.h>

#include "lib/modules.h"

/* editor.open() -> nil, message */
static int editor_open(lua_State *L) {
  luaL_pushfail(L);
  lua_pushliteral(L, "lines cannot be edited: this build is without libedit (libedit-dev)");
  return 2;
}

int luaopen_rille_command_editor(lua_State *L) {
  static const luaL_Reg functions[] = {{"open", editor_open}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
