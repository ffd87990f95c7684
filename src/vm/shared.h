/* Shared: an object that domains hold together, such as a channel: it crosses by reference.
 *
 * What a state has of it is a handle: a userdata, one for each object and state, so that handles
 * can be compared and be keys. Each handle is a reference, and so is each parcel that the object is
 * in: one that is under way, or was dropped, is counted as well. The last reference, on whichever
 * thread that is given up, ends the object.
 *
 * Handles: the state's own thread. References: any thread. */
#ifndef RL_VM_SHARED_H
#define RL_VM_SHARED_H

#include <lauxlib.h>
#include <lua.h>
#include <stdatomic.h>

struct rl_shared;

struct rl_shared_kind {
  const char *module;    /* the Lua module which, when it is loaded, makes the metatable */
  const char *metatable; /* the name of that */
  void (*destroy)(struct rl_shared *shared); /* nobody holds it any more. Any thread; no raise */
};

/* Embedded in the object. */
struct rl_shared {
  const struct rl_shared_kind *kind;
  atomic_uint references;
};

/* With one reference, the caller's. */
static inline void rl_shared_init(struct rl_shared *shared, const struct rl_shared_kind *kind) {
  shared->kind = kind;
  atomic_init(&shared->references, 1);
}

/* One more reference, from one who has one. */
static inline struct rl_shared *rl_shared_keep(struct rl_shared *shared) {
  atomic_fetch_add_explicit(&shared->references, 1, memory_order_relaxed);
  return shared;
}

void rl_shared_release(struct rl_shared *shared);

/* [] -> [handle]: this state's, made if it has none. The caller keeps its own reference. Raises
 * for want of memory; may load the object's module. */
void rl_shared_push(lua_State *L, struct rl_shared *shared);

/* [] -> [handle]: one without an object, for one that is about to be made. Raises as above. */
void rl_shared_prepare(lua_State *L, const struct rl_shared_kind *kind);

/* [handle] -> [handle]: gives it its object, with a reference of the caller's. Raises for want of
 * memory; the reference is the handle's in any case. */
void rl_shared_fill(lua_State *L, struct rl_shared *shared);

/* The object of the handle at `index`, or NULL if there is another value. */
struct rl_shared *rl_shared_at(lua_State *L, int index);

/* The same for a method's object, at index 1, which must be of this kind: or raises. */
struct rl_shared *rl_shared_check(lua_State *L, const struct rl_shared_kind *kind);

/* [] -> [metatable]: makes that of a kind, with __gc, __pack and __index, a table of methods.
 * Raises for want of memory. */
void rl_shared_open(lua_State *L, const struct rl_shared_kind *kind, const luaL_Reg *methods);

#endif
