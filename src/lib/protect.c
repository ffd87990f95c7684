/* What Lua's own libraries have to know of fibers that are interrupted: pcall and xpcall, which let
 * a cancellation pass that found its fiber computing, and debug.sethook and gethook, whose hooks
 * take turns with the ticker's. To a script nothing else changes. */
#include "domain/protect.h"

#include <lauxlib.h>

#include "domain/hook.h"
#include "lib/modules.h"

static const luaL_Reg base[] = {
    {"pcall", rl_protect_pcall},
    {"xpcall", rl_protect_xpcall},
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
