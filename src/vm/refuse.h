/* Refuse: the message about a value that cannot leave its domain, and where it is. Owner thread
 * only. */
#ifndef RL_VM_REFUSE_H
#define RL_VM_REFUSE_H

#include <lua.h>

#include "vm/parcel.h"

/* [] -> [text]: what kind of thing is at `index`: "a socket", "a coroutine". May raise. */
void rl_refuse_describe(lua_State *L, int index);

/* [] -> [message]: searches the `count` values from index `first` on for one that cannot cross.
 * `names` may be NULL. Never raises (the message is then that of the error); needs `count` + 5
 * stack slots. */
void rl_refuse_explain(lua_State *L, int first, int count, rl_pack_names *names);

#endif
