/* Blame: walks a call stack from the top and takes the first C function that Lua cannot suspend.
 *
 * Lua keeps a count of calls that cannot yield but not where they are, so the functions that can be
 * suspended (they have continuations) are known here by name. */
#include "domain/blame.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "domain/domain.h"

static const char *const suspendable[] = {
    "pcall",          "xpcall",        "dofile",      "coroutine.resume",
    "coroutine.wrap", "rille.timeout", "rille.scope", "rille.run_in_main",
    "coroutine.yield"};

/* [.., table] -> [.., table, key]: the string key of the table that holds the function; else NULL
 * and nothing pushed. */
static const char *key_of(lua_State *L, int function) {
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, function)) {
      lua_pop(L, 1);
      return lua_tostring(L, -1);
    }
  return NULL;
}

/* [function] -> [function, name]: the name under which a loaded module holds it, a global one
 * first; else NULL and nothing pushed. */
static const char *module_name_of(lua_State *L) {
  int function = lua_gettop(L);
  lua_pushglobaltable(L);
  const char *name = key_of(L, function);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  for (lua_pushnil(L); !name && lua_next(L, -2); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1) || !key_of(L, function))
      continue;
    name = lua_pushfstring(L, "%s.%s", lua_tostring(L, -3), lua_tostring(L, -1));
    break;
  }
  if (name)
    lua_pushstring(L, name);
  lua_replace(L, function + 1);
  lua_settop(L, name ? function + 1 : function);
  return name ? lua_tostring(L, -1) : NULL;
}

static bool is_suspendable(const char *name) {
  for (size_t i = 0; i < sizeof suspendable / sizeof *suspendable; i++)
    if (strcmp(name, suspendable[i]) == 0)
      return true;
  return false;
}

/* Calls that are looked at: lua_getstack counts from the innermost, so all together are quadratic.
 */
enum { DEEPEST = 5000 };

/* [] -> [.., name]: the culprit among the frames of `stuck`, or NULL. The top frame is the function
 * that wants to wait, or the one that resumes or closes a coroutine. */
static const char *culprit(lua_State *L, lua_State *stuck) {
  lua_Debug frame;
  int first = stuck == L ? 1 : 0;
  for (int level = first; level < DEEPEST && lua_getstack(stuck, level, &frame); level++) {
    lua_getinfo(stuck, "Snf", &frame);
    lua_xmove(stuck, L, 1);
    if (strcmp(frame.namewhat, "metamethod") == 0 && frame.name && strstr(frame.name, "gc"))
      return lua_pushliteral(L, "a finalizer (__gc)");
    const char *name = *frame.what == 'C' ? module_name_of(L) : NULL;
    bool wraps = !name && level == 0; /* what a wrapped coroutine is called by has no name */
    if (*frame.what != 'C' || wraps) {
      lua_pop(L, 1);
      continue;
    }
    if (!name)
      name = lua_pushfstring(L, "function '%s'", frame.name ? frame.name : "?");
    if (!is_suspendable(name))
      return name;
    lua_pop(L, 2);
  }
  return NULL;
}

/* The thread from which `thread` was resumed; NULL for the fiber's own. */
static lua_State *outer_of(lua_State *L, const lua_State *thread) {
  struct rl_link *link = rl_domain_of(L)->chain;
  for (const lua_State *inner = L; link && inner != thread; link = link->outer)
    inner = link->from;
  return link ? link->from : NULL;
}

_Noreturn void rl_blame(lua_State *L, lua_State *stuck, const char *what) {
  luaL_checkstack(L, 16, NULL);
  const char *name = NULL;
  for (; stuck && !name; stuck = outer_of(L, stuck))
    name = culprit(L, stuck);
  luaL_error(L, "cannot wait in %s: %s is in the way (a C function that cannot be suspended)", what,
             name ? name : "a call from C");
  abort(); /* luaL_error does not return */
}
