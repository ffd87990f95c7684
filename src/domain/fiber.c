/* Fiber: start, park, wake, and the end. How one runs is in turn.c, how one is cancelled in
 * region.c.
 *
 * A fiber's Lua thread runs body(), which calls the fiber's function protected: so tracebacks are
 * taken where the error is raised, and to-be-closed variables are closed while the fiber may still
 * be suspended. Finished threads are used again. */
#include "domain/fiber.h"

#include <assert.h>
#include <lauxlib.h>

#include "domain/context.h"
#include "domain/domain.h"
#include "domain/hook.h"
#include "domain/ticker.h"
#include "vm/call.h"

struct rl_fiber *rl_fiber_running(lua_State *L) {
  return rl_domain_of(L)->running;
}

void rl_fiber_make_ready(struct rl_fiber *fiber) {
  struct rl_domain *domain = fiber->domain;
  if (rl_list_empty(&domain->ready))
    rl_domain_keep_polling(domain);
  rl_list_remove(&fiber->link);
  rl_list_push(&domain->ready, &fiber->link);
  fiber->state = RL_FIBER_READY;
}

/* Takes back the request that a parked fiber waits for. First of all nobody waits for it any more:
 * `undo` may free it, and if not, it may be over when the fiber is gone. */
void rl_fiber_take_back(struct rl_fiber *fiber) {
  struct rl_wait *wait = fiber->wait;
  wait->fiber = NULL;
  fiber->ticket++;
  fiber->wait = NULL;
  fiber->nresults = 0;
  if (fiber->undo)
    fiber->undo(wait);
}

/* Ends the wait of a parked fiber, which then finds its region cancelled. */
void rl_fiber_interrupt(struct rl_fiber *fiber) {
  if (fiber->state != RL_FIBER_PARKED || fiber->shielded)
    return;
  rl_fiber_take_back(fiber);
  fiber->interrupted = true;
  rl_fiber_make_ready(fiber);
}

/* -- waiting ------------------------------------------------------------------------------ */

/* Runs inside the fiber when it is resumed: turns the wake-up into results or an error. */
static int unparked(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  struct rl_fiber *fiber = rl_fiber_running(L);
  fiber->shielded = false;
  if (fiber->interrupted) {
    fiber->interrupted = false;
    return rl_region_raise(L, rl_region_cancelled(fiber), 1);
  }
  if (fiber->finish)
    return fiber->finish(L, LUA_YIELD, fiber->context);
  return fiber->nresults;
}

int rl_park(lua_State *L, struct rl_wait *wait, void (*undo)(struct rl_wait *wait),
            lua_KFunction finish, lua_KContext context) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  assert(fiber && fiber->state == RL_FIBER_RUNNING);
  fiber->state = RL_FIBER_PARKED;
  fiber->innermost = L;
  fiber->wait = wait;
  fiber->undo = undo;
  fiber->finish = finish;
  fiber->context = context;
  fiber->nresults = 0;
  wait->fiber = fiber;
  wait->ticket = ++fiber->ticket;
  rl_list_push(&fiber->domain->parked, &fiber->link);
  return lua_yieldk(L, 0, 0, unparked);
}

void rl_wake(struct rl_wait *wait, int nresults) {
  if (!rl_wait_pending(wait))
    return;
  struct rl_fiber *fiber = wait->fiber;
  wait->fiber = NULL;
  fiber->wait = NULL;
  fiber->ticket++;
  fiber->nresults = nresults;
  rl_fiber_make_ready(fiber);
}

/* -- life --------------------------------------------------------------------------------- */

void rl_fiber_over(struct rl_fiber *fiber, lua_State *L, int status, int nresults) {
  fiber->over = true;
  if (!rl_list_empty(&fiber->holds))
    fiber->bereave(fiber);
  if (fiber->usage && !fiber->runs)
    rl_fiber_account(fiber, rl_domain_now(fiber->domain));
  fiber->ended(fiber, L, status, nresults);
}

static int body_over(lua_State *L, int status, lua_KContext context) {
  (void)context;
  struct rl_fiber *fiber = rl_fiber_running(L);
  int outcome = status == LUA_YIELD ? LUA_OK : status;
  if (outcome != LUA_OK)
    rl_budget_explain(L);
  rl_region_relent(fiber, L);
  rl_fiber_over(fiber, L, outcome, lua_gettop(L) - 1);
  lua_settop(L, 0);
  return 0;
}

static int body(lua_State *L) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  lua_pushcfunction(L, rl_traceback);
  if (fiber->enter && !fiber->whole.cancelled)
    fiber->enter(fiber, L);
  else
    lua_insert(L, 1);
  int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, 0, body_over);
  return body_over(L, status, 0);
}

void rl_fiber_prepare(lua_State *L) {
  rl_turn_prepare(L);
  lua_pushliteral(L, "the program is ending");
  rl_domain_of(L)->ending_reason = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushliteral(L, "cancelled");
  rl_domain_of(L)->cancelled_reason = luaL_ref(L, LUA_REGISTRYINDEX);
  rl_domain_of(L)->look = rl_fiber_look;
  rl_budget_prepare(rl_domain_of(L));
}

static struct rl_fiber *create(lua_State *L, struct rl_domain *domain) {
  lua_State *thread = lua_newthread(L);
  int anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  struct rl_fiber *fiber = rl_zalloc(domain->settings->heap, sizeof *fiber);
  if (!fiber) {
    luaL_unref(L, LUA_REGISTRYINDEX, anchor);
    luaL_error(L, "not enough memory");
    return NULL;
  }
  fiber->domain = domain;
  fiber->L = thread;
  fiber->anchor = anchor;
  rl_list_init(&fiber->link);
  rl_list_init(&fiber->await.link);
  rl_list_init(&fiber->holds);
  rl_list_init(&fiber->cut);
  rl_list_init(&fiber->kin);
  return fiber;
}

bool rl_fiber_introduce(struct rl_fiber *fiber) {
  if (!fiber->introduce)
    return true;
  struct rl_context *made = fiber->introduce(fiber);
  if (!made)
    return false;
  rl_context_release(fiber->carried);
  fiber->carried = made;
  fiber->introduce = NULL;
  return true;
}

/* Whose child a new fiber is. What is started while one ends, such as the handler of the next
 * request, is none of its own. */
static struct rl_fiber *parent_in(const struct rl_domain *domain) {
  return domain->running && !domain->running->over ? domain->running : NULL;
}

static void inherit(struct rl_fiber *fiber, const struct rl_fiber *parent) {
  struct rl_domain *domain = fiber->domain;
  fiber->main = parent ? parent->main : domain->main;
  fiber->task = parent ? parent->task : ++domain->tasks;
  fiber->carried = parent ? rl_context_share(parent->carried) : NULL;
  fiber->due = parent ? parent->due : 0;
  fiber->turn_limit = parent ? parent->turn_limit : 0;
}

static struct rl_fiber *take_spare(struct rl_domain *domain) {
  struct rl_list *link = rl_list_take(&domain->free_fibers);
  if (!link)
    return NULL;
  domain->spare_fibers--;
  return RL_OF(link, struct rl_fiber, link);
}

struct rl_fiber *rl_fiber_new(lua_State *L, rl_fiber_ended *ended, void *owner) {
  struct rl_domain *domain = rl_domain_of(L);
  if (domain->ending && !domain->closing)
    luaL_error(L, "no new fiber: the program is ending");
  struct rl_fiber *parent = parent_in(domain);
  if (parent && !rl_fiber_introduce(parent))
    luaL_error(L, "not enough memory");
  rl_budget_heed(L);
  struct rl_fiber *fiber = take_spare(domain);
  if (!fiber)
    fiber = create(L, domain);
  fiber->ended = ended;
  fiber->owner = owner;
  fiber->region = NULL;
  fiber->whole.dropped = NULL;
  rl_region_init(&fiber->whole, fiber);
  fiber->region = &fiber->whole;
  inherit(fiber, parent);
  fiber->over = false;
  fiber->tempted = true;
  fiber->introduce = NULL;
  fiber->enter = NULL;
  fiber->stop = NULL;
  fiber->belongs = fiber->detached = false;
  fiber->runs = NULL;
  fiber->burdened = parent && rl_fiber_is_burdened(parent);
  fiber->subject = NULL;
  fiber->usage = NULL;
  fiber->run_limit = fiber->deadline = 0;
  fiber->overdue = NULL;
  fiber->finish = NULL;
  fiber->innermost = fiber->L;
  rl_budget_join(fiber, parent ? parent->budget : NULL);
  if (parent)
    rl_kin_join(fiber, parent);
  lua_pushcfunction(fiber->L, body);
  return fiber;
}

bool rl_fiber_at_hand(const struct rl_domain *domain) {
  size_t limit = atomic_load_explicit(&domain->settings->memory_limit, memory_order_relaxed);
  return domain->spare_fibers > 0 && !domain->ending && limit == domain->memory_limit;
}

static void free_spare(struct rl_domain *domain) {
  struct rl_fiber *fiber = take_spare(domain);
  luaL_unref(domain->vm.L, LUA_REGISTRYINDEX, fiber->anchor);
  rl_free(domain->settings->heap, fiber, sizeof *fiber);
}

/* As many are kept as there are others, and some: what a burst has needed goes with it, two for
 * each that ends. */
static void trim(struct rl_domain *domain) {
  enum { SPARE = 256 };
  for (int i = 0; i < 2 && domain->spare_fibers > domain->fibers + SPARE; i++)
    free_spare(domain);
}

void rl_fiber_drop(struct rl_fiber *fiber) {
  struct rl_domain *domain = fiber->domain;
  rl_context_release(fiber->carried);
  fiber->carried = NULL;
  fiber->whole.fiber = NULL;
  rl_region_forget(fiber->L, &fiber->whole);
  fiber->state = RL_FIBER_FREE;
  rl_hook_forget(fiber->L);
  rl_budget_leave(fiber);
  rl_list_remove(&fiber->kin);
  fiber->ticket++;
  fiber->interrupted = fiber->shielded = false;
  lua_settop(fiber->L, 0);
  rl_list_remove(&fiber->link);
  rl_list_push(&domain->free_fibers, &fiber->link);
  domain->spare_fibers++;
  trim(domain);
}

void rl_fiber_start(struct rl_fiber *fiber) {
  struct rl_domain *domain = fiber->domain;
  fiber->nresults = lua_gettop(fiber->L) - 1; /* all but body() itself */
  domain->fibers++;
  fiber->fresh = true;
  rl_fiber_make_ready(fiber);
  if (domain->slices > 0) { /* before those that have had their slice */
    rl_list_remove(&fiber->link);
    rl_list_push(domain->ready.next, &fiber->link);
  }
  if (domain->running) {
    atomic_store_explicit(&domain->watch.company, true, memory_order_relaxed);
    rl_ticker_want(domain->settings->ticker);
  }
}

bool rl_fiber_is_fresh(lua_State *L) {
  return lua_status(L) == LUA_OK && lua_tocfunction(L, 1) == body;
}

void rl_fiber_free_all(struct rl_domain *domain) {
  assert(domain->fibers == 0);
  for (struct rl_fiber *fiber; (fiber = take_spare(domain));)
    rl_free(domain->settings->heap, fiber, sizeof *fiber);
}
