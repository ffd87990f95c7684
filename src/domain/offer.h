/* Offer: what a fiber that waits leaves at a channel: that it would send, or receive. A choice is
 * the offers of one fiber, perhaps at several channels, of which exactly one is taken, once; unless
 * a task that it awaits as well is settled first, its time is up, or it is cancelled.
 *
 * Data only. Who owns what:
 *
 *     home thread   the choice and its offers, from rl_choice_new to the end
 *     channel       the link of an offer, under the channel's lock, until its home takes it out
 *     taker         any thread, under that lock: if it turns `state` from open to taken, then
 *                   `taken` and that offer's letter are its own until it sends the message
 *     mailbox       the message, from then on; home thread again when it arrives */
#ifndef RL_DOMAIN_OFFER_H
#define RL_DOMAIN_OFFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "domain/fiber.h"
#include "domain/letter.h"
#include "io/mailbox.h"

struct rl_channel;
struct rl_choice;
struct rl_domain;
struct rl_timer;

struct rl_offer {
  struct rl_list link; /* channel's lock */
  struct rl_choice *choice;
  struct rl_channel *channel; /* a reference */
  struct rl_offer *above;     /* whose channel is locked next; NULL: none */
  bool sends;
  /* To send: what; NULL once it is sent. Received: what; NULL: the channel is closed. */
  struct rl_letter *letter;
};

/* A task whose end would end the wait. Home thread. */
struct rl_prospect {
  struct rl_await await;
  struct rl_choice *choice;
};

enum rl_choice_state {
  RL_CHOICE_OPEN,
  RL_CHOICE_TAKEN,    /* its message is, or will be, under way */
  RL_CHOICE_WITHDRAWN /* by its home, for another reason */
};

struct rl_choice {
  atomic_int state; /* any thread */

  /* of the one who has turned the state to taken */
  struct rl_offer *taken;
  struct rl_list woken; /* among those to be told */
  struct rl_message message;

  /* home thread */
  struct rl_domain *home;
  struct rl_wait wait;
  struct rl_timer *timer;  /* NULL: none, or it has fired */
  bool lent;               /* a letter is here that its channel has not been told of */
  bool failed;             /* its wait would never end */
  struct rl_offer *lowest; /* the first in the order in which channels are locked */
  int count;               /* offers */
  int awaited;             /* prospects */
  struct rl_prospect *prospects, *settled; /* behind the offers; the one that was, or NULL */
  struct rl_offer offers[];
};

/* The only way to decide over a choice: whether the caller has. */
static inline bool rl_choice_decide(struct rl_choice *choice, enum rl_choice_state state) {
  int open = RL_CHOICE_OPEN;
  return atomic_compare_exchange_strong(&choice->state, &open, (int)state);
}

#endif
