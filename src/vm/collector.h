/* Collector: Lua's garbage collector, held back while a large value is built: it would look at the
 * half of it over and over. What was allocated meanwhile is owed, and paid later, so that garbage
 * does not pile up: in instalments when the domain has nothing else to do, and what is left of it
 * before the next large value. Finalizers may run. Owner thread only. */
#ifndef RL_VM_COLLECTOR_H
#define RL_VM_COLLECTOR_H

#include <lua.h>
#include <stdbool.h>

struct rl_vm;

/* Calls `function` with one light userdata, as rl_call_protected does, with the collector stopped;
 * all its results are pushed. */
int rl_collector_hold(lua_State *L, lua_CFunction function, void *argument);

/* Pays a small part of what is owed, some tens of microseconds' worth: whether there was anything
 * to pay. Never raises. */
bool rl_collector_pay(struct rl_vm *vm);

/* Whether a finalizer runs: the collector refuses every call of its own meanwhile. Looking for one
 * among the calls instead is quadratic in their depth, as lua_getstack counts from the innermost.
 * Reads a byte, so a signal's handler may ask. */
static inline bool rl_collector_finalizes(lua_State *L) {
  return lua_gc(L, LUA_GCCOUNT) < 0;
}

#endif
