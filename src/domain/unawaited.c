/* Unawaited: failures that nobody awaits are reported, after a time in which somebody still may.
 * Declared in future.h. */
#include <stdio.h>

#include "domain/context.h"
#include "domain/future.h"
#include "domain/report.h"
#include "domain/timer.h"
#include "vm/call.h"

enum { REPORT_AFTER = 1000 * 1000 * 1000 /* ns in which a failure may still be awaited */ };

void rl_future_forget_context(struct rl_future *future) {
  rl_context_release(future->carried);
  future->carried = NULL;
}

static int report(lua_State *L) {
  struct rl_future *future = lua_touserdata(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, future);
  lua_getiuservalue(L, -1, 1);
  size_t size;
  const char *text = rl_traceback_text(L, -1, &size);
  char prefix[RL_CONTEXT_NOTE + 64], note[RL_CONTEXT_NOTE];
  snprintf(prefix, sizeof prefix,
           "error in a task that nobody awaits%s: ", rl_context_note(future->carried, note));
  rl_report_text(rl_domain_of(L), future->carried, RL_LOG_ERROR, prefix, text, size);
  rl_future_forget_context(future);
  rl_future_unanchor(L, future);
  return 0;
}

static void report_first(struct rl_domain *domain) {
  struct rl_list *link = rl_list_take(&domain->unawaited);
  struct rl_future *future = RL_OF(link, struct rl_future, link);
  lua_State *L = domain->vm.L;
  if (rl_call_protected(L, report, future) == LUA_OK)
    return;
  rl_log_line(&domain->settings->log, RL_LOG_ERROR,
              "error in a task that nobody awaits (no memory to tell which)");
  lua_pop(L, 1);
}

static bool is_due(struct rl_domain *domain) {
  if (rl_list_empty(&domain->unawaited))
    return false;
  struct rl_future *oldest = RL_OF(domain->unawaited.next, struct rl_future, link);
  return rl_domain_now(domain) - oldest->since >= REPORT_AFTER;
}

static void report_due(struct rl_timer *timer, void *owner) {
  (void)timer;
  struct rl_domain *domain = owner;
  while (is_due(domain))
    report_first(domain);
}

void rl_future_report_all(struct rl_domain *domain) {
  while (!rl_list_empty(&domain->unawaited))
    report_first(domain);
}

void rl_future_watch(lua_State *L, struct rl_future *future, struct rl_context *context) {
  struct rl_domain *domain = rl_domain_of(L);
  future->carried = rl_context_share(context);
  rl_list_push(&domain->unawaited, &future->link);
  future->since = rl_domain_now(domain); /* first, so that the timer finds it due */
  rl_timer_start(&domain->timers, REPORT_AFTER / 1e9, false, report_due, domain);
}
