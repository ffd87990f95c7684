/* Value: from the host's C to Lua, and back. What is on a stack: the domain's own thread. */
#ifndef RL_HOST_VALUE_H
#define RL_HOST_VALUE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "rille.h"

/* What a Lua value is in C, its bytes borrowed from Lua; false if it is of another type. */
bool rl_value_read(lua_State *L, int index, struct rille_value *value);

/* [] -> [values..]. May raise, for want of memory or of stack. */
void rl_values_push(lua_State *L, const struct rille_value *values, size_t count);

/* [..] -> [.., values..], or [.., error]: the same, and does not raise: a Lua status. */
int rl_values_push_protected(lua_State *L, const struct rille_value *values, size_t count);

/* Any thread. What a copy of the values takes, their bytes behind them; and the copy itself, in
 * memory of that size. Returns where it ends. */
size_t rl_values_size(const struct rille_value *values, size_t count);
char *rl_values_copy(const struct rille_value *values, size_t count, struct rille_value *to);

#endif
