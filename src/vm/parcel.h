/* Parcel: packed Lua values on their way from one state to another. The byte form is in wire.h.
 *
 * Life: rl_pack fills it on the thread of the sending state; the message that embeds it carries it;
 * rl_unpack reads it on the thread of the receiving state; rl_parcel_free frees it on any thread.
 * Long strings are lent, not copied: the sending state anchors them until rl_parcel_release, which
 * must run on its thread after the receiver has unpacked (or given up), and before rl_parcel_free. */
#ifndef RL_VM_PARCEL_H
#define RL_VM_PARCEL_H

#include <lua.h>
#include <stdbool.h>

#include "base/buffer.h"

struct rl_code;

struct rl_parcel {
  struct rl_buffer bytes;
  int values;             /* how many values were packed */
  bool scalar;            /* only nil, booleans, numbers: unpacking cannot raise */
  bool lends;             /* holds borrowed strings: release() is due on the sender's thread */
  int anchor;             /* sender's registry reference of the lent strings; LUA_NOREF if none */
  struct rl_code **codes; /* the functions' code, one reference held of each */
  unsigned code_count, code_capacity;
};

void rl_parcel_init(struct rl_parcel *parcel, struct rl_heap *heap);

/* Packs the `count` values from stack index `first` (absolute) on; the stack is unchanged. The
 * parcel must be empty. May call __pack metamethods, never yields. Returns 0; or -1 with an error
 * message pushed (what cannot cross and its path, or "not enough memory"), the parcel empty again.
 * `what` names a value by its offset for the message ("argument 1", "the function"); see
 * rl_pack_names. Never raises. */
typedef void rl_pack_names(char *name, size_t size, int offset);
int rl_pack(lua_State *L, int first, int count, struct rl_parcel *parcel, rl_pack_names *names);

/* Pushes the parcel's values (stack space is made): returns how many. Raises for want of memory,
 * for a module that cannot be required here, or for an error in __unpack; the caller then still
 * owns the parcel. A parcel is unpacked at most once. */
int rl_unpack(lua_State *L, struct rl_parcel *parcel);

/* Sender's thread: lets go of the lent strings. */
void rl_parcel_release(lua_State *L, struct rl_parcel *parcel);

/* Frees bytes and code references and leaves an empty parcel. Small byte buffers are kept for reuse
 * when `keep` is true. Any thread. */
void rl_parcel_free(struct rl_parcel *parcel, bool keep);

#endif
