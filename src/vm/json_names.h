/* JSON names: the keys of a table, sorted. Owner thread only. */
#ifndef RL_VM_JSON_NAMES_H
#define RL_VM_JSON_NAMES_H

#include <lua.h>

/* [] -> [list]: the keys of the table at `index`, which is absolute, in the order of the bytes that
 * they are in JSON; how many. If one is neither a string nor an integer: -1, and that key is pushed
 * instead. Raises for want of memory. */
lua_Integer rl_json_names(lua_State *L, int index);

#endif
