/* JSON: Lua values to its text. Integers keep all their digits, floats too.
 *
 * A table whose keys are 1 to n, n > 0, is an array; any other an object, whose keys are strings or
 * integers. A light userdata that is NULL is null. Strings are taken for UTF-8 as they are.
 * Metatables are not looked at. Owner thread only. */
#ifndef RL_VM_JSON_H
#define RL_VM_JSON_H

#include <lua.h>

#include "base/buffer.h"

/* Appends the value at `index`. Raises for what JSON cannot say (a function, NaN, a cycle or a
 * depth of more than 128) and for want of memory; a part of it is in the buffer then. */
void rl_json_encode(lua_State *L, int index, struct rl_buffer *to);

#endif
