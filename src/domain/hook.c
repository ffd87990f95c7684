/* Hook: see the header. For each thread with a hook there is a table {function, mask, count}. */
#include "domain/hook.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "domain/domain.h"
#include "domain/interrupt.h"
#include "vm/weak.h"

enum { FUNCTION = 1, MASK, COUNT };

static const char hooks_key = 0; /* its address: the table's key in the registry */

/* [] on L -> [record or nil] on L: of the thread `of`, which may be L. */
static bool push_record(lua_State *L, lua_State *of) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &hooks_key) != LUA_TTABLE)
    return false;
  lua_pushthread(of);
  if (L != of)
    lua_xmove(of, L, 1);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  return lua_istable(L, -1);
}

static int field(lua_State *L, int index) {
  lua_rawgeti(L, -1, index);
  int value = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return value;
}

static void call_script(lua_State *L, lua_Debug *ar) {
  static const char *const events[] = {"call", "return", "line", "count", "tail call"};
  if (push_record(L, L)) {
    lua_rawgeti(L, -1, FUNCTION);
    lua_remove(L, -2);
    lua_pushstring(L, events[ar->event]);
    if (ar->currentline >= 0)
      lua_pushinteger(L, ar->currentline);
    else
      lua_pushnil(L);
    lua_call(L, 2, 0);
  } else {
    lua_pop(L, 1);
  }
}

void rl_hook_count(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  if (domain->count && !lua_gethook(L))
    lua_sethook(L, domain->count, LUA_MASKCOUNT, domain->count_every);
}

void rl_hook_put_back(lua_State *L) {
  lua_sethook(L, NULL, 0, 0);
  rl_hook_count(L);
  if (!rl_domain_of(L)->hooked || !lua_checkstack(L, 4))
    return;
  if (push_record(L, L))
    lua_sethook(L, call_script, field(L, MASK), field(L, COUNT));
  lua_pop(L, 1);
}

void rl_hook_forget(lua_State *L) {
  lua_sethook(L, NULL, 0, 0);
  if (!rl_domain_of(L)->hooked || !lua_checkstack(L, 4))
    return;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &hooks_key) == LUA_TTABLE) {
    lua_pushthread(L);
    lua_pushnil(L);
    lua_rawset(L, -3); /* of a key that may be there: allocates nothing */
  }
  lua_pop(L, 1);
}

static int mask_of(const char *letters, int count) {
  int mask = count > 0 ? LUA_MASKCOUNT : 0;
  mask |= strchr(letters, 'c') ? LUA_MASKCALL : 0;
  mask |= strchr(letters, 'r') ? LUA_MASKRET : 0;
  mask |= strchr(letters, 'l') ? LUA_MASKLINE : 0;
  return mask;
}

/* The thread that the call is about; *first is the index before its other arguments. */
static lua_State *thread_of(lua_State *L, int *first) {
  *first = lua_isthread(L, 1) ? 1 : 0;
  return *first ? lua_tothread(L, 1) : L;
}

/* [.., thread, record or nil] -> [..]: what has been set on it. */
static void keep(lua_State *L) {
  rl_weak_push(L, &hooks_key, "k"); /* for threads come and go */
  lua_insert(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

static void push_thread(lua_State *L, lua_State *thread) {
  luaL_checkstack(thread, 1, NULL);
  lua_pushthread(thread);
  lua_xmove(thread, L, 1);
}

int rl_hook_set(lua_State *L) {
  int first;
  lua_State *of = thread_of(L, &first);
  struct rl_domain *domain = rl_domain_of(L);
  int mask = 0, count = 0;
  if (domain->count)
    luaL_error(L, "no hook can be set here: %s takes it",
               domain->usual ? "the simulation" : "this task has the option instructions, which");
  if (!lua_isnoneornil(L, first + 1)) {
    const char *letters = luaL_checkstring(L, first + 2);
    luaL_checktype(L, first + 1, LUA_TFUNCTION);
    count = (int)luaL_optinteger(L, first + 3, 0);
    mask = mask_of(letters, count);
  }
  domain->hooked = true;
  push_thread(L, of);
  if (mask == 0) {
    lua_pushnil(L);
  } else {
    lua_createtable(L, 3, 0);
    lua_pushvalue(L, first + 1);
    lua_rawseti(L, -2, FUNCTION);
    lua_pushinteger(L, mask);
    lua_rawseti(L, -2, MASK);
    lua_pushinteger(L, count);
    lua_rawseti(L, -2, COUNT);
  }
  keep(L);
  lua_sethook(of, mask != 0 ? call_script : NULL, mask, count);
  if (atomic_load(&domain->watch.asks) != 0)
    rl_interrupt_arm(domain); /* its hook may just have been replaced */
  return 0;
}

int rl_hook_get(lua_State *L) {
  int first;
  lua_State *of = thread_of(L, &first);
  luaL_checkstack(of, 2, NULL);
  if (!push_record(L, of)) {
    luaL_pushfail(L);
    return 1;
  }
  int mask = field(L, MASK), count = field(L, COUNT);
  lua_rawgeti(L, -1, FUNCTION);
  lua_pushfstring(L, "%s%s%s", mask & LUA_MASKCALL ? "c" : "", mask & LUA_MASKRET ? "r" : "",
                  mask & LUA_MASKLINE ? "l" : "");
  lua_pushinteger(L, count);
  return 3;
}
