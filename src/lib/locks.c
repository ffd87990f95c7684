/* rille.locks: the part of rille about mutexes and semaphores. Not for scripts, which find it in
 * rille. */
#include <lauxlib.h>

#include "domain/domain.h"
#include "domain/lock.h"
#include "domain/timer.h"
#include "lib/modules.h"
#include "vm/call.h"
#include "vm/check.h"

static struct rl_lock *check_lock(lua_State *L, const struct rl_shared_kind *kind) {
  return RL_OF(rl_shared_check(L, kind), struct rl_lock, shared);
}

static struct rl_lock *check_mutex(lua_State *L) {
  return check_lock(L, &rl_mutex_kind);
}

static struct rl_lock *check_semaphore(lua_State *L) {
  return check_lock(L, &rl_semaphore_kind);
}

/* Permits: 1 if none are given. */
static size_t check_count(lua_State *L, int arg, const struct rl_lock *lock) {
  lua_Integer count = luaL_optinteger(L, arg, 1);
  luaL_argcheck(L, count >= 1, arg, "the number of permits must be at least 1");
  luaL_argcheck(L, (size_t)count <= lock->permits, arg, "the semaphore has fewer permits");
  return (size_t)count;
}

static struct rl_hold *try_hold(lua_State *L, struct rl_lock *lock, size_t count) {
  struct rl_hold *hold = rl_hold_try(L, lock, count);
  if (!hold)
    luaL_error(L, "not enough memory");
  return hold;
}

/* [lock, ..] -> [lock, "abandoned"?] */
static int granted(lua_State *L, const struct rl_hold *hold) {
  lua_settop(L, 1);
  if (hold->lock->shared.kind != &rl_mutex_kind || !hold->inherited)
    return 1;
  lua_pushliteral(L, "abandoned");
  return 2;
}

static int acquired(lua_State *L, int status, lua_KContext context) {
  (void)status;
  struct rl_hold *hold = (struct rl_hold *)context;
  return rl_hold_end(L, hold) ? granted(L, hold) : rl_refuse(L, "timeout");
}

static void check_recursion(lua_State *L, const struct rl_lock *lock) {
  if (rl_hold_last(L, lock))
    luaL_error(L, "this fiber has locked the mutex already");
}

/* -- mutexes ------------------------------------------------------------------------------- */

/* The type mutex of rille: what one fiber has at a time, of all domains; docs/channels.md tells
 * more. It crosses domains by reference, as channels do. */

/* mutex:lock([seconds]) -> mutex | mutex, "abandoned" | nil, "timeout"
 *
 * Waits until no other fiber, of any domain, has it; at most that many seconds. Those who wait get
 * it in the order in which they came. "abandoned": the fiber that had it last has ended without
 * unlocking it, and may have left what it guards halfway. It is unlocked by mutex:unlock(); at the
 * end of the block in `local held <close> = mutex:lock()`; and when the fiber ends, whatever ends
 * it. May suspend. Errors: the fiber has it already; the wait would never end ("deadlock", with
 * all waits and their lines). */
static int mutex_lock(lua_State *L) {
  struct rl_lock *lock = check_mutex(L);
  double limit = rl_timer_check_limit(L, 2);
  rl_wait_check(L, "mutex:lock");
  check_recursion(L, lock);
  struct rl_hold *hold = try_hold(L, lock, 1);
  return hold->granted ? granted(L, hold) : rl_hold_park(L, hold, limit, acquired);
}

static int try_lock(lua_State *L, struct rl_lock *lock, size_t count, const char *why) {
  if (!rl_fiber_running(L))
    return luaL_error(L, "only a fiber can hold a lock");
  struct rl_hold *hold = try_hold(L, lock, count);
  if (hold->granted)
    return granted(L, hold);
  rl_hold_free(hold);
  return rl_refuse(L, why);
}

/* mutex:try_lock() -> mutex | mutex, "abandoned" | nil, "locked": as mutex:lock, but never waits.
 * Does not suspend. Errors: the fiber has it already. */
static int mutex_try_lock(lua_State *L) {
  struct rl_lock *lock = check_mutex(L);
  check_recursion(L, lock);
  return try_lock(L, lock, 1, "locked");
}

/* mutex:unlock(): lets the next fiber have it. Does not suspend. Errors: this fiber has not locked
 * it. */
static int mutex_unlock(lua_State *L) {
  struct rl_hold *hold = rl_hold_last(L, check_mutex(L));
  if (!hold)
    return luaL_error(L, "this fiber has not locked the mutex");
  rl_hold_release(hold, 1);
  return 0;
}

/* -- semaphores ---------------------------------------------------------------------------- */

/* The type semaphore of rille: permits that fibers of all domains share. It crosses domains by
 * reference, as channels do. */

/* semaphore:acquire([permits [, seconds]]) -> semaphore | nil, "timeout"
 *
 * Waits until so many permits (1) are free and those who came before have theirs. They are the
 * fiber's until it releases them or ends, or until the end of the block in
 * `local held <close> = semaphore:acquire()`. May suspend. Errors as for mutex:lock; more permits
 * than there are. */
static int semaphore_acquire(lua_State *L) {
  struct rl_lock *lock = check_semaphore(L);
  size_t count = check_count(L, 2, lock);
  double limit = rl_timer_check_limit(L, 3);
  rl_wait_check(L, "semaphore:acquire");
  struct rl_hold *hold = try_hold(L, lock, count);
  return hold->granted ? granted(L, hold) : rl_hold_park(L, hold, limit, acquired);
}

/* semaphore:try_acquire([permits]) -> semaphore | nil, "busy": as semaphore:acquire, but never
 * waits. Does not suspend. */
static int semaphore_try_acquire(lua_State *L) {
  struct rl_lock *lock = check_semaphore(L);
  return try_lock(L, lock, check_count(L, 2, lock), "busy");
}

/* semaphore:release([permits]): gives back so many (1), those acquired last first. Does not
 * suspend. Errors: this fiber has fewer. */
static int semaphore_release(lua_State *L) {
  struct rl_lock *lock = check_semaphore(L);
  size_t count = check_count(L, 2, lock), held = rl_hold_count(L, lock);
  if (held < count)
    return luaL_error(L, "this fiber has acquired %d of the permits that it releases", (int)held);
  while (count > 0) {
    struct rl_hold *hold = rl_hold_last(L, lock);
    size_t part = count < hold->count ? count : hold->count;
    rl_hold_release(hold, part);
    count -= part;
  }
  return 0;
}

/* -- both ---------------------------------------------------------------------------------- */

static struct rl_lock *check_either(lua_State *L) {
  struct rl_shared *shared = rl_shared_at(L, 1);
  if (!shared || shared->kind != &rl_semaphore_kind)
    return check_mutex(L);
  return RL_OF(shared, struct rl_lock, shared);
}

/* Of a to-be-closed variable: what the fiber acquired last, unless it has none of it any more. */
static int close_last(lua_State *L) {
  struct rl_hold *hold = rl_hold_last(L, check_either(L));
  if (hold)
    rl_hold_release(hold, hold->count);
  return 0;
}

/* [lock, handler, results.. or error] */
static int with_over(lua_State *L, int status, lua_KContext context) {
  (void)context;
  close_last(L);
  if (status != LUA_OK && status != LUA_YIELD)
    return lua_error(L);
  return lua_gettop(L) - 2;
}

/* [lock, fn, args..]: the lock is held. */
static int call_with(lua_State *L) {
  lua_pushcfunction(L, rl_traceback);
  lua_insert(L, 2);
  int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 2, 0, with_over);
  return with_over(L, status, 0);
}

static int with_acquired(lua_State *L, int status, lua_KContext context) {
  (void)status;
  rl_hold_end(L, (struct rl_hold *)context);
  return call_with(L);
}

/* mutex:with(fn, ...) -> results
 *
 * Calls fn while this fiber has the mutex: whatever fn does, it is unlocked when fn returns or
 * raises. Returns what fn does. May suspend. Errors as for mutex:lock. */

/* semaphore:with(fn, ...) -> results: the same with one permit. May suspend. */
static int with(lua_State *L) {
  struct rl_lock *lock = check_either(L);
  rl_check_function(L, 2, "with");
  rl_wait_check(L, "a call of with");
  if (lock->shared.kind == &rl_mutex_kind)
    check_recursion(L, lock);
  struct rl_hold *hold = try_hold(L, lock, 1);
  return hold->granted ? call_with(L) : rl_hold_park(L, hold, -1, with_acquired);
}

static int to_string(lua_State *L) {
  struct rl_lock *lock = check_either(L);
  lua_pushfstring(L, "%s: %p", lock->shared.kind->metatable, (void *)lock);
  return 1;
}

/* -- the module ---------------------------------------------------------------------------- */

static int make(lua_State *L, const struct rl_shared_kind *kind, size_t permits) {
  rl_shared_prepare(L, kind);
  struct rl_lock *lock = rl_lock_new(rl_domain_of(L)->settings->locks, kind, permits);
  if (!lock)
    return luaL_error(L, "not enough memory");
  rl_shared_fill(L, &lock->shared);
  return 1;
}

/* rille.mutex() -> mutex: which one fiber has at a time, of all domains. It crosses domains by
 * reference, as channels do. Does not suspend. */
static int mutex(lua_State *L) {
  return make(L, &rl_mutex_kind, 1);
}

/* rille.semaphore(permits) -> semaphore: the same for so many at a time. Does not suspend. */
static int semaphore(lua_State *L) {
  lua_Integer permits = luaL_checkinteger(L, 1);
  luaL_argcheck(L, permits >= 1, 1, "the number of permits must be at least 1");
  return make(L, &rl_semaphore_kind, (size_t)permits);
}

static const luaL_Reg mutex_methods[] = {{"lock", mutex_lock},
                                         {"try_lock", mutex_try_lock},
                                         {"unlock", mutex_unlock},
                                         {"with", with},
                                         {NULL, NULL}};

static const luaL_Reg semaphore_methods[] = {{"acquire", semaphore_acquire},
                                             {"try_acquire", semaphore_try_acquire},
                                             {"release", semaphore_release},
                                             {"with", with},
                                             {NULL, NULL}};

static const luaL_Reg metamethods[] = {
    {"__close", close_last}, {"__tostring", to_string}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"mutex", mutex}, {"semaphore", semaphore}, {NULL, NULL}};

int luaopen_rille_locks(lua_State *L) {
  rl_shared_open(L, &rl_mutex_kind, mutex_methods);
  luaL_setfuncs(L, metamethods, 0);
  rl_shared_open(L, &rl_semaphore_kind, semaphore_methods);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, functions);
  return 1;
}
