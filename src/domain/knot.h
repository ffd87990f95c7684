/* Knot: waits that can never end, because each waits for another of them: fibers that wait for
 * locks held by, or for tasks run by, fibers that do the same. It is looked for where it would be
 * tied, by the fiber that is about to wait, which raises an error instead.
 *
 * Only what is certain counts: a wait that has a time limit, or stands where something else may end
 * it (rille.timeout, a scope, a race, a deadline), is not for ever. That a fiber could be cancelled
 * from outside does not make it so.
 *
 * Waits for tasks of other domains, by detach, run_in_main and await, are told here only where a
 * lock is held by the fiber that waits, or up the calls: else a small task would pay for it.
 *
 * Any thread, under the lock of the runtime's locks. */
#ifndef RL_DOMAIN_KNOT_H
#define RL_DOMAIN_KNOT_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

struct rl_fiber;
struct rl_tie;

enum { RL_KNOT_TEXT = 2048 };

/* Notes the line on which the running fiber is about to wait; without the lock. */
void rl_knot_note(lua_State *L, struct rl_fiber *fiber, bool limited);

/* The fiber, which has noted where, is about to wait. False: it must not, for that would be for
 * ever; `text` then has RL_KNOT_TEXT bytes that say why. */
bool rl_knot_tie(struct rl_fiber *fiber, struct rl_tie tie, char *text);

/* Without the lock: the running fiber is about to await such an end. Raises if that would be for
 * ever. */
void rl_knot_await(lua_State *L, struct rl_tie tie);

/* It waits no more. */
void rl_knot_untie(struct rl_fiber *fiber);

/* The same without the lock, on its own thread, whether it was told that it waits or not. */
void rl_knot_leave(struct rl_fiber *fiber);

#endif
