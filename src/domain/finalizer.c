/* Finalizer: see the header. The last to be called, when the state closes, is the one that the
 * state got first. */
#include "domain/finalizer.h"

#include <lauxlib.h>
#include <stdio.h>

#include "base/clock.h"
#include "domain/domain.h"
#include "domain/report.h"
#include "domain/ticker.h"
#include "vm/collector.h"
#include "vm/inside.h"

static int all_done(lua_State *L) {
  rl_domain_of(L)->between = NULL;
  return 0;
}

void rl_finalizer_prepare(lua_State *L) {
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, all_done);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  luaL_ref(L, LUA_REGISTRYINDEX);
  rl_domain_of(L)->between = rl_domain_of(L)->vm.L;
}

/* Once for each domain. */
static void report(lua_State *L, struct rl_domain *domain) {
  char text[LUA_IDSIZE + 160];
  lua_Debug at = {.short_src = "?", .currentline = -1};
  if (lua_getstack(L, 0, &at))
    lua_getinfo(L, "Sl", &at);
  int size = snprintf(text, sizeof text,
                      "a finalizer (__gc) did not end, and was stopped: %s:%d; those after it get "
                      "no time of their own",
                      at.short_src, at.currentline);
  rl_report_text(domain, NULL, RL_LOG_WARN, "rille: ", text, (size_t)size);
}

/* Also where a coroutine of the finalizer runs now. */
static void let_hooks_in(lua_State *L, struct rl_domain *domain) {
  lua_sethook(L, domain->look, LUA_MASKCOUNT, 1); /* until it has ended */
  for (struct rl_link *link = domain->chain; link; link = link->outer) {
    struct rl_inside_thread *thread = (struct rl_inside_thread *)(void *)link->from;
    if (thread->hooks)
      continue;
    thread->hooks = 1;
    lua_sethook(link->from, domain->look, LUA_MASKCOUNT, 1);
  }
}

static void condemn(lua_State *L, struct rl_domain *domain) {
  domain->finalizing.over = domain->finalizing.caught = true;
  if (atomic_load_explicit(&domain->watch.haunted, memory_order_relaxed))
    return;
  report(L, domain);
  if (domain->feed)
    domain->spoilt = domain->tampered = true; /* another takes its place */
  if (domain->feed || domain->ending)
    atomic_store_explicit(&domain->watch.haunted, true, memory_order_relaxed);
}

void rl_finalizer_look(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  volatile struct rl_finalizing *now = &domain->finalizing;
  if (now->since == 0)
    return;
  if (!rl_collector_finalizes(L)) {
    *now = (struct rl_finalizing){0};
    return;
  }
  uint64_t bound = rl_ticker_finalizing(domain->settings->ticker, domain);
  if (!now->over && (bound == RL_NEVER || rl_clock_real() - now->since < bound))
    return;
  if (!now->over)
    condemn(L, domain);
  let_hooks_in(L, domain);
  lua_pushliteral(L, "the finalizer did not end");
  lua_error(L);
}

bool rl_finalizer_catches(lua_State *L) {
  volatile struct rl_finalizing *now = &rl_domain_of(L)->finalizing;
  if (now->since == 0 || !rl_collector_finalizes(L))
    return false;
  now->caught = true;
  return now->over;
}
