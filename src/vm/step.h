/* Step: a piece of the path to a value inside a table, as messages show it: .name, [3]. */
#ifndef RL_VM_STEP_H
#define RL_VM_STEP_H

#include <lua.h>

/* [] -> [string]: how the value under the key at `key`, which is absolute, is reached from its
 * table. */
void rl_step_push(lua_State *L, int key);

#endif
