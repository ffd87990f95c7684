/* Require: Lua's `require`, which in addition tells the by-name index what a module holds as soon
 * as it is loaded. Wrapping Lua's own would have cost its errors their "file:line:". */
#ifndef RL_VM_REQUIRE_H
#define RL_VM_REQUIRE_H

#include <lua.h>

/* What the searcher of Rille's own modules gives with their loaders: the second result of
 * `require`, where a file's is its path. */
#define RL_REQUIRE_OURS ":rille:"

/* Replaces the global `require`; package.searchers and package.loaded stay in charge. Raises for
 * want of memory. */
void rl_require_open(lua_State *L);

/* [] -> [require]: the function, whatever the global of that name is now. Never raises. */
void rl_require_push(lua_State *L);

#endif
