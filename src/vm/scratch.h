/* Scratch: a byte buffer that Lua frees, for a text made in between calls that may raise. */
#ifndef RL_VM_SCRATCH_H
#define RL_VM_SCRATCH_H

#include <lua.h>

#include "base/buffer.h"

/* [] -> [userdata]: an empty buffer, of the runtime's heap. It is freed when it is collected, or
 * closed if the caller makes it a to-be-closed slot; the caller may free it before. Raises for want
 * of memory. */
struct rl_buffer *rl_scratch_push(lua_State *L);

#endif
