/* Code: what a Lua function does, without what it captures: its dump, known by digest.
 *
 * A domain sends a piece of code by reference and the receiver loads it once. The bytes are owned
 * jointly: by the cache of every domain that knows them and by the parcels in flight. A cache
 * takes its references in bulk and gives them out one by one, so that a detach in the steady state
 * does not make two threads fight for the counter. */
#ifndef RL_VM_CODE_H
#define RL_VM_CODE_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <xxhash.h>

#include "base/buffer.h"

/* Any thread; immutable but for the count. */
struct rl_code {
  atomic_uint_least64_t references;
  struct rl_heap *heap;
  XXH128_hash_t digest;
  size_t size;
  unsigned char bytes[];
};

/* Gives back `count` references; frees the code with the last. Any thread, never raises. */
void rl_code_drop(struct rl_code *code, uint64_t count);

/* What a domain knows of a piece of code; owner thread only. */
struct rl_known {
  struct rl_code *code; /* NULL: a free entry */
  uint64_t credit;      /* references of `code` that this cache holds */
  uint32_t generation;  /* counts the codes that had this entry */
  uint16_t next;        /* the next entry of the same bucket, plus 1; 0 at the end */
  int loaded;           /* registry reference of a closure of it, see rl_codes_push; or LUA_NOREF */
  bool assigns;         /* it may assign to what it captures */
  bool stores;          /* it may store into a table, or call something */
  bool noted;           /* its chunk name is among the shipped ones */
};

struct rl_codes; /* the cache */

/* Makes the cache of L's state, whose rl_vm does not have one yet. Raises for want of memory. */
void rl_codes_open(lua_State *L);
void rl_codes_free(struct rl_codes *codes);

/* The code of the Lua function at `index` if it was dumped before, else NULL. Never raises; needs
 * two stack slots. The entry is valid until the next call of learn or push. */
struct rl_known *rl_codes_recall(lua_State *L, int index);

/* The same, for functions that capture at most the globals: the last four that were found are kept
 * alive, so that they are known by their addresses. */
struct rl_known *rl_codes_recall_kept(lua_State *L, int index);

/* The code of the Lua function at `index`, dumped now. Raises for want of memory. Runs no
 * finalizer. */
struct rl_known *rl_codes_learn(lua_State *L, int index);

/* One reference of the code, for a parcel; never raises. */
struct rl_code *rl_codes_take(struct rl_known *known);

/* What a function captures decides whether one closure will do for all who are sent it: it does if
 * that is nothing, or _ENV and the code cannot assign to it. */
enum rl_code_captures { RL_CODE_NOTHING, RL_CODE_ENV, RL_CODE_OTHERS };

/* [] -> [function]: the closure for all, or one loaded for this call. Raises. */
void rl_codes_push(lua_State *L, struct rl_code *code, enum rl_code_captures captures);

/* Takes over a reference that a parcel held; never raises. */
void rl_codes_give(lua_State *L, struct rl_code *code);

/* Whether the function that `about` tells of (fields of "S") has come from another domain, or lies
 * inside one that has. Raises only for want of memory. */
bool rl_codes_shipped(lua_State *L, const lua_Debug *about);

#endif
