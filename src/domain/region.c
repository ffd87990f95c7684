/* Region: the stretches of a fiber's run that can be cancelled, what a cancellation does to the
 * waits in them. Declared in fiber.h. */
#include <assert.h>
#include <lauxlib.h>
#include <string.h>

#include "base/clock.h"
#include "domain/blame.h"
#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/hook.h"
#include "domain/ticker.h"

enum { PATIENCE = 50 /* refused waits after which no pcall stops a cancellation */ };

/* -- regions ------------------------------------------------------------------------------ */

void rl_region_init(struct rl_region *region, struct rl_fiber *fiber) {
  *region = (struct rl_region){
      .outer = fiber->region, .fiber = fiber, .reason = LUA_NOREF, .dropped = region->dropped};
}

void rl_region_enter(lua_State *L, struct rl_region *region) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  int reason = region->reason; /* may have been set beforehand, as may the deadline */
  bool lent = region->lent;
  uint64_t deadline = region->deadline;
  rl_region_init(region, fiber);
  region->reason = reason;
  region->lent = lent;
  region->deadline = deadline;
  region->L = L;
  fiber->region = region;
  if (deadline != 0)
    rl_fiber_reckon(fiber);
}

bool rl_region_holds(const struct rl_fiber *fiber, const lua_State *L) {
  return fiber->region != &fiber->whole && fiber->region->L == L;
}

void rl_region_drop_all(struct rl_fiber *fiber) {
  while (fiber->region != &fiber->whole) {
    struct rl_region *region = fiber->region;
    if (region->dropped)
      region->dropped(region);
    rl_region_leave(fiber->L, region);
  }
}

uint64_t rl_region_due(const struct rl_fiber *fiber) {
  uint64_t due = 0;
  for (const struct rl_region *at = fiber->region; at != &fiber->whole; at = at->outer)
    if (at->deadline != 0 && (due == 0 || at->deadline < due))
      due = at->deadline;
  return due;
}

/* The innermost region that is cancelled; NULL when none is. */
struct rl_region *rl_region_cancelled(struct rl_fiber *fiber) {
  struct rl_region *region = fiber->region;
  while (region && !region->cancelled)
    region = region->outer;
  return region;
}

void rl_region_relent(struct rl_fiber *fiber, lua_State *L) {
  fiber->refused = 0;
  fiber->closing = 0;
  if (fiber->insists) {
    rl_hook_put_back(L);
    rl_hook_put_back(fiber->L);
    fiber->insists = false;
  }
}

void rl_region_forget(lua_State *L, struct rl_region *region) {
  if (!region->lent)
    luaL_unref(L, LUA_REGISTRYINDEX, region->reason);
  region->reason = LUA_NOREF;
  region->lent = false;
}

void rl_region_leave(lua_State *L, struct rl_region *region) {
  struct rl_fiber *fiber = region->fiber;
  assert(fiber && fiber->region == region);
  fiber->region = region->outer;
  region->fiber = NULL;
  rl_region_forget(L, region);
  if (!rl_region_cancelled(fiber))
    rl_region_relent(fiber, L);
  if (region->deadline != 0 || region->cancelled)
    rl_fiber_reckon(fiber);
}

void rl_region_expire(struct rl_region *region) {
  if (!region->fiber || region->cancelled)
    return;
  region->cancelled = true;
  rl_fiber_interrupt(region->fiber);
}

void rl_region_cancel(lua_State *L, struct rl_region *region) {
  if (!region->fiber || region->cancelled) {
    lua_pop(L, 1);
    return;
  }
  rl_region_forget(L, region);
  region->reason = luaL_ref(L, LUA_REGISTRYINDEX);
  rl_region_expire(region);
}

void rl_fiber_cancel(lua_State *L, struct rl_fiber *fiber) {
  rl_region_cancel(L, &fiber->whole);
}

void rl_fiber_end_for(struct rl_fiber *fiber, int reason) {
  struct rl_region *whole = &fiber->whole;
  if (whole->cancelled)
    return;
  rl_region_forget(fiber->L, whole);
  whole->reason = reason;
  whole->lent = true;
  rl_region_expire(whole);
}

void rl_fiber_end(struct rl_fiber *fiber) {
  rl_fiber_end_for(fiber, fiber->domain->ending_reason);
}

void rl_fiber_end_all(struct rl_domain *domain) {
  struct rl_list *parked = &domain->parked, shielded;
  for (struct rl_list *at = domain->ready.next; at != &domain->ready; at = at->next)
    rl_fiber_end(RL_OF(at, struct rl_fiber, link));
  rl_list_init(&shielded);
  /* From the head each time: ending one may make others ready. */
  while (!rl_list_empty(parked)) {
    struct rl_fiber *fiber = RL_OF(parked->next, struct rl_fiber, link);
    rl_fiber_end(fiber);
    if (fiber->state == RL_FIBER_PARKED) {
      rl_list_remove(&fiber->link);
      rl_list_push(&shielded, &fiber->link);
    }
  }
  rl_list_move(parked, &shielded);
}

static void note_seen(struct rl_fiber *fiber, struct rl_region *region) {
  region->seen = true;
  if (fiber->closing != 0)
    return;
  fiber->closing = rl_ticker_cleanup_end(fiber->domain->settings->ticker);
  rl_fiber_reckon(fiber);
}

void rl_fiber_end_told(struct rl_fiber *fiber, int reason) {
  rl_fiber_end_for(fiber, reason);
  note_seen(fiber, &fiber->whole);
  fiber->insists = true;
}

/* The function at `level`, or the first of its callers that is not part of Rille. */
static int level_of_script(lua_State *L, int level) {
  static const char own[] = "@rille/";
  lua_Debug at;
  for (int i = level; lua_getstack(L, i, &at); i++) {
    lua_getinfo(L, "S", &at);
    if (*at.what != 'C' && strncmp(at.source, own, sizeof own - 1) != 0)
      return i;
  }
  return level;
}

/* Raises the reason of a cancelled region; a string gets the position. */
int rl_region_raise(lua_State *L, struct rl_region *region, int level) {
  note_seen(region->fiber, region);
  lua_rawgeti(L, LUA_REGISTRYINDEX, region->reason);
  if (lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, level_of_script(L, level));
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

/* -- waits ------------------------------------------------------------------------------------ */

/* The Lua thread across which the caller cannot be suspended; NULL if it can. */
static lua_State *obstacle(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  if (!lua_isyieldable(L))
    return L;
  for (struct rl_link *link = domain->chain; link; link = link->outer)
    if (!lua_isyieldable(link->from))
      return link->from;
  return NULL;
}

bool rl_wait_possible(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  return domain->running && L == domain->innermost && !obstacle(L);
}

void rl_wait_check_shielded(lua_State *L, const char *what) {
  struct rl_domain *domain = rl_domain_of(L);
  if (!domain->running || L != domain->innermost)
    luaL_error(L, "cannot wait in %s here: %s", what,
               domain->running ? "a coroutine that C code resumed is in the way"
                               : "no fiber is running");
  lua_State *stuck = obstacle(L);
  if (stuck)
    rl_blame(L, stuck, what);
  domain->running->what = what;
}

void rl_wait_check(lua_State *L, const char *what) {
  rl_wait_check_shielded(L, what);
  struct rl_fiber *fiber = rl_fiber_running(L);
  struct rl_region *region = rl_region_cancelled(fiber);
  if (!region)
    return;
  /* `while true do pcall(rille.sleep, 1) end` swallows every refusal; a hook does not let it. */
  if (++fiber->refused >= PATIENCE)
    rl_fiber_insist(L);
  rl_region_raise(L, region, 1);
}
