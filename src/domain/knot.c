/* Knot: see the header. A fiber that waits is stuck if all who could wake it are: all holders of
 * the lock that it wants, or the one whose end it awaits. Whose that is in another domain is known
 * while that one waits as well. So it is stuck unless somebody who is not
 * can be reached from it. */
#include "domain/knot.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdio.h>

#include "domain/domain.h"
#include "domain/hold.h"
#include "domain/task.h"

enum { DEEPEST = 10 }; /* C functions between the script and the wait */

/* The fibers found, in the order in which they were. */
struct search {
  uint64_t number;
  struct rl_fiber *first, *last;
};

static bool is_waiting(const struct rl_fiber *fiber) {
  const struct rl_tie *tie = &fiber->tie;
  return tie->sought || tie->awaited || tie->task;
}

static void find(struct search *search, struct rl_fiber *fiber) {
  if (fiber->searched == search->number)
    return;
  fiber->searched = search->number;
  fiber->found_next = NULL;
  if (search->last)
    search->last->found_next = fiber;
  else
    search->first = fiber;
  search->last = fiber;
}

/* Finds all who could wake it. False if it may go on by itself. */
static bool follow(struct search *search, struct rl_fiber *fiber) {
  if (!is_waiting(fiber) || fiber->limited)
    return false;
  const struct rl_hold *sought = fiber->tie.sought;
  if (!sought) {
    struct rl_fiber *awaited = fiber->tie.awaited ? fiber->tie.awaited : fiber->tie.task->blocked;
    if (awaited)
      find(search, awaited);
    return awaited;
  }
  struct rl_lock *lock = sought->lock;
  if (sought->granted || sought->count <= lock->free)
    return false; /* only others stand before it, who may give up */
  for (struct rl_list *at = lock->holders.next; at != &lock->holders; at = at->next)
    find(search, RL_OF(at, struct rl_hold, link)->fiber);
  return true;
}

static const char *kind_of(const struct rl_fiber *fiber) {
  return fiber->tie.sought ? fiber->tie.sought->lock->shared.kind->metatable : "task";
}

/* What follows the first wait is reached from it, so it reads as a chain. */
static void describe(const struct search *search, char *text) {
  size_t used = 0;
  used += (size_t)snprintf(text, RL_KNOT_TEXT, "deadlock: these waits would never end:");
  for (struct rl_fiber *fiber = search->first; fiber && used < RL_KNOT_TEXT;
       fiber = fiber->found_next) {
    const char *what = fiber->tie.sought ? "to acquire" : "for";
    used +=
        (size_t)snprintf(text + used, RL_KNOT_TEXT - used, "\n\t%s waits %s a %s%s", fiber->place,
                         what, kind_of(fiber), fiber->found_next ? ", whose wait is next" : "");
  }
}

void rl_knot_note(lua_State *L, struct rl_fiber *fiber, bool limited) {
  lua_Debug frame;
  fiber->limited = limited || fiber->region != &fiber->whole || fiber->deadline != 0;
  fiber->place[0] = '?';
  fiber->place[1] = 0;
  for (int level = 1; level < DEEPEST && lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline <= 0)
      continue; /* a C function, such as pcall */
    snprintf(fiber->place, sizeof fiber->place, "%s:%d", frame.short_src, frame.currentline);
    return;
  }
}

static void set(struct rl_fiber *fiber, struct rl_tie tie) {
  fiber->tie = tie;
  if (fiber->runs)
    fiber->runs->blocked = is_waiting(fiber) ? fiber : NULL;
}

bool rl_knot_tie(struct rl_fiber *fiber, struct rl_tie tie, char *text) {
  struct rl_locks *locks = fiber->domain->settings->locks;
  struct search search = {.number = ++locks->searches};
  assert(!is_waiting(fiber));
  set(fiber, tie);
  find(&search, fiber);
  struct rl_fiber *at = search.first;
  while (at && follow(&search, at))
    at = at->found_next;
  if (at)
    return true;
  describe(&search, text);
  rl_knot_untie(fiber);
  return false;
}

void rl_knot_untie(struct rl_fiber *fiber) {
  set(fiber, (struct rl_tie){0});
}

void rl_knot_await(lua_State *L, struct rl_tie tie) {
  char text[RL_KNOT_TEXT];
  struct rl_fiber *fiber = rl_fiber_running(L);
  struct rl_locks *locks = fiber->domain->settings->locks;
  rl_knot_note(L, fiber, false);
  pthread_mutex_lock(&locks->lock);
  bool fine = rl_knot_tie(fiber, tie, text);
  pthread_mutex_unlock(&locks->lock);
  if (!fine)
    luaL_error(L, "%s", text);
}

void rl_knot_leave(struct rl_fiber *fiber) {
  struct rl_locks *locks = fiber->domain->settings->locks;
  pthread_mutex_lock(&locks->lock);
  rl_knot_untie(fiber);
  pthread_mutex_unlock(&locks->lock);
}
