/* Pristine: the standard libraries, and Rille's own, as each task of a compute domain finds them.
 * Tasks of different callers take turns on one state, and one of them may well set `pcall` or
 * ("").upper to something of its own: after its turn that is put back, so that it has harmed nobody
 * else. What is added stays, but for metamethods, for caches are kept in globals; so does what the
 * domain's own start changes (domains.broadcast).
 *
 * Whether anything has changed is told from the tables' memory, which costs a tenth of a
 * microsecond; code that cannot change a table (assigns.h) is not even looked at. Owner thread
 * only. */
#ifndef RL_VM_PRISTINE_H
#define RL_VM_PRISTINE_H

#include <lua.h>
#include <stdbool.h>

struct rl_pristine;
struct rl_vm;

/* Remembers the tables of all modules that are loaded now, and the metatables of the basic types.
 * Raises for want of memory. */
void rl_pristine_open(lua_State *L);

/* The same for a module that has just been loaded, if it is one of Rille's. A script's own module
 * may keep in its table what it likes. */
void rl_pristine_add(lua_State *L, const char *module);
void rl_pristine_free(struct rl_pristine *pristine);

/* Remembers what these tables hold now. False without memory: some may be remembered as before. */
bool rl_pristine_take(struct rl_vm *vm);

/* Puts back what has changed. False without memory: then the state is not to be used any more. Runs
 * no Lua code but finalizers that are due, and only if something has changed. */
bool rl_pristine_restore(struct rl_vm *vm);

#endif
