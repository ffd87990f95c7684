/* Open: Rille's modules are found by the first searcher, in tables that all states share; one entry
 * each in package.preload would cost every state some 15 KiB. */
#include "host/open.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <string.h>

#include "lib/modules.h"
#include "vm/check.h"
#include "vm/embedded.h"
#include "vm/require.h"

static const luaL_Reg modules[] = {
    {"rille", luaopen_rille},
    {"rille.channel", luaopen_rille_channel},
    {"rille.command.core", luaopen_rille_command_core},
    {"rille.command.editor", luaopen_rille_command_editor},
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
    {"rille.log", luaopen_rille_log},
    {"rille.metrics", luaopen_rille_metrics},
    {"rille.net", luaopen_rille_net},
    {"rille.select", luaopen_rille_select},
    {NULL, NULL},
};

/* What scripts call the modules that they use most. */
static const char *const globals[][2] = {
    {"rille", "rille"},
    {"http", "rille.http"},
    {"net", "rille.net"},
    {"json", "rille.json"},
    {"log", "rille.log"},
    {"metrics", "rille.metrics"},
    {"crypto", "rille.crypto"},
    {"compress", "rille.compress"},
    {"domains", "rille.domains"},
    {"access_log", "rille.http.access_log"},
    {"auth", "rille.http.auth"},
    {"cookies", "rille.http.cookies"},
    {"cors", "rille.http.cors"},
    {"csrf", "rille.http.csrf"},
    {"decompress", "rille.http.decompress"},
    {"etag", "rille.http.etag"},
    {"rate_limit", "rille.http.rate_limit"},
    {"secure", "rille.http.secure"},
    {"session", "rille.http.session"},
};

/* What is said where one of them is used and was not required. */
static void teach(lua_State *L) {
  for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
    lua_pushfstring(L, "local %s = require \"%s\" is missing", globals[i][0], globals[i][1]);
    rl_check_teach(L, globals[i][0], lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  rl_check_teach(L, "req", "a handler gets it: function(req)");
  rl_check_teach(L, "res", "a handler gets it: function(req, res)");
  rl_check_teach(L, "next", "a middleware gets it: function(req, res, next)");
}

/* [name], the last searcher: what of ours the name may mean. */
static int suggest(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
    if (strcmp(globals[i][0], name) == 0) {
      lua_pushfstring(L, "Rille's is called '%s'", globals[i][1]);
      return 1;
    }
  return 0;
}

/* [name, ":rille:"], upvalue: light userdata of a module written in Lua: loads it. */
static int load_embedded(lua_State *L) {
  const struct rl_embedded *module = lua_touserdata(L, lua_upvalueindex(1));
  if (luaL_loadbufferx(L, module->text, module->size, module->chunk, "t") != LUA_OK)
    return lua_error(L);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/* [] -> [loader], or nothing and false */
static bool push_loader(lua_State *L, const char *name) {
  for (const luaL_Reg *module = modules; module->name; module++)
    if (strcmp(module->name, name) == 0) {
      lua_pushcfunction(L, module->func);
      return true;
    }
  for (size_t i = 0; i < rl_embedded_count; i++)
    if (strcmp(rl_embedded[i].module, name) == 0) {
      lua_pushlightuserdata(L, (void *)(size_t)&rl_embedded[i]);
      lua_pushcclosure(L, load_embedded, 1);
      return true;
    }
  return false;
}

/* [name], the first searcher; upvalue: Lua's own first one, for what is in package.preload goes
 * before ours: that is how a test gives a module another's name. */
static int search(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 2);
  if (lua_isfunction(L, 2) || !push_loader(L, name))
    return 2;
  lua_pushliteral(L, RL_REQUIRE_OURS);
  return 2;
}

static void add_searchers(lua_State *L) {
  lua_getglobal(L, LUA_LOADLIBNAME);
  lua_getfield(L, -1, "searchers");
  lua_rawgeti(L, -1, 1);
  lua_pushcclosure(L, search, 1);
  lua_rawseti(L, -2, 1);
  lua_pushcfunction(L, suggest);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 2);
}

void rl_open_modules(lua_State *L) {
  add_searchers(L);
  teach(L);
  rl_lib_replace_coroutine(L);
  rl_lib_replace_os(L);
  rl_lib_replace_print(L);
  rl_lib_replace_protect(L);
}
