/* Choice: how a fiber waits at channels; see offer.h for the data and its owners.
 *
 *     choice = rl_choice_new(L, n, tasks)    may be freed until it is parked
 *     rl_choice_offer(choice, i, ...)        for each
 *     rl_choice_begin(choice)                true: one was met at once; else all of them wait
 *     rl_choice_await(choice, i, task)       and for each of those
 *     rl_choice_limit(choice, seconds)       before that, if it is not to wait for ever
 *     rl_choice_park(L, choice, finish)
 *
 * and rl_choice_end in `finish`, whose context is the choice, or after a begin that was true. Home
 * thread. */
#ifndef RL_DOMAIN_CHOICE_H
#define RL_DOMAIN_CHOICE_H

#include <lua.h>

#include "domain/channel.h"
#include "domain/offer.h"

struct rl_future;

/* For so many offers and tasks. NULL without memory. */
struct rl_choice *rl_choice_new(lua_State *L, int count, int tasks);

/* The offer to send the letter, which is the choice's from now on; or, if that is NULL, to receive.
 */
void rl_choice_offer(struct rl_choice *choice, int index, struct rl_channel *channel,
                     struct rl_letter *letter);

/* The task, which runs, and must live as long as the fiber waits. */
void rl_choice_await(struct rl_choice *choice, int index, struct rl_future *future);

/* False without memory. */
bool rl_choice_limit(struct rl_choice *choice, double seconds);

/* The offers are tried in their order. A channel that is closed meets any offer. */
bool rl_choice_begin(struct rl_choice *choice);

/* The last call of a C function, as rl_park. */
int rl_choice_park(lua_State *L, struct rl_choice *choice, lua_KFunction finish);

/* The metatable's name of what channel:sending returns: a table of the channel and the value. */
#define RL_SENDING "sending"

enum rl_choice_end {
  RL_CHOICE_TIMEOUT,
  RL_CHOICE_SETTLED, /* a task is */
  RL_CHOICE_CLOSED,  /* the channel of the offer is */
  RL_CHOICE_SENT,
  RL_CHOICE_RECEIVED /* and the letter is the caller's */
};

/* What came of it, and of which offer, or task. Frees the choice. Raises if the fiber was cancelled
 * after it was woken: what was received goes back then. */
enum rl_choice_end rl_choice_end(lua_State *L, struct rl_choice *choice, int *index,
                                 struct rl_letter **letter);

/* One that was not begun. */
void rl_choice_free(struct rl_choice *choice);

/* On the thread of `here`, without a lock: tells those whose offers were taken. */
void rl_choice_tell(struct rl_domain *here, struct rl_list *woken);

#endif
