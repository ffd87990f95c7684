/* Turn: a fiber is resumed, until it waits, gives way or ends. Declared in fiber.h. */
#include <assert.h>
#include <lauxlib.h>

#include "base/clock.h"
#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/interrupt.h"
#include "domain/pool.h"
#include "domain/ticker.h"
#include "vm/pristine.h"

/* Its address is the registry key of a message that must be at hand where nothing may raise. */
static const char stray_yield[] = "the fiber was suspended by a C function that is not Rille's";

void rl_turn_prepare(lua_State *L) {
  lua_pushstring(L, stray_yield);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &stray_yield);
}

static int raise_cancelled(lua_State *L) {
  return rl_region_raise(L, &rl_fiber_running(L)->whole, 1);
}

void rl_fiber_account(struct rl_fiber *fiber, uint64_t now) {
  if (!fiber->usage)
    return;
  uint64_t ran = now - fiber->since;
  fiber->usage->ran += ran;
  struct rl_domain *domain = fiber->domain;
  if (rl_watch_has_seen(&domain->watch) && !domain->settings->simulation)
    fiber->usage->stalled += rl_watch_stalled(&domain->watch, ran);
}

/* So that the ticker sees a turn that becomes long. A task that begins needs no such call: the one
 * who detached it had his turn a moment ago. */
static void go_on(struct rl_fiber *fiber) {
  fiber->since = rl_domain_now(fiber->domain);
  rl_ticker_want(fiber->domain->settings->ticker);
}

/* A fiber cancelled before its first step does not run its function. */
static void begin(struct rl_fiber *fiber) {
  fiber->fresh = false;
  if (!fiber->whole.cancelled)
    return;
  lua_settop(fiber->L, 1);
  lua_pushcfunction(fiber->L, raise_cancelled);
  fiber->nresults = 1;
}

/* An error that left body() itself (in `enter`, or no memory for a frame), or a yield that no wait
 * asked for: the fiber's function cannot go on. */
static void broken(struct rl_fiber *fiber, int status) {
  lua_State *L = fiber->L;
  rl_region_drop_all(fiber);
  lua_resetthread(L); /* leaves the error, if there is one, alone on the stack */
  if (status == LUA_YIELD) {
    lua_settop(L, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &stray_yield);
    status = LUA_ERRRUN;
  }
  if (status != LUA_OK)
    rl_budget_explain(L);
  rl_region_relent(fiber, L);
  rl_fiber_over(fiber, L, status, 1);
}

static void count_turn(struct rl_watch *watch) {
  uint64_t turn = atomic_load_explicit(&watch->turn, memory_order_relaxed) + 1;
  atomic_store_explicit(&watch->turn, turn, memory_order_relaxed);
}

/* A guest's thread is its host's, and other runtimes', in between. */
static void begin_turn(struct rl_domain *domain, struct rl_fiber *fiber) {
  if (domain->guest)
    rl_interrupt_here(domain);
  rl_budget_begin(fiber);
  domain->running = fiber;
  domain->innermost = fiber->L;
  domain->vm.preparing = rl_pool_hears(domain);
  atomic_store_explicit(&domain->watch.subject, fiber->subject, memory_order_relaxed);
  count_turn(&domain->watch);
}

void rl_turn_restore(struct rl_domain *domain) {
  if (!rl_pristine_settle(&domain->vm))
    domain->spoilt = domain->tampered = true;
}

/* Outside the turn: what it takes is not on the fiber's bill, nor do finalizers run as that fiber.
 */
static void tidy_up(struct rl_domain *domain, struct rl_fiber *fiber) {
  fiber->tempted |= domain->vm.tempted;
  domain->vm.tempted = false;
  if (fiber->tempted)
    rl_turn_restore(domain);
  domain->vm.preparing = false;
}

static void end_turn(struct rl_domain *domain) {
  struct rl_fiber *fiber = domain->running;
  rl_budget_end(fiber);
  domain->running = NULL;
  domain->innermost = NULL;
  atomic_store_explicit(&domain->watch.subject, NULL, memory_order_relaxed);
  if (domain->vm.pristine)
    tidy_up(domain, fiber);
  count_turn(&domain->watch);
  if (domain->guest)
    rl_interrupt_here(NULL);
}

static void stop_being_sliced(struct rl_fiber *fiber) {
  fiber->sliced = false;
  rl_list_remove(&fiber->cut);
  fiber->domain->slices--;
}

static void resume(struct rl_fiber *fiber) {
  struct rl_domain *domain = fiber->domain;
  if (fiber->usage && !(fiber->fresh && fiber->runs))
    go_on(fiber);
  if (fiber->fresh)
    begin(fiber);
  if (fiber->sliced)
    stop_being_sliced(fiber);
  int nargs = fiber->innermost == fiber->L ? fiber->nresults : 0, nresults;
  fiber->state = RL_FIBER_RUNNING;
  fiber->effort = 0;
  begin_turn(domain, fiber);
  rl_fiber_watch(fiber);
  int status = lua_resume(fiber->L, NULL, nargs, &nresults);
  if (status == LUA_YIELD && fiber->state != RL_FIBER_RUNNING) {
    if (fiber->usage)
      rl_fiber_account(fiber, rl_domain_now(domain));
    end_turn(domain);
    return;
  }
  if (status != LUA_OK)
    broken(fiber, status);
  end_turn(domain);
  domain->fibers--;
  rl_fiber_drop(fiber);
}

void rl_fiber_abandon(struct rl_fiber *fiber) {
  struct rl_domain *domain = fiber->domain;
  assert(fiber->state == RL_FIBER_PARKED);
  fiber->since = rl_domain_now(domain);
  rl_fiber_take_back(fiber);
  fiber->whole.seen = fiber->whole.cancelled;
  fiber->closing = rl_ticker_cleanup_end(domain->settings->ticker);
  begin_turn(domain, fiber);
  rl_fiber_watch(fiber);
  rl_region_drop_all(fiber);
  lua_resetthread(fiber->L); /* closes its variables */
  lua_settop(fiber->L, 0);
  lua_rawgetp(fiber->L, LUA_REGISTRYINDEX, &stray_yield);
  rl_fiber_over(fiber, fiber->L, LUA_ERRRUN, 1);
  end_turn(domain);
  domain->fibers--;
  rl_fiber_drop(fiber);
}

void rl_fiber_run(struct rl_fiber *fiber) {
  assert(!fiber->domain->running);
  fiber->nresults = lua_gettop(fiber->L) - 1; /* all but body() itself */
  fiber->domain->fibers++;
  fiber->fresh = true;
  resume(fiber);
}

/* The fibers of one task rely on their turns ending at waits only: while one of them is sliced, it
 * goes first. */
static struct rl_fiber *choose(struct rl_fiber *fiber) {
  struct rl_domain *domain = fiber->domain;
  if (fiber->sliced)
    return fiber;
  for (struct rl_list *at = domain->sliced.next; at != &domain->sliced; at = at->next) {
    struct rl_fiber *sliced = RL_OF(at, struct rl_fiber, cut);
    if (sliced->task != fiber->task)
      continue;
    rl_fiber_make_ready(fiber);
    rl_list_remove(&sliced->link);
    return sliced;
  }
  return fiber;
}

bool rl_fiber_run_ready(struct rl_domain *domain) {
  if (rl_list_empty(&domain->ready))
    return false;
  struct rl_list now;
  rl_list_init(&now);
  rl_list_move(&now, &domain->ready);
  uv_idle_stop(&domain->idle);
  bool sliced = false; /* then messages and new tasks come before the next one */
  for (struct rl_list *link; !sliced && (link = rl_list_take(&now));) {
    struct rl_fiber *fiber = choose(RL_OF(link, struct rl_fiber, link));
    resume(fiber);
    sliced = fiber->sliced;
  }
  if (!rl_list_empty(&now)) {
    rl_list_move(&now, &domain->ready);
    rl_list_move(&domain->ready, &now);
  }
  return true;
}
