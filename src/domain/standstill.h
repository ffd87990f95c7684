/* Standstill: every fiber of the program waits, and nothing is left that could wake one: no timer,
 * no socket, no task that could begin. Channels and locks are where such waits end in an error,
 * with all waits and their lines.
 *
 *     domain                              ticker, every few milliseconds
 *     about to poll: nothing but waits
 *     at channels, for locks and tasks:
 *     `rest` becomes odd                  all are odd, and were the last time; no message and no
 *                                         task lies anywhere: nobody can become active again
 *     writes down its waits   <---------  asks each, once
 *     rests again                         no fiber has run since: tells each
 *     fails its waits         <---------
 *
 * Only where nobody else can send a message, as a program that embeds Rille may by posting. */
#ifndef RL_DOMAIN_STANDSTILL_H
#define RL_DOMAIN_STANDSTILL_H

#include <lua.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct rl_domain;
struct rl_pool;

enum { RL_STANDSTILL_TEXT = 4096 };

struct rl_standstill {
  bool alone; /* set before the first domain opens: nobody outside sends messages */

  /* ticker's thread */
  uint64_t rests, turns; /* sums over all domains, when it was last looked at */
  unsigned looks;        /* at which the former was the same */
  bool asked;            /* the domains have been asked what waits there */

  pthread_mutex_t lock;
  bool doubtful; /* something may still end a wait in one of them */
  char text[RL_STANDSTILL_TEXT];
  size_t size;
};

void rl_standstill_init(struct rl_standstill *standstill);
void rl_standstill_destroy(struct rl_standstill *standstill);

/* For the ticker, as its survey: looks at all domains (of struct rl_watch). */
void rl_standstill_look(void *standstill, struct rl_list *domains);

/* Own thread: the domain is about to sleep; or has work. */
void rl_standstill_rest(struct rl_domain *domain);
void rl_standstill_rouse(struct rl_domain *domain);

/* In a fiber whose wait was ended for it: raises the error. */
int rl_standstill_raise(lua_State *L);

#endif
