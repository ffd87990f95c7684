/* Assigns: what a piece of code may change. A closure that cannot assign to what it captures, and
 * captures only _ENV, may be shared by tasks that run side by side. Code that neither stores into a
 * table nor calls anything leaves all tables as they are. */
#ifndef RL_VM_ASSIGNS_H
#define RL_VM_ASSIGNS_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether the function in this dump (lua_dump), or one inside it, may assign to a variable that the
 * function captures. True when in doubt. Never raises. */
bool rl_assigns_captured(const unsigned char *dump, size_t size);

/* The same: whether it may store into a table, or call something. */
bool rl_assigns_tables(const unsigned char *dump, size_t size);

/* Whether both can be told for the dumps of the Lua that runs: it is tried on a few. Raises for
 * want of memory. */
bool rl_assigns_check(lua_State *L);

#endif
