/* Timer: a heap by the nanosecond at which each is due, under one timer of libuv's. That one counts
 * whole milliseconds, and rings a part of one too early when something else has kept the loop
 * awake; then nothing is due yet, and it is set again. Many handles of libuv's would be called in
 * the order of their milliseconds, each early; and the memory of a handle goes only when its close
 * is done, while whoever sets a timer mostly wants to forget it at once. */
#include "domain/timer.h"

#include <lauxlib.h>
#include <math.h>

#include "base/clock.h"
#include "base/heap.h"
#include "domain/watch.h"

static const double LONGEST = 9e18; /* ns, some 285 years: what is longer is for ever */
static const uint64_t MS = 1000000; /* ns */

static struct rl_timer *timer_of(struct rl_pairing *node) {
  return RL_OF(node, struct rl_timer, node);
}

/* -- libuv's timer, which rings no later than the first is due --------------------------------- */

static void on_ring(uv_timer_t *handle);

/* For the first, but not within `least` ms. The loop's clock has stood still while Lua ran. In a
 * simulation, whose clock is another one, the handle is set for ever: there it only tells the loop
 * that it has something to wait for. */
static void set(struct rl_timers *timers, uint64_t now, uint64_t least) {
  uint64_t due = rl_timer_next(timers);
  if (due >= timers->rings)
    return;
  uint64_t wait = due > now ? (due - now + MS - 1) / MS : 0;
  uv_update_time(timers->handle.loop);
  uv_timer_start(&timers->handle, on_ring, wait > least ? wait : least, 0);
  timers->rings = due;
}

static void on_ring(uv_timer_t *handle) {
  struct rl_timers *timers = handle->data;
  timers->rings = 0; /* what starts meanwhile need not set it */
  rl_timer_fire(timers);
  timers->rings = RL_NEVER;
  set(timers, rl_clock_now(timers->clock), 1); /* libuv would call again before it polls */
}

static void keep(struct rl_timers *timers) {
  if (timers->keeping++ == 0)
    uv_ref((uv_handle_t *)&timers->handle);
}

static void keep_no_more(struct rl_timers *timers) {
  if (--timers->keeping == 0)
    uv_unref((uv_handle_t *)&timers->handle);
}

/* -- timers -------------------------------------------------------------------------------- */

static struct rl_timer *take_block(struct rl_timers *timers) {
  struct rl_list *link = rl_list_take(&timers->free);
  if (link)
    return RL_OF(link, struct rl_timer, link);
  struct rl_timer *timer = rl_alloc(timers->memory, sizeof *timer);
  if (timer)
    rl_list_init(&timer->link);
  return timer;
}

/* No two are started at the same moment, so that those of one length ring in the order in which
 * they were started. */
static uint64_t moment(struct rl_timers *timers) {
  uint64_t now = rl_clock_now(timers->clock);
  timers->last = now > timers->last ? now : timers->last + 1;
  return timers->last;
}

struct rl_timer *rl_timer_start(struct rl_timers *timers, double seconds, bool keeps,
                                void (*fire)(struct rl_timer *timer, void *owner), void *owner) {
  struct rl_timer *timer = take_block(timers);
  if (!timer)
    return NULL;
  timer->timers = timers;
  timer->keeps = keeps;
  timer->fire = fire;
  timer->owner = owner;
  double after = ceil(seconds * 1e9);
  uint64_t due = moment(timers) + (uint64_t)(after < LONGEST ? after : LONGEST);
  rl_pairing_push(&timers->soonest, &timer->node, due);
  if (keeps)
    keep(timers);
  set(timers, timers->last, 0);
  return timer;
}

/* The handle may ring for it all the same, once: that costs less than to stop it each time that
 * something comes before its limit. */
void rl_timer_stop(struct rl_timer *timer) {
  struct rl_timers *timers = timer->timers;
  rl_pairing_remove(&timers->soonest, &timer->node);
  if (timer->keeps)
    keep_no_more(timers);
  rl_list_push(&timers->free, &timer->link);
}

uint64_t rl_timer_next(const struct rl_timers *timers) {
  return timers->soonest ? timers->soonest->key : RL_NEVER;
}

void rl_timer_fire(struct rl_timers *timers) {
  uint64_t now = rl_clock_now(timers->clock);
  if (timers->last < now)
    timers->last = now; /* what starts from here on is due later */
  while (rl_timer_next(timers) <= now) {
    struct rl_timer *timer = timer_of(timers->soonest);
    rl_timer_stop(timer);
    timer->fire(timer, timer->owner);
  }
}

/* -- a domain's begin and end -------------------------------------------------------------- */

void rl_timers_init(struct rl_timers *timers, struct rl_heap *memory,
                    const struct rl_clock *clock) {
  *timers = (struct rl_timers){.memory = memory, .clock = clock, .rings = RL_NEVER};
  rl_list_init(&timers->free);
}

void rl_timers_open(struct rl_timers *timers, uv_loop_t *loop) {
  uv_timer_init(loop, &timers->handle); /* cannot fail */
  uv_unref((uv_handle_t *)&timers->handle);
  timers->handle.data = timers;
  if (!timers->clock->simulated)
    return;
  uv_timer_start(&timers->handle, on_ring, INT64_MAX, 0);
  timers->rings = 0;
}

void rl_timers_free(struct rl_timers *timers) {
  while (timers->soonest)
    rl_timer_stop(timer_of(timers->soonest));
  for (struct rl_list *link; (link = rl_list_take(&timers->free));)
    rl_free(timers->memory, RL_OF(link, struct rl_timer, link), sizeof(struct rl_timer));
}

double rl_timer_check(lua_State *L, int arg) {
  lua_Number seconds = luaL_checknumber(L, arg);
  luaL_argcheck(L, seconds >= 0, arg, "seconds must be a number that is not negative");
  return seconds;
}

double rl_timer_check_limit(lua_State *L, int arg) {
  return lua_isnoneornil(L, arg) ? -1 : rl_timer_check(L, arg);
}
