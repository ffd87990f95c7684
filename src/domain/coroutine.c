/* Coroutine: see the header for how a wait passes through. */
#include "domain/coroutine.h"

#include <lauxlib.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/hook.h"
#include "domain/interrupt.h"

/* What the fiber was asked may not have reached the hook of the thread that ran until now. */
static void pass_on(struct rl_domain *domain) {
  if (atomic_load_explicit(&domain->watch.asks, memory_order_relaxed) != 0)
    rl_interrupt_arm(domain);
}

/* Runs `act` on `co` with the domain knowing that co is the innermost thread, resumed from L. */
static int inside(lua_State *L, lua_State *co,
                  int (*act)(lua_State *co, lua_State *L, int n, int *r), int nargs,
                  int *nresults) {
  struct rl_domain *domain = rl_domain_of(L);
  lua_State *before = domain->innermost; /* not L, if C code resumed that */
  struct rl_link link = {.from = L, .outer = domain->chain};
  domain->chain = &link;
  domain->innermost = co;
  rl_hook_count(co);
  pass_on(domain);
  int status = act(co, L, nargs, nresults);
  domain->chain = link.outer;
  domain->innermost = before;
  pass_on(domain);
  return status;
}

static int reset(lua_State *co, lua_State *L, int nargs, int *nresults) {
  (void)L, (void)nargs, (void)nresults;
  return lua_resetthread(co);
}

static lua_State *coroutine_at(lua_State *L, int index) {
  lua_State *co = lua_tothread(L, index);
  luaL_argexpected(L, co, index, "coroutine");
  return co;
}

/* A coroutine that yielded stands in coroutine.yield; one whose fiber waits stands in the function
 * that waits, or in the resume of a further coroutine; one whose fiber was sliced, in Lua code. */
static bool is_waiting(lua_State *L, lua_State *co) {
  lua_Debug top;
  if (lua_status(co) != LUA_YIELD || !lua_getstack(co, 0, &top))
    return false;
  lua_getinfo(co, "S", &top);
  if (*top.what != 'C')
    return true; /* and its stack must not be touched */
  if (!lua_checkstack(co, 1))
    return false;
  lua_getinfo(co, "f", &top);
  bool waits = lua_iscfunction(co, -1) && lua_tocfunction(co, -1) != rl_coroutine_yield;
  lua_pop(co, 1);
  return waits && co != L;
}

static const char *status_of(lua_State *L, lua_State *co) {
  if (L == co)
    return "running";
  lua_Debug frame;
  switch (lua_status(co)) {
  case LUA_YIELD: return is_waiting(L, co) ? "normal" : "suspended";
  case LUA_OK:
    if (lua_getstack(co, 0, &frame))
      return "normal";
    if (rl_fiber_is_fresh(co))
      return "normal"; /* it is the scheduler's to resume */
    return lua_gettop(co) == 0 ? "dead" : "suspended";
  default: return "dead";
  }
}

/* -- resume ------------------------------------------------------------------------------- */

static int resumed(lua_State *L, lua_State *co, int status, int nresults, lua_KFunction again);

/* The fiber was resumed: so is the coroutine, with what its wait returns if it is the one that
 * waits. */
static int resume_on(lua_State *L, lua_State *co, lua_KFunction again) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  int nargs = fiber->innermost == co ? fiber->nresults : 0, nresults = 0;
  int status = inside(L, co, lua_resume, nargs, &nresults);
  return resumed(L, co, status, nresults, again);
}

/* [..] -> [.., results] or [.., error]: the number of results, or -1 for an error; does not return
 * when the fiber has parked. */
static int resumed(lua_State *L, lua_State *co, int status, int nresults, lua_KFunction again) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  if (status == LUA_YIELD && fiber && fiber->state != RL_FIBER_RUNNING)
    return lua_yieldk(L, 0, 0, again);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    if (status != LUA_OK)
      rl_budget_explain(L);
    return -1;
  }
  if (!lua_checkstack(L, nresults + 1)) {
    lua_pop(co, nresults);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, nresults);
  return nresults;
}

static int resume(lua_State *L, lua_State *co, int nargs, lua_KFunction again) {
  if (!lua_checkstack(co, nargs)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  const char *state = status_of(L, co);
  if (*state != 's') { /* neither suspended nor fresh */
    lua_pushfstring(L, "cannot resume %s coroutine", *state == 'd' ? "dead" : "non-suspended");
    return -1;
  }
  lua_xmove(L, co, nargs);
  int nresults = 0;
  int status = inside(L, co, lua_resume, nargs, &nresults);
  return resumed(L, co, status, nresults, again);
}

static int resume_done(lua_State *L, int results) {
  if (results < 0 && rl_fiber_insists(L))
    return lua_error(L);
  lua_pushboolean(L, results >= 0);
  int count = results >= 0 ? results : 1;
  lua_insert(L, -(count + 1));
  return count + 1;
}

static int resume_again(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return resume_done(L, resume_on(L, lua_tothread(L, 1), resume_again));
}

int rl_coroutine_resume(lua_State *L) {
  lua_State *co = coroutine_at(L, 1);
  return resume_done(L, resume(L, co, lua_gettop(L) - 1, resume_again));
}

/* -- wrap --------------------------------------------------------------------------------- */

/* [.., error]: raises it as the error of the wrapped function, with the caller's position. */
static int wrap_failed(lua_State *L, lua_State *co) {
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {
    status = inside(L, co, reset, 0, NULL); /* closes its variables; may replace the error */
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING && !rl_fiber_insists(L)) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int wrap_done(lua_State *L, int results) {
  return results >= 0 ? results : wrap_failed(L, lua_tothread(L, lua_upvalueindex(1)));
}

static int wrap_again(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return wrap_done(L, resume_on(L, lua_tothread(L, lua_upvalueindex(1)), wrap_again));
}

static int wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  return wrap_done(L, resume(L, co, lua_gettop(L), wrap_again));
}

int rl_coroutine_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, wrapped, 1);
  return 1;
}

/* -- the rest ----------------------------------------------------------------------------- */

static bool is_base(lua_State *L) {
  struct rl_fiber *fiber = rl_fiber_running(L);
  return !fiber || fiber->L == L;
}

int rl_coroutine_yield(lua_State *L) {
  if (is_base(L))
    return luaL_error(L, "attempt to yield from outside a coroutine");
  if (rl_region_holds(rl_fiber_running(L), L))
    return luaL_error(L, "attempt to yield out of rille.timeout or rille.scope");
  return lua_yield(L, lua_gettop(L));
}

int rl_coroutine_status(lua_State *L) {
  lua_pushstring(L, status_of(L, coroutine_at(L, 1)));
  return 1;
}

int rl_coroutine_close(lua_State *L) {
  lua_State *co = coroutine_at(L, 1);
  const char *state = status_of(L, co);
  if (*state != 's' && *state != 'd')
    return luaL_error(L, "cannot close a %s coroutine", state);
  if (inside(L, co, reset, 0, NULL) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);
  return rl_fiber_insists(L) ? lua_error(L) : 2;
}

int rl_coroutine_running(lua_State *L) {
  lua_pushthread(L);
  lua_pushboolean(L, is_base(L));
  return 2;
}

int rl_coroutine_isyieldable(lua_State *L) {
  if (!lua_isnone(L, 1))
    luaL_checktype(L, 1, LUA_TTHREAD);
  lua_State *co = lua_isnone(L, 1) ? L : lua_tothread(L, 1);
  lua_pushboolean(L, lua_isyieldable(co) && !(co == L && is_base(L)));
  return 1;
}
