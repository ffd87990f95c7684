/* Search: two strings under a lock, and a searcher of the host's. */
#include "host/search.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "vm/call.h"

void rl_search_init(struct rl_search *search, struct rl_heap *heap,
                    const struct rille_options *options) {
  *search = (struct rl_search){.heap = heap,
                               .first_path = options->path,
                               .first_cpath = options->cpath,
                               .find = options->find_module,
                               .context = options->find_context};
  pthread_mutex_init(&search->lock, NULL);
}

static void replace(struct rl_heap *heap, char **slot, const char *text) {
  size_t size = text ? strlen(text) + 1 : 0;
  char *copy = text ? rl_alloc(heap, size) : NULL;
  if (text && !copy)
    return;
  if (*slot)
    rl_free(heap, *slot, strlen(*slot) + 1);
  if (copy)
    memcpy(copy, text, size);
  *slot = copy;
}

void rl_search_free(struct rl_search *search) {
  replace(search->heap, &search->path, NULL);
  replace(search->heap, &search->cpath, NULL);
  pthread_mutex_destroy(&search->lock);
}

/* [light userdata search] */
static int note(lua_State *L) {
  struct rl_search *search = lua_touserdata(L, 1);
  lua_getglobal(L, LUA_LOADLIBNAME);
  lua_getfield(L, -1, "path");
  lua_getfield(L, -2, "cpath");
  const char *path = lua_tostring(L, -2), *cpath = lua_tostring(L, -1);
  pthread_mutex_lock(&search->lock);
  if (path)
    replace(search->heap, &search->path, path);
  if (cpath)
    replace(search->heap, &search->cpath, cpath);
  pthread_mutex_unlock(&search->lock);
  return 0;
}

void rl_search_note(struct rl_search *search, lua_State *L) {
  if (rl_call_protected(L, note, search) != LUA_OK)
    lua_pop(L, 1);
}

/* [name], upvalue: light userdata search: a loader and where it comes from; or why there is none.
 */
static int find_in_host(lua_State *L) {
  const struct rl_search *search = lua_touserdata(L, lua_upvalueindex(1));
  const char *name = luaL_checkstring(L, 1);
  size_t size = 0;
  const char *text = search->find(search->context, name, &size);
  if (!text) {
    lua_pushliteral(L, "the host has no such module");
    return 1;
  }
  lua_pushfstring(L, "=%s", name);
  if (luaL_loadbufferx(L, text, size, lua_tostring(L, -1), "t") != LUA_OK)
    return luaL_error(L, "error loading module '%s' of the host:\n\t%s", name, lua_tostring(L, -1));
  lua_pushliteral(L, ":host:");
  return 2;
}

/* [package]: asks the host after package.preload, and before any path. */
static void add_searcher(struct rl_search *search, lua_State *L) {
  enum { PLACE = 2 };
  lua_getfield(L, -1, "searchers"); // [package, searchers]
  for (lua_Integer i = luaL_len(L, -1); i >= PLACE; i--) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushlightuserdata(L, search);
  lua_pushcclosure(L, find_in_host, 1);
  lua_rawseti(L, -2, PLACE);
  lua_pop(L, 1);
}

static void set_path(lua_State *L, const char *field, const char *path) {
  if (!path)
    return;
  lua_pushstring(L, path);
  lua_setfield(L, -2, field);
}

void rl_search_open(struct rl_search *search, lua_State *L) {
  lua_getglobal(L, LUA_LOADLIBNAME);
  set_path(L, "path", search->first_path);
  set_path(L, "cpath", search->first_cpath);
  if (search->find)
    add_searcher(search, L);
  lua_pop(L, 1);
}

/* [package] */
static void apply_one(struct rl_search *search, lua_State *L, char *const *slot,
                      const char *field) {
  luaL_Buffer buffer; /* prepared first: nothing raises while the lock is held */
  pthread_mutex_lock(&search->lock);
  size_t size = *slot ? strlen(*slot) : 0;
  pthread_mutex_unlock(&search->lock);
  if (size == 0)
    return;
  char *room = luaL_buffinitsize(L, &buffer, size);
  pthread_mutex_lock(&search->lock);
  size_t now = strlen(*slot);
  if (now <= size)
    memcpy(room, *slot, now);
  pthread_mutex_unlock(&search->lock);
  luaL_pushresultsize(&buffer, now <= size ? now : 0);
  if (now <= size)
    lua_setfield(L, -2, field);
  else
    lua_pop(L, 1);
}

void rl_search_apply(struct rl_search *search, lua_State *L) {
  lua_getglobal(L, LUA_LOADLIBNAME);
  apply_one(search, L, &search->path, "path");
  apply_one(search, L, &search->cpath, "cpath");
  lua_pop(L, 1);
}

void rl_search_beside(lua_State *L, const char *path) {
  const char *slash = strrchr(path, '/');
  lua_getglobal(L, LUA_LOADLIBNAME);
  if (slash)
    lua_pushlstring(L, path, (size_t)(slash - path));
  else
    lua_pushliteral(L, ".");
  const char *directory = lua_tostring(L, -1);
  lua_getfield(L, -2, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", directory, directory, lua_tostring(L, -1));
  lua_setfield(L, -4, "path");
  lua_pop(L, 3);
}
