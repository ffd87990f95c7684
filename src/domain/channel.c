/* Channel: see the header. */
#include "domain/channel.h"

#include <assert.h>

static struct rl_channel *channel_of(struct rl_shared *shared) {
  return RL_OF(shared, struct rl_channel, shared);
}

/* -- life ---------------------------------------------------------------------------------- */

void rl_channels_init(struct rl_channels *channels, struct rl_heap *heap) {
  channels->heap = heap;
  pthread_mutex_init(&channels->lock, NULL);
  rl_list_init(&channels->all);
}

struct rl_channel *rl_channel_new(struct rl_channels *channels, size_t capacity) {
  struct rl_channel *channel = rl_zalloc(channels->heap, sizeof *channel);
  if (!channel)
    return NULL;
  rl_shared_init(&channel->shared, &rl_channel_kind);
  channel->channels = channels;
  channel->capacity = capacity;
  pthread_mutex_init(&channel->lock, NULL);
  rl_list_init(&channel->letters);
  rl_list_init(&channel->senders);
  rl_list_init(&channel->receivers);
  pthread_mutex_lock(&channels->lock);
  rl_list_push(&channels->all, &channel->among);
  pthread_mutex_unlock(&channels->lock);
  return channel;
}

/* Letters may hold other channels. */
static void free_letters(struct rl_channel *channel) {
  for (struct rl_list *link; (link = rl_list_take(&channel->letters));)
    rl_letter_free(RL_OF(link, struct rl_letter, link));
}

static void destroy(struct rl_shared *shared) {
  struct rl_channel *channel = channel_of(shared);
  struct rl_channels *channels = channel->channels;
  assert(rl_list_empty(&channel->senders) && rl_list_empty(&channel->receivers));
  pthread_mutex_lock(&channels->lock);
  rl_list_remove(&channel->among);
  pthread_mutex_unlock(&channels->lock);
  free_letters(channel);
  pthread_mutex_destroy(&channel->lock);
  rl_free(channels->heap, channel, sizeof *channel);
}

const struct rl_shared_kind rl_channel_kind = {
    .module = "rille.channel", .metatable = "channel", .destroy = destroy};

void rl_channels_destroy(struct rl_channels *channels) {
  while (!rl_list_empty(&channels->all)) {
    struct rl_channel *channel = RL_OF(channels->all.next, struct rl_channel, among);
    rl_shared_keep(&channel->shared); /* it may go with its letters otherwise */
    free_letters(channel);
    rl_shared_release(&channel->shared);
  }
  pthread_mutex_destroy(&channels->lock);
}

/* -- offers -------------------------------------------------------------------------------- */

/* Takes the first offer whose choice is still open, and decides for it; NULL if there is none. The
 * others belong to choices that have been decided elsewhere, and go when their homes hear of it. */
static struct rl_offer *take_offer(struct rl_list *offers, struct rl_list *woken) {
  for (struct rl_list *link; (link = rl_list_take(offers));) {
    struct rl_offer *offer = RL_OF(link, struct rl_offer, link);
    if (!rl_choice_decide(offer->choice, RL_CHOICE_TAKEN))
      continue;
    offer->choice->taken = offer;
    rl_list_push(woken, &offer->choice->woken);
    return offer;
  }
  return NULL;
}

static bool lend(struct rl_channel *channel, struct rl_letter *letter, struct rl_list *woken) {
  struct rl_offer *offer = take_offer(&channel->receivers, woken);
  if (!offer)
    return false;
  offer->letter = letter;
  channel->lent++;
  return true;
}

/* The letter of the first sender that waits, which is told that it is sent. */
static struct rl_letter *take_from_sender(struct rl_channel *channel, struct rl_list *woken) {
  struct rl_offer *offer = take_offer(&channel->senders, woken);
  if (!offer)
    return NULL;
  struct rl_letter *letter = offer->letter;
  offer->letter = NULL;
  letter->number = ++channel->number;
  return letter;
}

static void store(struct rl_channel *channel, struct rl_letter *letter) {
  rl_list_push(&channel->letters, &letter->link);
  channel->count++;
}

/* There is room: senders that wait may fill it. */
static void refill(struct rl_channel *channel, struct rl_list *woken) {
  struct rl_letter *letter;
  while (channel->count < channel->capacity && (letter = take_from_sender(channel, woken)))
    store(channel, letter);
}

/* Nothing more will come: receivers that wait are told. */
static void end_if_over(struct rl_channel *channel, struct rl_list *woken) {
  if (!channel->closed || channel->count > 0 || channel->lent > 0)
    return;
  for (struct rl_offer *offer; (offer = take_offer(&channel->receivers, woken));)
    offer->letter = NULL;
}

enum rl_exchange rl_channel_give(struct rl_channel *channel, struct rl_letter *letter,
                                 struct rl_list *woken) {
  if (channel->closed)
    return RL_EXCHANGE_CLOSED;
  letter->number = ++channel->number;
  if (lend(channel, letter, woken))
    return RL_EXCHANGE_DONE;
  if (channel->count >= channel->capacity)
    return RL_EXCHANGE_BUSY;
  store(channel, letter);
  return RL_EXCHANGE_DONE;
}

enum rl_exchange rl_channel_take(struct rl_channel *channel, struct rl_letter **letter,
                                 struct rl_list *woken) {
  struct rl_list *link = rl_list_take(&channel->letters);
  if (link) {
    *letter = RL_OF(link, struct rl_letter, link);
    channel->count--;
    refill(channel, woken);
    return RL_EXCHANGE_DONE;
  }
  struct rl_letter *sent = take_from_sender(channel, woken);
  if (!sent)
    return channel->closed && channel->lent == 0 ? RL_EXCHANGE_CLOSED : RL_EXCHANGE_BUSY;
  *letter = sent;
  return RL_EXCHANGE_DONE;
}

void rl_channel_wait(struct rl_channel *channel, struct rl_offer *offer) {
  rl_list_push(offer->sends ? &channel->senders : &channel->receivers, &offer->link);
}

void rl_channel_leave(struct rl_channel *channel, struct rl_offer *offer) {
  pthread_mutex_lock(&channel->lock);
  rl_list_remove(&offer->link);
  pthread_mutex_unlock(&channel->lock);
}

void rl_channel_acknowledge(struct rl_channel *channel, struct rl_list *woken) {
  pthread_mutex_lock(&channel->lock);
  channel->lent--;
  end_if_over(channel, woken);
  pthread_mutex_unlock(&channel->lock);
}

/* Before the first letter with a higher number. */
static void store_again(struct rl_channel *channel, struct rl_letter *letter) {
  struct rl_list *at = channel->letters.next;
  while (at != &channel->letters && RL_OF(at, struct rl_letter, link)->number < letter->number)
    at = at->next;
  rl_list_push(at, &letter->link); /* at the end of the ring that begins there: before it */
  channel->count++;
}

void rl_channel_return(struct rl_channel *channel, struct rl_letter *letter,
                       struct rl_list *woken) {
  pthread_mutex_lock(&channel->lock);
  channel->lent--;
  if (!lend(channel, letter, woken))
    store_again(channel, letter);
  pthread_mutex_unlock(&channel->lock);
}

void rl_channel_close(struct rl_channel *channel, struct rl_list *woken) {
  pthread_mutex_lock(&channel->lock);
  channel->closed = true;
  while (take_offer(&channel->senders, woken)) /* they keep their letters */
    ;
  end_if_over(channel, woken);
  pthread_mutex_unlock(&channel->lock);
}

size_t rl_channel_count(struct rl_channel *channel) {
  pthread_mutex_lock(&channel->lock);
  size_t count = channel->count;
  pthread_mutex_unlock(&channel->lock);
  return count;
}
