/* JSON mark: what a table says itself that it is, by `__jsontype` in its metatable. Owner thread
 * only. */
#ifndef RL_VM_JSON_MARK_H
#define RL_VM_JSON_MARK_H

#include <lua.h>

enum rl_json_mark { RL_JSON_UNMARKED, RL_JSON_ARRAY, RL_JSON_OBJECT };

/* Makes what the functions below find in the registry, when a state opens. Raises for want of
 * memory. */
void rl_json_mark_open(lua_State *L);

/* The mark of the table at `index`, which is absolute. Allocates nothing. */
enum rl_json_mark rl_json_mark_of(lua_State *L, int index);

#endif
