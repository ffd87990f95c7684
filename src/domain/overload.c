/* Overload: see the header. */
#include "domain/overload.h"

#include <lauxlib.h>

static const char *const names[] = {
    [RL_OVERLOAD_FORECAST] = "overloaded",
    [RL_OVERLOAD_FULL] = "full",
    [RL_OVERLOAD_DROPPED] = "dropped",
    [RL_OVERLOAD_EXPIRED] = "expired",
};

static const char *const texts[] = {
    [RL_OVERLOAD_FORECAST] = "overloaded: it would not be over by its deadline",
    [RL_OVERLOAD_FULL] = "the queue is full",
    [RL_OVERLOAD_DROPPED] = "dropped: a newer one took its place in the full queue",
    [RL_OVERLOAD_EXPIRED] = "dropped: queued until it was too late for its deadline",
};

static void set_seconds(lua_State *L, const char *field, uint64_t nanoseconds) {
  lua_pushnumber(L, (lua_Number)nanoseconds / 1e9);
  lua_setfield(L, -2, field);
}

void rl_overload_push(lua_State *L, const struct rl_overload *overload) {
  luaL_checkstack(L, 3, NULL);
  lua_createtable(L, 0, 6);
  lua_pushstring(L, names[overload->reason]);
  lua_setfield(L, -2, "reason");
  lua_pushstring(L, overload->job);
  lua_setfield(L, -2, "job");
  lua_pushstring(L, texts[overload->reason]);
  lua_setfield(L, -2, "text");
  set_seconds(L, "wait", overload->wait);
  set_seconds(L, "retry_after", overload->retry_after);
  if (overload->deadline)
    set_seconds(L, "deadline", overload->deadline);
  luaL_setmetatable(L, RL_OVERLOAD);
}

/* [error, .., number] -> [error, .., text]: or "?" if a script has changed the field. */
static void seconds_text(lua_State *L, const char *field) {
  if (lua_getfield(L, 1, field) == LUA_TNUMBER)
    lua_pushfstring(L, "%f s", lua_tonumber(L, -1));
  else
    lua_pushliteral(L, "?");
  lua_remove(L, -2);
}

int rl_overload_tostring(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_getfield(L, 1, "job");
  lua_getfield(L, 1, "text");
  seconds_text(L, "retry_after");
  const char *job = lua_tostring(L, 2), *text = lua_tostring(L, 3);
  lua_pushfstring(L, "task of job '%s': %s; retry after %s", job ? job : "?", text ? text : "?",
                  lua_tostring(L, 4));
  return 1;
}
