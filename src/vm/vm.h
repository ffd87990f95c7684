/* VM: one Lua state with what belongs to it: its ledger of memory, its code cache, its index of
 * module values. A domain has exactly one. Owner thread only.
 *
 * The state's extra space (which every coroutine inherits) points to its rl_vm, so that any C
 * function finds its domain without a lookup and without a global. */
#ifndef RL_VM_VM_H
#define RL_VM_VM_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/heap.h"
#include "vm/ledger.h"

struct rl_packer; /* packer.h: the scratch of packing, kept between calls */
struct rl_codes;  /* code.h */
struct rl_inside_state;
struct rl_names;    /* names.h */
struct rl_pristine; /* pristine.h */

struct rl_vm {
  lua_State *L;            /* the main thread of the state; NULL when closed */
  struct rl_heap *heap;    /* the runtime's */
  struct rl_ledger ledger; /* what Lua holds */
  bool compute;            /* a compute domain's: globals it lacks are reported (vm/globals.c) */
  unsigned number;         /* of the domain among its like, from 1 */
  uint32_t hashes;         /* what strings hash by; 0: whatever Lua takes */
  uint64_t seed;           /* what math.random comes from; 0: whatever Lua takes */
  const void *globals;     /* address of the globals table, which lives as long as the state */
  size_t owed;             /* bytes that the collector has yet to hear of (collector.h) */
  bool inside;             /* tables may be looked into (inside.h) */
  bool inside_threads;     /* threads may be, too */
  struct rl_inside_state *state; /* and what they share; or NULL */
  struct rl_codes *codes;
  struct rl_names *names;
  struct rl_pristine *pristine; /* NULL: what tasks change stays changed */
  bool preparing;               /* what runs is a broadcast's: what it changes is to stay */
  bool tempted; /* something has come, since this was last looked at, that may change tables */
  struct rl_packer *packer; /* NULL until the first pack that needs it */
  struct rl_buffer text;    /* JSON that is being written or read; nothing between two calls */
};

/* The VM that a Lua thread belongs to. */
static inline struct rl_vm *rl_vm_of(lua_State *L) {
  return *(struct rl_vm **)lua_getextraspace(L);
}

#endif
