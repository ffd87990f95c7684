/* The part of rille.domains that every compute domain runs: see domain/broadcast.h. */
#include <lauxlib.h>

#include "domain/broadcast.h"
#include "domain/detach.h"
#include "domain/domain.h"
#include "domain/pool.h"
#include "lib/modules.h"
#include "vm/call.h"
#include "vm/check.h"

static struct rl_pool *pool_of(lua_State *L) {
  return rl_domain_of(L)->settings->pool;
}

static void settled(struct rl_domain *here, struct rl_message *message) {
  struct rl_notice *notice = RL_OF(message, struct rl_notice, done);
  rl_domain_settle(here);
  rl_wake(&notice->wait, 0);
}

/* [fn, args..]: keeps them for an occasion, and tells the domains; *told is how many of them there
 * are. Raises. */
static struct rl_notice *post(lua_State *L, enum rl_occasion occasion, int *told) {
  struct rl_broadcasts *broadcasts = &pool_of(L)->broadcasts;
  struct rl_notice *notice = rl_notice_new(broadcasts, occasion);
  if (!notice) {
    luaL_error(L, "not enough memory");
    return NULL;
  }
  notice->origin = rl_domain_of(L);
  notice->done.arrive = settled;
  if (rl_pack(L, 1, lua_gettop(L), &notice->parcel, rl_detach_name) != 0) {
    rl_notice_free(notice);
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
    lua_error(L);
  }
  *told = rl_broadcasts_post(broadcasts, notice);
  if (*told < 0) {
    rl_notice_free(notice);
    luaL_error(L, "too many functions for all domains: %d are kept, for domains that start later",
               RL_BROADCASTS_MOST);
  }
  return notice;
}

/* It is settled: nobody writes to it any more. */
static int raise_failure(lua_State *L, const struct rl_notice *notice) {
  lua_pushfstring(L, "domain %d: %s", (int)notice->where,
                  notice->text ? notice->text : "not enough memory (to say why)");
  if (notice->failed > 1) {
    lua_pushfstring(L, "%d domains of %d failed; ", (int)notice->failed, (int)notice->told);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  rl_traceback_join(L, "broadcast at", 1);
  return lua_error(L);
}

static int called(lua_State *L, int status, lua_KContext context) {
  (void)L, (void)status, (void)context;
  return 0;
}

/* [fn, args..]: all domains have run it. Where there are to be none, their work is done here. */
static int finish(lua_State *L, int status, lua_KContext context) {
  (void)status;
  const struct rl_notice *notice = (const struct rl_notice *)context;
  if (notice->failed > 0)
    return raise_failure(L, notice);
  if (rl_domain_of(L)->feed || rl_pool_bounds(pool_of(L)).max > 0)
    return 0;
  lua_callk(L, lua_gettop(L) - 1, 0, 0, called);
  return 0;
}

/* domains.broadcast(fn, ...)
 *
 * Runs fn(...) on every compute domain, each with a copy of fn, of what it captures and of the
 * arguments, and waits until all have; then each domain that starts later runs it, before its first
 * task, after what was broadcast before. So what fn sets up there (globals, loaded modules,
 * configuration) is in every domain at any time. fn runs between two tasks, or between the slices
 * of one, in a fiber, and may wait. While the maximum of domains is 0, fn is called here, if this
 * is a main domain.
 *
 * An error in a domain is raised here, with the domain's number and its traceback, when all have
 * run it: fn is then kept for later domains, unless it failed in all. Of a domain that starts it is
 * logged, and the domain serves without. May suspend; a cancellation ends only the waiting. Errors:
 * what cannot be copied; more than 10000 functions; a call from a function that is itself
 * broadcast. */
static int broadcast(lua_State *L) {
  rl_check_function(L, 1, "broadcast");
  rl_wait_check(L, "domains.broadcast");
  struct rl_domain *domain = rl_domain_of(L);
  if (rl_pool_hears(domain))
    return luaL_error(L, "domains.broadcast: a function that is broadcast cannot broadcast");
  if (domain->ending)
    return luaL_error(L, "no new broadcast: the program is ending");
  domain->settings->note_paths(domain);
  int told;
  struct rl_notice *notice = post(L, RL_AT_ONCE, &told);
  if (told == 0)
    return finish(L, LUA_OK, (lua_KContext)notice);
  rl_domain_expect(domain);
  return rl_park(L, &notice->wait, NULL, finish, (lua_KContext)notice);
}

/* domains.on_start(fn, ...)
 *
 * Each compute domain that starts from now on runs fn(...), as with broadcast; those that are there
 * do not. Does not suspend. */
static int on_start(lua_State *L) {
  int told;
  rl_check_function(L, 1, "on_start");
  post(L, RL_AT_START, &told);
  return 0;
}

/* domains.on_stop(fn, ...)
 *
 * Each compute domain runs fn(...) when it ends, be it idle for too long or with the program: the
 * function given last goes first. They cannot wait, nor start fibers or tasks; each has as long as
 * domains.set_cleanup_time says. Errors are logged. A domain that is stuck in a C function may end
 * without. Does not suspend. */
static int on_stop(lua_State *L) {
  int told;
  rl_check_function(L, 1, "on_stop");
  post(L, RL_AT_STOP, &told);
  return 0;
}

static const luaL_Reg functions[] = {
    {"broadcast", broadcast}, {"on_start", on_start}, {"on_stop", on_stop}, {NULL, NULL}};

void rl_lib_domains_broadcast(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
