/* Region: the stretches of a fiber's run that can be cancelled, what a cancellation does to the
 * waits in them, and how it is insisted on. Declared in fiber.h. */
#include <assert.h>
#include <lauxlib.h>

#include "domain/blame.h"
#include "domain/domain.h"
#include "domain/fiber.h"

enum {
  GENTLE = 3,   /* raises from the hook that leave a million instructions in between */
  PATIENCE = 50 /* refused waits, or raises from the hook, after which a cancellation gets rude */
};

/* -- regions ------------------------------------------------------------------------------ */

void rl_region_init(struct rl_region *region, struct rl_fiber *fiber) {
  *region = (struct rl_region){
      .outer = fiber->region, .fiber = fiber, .reason = LUA_NOREF, .dropped = region->dropped};
}

void rl_region_enter(lua_State *L, struct rl_region *region) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  int reason = region->reason; /* may have been set beforehand */
  rl_region_init(region, fiber);
  region->reason = reason;
  region->L = L;
  fiber->region = region;
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

/* The innermost region that is cancelled; NULL when none is. */
struct rl_region *rl_region_cancelled(struct rl_fiber *fiber) {
  struct rl_region *region = fiber->region;
  while (region && !region->cancelled)
    region = region->outer;
  return region;
}

void rl_region_relent(struct rl_fiber *fiber, lua_State *L) {
  fiber->refused = fiber->insisted = 0;
  if (fiber->insists) {
    lua_sethook(L, NULL, 0, 0);
    lua_sethook(fiber->L, NULL, 0, 0);
    fiber->insists = false;
  }
}

void rl_region_forget(lua_State *L, struct rl_region *region) {
  if (region->reason != rl_domain_of(L)->ending_reason) /* which all share */
    luaL_unref(L, LUA_REGISTRYINDEX, region->reason);
  region->reason = LUA_NOREF;
}

void rl_region_leave(lua_State *L, struct rl_region *region) {
  struct rl_fiber *fiber = region->fiber;
  assert(fiber && fiber->region == region);
  fiber->region = region->outer;
  region->fiber = NULL;
  rl_region_forget(L, region);
  if (!rl_region_cancelled(fiber))
    rl_region_relent(fiber, L);
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

void rl_fiber_end(struct rl_fiber *fiber) {
  struct rl_region *whole = &fiber->whole;
  if (whole->cancelled)
    return;
  rl_region_forget(fiber->L, whole);
  whole->reason = fiber->domain->ending_reason;
  rl_region_expire(whole);
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

/* Raises the reason of a cancelled region; a string gets the position of the wait. */
int rl_region_raise(lua_State *L, struct rl_region *region) {
  region->seen = true;
  lua_rawgeti(L, LUA_REGISTRYINDEX, region->reason);
  if (lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static void insisting(lua_State *L, lua_Debug *ar) {
  (void)ar;
  rl_fiber_insist(L);
}

static void insist_later(lua_State *L, struct rl_fiber *fiber) {
  unsigned times = fiber->insisted;
  int count = times <= GENTLE ? 1000000 : times <= PATIENCE ? 1000 : 1;
  fiber->insists = true;
  lua_sethook(L, insisting, LUA_MASKCOUNT, count);
}

/* A hook goes on raising the reason: first at intervals of some ten milliseconds, so that
 * to-be-closed variables get their chance, then at shorter ones, at last at each instruction. */
void rl_fiber_insist(lua_State *L) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  struct rl_region *region = fiber ? rl_region_cancelled(fiber) : NULL;
  if (!region) {
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  fiber->insisted++;
  insist_later(L, fiber);
  rl_region_raise(L, region);
}

/* -- from another thread ---------------------------------------------------------------------- */

static bool is_ending(const struct rl_domain *domain) {
  return domain->feed && atomic_load_explicit(&domain->settings->ending, memory_order_relaxed);
}

static bool is_unwanted(const struct rl_fiber *fiber) {
  return fiber->stop && atomic_load_explicit(fiber->stop, memory_order_relaxed);
}

/* The reason proper lies in the mailbox, which nobody reads while Lua code runs. */
static void cancel_unread(lua_State *L, struct rl_fiber *fiber) {
  lua_pushliteral(L, "cancelled");
  rl_fiber_cancel(L, fiber);
}

static void look(lua_State *L, lua_Debug *ar) {
  (void)ar;
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_fiber *fiber = domain->running;
  lua_sethook(L, NULL, 0, 0);
  if (!fiber)
    return;
  if (is_ending(domain))
    rl_fiber_end(fiber);
  else if (is_unwanted(fiber))
    cancel_unread(L, fiber);
  if (fiber->whole.seen) /* it is on its way out, perhaps in a __close */
    insist_later(L, fiber);
  else
    rl_fiber_insist(L);
}

void rl_fiber_arm(struct rl_domain *domain) {
  lua_State *L = domain->innermost;
  struct rl_fiber *fiber = domain->running;
  if (L && fiber && !fiber->insists)
    lua_sethook(L, look, LUA_MASKCOUNT, 1);
}

void rl_fiber_watch(struct rl_domain *domain) {
  bool told = domain->running->whole.seen || domain->running->interrupted;
  if (!told && (is_ending(domain) || is_unwanted(domain->running)))
    rl_fiber_arm(domain);
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
  rl_region_raise(L, region);
}
