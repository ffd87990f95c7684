/* Globals: in a compute domain a detached function that reads a global which is not there gets an
 * error that says what to do, instead of a nil that fails somewhere else. */
#ifndef RL_VM_GLOBALS_H
#define RL_VM_GLOBALS_H

#include <lua.h>

/* Gives the globals table of a compute domain the metatable that watches. Raises for want of
 * memory. */
void rl_globals_open(lua_State *L);

#endif
