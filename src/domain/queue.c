/* Queue: see the header. An entry's turn is a moment, when it came plus its level's handicap, and
 * the level whose next entry has the earliest turn is served: one comparison does both strictness
 * and ageing. */
#include "domain/queue.h"

#include <assert.h>

void rl_lane_init(struct rl_lane *lane, enum rl_level level) {
  *lane = (struct rl_lane){.level = level};
  rl_list_init(&lane->ring);
  rl_list_init(&lane->line);
}

void rl_group_init(struct rl_group *group, struct rl_lane *lane, unsigned max) {
  *group = (struct rl_group){.lane = lane, .max = max};
  rl_list_init(&group->parked);
  rl_list_init(&group->choked);
  rl_list_init(&group->kin);
}

void rl_queue_init(struct rl_queue *queue) {
  *queue = (struct rl_queue){.length = 0};
  atomic_init(&queue->ready, 0);
  for (int level = 0; level < RL_LEVELS; level++) {
    rl_lane_init(&queue->levels[level].keyless, (enum rl_level)level);
    rl_list_init(&queue->levels[level].ring);
  }
  rl_list_init(&queue->choked);
}

static struct rl_entry *entry_of(struct rl_list *link) {
  return RL_OF(link, struct rl_entry, link);
}

static struct rl_lane *lane_of(struct rl_queue *queue, const struct rl_entry *entry) {
  return entry->group ? entry->group->lane : &queue->levels[RL_LEVEL_NORMAL].keyless;
}

static bool is_empty(const struct rl_lane *lane) {
  return rl_list_empty(&lane->line) && !lane->soonest;
}

/* No locked instruction: who writes has the lock, and who sleeps has looked under it. */
static void add_ready(struct rl_queue *queue, unsigned by) {
  atomic_store_explicit(&queue->ready, rl_queue_ready(queue) + by, memory_order_relaxed);
}

/* -- lanes -------------------------------------------------------------------------------- */

static void enter_lane(struct rl_queue *queue, struct rl_entry *entry) {
  struct rl_lane *lane = lane_of(queue, entry);
  if (is_empty(lane)) {
    rl_list_push(&queue->levels[lane->level].ring, &lane->ring);
    queue->levels[lane->level].lanes++;
  }
  if (entry->deadline)
    rl_pairing_push(&lane->soonest, &entry->soonest, entry->deadline);
  else
    rl_list_push(&lane->line, &entry->link);
  if (entry->group)
    entry->group->out++;
  entry->place = RL_PLACE_LANE;
  lane->work += entry->estimate;
  queue->levels[lane->level].work += entry->estimate;
  add_ready(queue, 1);
}

static void leave_lane(struct rl_queue *queue, struct rl_entry *entry) {
  struct rl_lane *lane = lane_of(queue, entry);
  if (entry->deadline)
    rl_pairing_remove(&lane->soonest, &entry->soonest);
  else
    rl_list_remove(&entry->link);
  if (is_empty(lane)) {
    rl_list_remove(&lane->ring);
    queue->levels[lane->level].lanes--;
  }
  lane->work -= entry->estimate;
  queue->levels[lane->level].work -= entry->estimate;
  add_ready(queue, -1u);
}

/* The next entry of a lane that is not empty. */
static struct rl_entry *head_of(const struct rl_lane *lane) {
  if (!lane->soonest)
    return entry_of(lane->line.next);
  struct rl_entry *soonest = RL_OF(lane->soonest, struct rl_entry, soonest);
  if (rl_list_empty(&lane->line))
    return soonest;
  struct rl_entry *oldest = entry_of(lane->line.next);
  return soonest->deadline <= oldest->since + RL_QUEUE_PATIENCE ? soonest : oldest;
}

/* -- groups ------------------------------------------------------------------------------- */

static void park(struct rl_queue *queue, struct rl_entry *entry) {
  struct rl_group *group = entry->group;
  if (rl_list_empty(&group->parked))
    rl_list_push(&queue->choked, &group->choked);
  rl_list_push(&group->parked, &entry->link);
  entry->place = RL_PLACE_PARKED;
}

static void unpark(struct rl_entry *entry) {
  rl_list_remove(&entry->link);
  if (rl_list_empty(&entry->group->parked))
    rl_list_remove(&entry->group->choked);
}

static bool has_room(const struct rl_group *group) {
  return group->max == 0 || group->out < group->max;
}

/* Waiting for its own group does not make an entry older than those of other levels. */
static void release(struct rl_queue *queue, struct rl_group *group, uint64_t now) {
  while (!rl_list_empty(&group->parked) && has_room(group)) {
    struct rl_entry *entry = entry_of(group->parked.next);
    unpark(entry);
    entry->since = now;
    enter_lane(queue, entry);
  }
}

/* -- the whole ---------------------------------------------------------------------------- */

void rl_queue_push(struct rl_queue *queue, struct rl_entry *entry) {
  assert(entry->place == RL_PLACE_NONE);
  queue->length++;
  if (entry->deadline)
    rl_pairing_push(&queue->expiry, &entry->expiry, entry->latest);
  if (entry->group) {
    rl_list_push(&entry->group->kin, &entry->kin);
    entry->group->work += entry->estimate;
    if (!has_room(entry->group)) {
      park(queue, entry);
      return;
    }
  }
  enter_lane(queue, entry);
}

/* It is in no lane and parked no more. */
static void forget(struct rl_queue *queue, struct rl_entry *entry) {
  queue->length--;
  if (entry->deadline)
    rl_pairing_remove(&queue->expiry, &entry->expiry);
  if (entry->group) {
    rl_list_remove(&entry->kin);
    entry->group->work -= entry->estimate;
  }
  entry->place = RL_PLACE_OUT;
}

struct rl_entry *rl_queue_peek(const struct rl_queue *queue) {
  struct rl_entry *best = NULL;
  uint64_t earliest = UINT64_MAX;
  for (unsigned level = 0; level < RL_LEVELS; level++) {
    const struct rl_list *ring = &queue->levels[level].ring;
    if (rl_list_empty(ring))
      continue;
    struct rl_entry *head = head_of(RL_OF(ring->next, struct rl_lane, ring));
    uint64_t turn = head->since + level * RL_QUEUE_PATIENCE;
    if (turn < earliest) {
      best = head;
      earliest = turn;
    }
  }
  return best;
}

struct rl_entry *rl_queue_take(struct rl_queue *queue) {
  struct rl_entry *entry = rl_queue_peek(queue);
  if (!entry)
    return NULL;
  struct rl_lane *lane = lane_of(queue, entry);
  leave_lane(queue, entry);
  forget(queue, entry);
  if (!is_empty(lane) && queue->levels[lane->level].lanes > 1) {
    rl_list_remove(&lane->ring);
    rl_list_push(&queue->levels[lane->level].ring, &lane->ring);
  }
  return entry;
}

struct rl_entry *rl_queue_take_any(struct rl_queue *queue) {
  struct rl_entry *entry = rl_queue_take(queue);
  if (entry || rl_list_empty(&queue->choked))
    return entry;
  struct rl_group *group = RL_OF(queue->choked.next, struct rl_group, choked);
  entry = entry_of(group->parked.next);
  unpark(entry);
  forget(queue, entry);
  group->out++;
  return entry;
}

void rl_queue_ended(struct rl_queue *queue, struct rl_entry *entry, uint64_t now) {
  struct rl_group *group = entry->group;
  bool out = entry->place == RL_PLACE_OUT;
  entry->place = RL_PLACE_NONE;
  if (!out || !group)
    return;
  group->out--;
  release(queue, group, now);
}

void rl_queue_remove(struct rl_queue *queue, struct rl_entry *entry, uint64_t now) {
  assert(rl_queue_holds(entry));
  if (entry->place == RL_PLACE_LANE) {
    leave_lane(queue, entry);
  } else {
    unpark(entry);
    entry->group->out++;
  }
  forget(queue, entry);
  rl_queue_ended(queue, entry, now);
}

struct rl_entry *rl_queue_expired(const struct rl_queue *queue, uint64_t now) {
  if (!queue->expiry || queue->expiry->key > now)
    return NULL;
  return RL_OF(queue->expiry, struct rl_entry, expiry);
}

struct rl_entry *rl_queue_oldest(const struct rl_group *group) {
  if (rl_list_empty(&group->kin))
    return NULL;
  return RL_OF(group->kin.next, struct rl_entry, kin);
}

uint64_t rl_queue_ahead(const struct rl_queue *queue, const struct rl_group *group) {
  const struct rl_lane *lane = group ? group->lane : &queue->levels[RL_LEVEL_NORMAL].keyless;
  uint64_t ahead = 0;
  for (unsigned level = 0; level < lane->level; level++)
    ahead += queue->levels[level].work;
  /* Lanes take turns: a short one is through before the long ones are. */
  uint64_t turns = lane->work * (queue->levels[lane->level].lanes + is_empty(lane));
  uint64_t whole = queue->levels[lane->level].work;
  return ahead + (turns < whole ? turns : whole);
}
