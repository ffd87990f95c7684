/* Broadcast: functions that every compute domain runs, kept in the order in which they came.
 *
 *     caller                       broadcasts               each compute domain
 *     rl_notice_new, pack
 *     rl_broadcasts_post  ------>  list of notices  ----->  `news`: runs what it has not heard yet,
 *                                                           one by one, each in a fiber, unpacked
 *                                                           from a copy of the parcel
 *     `done` arrives      <------  the last that was told
 *
 * A domain that starts hears all that is kept before it takes a task, so every domain has run the
 * same functions in the same order. Notices live until the pool is destroyed. */
#ifndef RL_DOMAIN_BROADCAST_H
#define RL_DOMAIN_BROADCAST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "domain/fiber.h"
#include "io/mailbox.h"
#include "vm/parcel.h"

struct rl_domain;
struct rl_heap;

enum rl_occasion {
  RL_AT_ONCE,  /* by all that there are, and by those that start later */
  RL_AT_START, /* by those that start later */
  RL_AT_STOP   /* by each that ends, the last notice first */
};

struct rl_notice {
  struct rl_list link;
  struct rl_heap *heap;
  uint64_t number; /* of its place */
  enum rl_occasion occasion;
  struct rl_parcel parcel; /* function and arguments, without lent strings; constant once posted */

  /* caller's thread */
  struct rl_domain *origin;
  struct rl_wait wait;
  struct rl_message done;

  /* broadcasts' lock */
  unsigned told, pending, failed; /* domains that were there; of these, those yet to run it; ... */
  bool withdrawn;                 /* failed wherever it ran: nobody runs it any more */
  char *text;                     /* of the first error; NULL: none, or no memory for it */
  size_t size;
  unsigned where; /* the number of its domain */
};

struct rl_broadcasts {
  struct rl_heap *heap;
  pthread_mutex_t lock;    /* for what follows; taken with the pool's held, never the other way */
  struct rl_list notices;  /* in order */
  struct rl_list hearings; /* of the domains that hear */
  uint64_t last;           /* number of the last notice */
  unsigned kept;           /* notices */
};

/* A compute domain's part. */
struct rl_hearing {
  struct rl_broadcasts *broadcasts;
  struct rl_domain *domain;

  /* lock */
  struct rl_list link;
  bool hears;             /* between join and leave */
  bool open;              /* its mailbox is */
  bool told;              /* `news` is under way */
  uint64_t joined, heard; /* numbers of the last notice when it joined, and that it has begun */
  struct rl_notice *busy; /* what it runs now */
  struct rl_message news;

  /* own thread */
  bool opening;  /* has not caught up since it started: takes no task */
  bool stopping; /* runs what is for the end */
  bool over;     /* if so: the function that ran is */
  struct rl_fiber *fiber;
  struct rl_parcel copy; /* of what runs */
};

void rl_broadcasts_init(struct rl_broadcasts *broadcasts, struct rl_heap *heap);

/* No domain hears any more. */
void rl_broadcasts_destroy(struct rl_broadcasts *broadcasts);

/* A notice with an empty parcel, the caller's until it is posted; NULL without memory. */
struct rl_notice *rl_notice_new(struct rl_broadcasts *broadcasts, enum rl_occasion occasion);
void rl_notice_free(struct rl_notice *notice);

/* Keeps the notice, and tells the domains. The number that will run it now: unless it is 0,
 * notice->done will arrive at the origin when they have. -1: too many are kept, it is the caller's
 * still. Origin's thread. */
int rl_broadcasts_post(struct rl_broadcasts *broadcasts, struct rl_notice *notice);

/* Any thread: whether some function is kept for the end of domains. */
bool rl_broadcasts_any_at_stop(struct rl_broadcasts *broadcasts);

/* The most that are kept. */
enum { RL_BROADCASTS_MOST = 10000 };

void rl_hearing_init(struct rl_hearing *hearing, struct rl_broadcasts *broadcasts,
                     struct rl_domain *domain);

/* A domain is about to start: whoever broadcasts from now on waits for it. Any thread. */
void rl_hearing_join(struct rl_hearing *hearing);

/* Own thread, the domain is open: begins with what is kept. */
void rl_hearing_open(struct rl_hearing *hearing);

/* It hears no more; who waits for it waits no longer. Any thread, repeatedly. */
void rl_hearing_leave(struct rl_hearing *hearing);

/* Own thread, outside the loop, before it leaves: runs what is for the end. Nothing there can wait,
 * and each function has the time of a cleanup. */
void rl_hearing_stop(struct rl_hearing *hearing);

/* Whether the running fiber belongs to what a domain runs for a notice. */
bool rl_hearing_runs(const struct rl_hearing *hearing, const struct rl_fiber *fiber);

#endif
