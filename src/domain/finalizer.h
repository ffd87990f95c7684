/* Finalizer: ends one (__gc) that does not end by itself.
 *
 * It runs in whoever allocates next, who may have nothing to do with the object, or between two
 * turns; Lua calls no hooks in it. So the ticker asks now and then, where the same code has run for
 * long (RL_ASK_FINALIZER). The signal's handler sees whether a finalizer runs, and whether that is
 * the one of the last time: a byte of the Lua thread, which lets hooks in, is set by the handler
 * and put back by Lua at the finalizer's end, or where an error is caught. One that has had the
 * time of cleaning up is ended by its hook, with an error that no pcall stops. Whoever leaves one
 * behind may have left any number: those after it have no such time, and a compute domain is
 * replaced. Domain's own thread only. */
#ifndef RL_DOMAIN_FINALIZER_H
#define RL_DOMAIN_FINALIZER_H

#include <lua.h>
#include <stdbool.h>

struct rl_domain;

/* Once for each state, before any other object gets a finalizer: from then on, until all others
 * have been finalized, domain->between is the Lua thread that runs them between turns. May raise
 * for want of memory. */
void rl_finalizer_prepare(lua_State *L);

/* From the hook: raises if the finalizer that runs has had its time. */
void rl_finalizer_look(lua_State *L);

/* An error was caught by L: whether it is to be raised again, by a finalizer that has had its time.
 */
bool rl_finalizer_catches(lua_State *L);

#endif
