/* The library debug: Lua's, but for debug.sethook and debug.gethook, whose hooks take turns with
 * those that interrupt computing code; any domain has it. pcall, xpcall and load are as Lua's, too,
 * but let a cancellation pass that found its fiber computing. To a script nothing else changes. */
#include "domain/protect.h"

#include <lauxlib.h>

#include "domain/hook.h"
#include "lib/modules.h"

static const luaL_Reg base[] = {
    {"pcall", rl_protect_pcall},
    {"xpcall", rl_protect_xpcall},
    {"load", rl_protect_load},
    {NULL, NULL},
};

static const luaL_Reg debugging[] = {
    {"sethook", rl_hook_set},
    {"gethook", rl_hook_get},
    {NULL, NULL},
};

void rl_lib_replace_protect(lua_State *L) {
  lua_pushglobaltable(L);
  luaL_setfuncs(L, base, 0);
  lua_getglobal(L, "debug");
  luaL_setfuncs(L, debugging, 0);
  lua_pop(L, 2);
}
