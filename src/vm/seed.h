/* Seed: Lua states in which a string has the same hash. Lua hashes strings by a seed that it makes
 * of addresses and the time, and has no way to be told. With one seed in all runs tables are in the
 * same order in each of them; with one in all states of a runtime a string that is sent can say its
 * hash to the receiver. Owner thread only. */
#ifndef RL_VM_SEED_H
#define RL_VM_SEED_H

#include <lua.h>
#include <stdint.h>

struct rl_inside_state;

/* lua_newstate; but strings hash by `seed`, unless that is 0, and `state` is set to what is inside
 * of it: both if this is a Lua whose state is known, else that is NULL. */
lua_State *rl_seed_newstate(lua_Alloc allocate, void *context, uint32_t seed,
                            struct rl_inside_state **state);

#endif
