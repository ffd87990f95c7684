/* rille: detaching, fibers, time.
 *
 * All of it may be called on any domain, unless it says otherwise; what a call returns belongs to
 * the caller. rille.domains, rille.context, rille.http, rille.net, rille.log and rille.metrics are
 * loaded when they are first used; a script need not require them. */
#include <lauxlib.h>
#include <math.h>

#include "base/clock.h"
#include "domain/detach.h"
#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/future.h"
#include "domain/rest.h"
#include "domain/timer.h"
#include "lib/modules.h"
#include "vm/call.h"
#include "vm/check.h"
#include "vm/pristine.h"
#include "vm/require.h"

/* -- time --------------------------------------------------------------------------------- */

/* rille.now() -> seconds: a float that only grows, from an arbitrary beginning; the same in all
 * domains. Does not suspend. */
static int now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)rl_domain_now(rl_domain_of(L)) / 1e9);
  return 1;
}

/* rille.sleep(seconds)
 *
 * Suspends the fiber for that long, never for less; for up to a millisecond more where the loop
 * sleeps meanwhile. 0 lets other fibers and sockets have their turn. May suspend. Errors: seconds
 * below 0; a place where Lua cannot yield, which is named. */
static int sleep_for(lua_State *L) {
  double seconds = rl_timer_check(L, 1);
  rl_wait_check(L, "rille.sleep");
  return rl_rest(L, seconds, NULL, 0);
}

static const double LONGEST = 1e9; /* seconds; what is longer is for ever */

struct deadline {
  struct rl_region region;
  struct rl_timer *timer;
};

static void expired(struct rl_timer *timer, void *owner) {
  (void)timer;
  struct deadline *deadline = owner;
  deadline->timer = NULL;
  rl_region_expire(&deadline->region);
}

/* The fiber is abandoned: nobody will leave the region. */
static void forget_deadline(struct rl_region *region) {
  struct deadline *deadline = RL_OF(region, struct deadline, region);
  if (deadline->timer)
    rl_timer_stop(deadline->timer);
  deadline->timer = NULL;
}

/* [deadline, handler, results.. or error] */
static int timeout_over(lua_State *L, int status, lua_KContext context) {
  (void)context;
  struct deadline *deadline = lua_touserdata(L, 1);
  struct rl_region *region = &deadline->region;
  bool done = status == LUA_OK || status == LUA_YIELD, swallowed = done && region->seen;
  forget_deadline(region);
  if (swallowed) { /* fn caught the error and went on; it has timed out all the same */
    luaL_where(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, region->reason);
    lua_concat(L, 2);
  }
  rl_region_leave(L, region);
  struct rl_region *outer = rl_region_cancelled(rl_fiber_running(L));
  if (outer && !outer->seen && rl_fiber_insists(L))
    rl_fiber_insist(L); /* both at once: what ends more is what is told */
  return done && !swallowed ? lua_gettop(L) - 2 : lua_error(L);
}

/* rille.timeout(seconds, fn, ...) -> results
 *
 * Calls fn in this fiber; if it has not returned after `seconds`, the wait in which it is fails
 * with an error "timed out after N s", and so does every further wait until fn is left. Where fn
 * computes then, the error is raised at its next instruction, and no pcall inside fn catches it;
 * where it is inside a C function, as soon as that returns. Returns what fn does. May suspend. */
static int timeout(lua_State *L) {
  double seconds = rl_timer_check(L, 1);
  if (!luaL_getmetafield(L, 2, "__call"))
    rl_check_function(L, 2, "timeout");
  else
    lua_pop(L, 1);
  rl_wait_check(L, "rille.timeout");
  struct deadline *deadline = lua_newuserdatauv(L, sizeof *deadline, 0);
  *deadline = (struct deadline){.region = {.reason = LUA_NOREF, .dropped = forget_deadline}};
  lua_replace(L, 1);
  lua_pushfstring(L, "timed out after %f s", seconds);
  deadline->region.reason = luaL_ref(L, LUA_REGISTRYINDEX);
  deadline->timer = rl_timer_start(&rl_domain_of(L)->timers, seconds, true, expired, deadline);
  if (!deadline->timer) {
    luaL_unref(L, LUA_REGISTRYINDEX, deadline->region.reason);
    return luaL_error(L, "not enough memory");
  }
  if (seconds < LONGEST)
    deadline->region.deadline = rl_domain_now(rl_domain_of(L)) + (uint64_t)(seconds * 1e9) + 1;
  rl_region_enter(L, &deadline->region);
  lua_pushcfunction(L, rl_traceback);
  lua_insert(L, 2);
  int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 2, 0, timeout_over);
  return timeout_over(L, status, 0);
}

/* -- fibers and tasks ---------------------------------------------------------------------- */

/* rille.spawn(fn, ...) -> task
 *
 * Runs fn(...) in a new fiber of this domain, which begins when the caller waits or ends. The
 * program does not end before it. An error that nobody awaits is logged. What a task has spawned is
 * cancelled with it, and bounded by its limits. Does not suspend. */
static int spawn(lua_State *L) {
  rl_check_function(L, 1, "spawn");
  rl_future_spawn(L);
  lua_settop(L, 1);
  return 1;
}

/* task:cancel([reason]) -> boolean
 *
 * Asks the task to end: queued, it never runs; waiting, it sees the reason as an error at its wait;
 * running in a compute domain, it is interrupted. True if it had not ended. Does not suspend. */
static int task_cancel(lua_State *L) {
  struct rl_future *future = rl_check_self(L, RL_FUTURE);
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_pushliteral(L, "cancelled");
    lua_replace(L, 2);
  }
  lua_pushboolean(L, rl_future_cancel(L, future));
  return 1;
}

/* task:status() -> "queued" | "running" | "done" | "failed" | "cancelled"
 *
 * Queued: submitted, not begun; running: begun, or about to be, or suspended. Does not suspend. */
static int task_status(lua_State *L) {
  static const char *const names[] = {"running", "done", "failed", "cancelled"};
  struct rl_future *future = rl_check_self(L, RL_FUTURE);
  lua_pushstring(L, rl_future_queued(L, future) ? "queued" : names[future->state]);
  return 1;
}

/* task:cost() -> cost | nil
 *
 * What the task has cost, a table of its own; nil if it has not ended, or was not submitted. Does
 * not suspend. */
static int task_cost(lua_State *L) {
  struct rl_future *future = rl_check_self(L, RL_FUTURE);
  const struct rl_cost *cost = &future->cost;
  if (!cost->known)
    return 0;
  lua_createtable(L, 0, 8);
  lua_pushnumber(L, (lua_Number)cost->wait / 1e9);
  lua_setfield(L, -2, "wait");
  lua_pushnumber(L, (lua_Number)cost->run / 1e9);
  lua_setfield(L, -2, "run");
  lua_pushnumber(L, (lua_Number)cost->cpu / 1e9);
  lua_setfield(L, -2, "cpu");
  lua_pushinteger(L, (lua_Integer)cost->bytes_in);
  lua_setfield(L, -2, "bytes_in");
  lua_pushinteger(L, (lua_Integer)cost->bytes_out);
  lua_setfield(L, -2, "bytes_out");
  lua_pushinteger(L, (lua_Integer)cost->peak);
  lua_setfield(L, -2, "peak_bytes");
  if (cost->instructions > 0) {
    lua_pushinteger(L, (lua_Integer)cost->instructions);
    lua_setfield(L, -2, "instructions");
  }
  if (cost->began && cost->domain > 0)
    lua_pushinteger(L, cost->domain);
  else
    lua_pushstring(L, cost->began ? "main" : NULL);
  lua_setfield(L, -2, "domain");
  return 1;
}

static int task_tostring(lua_State *L) {
  struct rl_future *future = rl_check_self(L, RL_FUTURE);
  task_status(L);
  lua_pushfstring(L, "task (%s): %p", lua_tostring(L, -1), (void *)future);
  return 1;
}

/* The type task of rille: what rille.submit and rille.spawn return. It belongs to the domain that
 * made it, and cannot leave that. Nobody need keep it: what was begun goes on. */

/* The type cost of rille: what a task has cost. A plain table, good in any domain; nothing of it
 * suspends.
 *
 * Fields:
 *
 *     wait           number: seconds in the queue
 *     run            number: seconds on its domain, its own waits excluded
 *     cpu            number: seconds of these in which the domain's thread had a processor; what it
 *                    runs before the runtime first looks at it, after each wait some 5 ms at most,
 *                    counts in full
 *     bytes_in       integer: arguments as they were packed; long strings are lent and do not count
 *     bytes_out      integer: the same of results
 *     peak_bytes     integer: of Lua memory that it held at most, garbage included: exact for a job
 *                    with the option memory, else to within 64 KiB and without the fibers that it
 *                    spawned
 *     instructions   integer|nil: only for a job with that option
 *     domain         integer|string|nil: its number, "main", or nil if it never began */

/* task:await() -> results
 *
 * Waits for the end of the task and returns its results, any number of times; or raises its error,
 * with its traceback followed by "awaited at" and the caller's; or, if it was cancelled, the
 * reason. May suspend. */
static const luaL_Reg task_methods[] = {
    {"await", rl_future_await},
    {"cancel", task_cancel},
    {"status", task_status},
    {"cost", task_cost},
    {NULL, NULL},
};

/* -- domains ------------------------------------------------------------------------------- */

/* rille.domain() -> "main" | number: of the compute domain that the caller runs on. Does not
 * suspend. */
static int domain(lua_State *L) {
  struct rl_domain *here = rl_domain_of(L);
  if (here->feed)
    lua_pushinteger(L, here->vm.number);
  else
    lua_pushliteral(L, "main");
  return 1;
}

/* rille.loop() -> number, count
 *
 * Which of the main domains this is, from 1, and how many of them there are: rille --loops. In a
 * task: which one it belongs to. What only one of them is to do is done `if rille.loop() == 1`.
 * Does not suspend. */
static int loop(lua_State *L) {
  struct rl_domain *here = rl_domain_of(L);
  struct rl_fiber *fiber = rl_fiber_running(L);
  struct rl_domain *main = fiber ? fiber->main : here->main;
  lua_pushinteger(L, main->vm.number);
  lua_pushinteger(L, atomic_load(&here->settings->loops));
  return 2;
}

/* rille.set_grace(seconds)
 *
 * How long running handlers may go on after SIGINT, SIGTERM or a failed script before they are
 * cancelled: 10 s initially; the same for all loops. Main domains only. Does not suspend. */
static int set_grace(lua_State *L) {
  struct rl_domain *here = rl_domain_of(L);
  double seconds = rl_timer_check(L, 1);
  if (here->feed)
    return luaL_error(L, "rille.set_grace: only a main domain sets it");
  atomic_store(&here->settings->grace, seconds);
  return 0;
}

/* -- the module ---------------------------------------------------------------------------- */

/* [rille, name]: what is not there yet: a submodule, or one of the functions written in Lua. */
static int load_on_use(lua_State *L) {
  const char *name = lua_tostring(L, 2);
  lua_getfield(L, lua_upvalueindex(1), name ? name : "");
  const char *module = lua_tostring(L, -1);
  if (!module)
    return 1;
  rl_require_push(L);
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  if (lua_istable(L, -1) && lua_getfield(L, -1, name) == LUA_TFUNCTION)
    lua_replace(L, -2); /* of rille.flow, the function is wanted */
  else
    lua_settop(L, 3);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  rl_pristine_learn(L, 1, 2, module);
  return 1;
}

static void push_load_on_use(lua_State *L) {
  static const char *const where[][2] = {
      {"all", "rille.flow"},        {"race", "rille.flow"},       {"scope", "rille.flow"},
      {"domains", "rille.domains"}, {"http", "rille.http"},       {"net", "rille.net"},
      {"job", "rille.job"},         {"context", "rille.context"}, {"channel", "rille.channel"},
      {"select", "rille.select"},   {"mutex", "rille.locks"},     {"semaphore", "rille.locks"},
      {"log", "rille.log"},         {"metrics", "rille.metrics"},
  };
  lua_newtable(L);
  for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
    lua_pushstring(L, where[i][1]);
    lua_setfield(L, -2, where[i][0]);
  }
  lua_pushcclosure(L, load_on_use, 1);
}

/* rille.detach(fn, ...) -> results
 *
 * Runs fn on a compute domain while this fiber waits, and returns what it does. fn, its captured
 * values and the arguments are copied (docs/detaching.md says what can cross); an error of fn is
 * raised here, its traceback followed by "detached at" and the caller's. Waits also while the queue
 * is full. If the fiber is cancelled, so is the task. May suspend. Errors: what cannot be copied,
 * with its path. */

/* rille.submit(fn, ...) -> task
 *
 * The same without waiting for the results: task:await() gives them. An error that nobody awaits is
 * logged. May suspend, while the queue is full. */

/* rille.run_in_main(fn, ...) -> results
 *
 * Runs fn as a fiber of the main domain, the one that has detached this task, and waits for its
 * results; fn and the values cross as those of rille.detach do. There, it simply calls fn. May
 * suspend. */
static const luaL_Reg functions[] = {
    {"detach", rl_detach},
    {"submit", rl_submit},
    {"run_in_main", rl_run_in_main},
    {"spawn", spawn},
    {"sleep", sleep_for},
    {"timeout", timeout},
    {"now", now},
    {"domain", domain},
    {"loop", loop},
    {"set_grace", set_grace},
    {NULL, NULL},
};

int luaopen_rille(lua_State *L) {
  if (luaL_newmetatable(L, RL_FUTURE)) {
    luaL_newlib(L, task_methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, task_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, rl_future_collect);
    lua_setfield(L, -2, "__gc");
  }
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  lua_createtable(L, 0, 1);
  push_load_on_use(L);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}
