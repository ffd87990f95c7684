/* Resolve: from the name of something in a module (names.h) to the thing, in the receiver's state.
 */
#ifndef RL_VM_RESOLVE_H
#define RL_VM_RESOLVE_H

#include <lua.h>
#include <stddef.h>

/* [] -> [value]: what the path of `size` bytes names here, its module loaded if it has to be.
 * Raises if there is no such thing. */
void rl_resolve_push(lua_State *L, const char *path, size_t size);

#endif
