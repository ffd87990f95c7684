/* Lock: see the header. */
#include "domain/lock.h"

#include <assert.h>
#include <lauxlib.h>

#include "domain/domain.h"
#include "domain/knot.h"
#include "domain/standstill.h"
#include "domain/timer.h"

/* -- life ---------------------------------------------------------------------------------- */

void rl_locks_init(struct rl_locks *locks, struct rl_heap *heap) {
  locks->heap = heap;
  pthread_mutex_init(&locks->lock, NULL);
}

void rl_locks_destroy(struct rl_locks *locks) {
  pthread_mutex_destroy(&locks->lock);
}

static void destroy(struct rl_shared *shared) {
  struct rl_lock *lock = RL_OF(shared, struct rl_lock, shared);
  assert(rl_list_empty(&lock->waiters) && rl_list_empty(&lock->holders));
  rl_free(lock->locks->heap, lock, sizeof *lock);
}

const struct rl_shared_kind rl_mutex_kind = {
    .module = "rille.locks", .metatable = "mutex", .destroy = destroy};
const struct rl_shared_kind rl_semaphore_kind = {
    .module = "rille.locks", .metatable = "semaphore", .destroy = destroy};

struct rl_lock *rl_lock_new(struct rl_locks *locks, const struct rl_shared_kind *kind,
                            size_t permits) {
  struct rl_lock *lock = rl_zalloc(locks->heap, sizeof *lock);
  if (!lock)
    return NULL;
  rl_shared_init(&lock->shared, kind);
  lock->locks = locks;
  lock->permits = lock->free = permits;
  rl_list_init(&lock->waiters);
  rl_list_init(&lock->holders);
  return lock;
}

void rl_hold_free(struct rl_hold *hold) {
  if (hold->timer)
    rl_timer_stop(hold->timer);
  struct rl_heap *heap = hold->lock->locks->heap;
  rl_shared_release(&hold->lock->shared);
  rl_free(heap, hold, sizeof *hold);
}

/* -- granting: under the lock ----------------------------------------------------------------- */

static void grant(struct rl_hold *hold) {
  struct rl_lock *lock = hold->lock;
  lock->free -= hold->count;
  hold->granted = true;
  hold->inherited = lock->abandoned;
  lock->abandoned = false;
  rl_list_push(&lock->holders, &hold->link);
}

static void grant_waiters(struct rl_lock *lock, struct rl_list *woken) {
  while (!rl_list_empty(&lock->waiters)) {
    struct rl_hold *hold = RL_OF(lock->waiters.next, struct rl_hold, link);
    if (hold->count > lock->free)
      return;
    rl_list_remove(&hold->link);
    grant(hold);
    rl_knot_untie(hold->fiber);
    rl_list_push(woken, &hold->woken);
  }
}

static bool try_grant(struct rl_hold *hold) {
  struct rl_lock *lock = hold->lock;
  bool can = rl_list_empty(&lock->waiters) && hold->count <= lock->free;
  if (can)
    grant(hold);
  return can;
}

/* -- telling ------------------------------------------------------------------------------- */

static void arrive(struct rl_domain *here, struct rl_message *message);

static void tell(struct rl_domain *here, struct rl_list *woken) {
  for (struct rl_list *link; (link = rl_list_take(woken));) {
    struct rl_hold *hold = RL_OF(link, struct rl_hold, woken);
    if (hold->home == here)
      arrive(here, &hold->message);
    else
      rl_mailbox_push(&hold->home->mailbox, &hold->message);
  }
}

/* Permits come back; `abandoned`: from a fiber that ended with them. */
static void give_back(struct rl_hold *hold, size_t count, bool abandoned) {
  struct rl_lock *lock = hold->lock;
  struct rl_domain *here = hold->home;
  struct rl_list woken;
  rl_list_init(&woken);
  pthread_mutex_lock(&lock->locks->lock);
  lock->free += count;
  lock->abandoned |= abandoned;
  hold->count -= count;
  bool over = hold->count == 0;
  if (over)
    rl_list_remove(&hold->link);
  grant_waiters(lock, &woken);
  pthread_mutex_unlock(&lock->locks->lock);
  if (over) {
    rl_list_remove(&hold->kept);
    rl_hold_free(hold);
  }
  tell(here, &woken);
}

static void stop_timer(struct rl_hold *hold) {
  if (hold->timer)
    rl_timer_stop(hold->timer);
  hold->timer = NULL;
}

static void arrive(struct rl_domain *here, struct rl_message *message) {
  struct rl_hold *hold = RL_OF(message, struct rl_hold, message);
  stop_timer(hold);
  rl_domain_dealt(here);
  if (rl_wait_pending(&hold->wait))
    rl_wake(&hold->wait, 0);
  else
    give_back(hold, hold->count, hold->inherited);
}

/* -- waiting ------------------------------------------------------------------------------- */

/* Takes back what was asked for. False: it is granted, and the message under way. */
static bool withdraw(struct rl_hold *hold) {
  struct rl_lock *lock = hold->lock;
  struct rl_list woken;
  rl_list_init(&woken);
  stop_timer(hold);
  pthread_mutex_lock(&lock->locks->lock);
  bool waits = !hold->granted;
  if (waits) {
    rl_list_remove(&hold->link);
    rl_knot_untie(hold->fiber);
    grant_waiters(lock, &woken); /* it may have stood before one that wants less */
  }
  pthread_mutex_unlock(&lock->locks->lock);
  if (waits)
    rl_domain_dealt(hold->home);
  tell(hold->home, &woken);
  return waits;
}

static void undo(struct rl_wait *wait) {
  struct rl_hold *hold = RL_OF(wait, struct rl_hold, wait);
  if (withdraw(hold))
    rl_hold_free(hold);
}

static void time_is_up(struct rl_timer *timer, void *owner) {
  (void)timer;
  struct rl_hold *hold = owner;
  hold->timer = NULL;
  if (withdraw(hold))
    rl_wake(&hold->wait, 0);
}

static void fail(struct rl_wait *wait) {
  struct rl_hold *hold = RL_OF(wait, struct rl_hold, wait);
  hold->failed = withdraw(hold);
  if (hold->failed)
    rl_wake(&hold->wait, 0);
}

static void bereave(struct rl_fiber *fiber) {
  for (struct rl_list *link; (link = rl_list_take(&fiber->holds));) {
    struct rl_hold *hold = RL_OF(link, struct rl_hold, kept);
    give_back(hold, hold->count, true);
  }
}

static void keep(struct rl_hold *hold) {
  hold->fiber->bereave = bereave;
  rl_list_push(&hold->fiber->holds, &hold->kept);
}

struct rl_hold *rl_hold_try(lua_State *L, struct rl_lock *lock, size_t count) {
  struct rl_hold *hold = rl_zalloc(lock->locks->heap, sizeof *hold);
  if (!hold)
    return NULL;
  rl_shared_keep(&lock->shared);
  hold->lock = lock;
  hold->fiber = rl_fiber_running(L);
  hold->home = rl_domain_of(L);
  hold->count = count;
  hold->message.arrive = arrive;
  hold->wait.fail = fail;
  rl_list_init(&hold->link);
  rl_list_init(&hold->woken);
  rl_list_init(&hold->kept);
  pthread_mutex_lock(&lock->locks->lock);
  bool granted = try_grant(hold);
  pthread_mutex_unlock(&lock->locks->lock);
  if (granted)
    keep(hold);
  return hold;
}

static bool limit(struct rl_hold *hold, double seconds) {
  if (seconds >= 0)
    hold->timer = rl_timer_start(&hold->home->timers, seconds, true, time_is_up, hold);
  return seconds < 0 || hold->timer;
}

enum beginning { WAITS, GRANTED, ENDLESS };

static enum beginning begin(struct rl_hold *hold, char *text) {
  struct rl_lock *lock = hold->lock;
  enum beginning beginning = GRANTED;
  pthread_mutex_lock(&lock->locks->lock);
  if (!try_grant(hold)) {
    beginning = rl_knot_tie(hold->fiber, (struct rl_tie){.sought = hold}, text) ? WAITS : ENDLESS;
    if (beginning == WAITS)
      rl_list_push(&lock->waiters, &hold->link);
  }
  pthread_mutex_unlock(&lock->locks->lock);
  return beginning;
}

int rl_hold_park(lua_State *L, struct rl_hold *hold, double seconds, lua_KFunction finish) {
  char text[RL_KNOT_TEXT];
  struct rl_domain *home = hold->home;
  if (!limit(hold, seconds)) {
    rl_hold_free(hold);
    return luaL_error(L, "not enough memory");
  }
  rl_knot_note(L, hold->fiber, seconds >= 0);
  rl_domain_deal(home); /* before anyone can answer */
  enum beginning beginning = begin(hold, text);
  if (beginning == WAITS)
    return rl_park(L, &hold->wait, undo, finish, (lua_KContext)hold);
  rl_domain_dealt(home);
  stop_timer(hold);
  if (beginning == GRANTED)
    return finish(L, LUA_OK, (lua_KContext)hold);
  rl_hold_free(hold);
  return luaL_error(L, "%s", text);
}

bool rl_hold_end(lua_State *L, struct rl_hold *hold) {
  if (!hold->granted) {
    bool failed = hold->failed;
    rl_hold_free(hold);
    if (failed)
      rl_standstill_raise(L);
    return false;
  }
  struct rl_region *cancelled = rl_region_cancelled(hold->fiber);
  if (cancelled) {
    give_back(hold, hold->count, hold->inherited);
    rl_region_raise(L, cancelled, 1);
  }
  keep(hold);
  return true;
}

/* -- what a fiber has ------------------------------------------------------------------------- */

struct rl_hold *rl_hold_last(lua_State *L, const struct rl_lock *lock) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  if (!fiber)
    return NULL;
  for (struct rl_list *at = fiber->holds.previous; at != &fiber->holds; at = at->previous) {
    struct rl_hold *hold = RL_OF(at, struct rl_hold, kept);
    if (hold->lock == lock)
      return hold;
  }
  return NULL;
}

size_t rl_hold_count(lua_State *L, const struct rl_lock *lock) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  size_t count = 0;
  if (!fiber)
    return 0;
  for (struct rl_list *at = fiber->holds.next; at != &fiber->holds; at = at->next) {
    struct rl_hold *hold = RL_OF(at, struct rl_hold, kept);
    count += hold->lock == lock ? hold->count : 0;
  }
  return count;
}

void rl_hold_release(struct rl_hold *hold, size_t count) {
  give_back(hold, count, false);
}
