/* Names: what loaded modules hold crosses by name, not by content: C functions could not cross
 * otherwise, and a class table has to be the one that the receiver's module knows.
 *
 * A module's values get their names once, when it has been loaded: what a script puts into a
 * module's table later is the script's, and goes by content. Owner thread only. */
#ifndef RL_VM_NAMES_H
#define RL_VM_NAMES_H

#include <lua.h>
#include <stdbool.h>

struct rl_names;

/* Makes the index of L's state, whose rl_vm does not have one yet, and names the standard
 * libraries. Raises for want of memory. */
void rl_names_open(lua_State *L);
void rl_names_free(struct rl_names *names);

/* Names what the module holds that is now in package.loaded; values that have a name keep it.
 * May raise for want of memory. */
void rl_names_add(lua_State *L, const char *module);

/* Names the C functions and userdata that have come into loaded modules since; without a name they
 * could not cross at all. May raise for want of memory. */
void rl_names_refresh(lua_State *L);

/* [] -> [path] if the value at `index` (a table, function or userdata) has a name, else nothing.
 * The path is the module and the keys, each ended by a zero byte. Never raises; needs two slots. */
bool rl_names_find(lua_State *L, int index);

/* [] -> [value]: what the path of `size` bytes names here, its module loaded if it has to be.
 * Raises if there is no such thing. */
void rl_names_push(lua_State *L, const char *path, size_t size);

#endif
