/* Values: writes Lua values into a parcel's bytes, in the form of wire.h. */
#ifndef RL_VM_VALUES_H
#define RL_VM_VALUES_H

#include "vm/packer.h"

/* [values] -> [values, ..]: writes all the values, which must be alone on the stack. Raises, with
 * `trouble` set. The parcel's bytes, codes and anchor are then the caller's to undo. */
void rl_values_write(struct rl_packer *packer, int count);

/* After a pack of a packer that keeps its table has failed: gives it up. Never raises. */
void rl_values_forget(lua_State *L, struct rl_packer *packer);

/* How the Lua function at `index` goes: RL_WIRE_BARE, RL_WIRE_GLOBAL or RL_WIRE_CLOSURE. Never
 * raises; needs two stack slots. */
int rl_values_function_tag(lua_State *L, int index, const void *globals);

#endif
