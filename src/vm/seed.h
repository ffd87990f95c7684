/* Seed: Lua states whose tables are in the same order in every run. The order of string keys goes
 * by their hashes, which Lua takes from a seed that it makes of addresses and the time, and has no
 * way to be told. Owner thread only. */
#ifndef RL_VM_SEED_H
#define RL_VM_SEED_H

#include <lua.h>
#include <stdint.h>

/* lua_newstate; but strings hash by `seed`, if this is a Lua whose state is known. */
lua_State *rl_seed_newstate(lua_Alloc allocate, void *context, uint32_t seed);

#endif
