/* rille.http.tools: what the middleware in lua/rille/http/ needs of the protocol. Not for scripts:
 * it may change at any time. */
#include <lauxlib.h>
#include <string.h>

#include "http/accept.h"
#include "http/condition.h"
#include "http/cookie.h"
#include "lib/modules.h"
#include "vm/scratch.h"

enum { OFFERS = 8 };

static struct rl_slice check_slice(lua_State *L, int arg) {
  struct rl_slice slice;
  slice.bytes = luaL_checklstring(L, arg, &slice.size);
  return slice;
}

/* The attribute `name` of the table at 3, which stays on the stack; empty if it is not there. */
static struct rl_slice text_of(lua_State *L, const char *name) {
  struct rl_slice slice = {"", 0};
  if (lua_getfield(L, 3, name) != LUA_TNIL) {
    slice.bytes = lua_tolstring(L, -1, &slice.size);
    if (!slice.bytes)
      luaL_error(L, "cookie: %s must be a string", name);
  }
  return slice;
}

static bool switch_of(lua_State *L, const char *name) {
  lua_getfield(L, 3, name);
  bool on = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return on;
}

static enum rl_cookie_site site_of(lua_State *L) {
  struct rl_slice site = text_of(L, "same_site");
  if (site.size == 0)
    return RL_COOKIE_SITE_UNSAID;
  if (strcmp(site.bytes, "strict") == 0)
    return RL_COOKIE_SITE_STRICT;
  if (strcmp(site.bytes, "none") == 0)
    return RL_COOKIE_SITE_NONE;
  if (strcmp(site.bytes, "lax") != 0)
    luaL_error(L, "cookie: same_site must be \"strict\", \"lax\" or \"none\"");
  return RL_COOKIE_SITE_LAX;
}

static void read_max_age(lua_State *L, struct rl_cookie *cookie) {
  if (lua_getfield(L, 3, "max_age") != LUA_TNIL) {
    int whole;
    cookie->max_age = lua_tointegerx(L, -1, &whole);
    cookie->has_max_age = true;
    if (!whole)
      luaL_error(L, "cookie: max_age must be a whole number of seconds");
  }
}

static int push_cookie(lua_State *L, const struct rl_cookie *cookie) {
  struct rl_buffer *text = rl_scratch_push(L);
  const char *fault = rl_cookie_write(cookie, text);
  if (text->failed)
    return luaL_error(L, "not enough memory");
  if (fault)
    return luaL_error(L, "cookie \"%s\": %s", cookie->name.bytes, fault);
  lua_pushlstring(L, (const char *)text->bytes, text->size);
  rl_buffer_free(text);
  return 1;
}

/* tools.cookie(name, value, attributes) -> the value of a Set-Cookie field. Attributes: path,
 * domain, max_age, secure, http_only, partitioned, same_site. Raises what is wrong with it. */
static int write_cookie(lua_State *L) {
  struct rl_cookie cookie = {.name = check_slice(L, 1), .value = check_slice(L, 2)};
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  cookie.path = text_of(L, "path");
  cookie.domain = text_of(L, "domain");
  cookie.secure = switch_of(L, "secure");
  cookie.http_only = switch_of(L, "http_only");
  cookie.partitioned = switch_of(L, "partitioned");
  cookie.site = site_of(L);
  read_max_age(L, &cookie);
  return push_cookie(L, &cookie);
}

/* tools.choose(list, name...) -> the best of these codings for an Accept-Encoding, or nil */
static int choose(lua_State *L) {
  struct rl_slice list = check_slice(L, 1);
  const char *names[OFFERS];
  int count = lua_gettop(L) - 1;
  luaL_argcheck(L, count <= OFFERS, OFFERS + 2, "too many");
  for (int i = 0; i < count; i++)
    names[i] = luaL_checkstring(L, i + 2);
  int best = rl_accept_choose(list, RL_ACCEPT_ENCODINGS, names, count);
  if (best < 0)
    luaL_pushfail(L);
  else
    lua_pushvalue(L, best + 2);
  return 1;
}

/* tools.lists(list, etag) -> whether an If-None-Match has this entity tag */
static int lists(lua_State *L) {
  struct rl_condition_state state = {true, check_slice(L, 2), RL_CONDITION_UNSAID};
  lua_pushboolean(L, rl_condition_lists(check_slice(L, 1), &state, false));
  return 1;
}

int luaopen_rille_http_tools(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"cookie", write_cookie}, {"choose", choose}, {"lists", lists}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
