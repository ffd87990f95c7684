/* Choice: see the header.
 *
 * All its channels are locked, in the order of their addresses, while it begins: so nobody takes
 * one offer while the next one is made, and two choices that meet each other do so once. */
#include "domain/choice.h"

#include "domain/domain.h"
#include "domain/future.h"
#include "domain/standstill.h"
#include "domain/timer.h"

static struct rl_choice *choice_of(struct rl_list *woken) {
  return RL_OF(woken, struct rl_choice, woken);
}

/* -- life ---------------------------------------------------------------------------------- */

static size_t size_of(int count, int tasks) {
  return sizeof(struct rl_choice) + (size_t)count * sizeof(struct rl_offer) +
         (size_t)tasks * sizeof(struct rl_prospect);
}

static void arrive(struct rl_domain *here, struct rl_message *message);

struct rl_choice *rl_choice_new(lua_State *L, int count, int tasks) {
  struct rl_domain *home = rl_domain_of(L);
  struct rl_choice *choice = rl_zalloc(home->settings->heap, size_of(count, tasks));
  if (!choice)
    return NULL;
  atomic_init(&choice->state, RL_CHOICE_OPEN);
  rl_list_init(&choice->woken);
  choice->message.arrive = arrive;
  choice->home = home;
  choice->count = count;
  for (int i = 0; i < count; i++)
    rl_list_init(&choice->offers[i].link);
  choice->awaited = tasks;
  choice->prospects = (struct rl_prospect *)(void *)&choice->offers[count];
  for (int i = 0; i < tasks; i++)
    rl_list_init(&choice->prospects[i].await.link);
  return choice;
}

/* Puts it into its place in the order of locks; of one channel, offers lie together. */
static void sort_in(struct rl_choice *choice, struct rl_offer *offer) {
  struct rl_offer **at = &choice->lowest;
  while (*at && (uintptr_t)(*at)->channel < (uintptr_t)offer->channel)
    at = &(*at)->above;
  offer->above = *at;
  *at = offer;
}

void rl_choice_offer(struct rl_choice *choice, int index, struct rl_channel *channel,
                     struct rl_letter *letter) {
  struct rl_offer *offer = &choice->offers[index];
  rl_shared_keep(&channel->shared);
  offer->choice = choice;
  offer->channel = channel;
  offer->letter = letter;
  offer->sends = letter != NULL;
  sort_in(choice, offer);
}

static void stop_timer(struct rl_choice *choice) {
  if (choice->timer)
    rl_timer_stop(choice->timer);
  choice->timer = NULL;
}

static void forget_tasks(struct rl_choice *choice) {
  for (int i = 0; i < choice->awaited; i++)
    rl_list_remove(&choice->prospects[i].await.link);
}

void rl_choice_free(struct rl_choice *choice) {
  stop_timer(choice);
  forget_tasks(choice);
  for (struct rl_offer *offer = choice->lowest; offer; offer = offer->above) {
    rl_letter_free(offer->letter);
    rl_shared_release(&offer->channel->shared);
  }
  rl_free(choice->home->settings->heap, choice, size_of(choice->count, choice->awaited));
}

/* -- the end of the wait ------------------------------------------------------------------- */

/* Nothing of it is left with the channels, and no message will come. */
static void leave(struct rl_choice *choice) {
  stop_timer(choice);
  forget_tasks(choice);
  for (struct rl_offer *offer = choice->lowest; offer; offer = offer->above)
    if (offer != choice->taken)
      rl_channel_leave(offer->channel, offer);
  rl_domain_dealt(choice->home);
}

/* What was lent to it is received; or goes back. */
static void settle(struct rl_choice *choice, bool received) {
  struct rl_offer *offer = choice->taken;
  struct rl_list woken;
  rl_list_init(&woken);
  if (received) {
    rl_channel_acknowledge(offer->channel, &woken);
  } else {
    rl_channel_return(offer->channel, offer->letter, &woken);
    offer->letter = NULL;
  }
  choice->lent = false;
  rl_choice_tell(choice->home, &woken);
}

static void arrive(struct rl_domain *here, struct rl_message *message) {
  (void)here;
  struct rl_choice *choice = RL_OF(message, struct rl_choice, message);
  bool waits = rl_wait_pending(&choice->wait);
  leave(choice);
  choice->lent = !choice->taken->sends && choice->taken->letter;
  if (waits) {
    rl_wake(&choice->wait, 0);
    return;
  }
  if (choice->lent)
    settle(choice, false);
  rl_choice_free(choice);
}

void rl_choice_tell(struct rl_domain *here, struct rl_list *woken) {
  for (struct rl_list *link; (link = rl_list_take(woken));) {
    struct rl_choice *choice = choice_of(link);
    if (choice->home == here)
      arrive(here, &choice->message);
    else
      rl_mailbox_push(&choice->home->mailbox, &choice->message);
  }
}

/* The fiber goes away. If an offer has been taken, its message finds nobody. */
static void undo(struct rl_wait *wait) {
  struct rl_choice *choice = RL_OF(wait, struct rl_choice, wait);
  stop_timer(choice);
  if (!rl_choice_decide(choice, RL_CHOICE_WITHDRAWN))
    return;
  leave(choice);
  rl_choice_free(choice);
}

static void time_is_up(struct rl_timer *timer, void *owner) {
  (void)timer;
  struct rl_choice *choice = owner;
  choice->timer = NULL;
  if (!rl_choice_decide(choice, RL_CHOICE_WITHDRAWN))
    return;
  leave(choice);
  rl_wake(&choice->wait, 0);
}

static void settled(struct rl_await *await) {
  struct rl_prospect *prospect = RL_OF(await, struct rl_prospect, await);
  struct rl_choice *choice = prospect->choice;
  if (!rl_choice_decide(choice, RL_CHOICE_WITHDRAWN))
    return;
  choice->settled = prospect;
  leave(choice);
  rl_wake(&choice->wait, 0);
}

void rl_choice_await(struct rl_choice *choice, int index, struct rl_future *future) {
  struct rl_prospect *prospect = &choice->prospects[index];
  prospect->choice = choice;
  prospect->await.settled = settled;
  rl_future_listen(future, &prospect->await);
}

static enum rl_choice_end outcome(const struct rl_choice *choice) {
  const struct rl_offer *taken = choice->taken;
  if (!taken)
    return choice->settled ? RL_CHOICE_SETTLED : RL_CHOICE_TIMEOUT;
  if (taken->sends)
    return taken->letter ? RL_CHOICE_CLOSED : RL_CHOICE_SENT;
  return taken->letter ? RL_CHOICE_RECEIVED : RL_CHOICE_CLOSED;
}

enum rl_choice_end rl_choice_end(lua_State *L, struct rl_choice *choice, int *index,
                                 struct rl_letter **letter) {
  struct rl_offer *taken = choice->taken;
  enum rl_choice_end end = outcome(choice);
  struct rl_region *cancelled = choice->lent ? rl_region_cancelled(rl_fiber_running(L)) : NULL;
  bool failed = choice->failed;
  if (choice->lent)
    settle(choice, !cancelled);
  if (taken || choice->settled)
    *index = (int)(taken ? taken - choice->offers : choice->settled - choice->prospects);
  if (end == RL_CHOICE_RECEIVED) {
    *letter = taken->letter;
    taken->letter = NULL;
  }
  rl_choice_free(choice);
  if (cancelled)
    rl_region_raise(L, cancelled, 1);
  if (failed)
    rl_standstill_raise(L);
  return end;
}

/* Nothing is left that could end it. */
static void fail(struct rl_wait *wait) {
  struct rl_choice *choice = RL_OF(wait, struct rl_choice, wait);
  if (!rl_choice_decide(choice, RL_CHOICE_WITHDRAWN))
    return;
  choice->failed = true;
  leave(choice);
  rl_wake(&choice->wait, 0);
}

bool rl_choice_limit(struct rl_choice *choice, double seconds) {
  choice->timer = rl_timer_start(&choice->home->timers, seconds, true, time_is_up, choice);
  return choice->timer != NULL;
}

/* -- the beginning ------------------------------------------------------------------------- */

/* Whether the offer locks its channel: not the one below. */
static bool is_first(const struct rl_offer *below, const struct rl_offer *offer) {
  return !below || below->channel != offer->channel;
}

static void lock(struct rl_choice *choice) {
  struct rl_offer *below = NULL;
  for (struct rl_offer *offer = choice->lowest; offer; below = offer, offer = offer->above)
    if (is_first(below, offer))
      pthread_mutex_lock(&offer->channel->lock);
}

static void unlock(struct rl_choice *choice) {
  struct rl_offer *below = NULL;
  for (struct rl_offer *offer = choice->lowest; offer; below = offer, offer = offer->above)
    if (is_first(below, offer))
      pthread_mutex_unlock(&offer->channel->lock);
}

static bool try_offer(struct rl_offer *offer, struct rl_list *woken) {
  struct rl_channel *channel = offer->channel;
  if (!offer->sends)
    return rl_channel_take(channel, &offer->letter, woken) != RL_EXCHANGE_BUSY;
  enum rl_exchange outcome = rl_channel_give(channel, offer->letter, woken);
  if (outcome == RL_EXCHANGE_DONE)
    offer->letter = NULL;
  return outcome != RL_EXCHANGE_BUSY;
}

static void try_offers(struct rl_choice *choice, struct rl_list *woken) {
  for (int i = 0; i < choice->count && !choice->taken; i++)
    if (try_offer(&choice->offers[i], woken))
      choice->taken = &choice->offers[i];
}

bool rl_choice_begin(struct rl_choice *choice) {
  struct rl_list woken;
  rl_list_init(&woken);
  rl_domain_deal(choice->home); /* before anyone can answer */
  lock(choice);
  try_offers(choice, &woken);
  bool met = choice->taken != NULL;
  for (int i = 0; i < choice->count && !met; i++)
    rl_channel_wait(choice->offers[i].channel, &choice->offers[i]);
  unlock(choice);
  if (met)
    rl_domain_dealt(choice->home);
  rl_choice_tell(choice->home, &woken);
  return met;
}

int rl_choice_park(lua_State *L, struct rl_choice *choice, lua_KFunction finish) {
  choice->wait.fail = fail;
  return rl_park(L, &choice->wait, undo, finish, (lua_KContext)choice);
}
