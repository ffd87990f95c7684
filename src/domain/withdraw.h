/* Withdraw: the origin of a task wants it no more. Origin's thread. */
#ifndef RL_DOMAIN_WITHDRAW_H
#define RL_DOMAIN_WITHDRAW_H

#include <lua.h>

struct rl_task;

/* [.., reason] -> [..]: a task that has not begun never does, and is settled at once, as cancelled;
 * one that runs is told, and comes back as always. Does not raise. */
void rl_withdraw(lua_State *L, struct rl_task *task);

#endif
