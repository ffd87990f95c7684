/* Extend: the modules that a host gives to its scripts before they start: in C with Lua's API, in
 * C without it, in Lua. */
#include <lauxlib.h>
#include <string.h>

#include "host/frame.h"
#include "host/native.h"
#include "host/runtime.h"
#include "vm/call.h"

/* -- opening one, on the thread of a domain ------------------------------------------------ */

static int open_natives(lua_State *L) {
  const struct rl_natives *natives = rl_provided_opened(L)->natives;
  lua_createtable(L, 0, (int)natives->count);
  for (size_t i = 0; i < natives->count; i++) {
    rl_frame_push(L, &natives->list[i]);
    lua_setfield(L, -2, natives->list[i].name);
  }
  return 1;
}

/* [name, ":preload:"] */
static int open_text(lua_State *L) {
  const struct rl_provided *module = rl_provided_opened(L);
  const char *chunk = lua_pushfstring(L, "=%s", module->name);
  if (luaL_loadbufferx(L, module->text, module->length, chunk, "t") != LUA_OK)
    return lua_error(L);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/* -- adding one ---------------------------------------------------------------------------- */

static bool has_begun(const struct rille *runtime) {
  return runtime->begun || runtime->source.script.text;
}

/* [light userdata module] */
static int register_in_first(lua_State *L) {
  rl_provided_register(L, lua_touserdata(L, 1));
  return 0;
}

/* The first domain is open; all others will find it in the list. Takes the module, NULL if there
 * was no memory for it. */
static int add(struct rille *runtime, struct rl_provided *module) {
  lua_State *L = runtime->first.domain.vm.L;
  if (!module)
    return -1;
  if (rl_call_protected(L, register_in_first, module) != LUA_OK) {
    lua_pop(L, 1);
    rl_provided_free(&runtime->heap, module);
    return -1;
  }
  struct rl_provided **end = &runtime->provided;
  while (*end)
    end = &(*end)->next;
  *end = module;
  return 0;
}

int rille_provide(rille_t *runtime, const char *name, lua_CFunction open) {
  return has_begun(runtime) ? -1 : add(runtime, rl_provided_new(&runtime->heap, name, open));
}

int rille_module(rille_t *runtime, const char *name, const char *text, size_t size) {
  if (has_begun(runtime))
    return -1;
  struct rl_provided *module = rl_provided_new(&runtime->heap, name, open_text);
  if (module) {
    module->text = text;
    module->length = size;
  }
  return add(runtime, module);
}

int rille_native(rille_t *runtime, const char *name, const struct rille_native *natives,
                 size_t count) {
  if (has_begun(runtime))
    return -1;
  size_t wrong;
  struct rl_natives *made = rl_natives_new(&runtime->heap, name, natives, count, &wrong);
  if (!made) {
    if (wrong < count)
      rl_log_line(&runtime->settings.log, RL_LOG_ERROR, "rille: %s.%s cannot take '%s'", name,
                  natives[wrong].name, natives[wrong].takes);
    return -1;
  }
  struct rl_provided *module = rl_provided_new(&runtime->heap, name, open_natives);
  if (module)
    module->natives = made;
  else
    rl_natives_free(&runtime->heap, made);
  return add(runtime, module);
}
