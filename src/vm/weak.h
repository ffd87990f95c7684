/* Weak: tables with weak keys or values that a state keeps for itself. Owner thread only. */
#ifndef RL_VM_WEAK_H
#define RL_VM_WEAK_H

#include <lua.h>

/* [] -> [table]: the one that lies in the registry under the address `key`, made when it is first
 * asked for; `mode` is "k" for weak keys, "v" for weak values. Raises for want of memory. */
void rl_weak_push(lua_State *L, const void *key, const char *mode);

#endif
