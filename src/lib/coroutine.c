/* The library coroutine: Lua's, with the functions that have to know about fibers replaced, on any
 * domain.
 *
 * To a script nothing changes but this: a wait (rille.sleep, a socket's read, rille.detach ...)
 * inside a coroutine suspends the whole fiber, and that coroutine's status is "normal" meanwhile.
 * The fiber itself counts as the main coroutine: coroutine.running() returns true for it, and it
 * cannot yield. */
#include <lauxlib.h>

#include "domain/coroutine.h"
#include "lib/modules.h"

static const luaL_Reg functions[] = {
    {"resume", rl_coroutine_resume},
    {"wrap", rl_coroutine_wrap},
    {"yield", rl_coroutine_yield},
    {"status", rl_coroutine_status},
    {"close", rl_coroutine_close},
    {"running", rl_coroutine_running},
    {"isyieldable", rl_coroutine_isyieldable},
    {NULL, NULL},
};

void rl_lib_replace_coroutine(lua_State *L) {
  lua_getglobal(L, "coroutine");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
