/* Timer: libuv's timers in recycled blocks, for a handle's memory may only go when its close is
 * done, while whoever sets a timer mostly wants to forget it at once. */
#include "domain/timer.h"

#include <lauxlib.h>
#include <math.h>

#include "domain/domain.h"

static const uint64_t NEVER = INT64_MAX; /* ms, for libuv */

static void give_back(struct rl_timer *timer) {
  rl_list_remove(&timer->link);
  rl_list_push(&timer->domain->free_timers, &timer->link);
}

static void ring(struct rl_timer *timer) {
  give_back(timer);
  timer->fire(timer, timer->owner);
}

static void fired(uv_timer_t *handle) {
  ring(handle->data);
}

static struct rl_timer *create(struct rl_domain *domain) {
  struct rl_timer *timer = rl_alloc(domain->settings->heap, sizeof *timer);
  if (!timer)
    return NULL;
  uv_timer_init(domain->loop, &timer->handle); /* cannot fail */
  timer->handle.data = timer;
  timer->domain = domain;
  rl_list_init(&timer->link);
  return timer;
}

/* Up: only a loop that is too busy to sleep wakes early, by a part of a millisecond, for it counts
 * in whole ones. What is longer than 10,000 years waits as long as it can. */
static uint64_t milliseconds(double seconds) {
  double value = ceil(seconds * 1000 - 1e-6);
  return value < 3.2e14 ? (uint64_t)(value > 0 ? value : 0) : (uint64_t)3.2e14;
}

/* A simulation's clock is not libuv's. There the handle only tells the loop that it has something
 * to wait for. */
static void start(struct rl_timer *timer, uint64_t after) {
  struct rl_domain *domain = timer->domain;
  if (domain->settings->simulation) {
    timer->due = rl_domain_now(domain) + after * 1000000;
    uv_timer_start(&timer->handle, fired, NEVER, 0);
  } else {
    uv_update_time(domain->loop); /* the loop's clock stood still while Lua ran */
    uv_timer_start(&timer->handle, fired, after, 0);
  }
}

struct rl_timer *rl_timer_start(struct rl_domain *domain, double seconds, bool keeps,
                                void (*fire)(struct rl_timer *timer, void *owner), void *owner) {
  struct rl_list *link = rl_list_take(&domain->free_timers);
  struct rl_timer *timer = link ? RL_OF(link, struct rl_timer, link) : create(domain);
  if (!timer)
    return NULL;
  timer->fire = fire;
  timer->owner = owner;
  rl_list_push(&domain->timers, &timer->link);
  start(timer, milliseconds(seconds));
  if (keeps)
    uv_ref((uv_handle_t *)&timer->handle);
  else
    uv_unref((uv_handle_t *)&timer->handle);
  return timer;
}

void rl_timer_stop(struct rl_timer *timer) {
  uv_timer_stop(&timer->handle);
  give_back(timer);
}

/* Of those that are due at once the one that was started first. */
static struct rl_timer *next(const struct rl_domain *domain) {
  struct rl_timer *first = NULL;
  for (struct rl_list *at = domain->timers.next; at != &domain->timers; at = at->next) {
    struct rl_timer *timer = RL_OF(at, struct rl_timer, link);
    if (!first || timer->due < first->due)
      first = timer;
  }
  return first;
}

uint64_t rl_timer_next(const struct rl_domain *domain) {
  const struct rl_timer *first = next(domain);
  return first ? first->due : RL_NEVER;
}

void rl_timer_fire(struct rl_domain *domain) {
  uint64_t now = rl_domain_now(domain);
  for (struct rl_timer *timer; (timer = next(domain)) && timer->due <= now;) {
    uv_timer_stop(&timer->handle);
    ring(timer);
  }
}

static void closed(uv_handle_t *handle) {
  struct rl_timer *timer = handle->data;
  rl_free(timer->domain->settings->heap, timer, sizeof *timer);
}

double rl_timer_check(lua_State *L, int arg) {
  lua_Number seconds = luaL_checknumber(L, arg);
  luaL_argcheck(L, seconds >= 0, arg, "seconds must be a number that is not negative");
  return seconds;
}

double rl_timer_check_limit(lua_State *L, int arg) {
  return lua_isnoneornil(L, arg) ? -1 : rl_timer_check(L, arg);
}

void rl_timer_close_all(struct rl_domain *domain) {
  rl_list_move(&domain->free_timers, &domain->timers);
  for (struct rl_list *link; (link = rl_list_take(&domain->free_timers));)
    uv_close((uv_handle_t *)&RL_OF(link, struct rl_timer, link)->handle, closed);
}
