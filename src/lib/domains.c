/* rille.domains: the pool of compute domains, read and tuned live. None of these functions but
 * domains.broadcast suspends; all may be called on any domain. */
#include <lauxlib.h>
#include <limits.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/limits.h"
#include "domain/pool.h"
#include "domain/ticker.h"
#include "lib/modules.h"

static struct rl_pool *pool_of(lua_State *L) {
  return rl_domain_of(L)->settings->pool;
}

static unsigned check_count(lua_State *L, int arg, lua_Integer least, const char *what) {
  lua_Integer value = luaL_checkinteger(L, arg);
  if (value < least || value > INT_MAX) {
    const char *text = lua_pushfstring(L, "%s must be an integer of at least %I, got %I", what,
                                       (LUAI_UACINT)least, (LUAI_UACINT)value);
    luaL_argerror(L, arg, text);
  }
  return (unsigned)value;
}

/* domains.set_bounds(min, max)
 *
 * min domains are kept started; up to max start on demand; domains above min end after their idle
 * time. Raising max starts queued work at once; lowering it retires domains as they become free.
 * With max 0 tasks run as fibers of the main domain. Errors: min < 0, max < min, not integers. */
static int set_bounds(lua_State *L) {
  struct rl_bounds bounds = {.min = check_count(L, 1, 0, "min"),
                             .max = check_count(L, 2, 0, "max")};
  luaL_argcheck(L, bounds.min <= bounds.max, 2, "max must not be below min");
  struct rl_domain *domain = rl_domain_of(L);
  domain->settings->note_paths(domain);
  rl_pool_set_bounds(pool_of(L), bounds);
  return 0;
}

/* domains.get_bounds() -> min, max: initially 0 and domains.recommended(). */
static int get_bounds(lua_State *L) {
  struct rl_bounds bounds = rl_pool_bounds(pool_of(L));
  lua_pushinteger(L, bounds.min);
  lua_pushinteger(L, bounds.max);
  return 2;
}

/* domains.set_queue_limit(n)
 *
 * At most n >= 1 tasks are queued (1000 initially); whoever detaches or submits more waits, in
 * order, until there is room. Tasks that are queued stay so when n is lowered. */
static int set_queue_limit(lua_State *L) {
  rl_pool_set_limit(pool_of(L), check_count(L, 1, 1, "the queue limit"));
  return 0;
}

/* domains.get_queue_limit() -> n: 1000 initially. */
static int get_queue_limit(lua_State *L) {
  lua_pushinteger(L, rl_pool_limit(pool_of(L)));
  return 1;
}

/* domains.set_idle_time(seconds)
 *
 * How long a domain above min stays without work before it ends: 5 s initially. */
static int set_idle_time(lua_State *L) {
  lua_Number seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0, 1, "the idle time must not be negative");
  rl_pool_set_idle_time(pool_of(L), seconds);
  return 0;
}

/* A number of seconds, in ns; nil is for ever. */
static uint64_t check_time(lua_State *L, int arg, const char *what) {
  static const double longest = 1e9; /* what is longer is for ever, too */
  lua_Number seconds = lua_isnil(L, arg) ? longest : luaL_checknumber(L, arg);
  if (!(seconds >= 0))
    luaL_argerror(L, arg, lua_pushfstring(L, "%s must not be negative", what));
  return seconds < longest ? (uint64_t)(seconds * 1e9) : RL_NEVER;
}

/* domains.set_slice(seconds)
 *
 * How long a task may run while others wait for its domain: 10 ms initially. Then it goes on after
 * the others have had as much, or at once where all take equally long. A task is not interrupted
 * inside a C function, nor where one is in the way (the comparison of a table.sort); tasks that one
 * domain runs in turns share its globals and modules. math.huge: a task runs until it waits or
 * ends. */
static int set_slice(lua_State *L) {
  uint64_t slice = check_time(L, 1, "a slice");
  luaL_argcheck(L, slice > 0, 1, "a slice must be longer than nothing");
  atomic_store(&rl_domain_of(L)->settings->ticker->slice, slice);
  return 0;
}

/* domains.set_cleanup_time(seconds)
 *
 * How long a cancelled task, or a fiber, may go on: 1 s initially. In that time its to-be-closed
 * variables run, or what it does after it caught the error of a cancelled wait; then it is ended at
 * the next instruction, wherever it is. Every finalizer (`__gc`) may run for as
 * long. */
static int set_cleanup_time(lua_State *L) {
  atomic_store(&rl_domain_of(L)->settings->ticker->cleanup, check_time(L, 1, "the time"));
  return 0;
}

/* domains.set_loop_guard(report [, stop])
 *
 * Code of a main domain that runs for more than `report` seconds (0.1 initially) without waiting,
 * while something else waits for the loop, is logged with its traceback, at most once a second.
 * After `stop` seconds (initially never) it is ended with an error. math.huge or nil: never. */
static int set_loop_guard(lua_State *L) {
  struct rl_ticker *ticker = rl_domain_of(L)->settings->ticker;
  lua_settop(L, 2);
  uint64_t report = check_time(L, 1, "the time"), stop = check_time(L, 2, "the time");
  atomic_store(&ticker->holdup, report);
  atomic_store(&ticker->forbidden, stop);
  return 0;
}

/* domains.set_memory_limit(bytes)
 *
 * How much Lua memory each domain may have, this one and other loops included: at least 4 MiB, or
 * nil for any amount, as initially. A task that would need more, after garbage was collected, is
 * ended with an error; code of a main domain gets an error, which it may catch. Counts for what
 * begins from now on. Memory outside Lua (packed values, buffers of connections) does not count. */
static int set_memory_limit(lua_State *L) {
  lua_settop(L, 1);
  lua_Integer limit = lua_isnil(L, 1) ? 0 : luaL_checkinteger(L, 1);
  if (!lua_isnil(L, 1) && limit < RL_LIMITS_LEAST)
    luaL_argerror(L, 1,
                  lua_pushfstring(L, "a memory limit must be at least 4 MiB, got %I bytes",
                                  (LUAI_UACINT)limit));
  atomic_store(&rl_domain_of(L)->settings->memory_limit, (size_t)limit);
  rl_budget_heed(L);
  return 0;
}

/* domains.recommended() -> n: the cores that this process may use (affinity, cgroup quota). */
static int recommended(lua_State *L) {
  lua_pushinteger(L, rl_domain_of(L)->settings->cores);
  return 1;
}

static void set_integer(lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

static void set_seconds(lua_State *L, const char *name, double nanoseconds) {
  lua_pushnumber(L, nanoseconds / 1e9);
  lua_setfield(L, -2, name);
}

static void set_histogram(lua_State *L, const char *name, const struct rl_histogram *histogram) {
  uint64_t count = atomic_load(&histogram->count), total = atomic_load(&histogram->total);
  lua_createtable(L, 0, 6);
  set_integer(L, "count", count);
  set_seconds(L, "mean", count ? (double)total / (double)count : 0);
  set_seconds(L, "p50", (double)rl_histogram_quantile(histogram, 0.50));
  set_seconds(L, "p90", (double)rl_histogram_quantile(histogram, 0.90));
  set_seconds(L, "p99", (double)rl_histogram_quantile(histogram, 0.99));
  set_seconds(L, "max", (double)atomic_load(&histogram->max));
  lua_setfield(L, -2, name);
}

static double mean(uint64_t sum, uint64_t count) {
  return count ? (double)sum / (double)count : 0;
}

static void push_figures(lua_State *L, const struct rl_figures *figures) {
  lua_createtable(L, 0, 15);
  set_integer(L, "count", figures->submitted);
  set_integer(L, "finished", figures->finished);
  set_integer(L, "failed", figures->failed);
  set_integer(L, "cancelled", figures->cancelled);
  set_integer(L, "dropped", figures->dropped);
  set_integer(L, "refused", figures->refused);
  set_integer(L, "begun", figures->runs);
  set_seconds(L, "wait", mean(figures->wait, figures->runs));
  set_seconds(L, "run", mean(figures->run, figures->runs));
  set_seconds(L, "cpu", mean(figures->cpu, figures->runs));
  set_integer(L, "instructions", figures->instructions);
  set_integer(L, "peak_bytes", figures->peak);
  set_seconds(L, "expected", (double)figures->expected);
  set_integer(L, "bytes_in", figures->bytes_in);
  set_integer(L, "bytes_out", figures->bytes_out);
}

/* [stats] -> [stats]: by job name. Names that come up meanwhile wait for the next time. */
static void set_jobs(lua_State *L) {
  struct rl_pool *pool = pool_of(L);
  unsigned room = rl_pool_accounts(pool, NULL, 0);
  struct rl_account_copy *copies = lua_newuserdatauv(L, room * sizeof *copies, 0);
  unsigned count = rl_pool_accounts(pool, copies, room);
  lua_createtable(L, 0, (int)room);
  for (unsigned i = 0; i < count && i < room; i++) {
    push_figures(L, &copies[i].figures);
    lua_setfield(L, -2, copies[i].name);
  }
  lua_setfield(L, -3, "jobs");
  lua_pop(L, 1);
}

/* The type stats of rille.domains: what the pool does and has done. A plain table, a copy; nothing
 * of it suspends. It is the same for all domains.
 *
 * Fields:
 *
 *     domains               integer: domains now
 *     busy, idle            integer: how many of them work or not
 *     queued                integer: tasks in the queue
 *     held                  integer: callers that wait for room in it
 *     waiting               integer: begun tasks that are suspended in a wait
 *     submitted             integer: tasks since the start
 *     finished, failed, cancelled   integer: what became of them
 *     dropped               integer: of these, those thrown out of the queue
 *     refused               integer: those never let into it
 *     wait                  times: the time in the queue
 *     run                   times: the time from the beginning to the end
 *     jobs                  table: for each name of a job its figures */

/* The type times of rille.domains: how long something took, in seconds, over all domains. A plain
 * table; nothing of it suspends.
 *
 * Fields:
 *
 *     count                 integer: how many
 *     mean                  number: on average
 *     p50, p90, p99         number: at these percentiles, to within some per cent
 *     max                   number: at most */

/* The type figures of rille.domains: what tasks of one job's name have come to, in all domains. A
 * plain table; nothing of it suspends.
 *
 * Fields:
 *
 *     count                 integer: tasks
 *     finished, failed, cancelled, dropped, refused   integer: what became of them
 *     begun                 integer: those that have run, and ended
 *     wait                  number: their mean seconds in the queue
 *     run                   number: on a domain, without their own waits
 *     cpu                   number: of these with a processor; see task:cost
 *     expected              number: seconds that the next one will probably run
 *     peak_bytes            integer: of the task that held most
 *     instructions, bytes_in, bytes_out   integer: in total */

/* domains.stats() -> stats */
static int stats(lua_State *L) {
  struct rl_pool_stats *now = lua_newuserdatauv(L, sizeof *now, 0);
  rl_pool_stats(pool_of(L), now);
  lua_createtable(L, 0, 15);
  set_integer(L, "domains", now->domains);
  set_integer(L, "busy", now->busy);
  set_integer(L, "idle", now->idle);
  set_integer(L, "queued", now->queued);
  set_integer(L, "held", now->held);
  set_integer(L, "waiting", now->waiting);
  set_integer(L, "submitted", now->figures.submitted);
  set_integer(L, "finished", now->figures.finished);
  set_integer(L, "failed", now->figures.failed);
  set_integer(L, "cancelled", now->figures.cancelled);
  set_integer(L, "dropped", now->figures.dropped);
  set_integer(L, "refused", now->figures.refused);
  set_histogram(L, "wait", &now->waits);
  set_histogram(L, "run", &now->runs);
  set_jobs(L);
  return 1;
}

static const luaL_Reg functions[] = {
    {"set_bounds", set_bounds},
    {"get_bounds", get_bounds},
    {"set_queue_limit", set_queue_limit},
    {"get_queue_limit", get_queue_limit},
    {"set_cleanup_time", set_cleanup_time},
    {"set_loop_guard", set_loop_guard},
    {"set_slice", set_slice},
    {"set_idle_time", set_idle_time},
    {"set_memory_limit", set_memory_limit},
    {"recommended", recommended},
    {"stats", stats},
    {NULL, NULL},
};

int luaopen_rille_domains(lua_State *L) {
  luaL_newlib(L, functions);
  rl_lib_domains_broadcast(L);
  return 1;
}
