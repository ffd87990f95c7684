/* Names: what loaded modules hold crosses by name, not by content: C functions could not cross
 * otherwise, and a class table has to be the one that the receiver's module knows.
 *
 * A module's values get their names once, when it has been loaded: what a script puts into a
 * module's table later is the script's, and goes by content. Owner thread only. */
#ifndef RL_VM_NAMES_H
#define RL_VM_NAMES_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"

/* The addresses of what has a name, as a set that may also hold addresses of what is gone. */
struct rl_names {
  struct rl_heap *heap;
  const void **addresses;
  size_t capacity; /* a power of two */
  size_t used;
};

/* What stands for the value at `index` in the set: its address. That of a light userdata is made
 * odd, so that it is no object's, and not NULL either. */
static inline const void *rl_names_address(lua_State *L, int index) {
  const char *address = lua_topointer(L, index);
  return lua_islightuserdata(L, index) ? (const void *)((uintptr_t)address | 1) : address;
}

/* Where an address is in the set, or would be. */
static inline const void **rl_names_place(const struct rl_names *names, const void *address) {
  uint64_t hash = (uint64_t)(uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15);
  size_t place = (size_t)(hash >> 32) & (names->capacity - 1);
  while (names->addresses[place] && names->addresses[place] != address)
    place = (place + 1) & (names->capacity - 1);
  return &names->addresses[place];
}

/* False if the object at this address has no name. */
static inline bool rl_names_maybe(const struct rl_names *names, const void *address) {
  return *rl_names_place(names, address) != NULL;
}

/* Makes the index of L's state, whose rl_vm does not have one yet, and names the standard
 * libraries. Raises for want of memory. */
void rl_names_open(lua_State *L);
void rl_names_free(struct rl_names *names);

/* Names what the module holds that is now in package.loaded; values that have a name keep it.
 * May raise for want of memory. */
void rl_names_add(lua_State *L, const char *module);

/* Names the C functions and userdata that have come into loaded modules since; without a name they
 * could not cross at all. May raise for want of memory. */
void rl_names_refresh(lua_State *L);

/* [] -> [path] if the value at `index` (a table, function or userdata) has a name, else nothing.
 * The path is the module and the keys, each ended by a zero byte. Never raises; needs two slots. */
bool rl_names_find(lua_State *L, int index);

#endif
