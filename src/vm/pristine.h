/* Pristine: the standard libraries, and Rille's own, as each task of a compute domain finds them.
 * Tasks of different callers take turns on one state, and one of them may well set `pcall` or
 * ("").upper to something of its own: after its turn that is put back, so that it has harmed nobody
 * else. What is added stays, for caches are kept in globals, but for metamethods and in Rille's
 * own; so does what the domain's own start changes (domains.broadcast).
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

/* The same for one of Rille's modules that has just been loaded; a script's own may keep in its
 * table what it likes. Raises for want of memory. */
void rl_pristine_add(lua_State *L, const char *module);

/* A table of ours has got a field of its own accord: the function of this module that has the key
 * for its name, or else the module. What is remembered is that, whatever a task has made of it.
 * Raises for want of memory. */
void rl_pristine_learn(lua_State *L, int table, int key, const char *module);
void rl_pristine_free(struct rl_pristine *pristine);

/* After a turn: puts back what has changed, or remembers it from now on where the domain is being
 * prepared. False without memory: then the state is not to be used any more. Runs no Lua code but
 * finalizers that are due, and only if something has changed. */
bool rl_pristine_settle(struct rl_vm *vm);

/* In the middle of a turn, before one of our modules is loaded, which will keep what it finds: puts
 * back what has changed. Raises for want of memory. */
void rl_pristine_clean(lua_State *L);

#endif
