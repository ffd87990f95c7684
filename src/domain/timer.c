/* Timer: libuv's timers in recycled blocks, for a handle's memory may only go when its close is
 * done, while whoever sets a timer mostly wants to forget it at once. */
#include "domain/timer.h"

#include <math.h>

#include "domain/domain.h"

static void give_back(struct rl_timer *timer) {
  rl_list_remove(&timer->link);
  rl_list_push(&timer->domain->free_timers, &timer->link);
}

static void fired(uv_timer_t *handle) {
  struct rl_timer *timer = handle->data;
  give_back(timer);
  timer->fire(timer, timer->owner);
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

struct rl_timer *rl_timer_start(struct rl_domain *domain, double seconds, bool keeps,
                                void (*fire)(struct rl_timer *timer, void *owner), void *owner) {
  struct rl_list *link = rl_list_take(&domain->free_timers);
  struct rl_timer *timer = link ? RL_OF(link, struct rl_timer, link) : create(domain);
  if (!timer)
    return NULL;
  timer->fire = fire;
  timer->owner = owner;
  rl_list_push(&domain->timers, &timer->link);
  uv_update_time(domain->loop); /* the loop's clock stood still while Lua ran */
  uv_timer_start(&timer->handle, fired, milliseconds(seconds), 0);
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

static void closed(uv_handle_t *handle) {
  struct rl_timer *timer = handle->data;
  rl_free(timer->domain->settings->heap, timer, sizeof *timer);
}

void rl_timer_close_all(struct rl_domain *domain) {
  rl_list_move(&domain->free_timers, &domain->timers);
  for (struct rl_list *link; (link = rl_list_take(&domain->free_timers));)
    uv_close((uv_handle_t *)&RL_OF(link, struct rl_timer, link)->handle, closed);
}
