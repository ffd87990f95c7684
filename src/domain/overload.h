/* Overload: the error of a task that the pool did not run because it has too much to do. A table:
 *
 *     reason        "overloaded": it would not have been over by its deadline, by the forecast
 *                   "full": the queue is, and its job does not wait
 *                   "dropped": a newer task of its job took its place in the full queue
 *                   "expired": queued until it could no more be over by its deadline
 *     job           the job's name
 *     wait          seconds that a new task of the job would probably be queued
 *     retry_after   seconds after which trying again has a chance
 *     deadline      the job's, in seconds; nil if it has none
 *
 * with a metatable whose __tostring says this in words. It crosses domains as what it is. */
#ifndef RL_DOMAIN_OVERLOAD_H
#define RL_DOMAIN_OVERLOAD_H

#include <lua.h>
#include <stdint.h>

#define RL_OVERLOAD "overload" /* its metatable's name, which lib/job.c fills */

enum rl_overload_reason {
  RL_OVERLOAD_NONE,
  RL_OVERLOAD_FORECAST,
  RL_OVERLOAD_FULL,
  RL_OVERLOAD_DROPPED,
  RL_OVERLOAD_EXPIRED
};

struct rl_overload {
  enum rl_overload_reason reason;
  const char *job;                      /* outlives every domain */
  uint64_t wait, retry_after, deadline; /* ns */
};

/* [] -> [error]. Raises for want of memory. */
void rl_overload_push(lua_State *L, const struct rl_overload *overload);

/* [error] -> text: its __tostring. */
int rl_overload_tostring(lua_State *L);

#endif
