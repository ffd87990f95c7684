/* Check: arguments that scripts often get wrong, with messages that say what to write instead.
 * Owner thread; all of them raise, at the line of the script. */
#ifndef RL_VM_CHECK_H
#define RL_VM_CHECK_H

#include <lua.h>

/* The object of a method, at index 1: userdata whose metatable is called `type`. */
void *rl_check_self(lua_State *L, const char *type);

/* The method that runs was given no such object: it was called with a dot. Does not return. */
int rl_check_self_fail(lua_State *L, const char *type);

/* The function at `index`, which the function `name` is to call; not what it returns. */
void rl_check_function(lua_State *L, int index, const char *name);

/* Which of the names, up to a NULL, the argument at `index` is; `fallback` if there is none. */
int rl_check_choice(lua_State *L, int index, const char *fallback, const char *const *names);

/* Modules as globals, and what else a script may lack under a name: what rl_check_hint adds to an
 * error that says that the global is nil. */
void rl_check_teach(lua_State *L, const char *global, const char *hint);

/* [message] -> [message]: with what is known of the global that it names, if it names one. */
void rl_check_hint(lua_State *L);

#endif
