/* Open: fills package.preload. */
#include "host/open.h"

#include <lauxlib.h>

#include "lib/modules.h"
#include "vm/embedded.h"

static const luaL_Reg modules[] = {
    {"rille", luaopen_rille},
    {"rille.channel", luaopen_rille_channel},
    {"rille.command.core", luaopen_rille_command_core},
    {"rille.compress", luaopen_rille_compress},
    {"rille.context", luaopen_rille_context},
    {"rille.core", luaopen_rille_core},
    {"rille.crypto", luaopen_rille_crypto},
    {"rille.domains", luaopen_rille_domains},
    {"rille.http.core", luaopen_rille_http_core},
    {"rille.http.tools", luaopen_rille_http_tools},
    {"rille.job", luaopen_rille_job},
    {"rille.json", luaopen_rille_json},
    {"rille.locks", luaopen_rille_locks},
    {"rille.net", luaopen_rille_net},
    {"rille.select", luaopen_rille_select},
    {NULL, NULL},
};

/* [name, ":preload:"], upvalue: light userdata of a module written in Lua: loads it. */
static int load_embedded(lua_State *L) {
  const struct rl_embedded *module = lua_touserdata(L, lua_upvalueindex(1));
  if (luaL_loadbufferx(L, module->text, module->size, module->chunk, "t") != LUA_OK)
    return lua_error(L);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

void rl_open_modules(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  luaL_setfuncs(L, modules, 0);
  for (size_t i = 0; i < rl_embedded_count; i++) {
    lua_pushlightuserdata(L, (void *)(size_t)&rl_embedded[i]);
    lua_pushcclosure(L, load_embedded, 1);
    lua_setfield(L, -2, rl_embedded[i].module);
  }
  lua_pop(L, 1);
  rl_lib_replace_coroutine(L);
  rl_lib_replace_os(L);
  rl_lib_replace_print(L);
  rl_lib_replace_protect(L);
}
