/* Search: two strings under a lock. */
#include "host/search.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "vm/call.h"

void rl_search_init(struct rl_search *search, struct rl_heap *heap) {
  *search = (struct rl_search){.heap = heap};
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
