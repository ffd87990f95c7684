/* Preempt: what a fiber does whose Lua code was interrupted: it is told of a cancellation, gives
 * way to others, or says where it is. Declared in fiber.h.
 *
 * A cancellation that finds code running is raised by the hook, and from then on it insists: pcall
 * and its like pass the error on (protect.c). To-be-closed variables run meanwhile. What still runs
 * when the time for that is over is ended by an error at every instruction. A cancellation that
 * found the fiber waiting is an ordinary error first, and insists when that time is over. */
#include <lauxlib.h>
#include <stdio.h>

#include "base/clock.h"
#include "domain/context.h"
#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/finalizer.h"
#include "domain/hook.h"
#include "domain/interrupt.h"
#include "domain/prompt.h"
#include "domain/report.h"
#include "domain/ticker.h"
#include "vm/call.h"
#include "vm/collector.h"

enum { REPORT_INTERVAL = 1000000000 /* ns between two reports of a domain */ };

/* -- what there is to watch ---------------------------------------------------------------- */

static bool is_ending(const struct rl_domain *domain) {
  return domain->feed && !domain->closing &&
         atomic_load_explicit(&domain->settings->ending, memory_order_relaxed);
}

/* The same of a main domain, whose code may be all that keeps the program from stopping. */
static bool is_halted(struct rl_domain *domain) {
  return !domain->feed && atomic_load(&domain->settings->ticker->halting) &&
         domain->settings->halts(domain);
}

static bool is_unwanted(const struct rl_fiber *fiber) {
  return fiber->stop && atomic_load_explicit(fiber->stop, memory_order_relaxed);
}

static uint64_t earlier(uint64_t one, uint64_t other) {
  return other != 0 && (one == 0 || other < one) ? other : one;
}

/* Its own end: the deadline, or what is left of its run time. */
static void set_deadline(struct rl_fiber *fiber) {
  uint64_t deadline = fiber->deadline;
  if (fiber->run_limit != 0) {
    uint64_t left = fiber->usage->ran < fiber->run_limit ? fiber->run_limit - fiber->usage->ran : 0;
    deadline = earlier(deadline, fiber->since + left);
  }
  fiber->whole.deadline = deadline;
}

/* Clock at which the fiber is to look; RL_NEVER if nothing ends it, as usual. */
static uint64_t due(struct rl_fiber *fiber) {
  const struct rl_region *whole = &fiber->whole;
  if (fiber->region == whole && !whole->cancelled && whole->deadline == 0)
    return RL_NEVER;
  const struct rl_region *cancelled = rl_region_cancelled(fiber);
  if (cancelled && cancelled->seen)
    return fiber->closing;
  if (cancelled)
    return fiber->interrupted ? RL_NEVER : 0; /* an interrupted wait raises by itself */
  uint64_t deadline = 0;
  for (const struct rl_region *region = fiber->region; region; region = region->outer)
    deadline = earlier(deadline, region->deadline);
  return deadline != 0 ? deadline : RL_NEVER;
}

void rl_fiber_reckon(struct rl_fiber *fiber) {
  struct rl_domain *domain = fiber->domain;
  uint64_t when = due(fiber);
  atomic_store_explicit(&domain->watch.due, when, memory_order_relaxed);
  if (when != RL_NEVER)
    rl_ticker_want(domain->settings->ticker);
}

static bool is_to_stop(struct rl_fiber *fiber) {
  if (!fiber->whole.cancelled &&
      (is_ending(fiber->domain) || is_unwanted(fiber) || fiber->exceeded != LUA_NOREF))
    return true;
  uint64_t when = atomic_load_explicit(&fiber->domain->watch.due, memory_order_relaxed);
  return when != RL_NEVER && rl_domain_now(fiber->domain) >= when;
}

void rl_fiber_watch(struct rl_fiber *fiber) {
  struct rl_domain *domain = fiber->domain;
  bool company = domain->fibers > 1;
  if (atomic_load_explicit(&domain->watch.asks, memory_order_relaxed) != 0)
    atomic_exchange(&domain->watch.asks, 0); /* they were for another turn; see is_to_stop */
  if (fiber->deadline != 0 || fiber->run_limit != 0)
    set_deadline(fiber);
  rl_fiber_reckon(fiber);
  atomic_store_explicit(&domain->watch.most, fiber->turn_limit, memory_order_relaxed);
  atomic_store_explicit(&domain->watch.company, company, memory_order_relaxed);
  if (company || !domain->feed)
    rl_ticker_want(domain->settings->ticker);
  if (is_to_stop(fiber)) {
    atomic_fetch_or(&domain->watch.asks, RL_ASK_STOP); /* passed on to its coroutines */
    rl_interrupt_arm(domain);
  }
}

void rl_fiber_bound(struct rl_fiber *fiber, uint64_t turn_limit, uint64_t deadline) {
  struct rl_domain *domain = fiber->domain;
  fiber->turn_limit = turn_limit;
  fiber->deadline = deadline;
  set_deadline(fiber);
  if (domain->running != fiber)
    return;
  atomic_store_explicit(&domain->watch.most, turn_limit, memory_order_relaxed);
  rl_fiber_reckon(fiber);
}

/* -- being told ---------------------------------------------------------------------------- */

/* The reason proper lies in the mailbox, which nobody reads while Lua code runs. The others of the
 * task are told, too: one that awaits this fiber would take the end of it for a failure. */
static void cancel_unread(lua_State *L, struct rl_fiber *fiber) {
  lua_pushliteral(L, "cancelled");
  rl_kin_cancel(L, fiber);
}

static void cancel_overdue(lua_State *L, struct rl_fiber *fiber) {
  fiber->overdue(L, fiber);
  rl_kin_cancel(L, fiber);
}

static void expire_regions(struct rl_fiber *fiber, uint64_t now) {
  for (struct rl_region *region = fiber->region; region != &fiber->whole; region = region->outer)
    if (region->deadline != 0 && now >= region->deadline)
      rl_region_expire(region);
}

/* Whatever asks for the end of the fiber, or of a region of it, becomes a cancelled region. */
static void take_notice(lua_State *L, struct rl_fiber *fiber, uint64_t now) {
  struct rl_region *whole = &fiber->whole;
  expire_regions(fiber, now);
  if (whole->cancelled)
    return;
  if (is_ending(fiber->domain) || is_halted(fiber->domain))
    rl_fiber_end(fiber);
  else if (fiber->exceeded != LUA_NOREF)
    rl_fiber_end_for(fiber, fiber->exceeded);
  else if (is_unwanted(fiber))
    cancel_unread(L, fiber);
  else if (whole->deadline != 0 && now >= whole->deadline)
    cancel_overdue(L, fiber);
}

static void insist(lua_State *L, struct rl_fiber *fiber, struct rl_region *region, int level) {
  if (fiber->insists && region->seen)
    lua_sethook(L, rl_fiber_look, LUA_MASKCOUNT, 1); /* it has had its time */
  else
    fiber->closing = 0; /* begins now */
  fiber->insists = true;
  rl_region_raise(L, region, level);
}

void rl_fiber_insist(lua_State *L) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  struct rl_region *region = fiber ? rl_region_cancelled(fiber) : NULL;
  if (region)
    insist(L, fiber, region, 1);
}

bool rl_fiber_insists(lua_State *L) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  return (fiber && fiber->insists) || rl_finalizer_catches(L);
}

/* The collector catches what a finalizer raises; the code around it has not been told then. */
static void end_finalizer(lua_State *L, struct rl_fiber *fiber) {
  fiber->insists = true;
  lua_pushliteral(L, "cancelled");
  lua_error(L);
}

/* The function at `level` is where the fiber is. */
static void stop(lua_State *L, struct rl_fiber *fiber, int level) {
  uint64_t now = rl_domain_now(fiber->domain);
  take_notice(L, fiber, now);
  struct rl_region *region = rl_region_cancelled(fiber);
  if (region && rl_collector_finalizes(L))
    end_finalizer(L, fiber);
  if (region && (!region->seen || now >= fiber->closing))
    insist(L, fiber, region, level);
  rl_fiber_reckon(fiber);
}

/* -- giving way ---------------------------------------------------------------------------- */

static bool others_wait(struct rl_domain *domain) {
  return domain->fibers > 1 || !rl_mailbox_empty(&domain->mailbox) || domain->feed->ready(domain);
}

/* Where Lua cannot yield, the code runs on; it is asked again at the next tick. Nothing may be
 * pushed, and nobody may touch the stack of L until it goes on: its top is that of the instruction
 * in between. */
static void give_way(lua_State *L, struct rl_fiber *fiber) {
  struct rl_domain *domain = fiber->domain;
  if (!domain->feed || !others_wait(domain) || !rl_wait_possible(L))
    return;
  fiber->innermost = L;
  fiber->nresults = 0;
  fiber->sliced = true;
  rl_list_push(&domain->sliced, &fiber->cut);
  domain->slices++;
  rl_fiber_make_ready(fiber);
  lua_yield(L, 0);
}

/* -- holding up the loop -------------------------------------------------------------------- */

/* [light userdata text] */
static int log_place(lua_State *L) {
  const struct rl_domain *domain = rl_domain_of(L);
  luaL_traceback(L, L, lua_touserdata(L, 1), 1);
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  rl_report_text(domain, rl_report_context(domain->running), RL_LOG_WARN, "rille: ", text, size);
  return 0;
}

/* What a script does before it waits for the first time holds up nobody. */
static bool is_beginning(const struct rl_domain *domain) {
  return atomic_load_explicit(&domain->watch.turn, memory_order_relaxed) == 1;
}

/* Once in a while, and only if something else waits for the loop. */
static void report(lua_State *L, struct rl_domain *domain) {
  struct rl_fiber *fiber = domain->running;
  uint64_t now = rl_domain_now(domain);
  if (is_beginning(domain) || !uv_loop_alive(domain->loop) ||
      now - domain->reported < REPORT_INTERVAL)
    return;
  domain->reported = now;
  char text[160 + RL_CONTEXT_NOTE], note[RL_CONTEXT_NOTE];
  rl_fiber_introduce(fiber); /* without memory, no id */
  snprintf(text, sizeof text,
           "the loop has been held up for %.0f ms%s (what computes belongs on a compute domain, by "
           "rille.detach); the code is now here:",
           (double)(now - atomic_load(&domain->watch.since)) / 1e6,
           rl_context_note(fiber->carried, note));
  if (rl_call_protected(L, log_place, text) != LUA_OK)
    lua_pop(L, 1); /* no memory for that */
}

/* Not a fiber whose turn has begun after the one that was too long. */
static bool is_forbidden(const struct rl_domain *domain, uint64_t most) {
  const struct rl_watch *watch = &domain->watch;
  bool same = atomic_load(&watch->seen) == atomic_load_explicit(&watch->turn, memory_order_relaxed);
  return same && rl_domain_now(domain) - atomic_load(&watch->since) >= most;
}

/* The bound of the fiber itself, or the one for all, which is off unless a program sets it. */
static void forbid(lua_State *L, struct rl_fiber *fiber) {
  uint64_t most = rl_ticker_forbidden(fiber->domain->settings->ticker, fiber->domain);
  if (fiber->whole.cancelled || !is_forbidden(fiber->domain, most))
    return;
  if (fiber->turn_limit != 0 && fiber->overdue)
    fiber->overdue(L, fiber);
  else
    lua_pushfstring(L, "held up the loop for more than %f s", (double)most / 1e9);
  rl_fiber_cancel(L, fiber);
}

/* The prompt's own fibers run too briefly to be asked. */
static void interrupt(lua_State *L, struct rl_fiber *fiber) {
  if (fiber->whole.cancelled || !rl_prompt_take(fiber->domain->settings))
    return;
  lua_pushliteral(L, "interrupted");
  rl_fiber_cancel(L, fiber);
}

/* -- the hook ------------------------------------------------------------------------------ */

/* All but giving way, which ends a hook. */
static void answer(lua_State *L, struct rl_fiber *fiber, unsigned asks, int level) {
  if (asks & RL_ASK_REPORT)
    report(L, fiber->domain);
  if (asks & RL_ASK_FORBID)
    forbid(L, fiber);
  if (asks & RL_ASK_INTERRUPT)
    interrupt(L, fiber);
  if (asks & RL_ASK_COLLECT)
    rl_budget_collect(L);
  if (asks & ~(unsigned)(RL_ASK_REPORT | RL_ASK_SLICE) || fiber->insists)
    stop(L, fiber, level);
}

void rl_fiber_look(lua_State *L, lua_Debug *ar) {
  (void)ar;
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_fiber *fiber = domain->running;
  rl_hook_put_back(L); /* before it yields: left on with a count of 1, later 5.4 never advances */
  rl_finalizer_look(L);
  if (!fiber)
    return;
  unsigned asks = atomic_exchange(&domain->watch.asks, 0);
  answer(L, fiber, asks, 0);
  if (asks & RL_ASK_SLICE)
    give_way(L, fiber);
}

/* -- functions of the host -------------------------------------------------------------------- */

bool rl_fiber_is_to_stop(lua_State *L) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  return fiber && (is_to_stop(fiber) || is_halted(fiber->domain));
}

void rl_fiber_answer(lua_State *L, bool stop) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_fiber *fiber = domain->running;
  const unsigned mine = ~(unsigned)(RL_ASK_SLICE | RL_ASK_COLLECT); /* these are the hook's */
  unsigned asks = stop ? RL_ASK_STOP : 0;
  if (atomic_load_explicit(&domain->watch.asks, memory_order_relaxed) & mine)
    asks |= atomic_fetch_and(&domain->watch.asks, ~mine) & mine;
  if (fiber && asks != 0)
    answer(L, fiber, asks, 1);
}
