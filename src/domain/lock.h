/* Lock: mutexes and semaphores of all domains; hold.h has the data, and who owns what. Shared
 * objects (shared.h). Permits are granted in the order in which they were asked for. */
#ifndef RL_DOMAIN_LOCK_H
#define RL_DOMAIN_LOCK_H

#include <lua.h>

#include "domain/hold.h"

extern const struct rl_shared_kind rl_mutex_kind, rl_semaphore_kind;

void rl_locks_init(struct rl_locks *locks, struct rl_heap *heap);
void rl_locks_destroy(struct rl_locks *locks);

/* With one reference. NULL without memory. */
struct rl_lock *rl_lock_new(struct rl_locks *locks, const struct rl_shared_kind *kind,
                            size_t permits);

/* For the running fiber. Without memory NULL; else granted, and the fiber's until it ends; or not,
 * and the caller's, to wait with. */
struct rl_hold *rl_hold_try(lua_State *L, struct rl_lock *lock, size_t count);

/* One that was not granted. */
void rl_hold_free(struct rl_hold *hold);

/* The last call of a C function, as rl_park: waits for a hold that was not granted, `seconds` if
 * that is not negative. `finish` gets the hold, for rl_hold_end. Raises, the hold freed, without
 * memory, or if the wait would never end. */
int rl_hold_park(lua_State *L, struct rl_hold *hold, double seconds, lua_KFunction finish);

/* In `finish`: whether it was granted, and is the fiber's; else its time is up, and it is freed.
 * Raises, the hold given back, if the fiber was cancelled after it was woken. */
bool rl_hold_end(lua_State *L, struct rl_hold *hold);

/* The last hold that the running fiber has of the lock; NULL if it has none. */
struct rl_hold *rl_hold_last(lua_State *L, const struct rl_lock *lock);

/* Permits that the running fiber has. */
size_t rl_hold_count(lua_State *L, const struct rl_lock *lock);

/* Gives back so many of its permits, and frees it if it was all. */
void rl_hold_release(struct rl_hold *hold, size_t count);

#endif
