/* Channel: values on their way between fibers of any domains, in order; a shared object (shared.h).
 *
 *     sender                     channel                       receiver
 *     packs a letter  ------->   letters, up to `capacity` -->  takes the first, unpacks it
 *     waits: an offer -------->  senders
 *                                receivers  <-----------------  waits: an offer
 *
 * Letters and offers are met under the channel's lock, which is held for a few list operations and
 * never while anything is packed, unpacked, allocated or raised. A letter for a receiver that waits
 * goes into its offer, and stays lent until that receiver runs and acknowledges it: if the fiber
 * has been cancelled meanwhile, the letter comes back and takes its old place, by its number. A
 * closed channel is at its end only when nothing is lent.
 *
 * Any thread. Offers that were taken are collected in a list, for rl_choice_tell. */
#ifndef RL_DOMAIN_CHANNEL_H
#define RL_DOMAIN_CHANNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"
#include "domain/offer.h"
#include "vm/shared.h"

/* All channels of a runtime: one that was sent through itself holds itself, to the end. */
struct rl_channels {
  struct rl_heap *heap;
  pthread_mutex_t lock;
  struct rl_list all; /* of struct rl_channel */
};

struct rl_channel {
  struct rl_shared shared;
  struct rl_channels *channels;
  struct rl_list among; /* in channels->all; under that lock */
  size_t capacity;      /* letters that may wait for a receiver; 0: senders wait for theirs */

  pthread_mutex_t lock; /* for what follows */
  struct rl_list letters;
  size_t count;                      /* of them: more than capacity only if some came back */
  uint64_t number;                   /* of the last letter */
  size_t lent;                       /* letters that are not acknowledged */
  struct rl_list senders, receivers; /* of struct rl_offer, the first that came first */
  bool closed;
};

enum rl_exchange { RL_EXCHANGE_DONE, RL_EXCHANGE_BUSY, RL_EXCHANGE_CLOSED };

extern const struct rl_shared_kind rl_channel_kind;

void rl_channels_init(struct rl_channels *channels, struct rl_heap *heap);

/* No domain is left: frees what holds itself. */
void rl_channels_destroy(struct rl_channels *channels);

/* With one reference. NULL without memory. */
struct rl_channel *rl_channel_new(struct rl_channels *channels, size_t capacity);

/* Under the lock. What was given or taken is the other side's; else nothing has happened. */
enum rl_exchange rl_channel_give(struct rl_channel *channel, struct rl_letter *letter,
                                 struct rl_list *woken);
enum rl_exchange rl_channel_take(struct rl_channel *channel, struct rl_letter **letter,
                                 struct rl_list *woken);

/* Under the lock, after that was in vain: the offer waits. */
void rl_channel_wait(struct rl_channel *channel, struct rl_offer *offer);

/* Takes the lock. The offer waits no more, if it did. */
void rl_channel_leave(struct rl_channel *channel, struct rl_offer *offer);

/* Takes the lock. A letter that was lent has arrived; or comes back. */
void rl_channel_acknowledge(struct rl_channel *channel, struct rl_list *woken);
void rl_channel_return(struct rl_channel *channel, struct rl_letter *letter, struct rl_list *woken);

/* Takes the lock. Nothing is accepted from now on; what was, can be received. */
void rl_channel_close(struct rl_channel *channel, struct rl_list *woken);

/* Takes the lock: letters that wait for a receiver. */
size_t rl_channel_count(struct rl_channel *channel);

#endif
