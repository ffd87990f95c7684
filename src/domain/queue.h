/* Queue: the order in which tasks begin. A plain data structure: it knows neither threads nor
 * tasks, allocates nothing, and is the pool's, under its lock.
 *
 *     levels   high, normal, low: strictly in this order, except that an entry is taken as one of
 *              the level above once it has waited RL_QUEUE_PATIENCE longer
 *     lanes    of a level, one for each key: they take turns, an entry each
 *     lane     earliest deadline first; without one, an entry counts as due RL_QUEUE_PATIENCE after
 *              it came; so those without are first in, first out, and are not starved by the others
 *     group    the entries of one job; of those that are one too many, so that more than `max`
 *              would be out at once, none is in a lane: they are parked in their order
 *
 * What has neither a group nor a deadline, the usual case, costs a few list operations. */
#ifndef RL_DOMAIN_QUEUE_H
#define RL_DOMAIN_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/pairing.h"

#define RL_QUEUE_PATIENCE UINT64_C(1000000000) /* ns */

enum rl_level { RL_LEVEL_HIGH, RL_LEVEL_NORMAL, RL_LEVEL_LOW, RL_LEVELS };

struct rl_lane {
  enum rl_level level;
  struct rl_list ring;        /* in its level's ring while it holds entries */
  struct rl_list line;        /* of struct rl_entry without a deadline, oldest first */
  struct rl_pairing *soonest; /* of those with one */
  uint64_t work;              /* sum of the estimates of both */
};

struct rl_group {
  struct rl_lane *lane;
  unsigned max;          /* entries that may be out at once; 0: any number */
  unsigned out;          /* taken and not ended, and those in the lane */
  uint64_t work;         /* sum of the estimates of its entries, parked or in the lane */
  struct rl_list parked; /* of struct rl_entry */
  struct rl_list choked; /* in queue->choked while any are parked */
  struct rl_list kin;    /* all its queued entries, oldest first */
};

enum rl_place {
  RL_PLACE_NONE, /* not in a queue, initially and at the end */
  RL_PLACE_LANE,
  RL_PLACE_PARKED,
  RL_PLACE_OUT /* taken, and not ended */
};

/* Embedded in what is queued. */
struct rl_entry {
  /* set by the owner before it is pushed */
  struct rl_group *group; /* NULL: the normal level, without a key */
  uint64_t since;         /* clock, ns: when it came; set anew when it is parked no longer */
  uint64_t deadline;      /* clock, ns, at which it is due; 0: never */
  uint64_t estimate;      /* ns that it will probably run */

  /* the queue's */
  struct rl_list link; /* in a line, or among the parked */
  enum rl_place place; /* NONE initially */

  /* for those with a group or a deadline */
  uint64_t latest;    /* the owner's, too: clock after which it is too late to begin */
  struct rl_list kin; /* in its group */
  struct rl_pairing soonest, expiry; /* if it has a deadline */
};

struct rl_queue {
  atomic_uint ready; /* entries that may be taken; written under the lock, read by any */
  unsigned length;   /* entries, the parked ones included */
  struct {
    struct rl_list ring;    /* of struct rl_lane; the first has its turn */
    unsigned lanes;         /* in the ring */
    uint64_t work;          /* sum of the estimates in them */
    struct rl_lane keyless; /* for groups without a key, and what has no group */
  } levels[RL_LEVELS];
  struct rl_pairing *expiry; /* of all entries with a deadline, by their latest beginning */
  struct rl_list choked;     /* of struct rl_group: those with parked entries */
};

void rl_queue_init(struct rl_queue *queue);
void rl_lane_init(struct rl_lane *lane, enum rl_level level);
void rl_group_init(struct rl_group *group, struct rl_lane *lane, unsigned max);

void rl_queue_push(struct rl_queue *queue, struct rl_entry *entry);

/* The next one, or NULL; it is out until rl_queue_ended. */
struct rl_entry *rl_queue_take(struct rl_queue *queue);

/* An entry is over: `now` counts for what comes in its place. Nothing if it was never taken. */
void rl_queue_ended(struct rl_queue *queue, struct rl_entry *entry, uint64_t now);

/* Takes out an entry that will not run. */
void rl_queue_remove(struct rl_queue *queue, struct rl_entry *entry, uint64_t now);

/* What rl_queue_take would return; it stays queued. */
struct rl_entry *rl_queue_peek(const struct rl_queue *queue);

/* An entry that is too late to begin, or NULL; it stays queued. */
struct rl_entry *rl_queue_expired(const struct rl_queue *queue, uint64_t now);

/* The entry of a group that came first, or NULL; it stays queued. */
struct rl_entry *rl_queue_oldest(const struct rl_group *group);

/* The same as rl_queue_take, but takes parked entries when there are no others. */
struct rl_entry *rl_queue_take_any(struct rl_queue *queue);

/* The ns of work that an entry of this group (NULL: of none) would probably find before it. */
uint64_t rl_queue_ahead(const struct rl_queue *queue, const struct rl_group *group);

static inline enum rl_level rl_queue_level(const struct rl_entry *entry) {
  return entry->group ? entry->group->lane->level : RL_LEVEL_NORMAL;
}

static inline bool rl_queue_holds(const struct rl_entry *entry) {
  return entry->place == RL_PLACE_LANE || entry->place == RL_PLACE_PARKED;
}

/* Whether one waits that has neither a group nor a deadline. Another such one would come after it.
 */
static inline bool rl_queue_has_plain(const struct rl_queue *queue) {
  return !rl_list_empty(&queue->levels[RL_LEVEL_NORMAL].keyless.line);
}

/* The ns that all entries that may be taken will probably run. */
static inline uint64_t rl_queue_work(const struct rl_queue *queue) {
  uint64_t work = 0;
  for (unsigned level = 0; level < RL_LEVELS; level++)
    work += queue->levels[level].work;
  return work;
}

static inline unsigned rl_queue_ready(const struct rl_queue *queue) {
  return atomic_load_explicit(&queue->ready, memory_order_relaxed);
}

#endif
