/* Parcel: packed Lua values on their way from one state to another. The byte form is in wire.h.
 *
 * Life: rl_pack fills it on the thread of the sending state; the message that embeds it carries it;
 * rl_unpack reads it on the thread of the receiving state; rl_parcel_free frees it on any thread.
 * Long strings are lent, not copied: the sending state anchors them until rl_parcel_release, which
 * must run on its thread after the receiver has unpacked (or given up), and before rl_parcel_free.
 *
 * The handle of a shared object (shared.h) crosses as a reference, which the parcel holds.
 *
 * Another userdata crosses if its metatable has __pack: `__pack(object)` returns a constructor and
 * its arguments, all of which can cross; the receiver gets what the constructor returns there. It
 * may be called twice in one pack, and must not change what is being packed. The arguments are
 * whole when the constructor runs, except where they lead back to the table that holds the object.
 */
#ifndef RL_VM_PARCEL_H
#define RL_VM_PARCEL_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct rl_code;
struct rl_shared;

struct rl_parcel {
  /* what the usual parcel needs: one line of the cache */
  struct rl_buffer bytes;
  int values;           /* how many values were packed */
  bool scalar;          /* only nil, booleans, numbers: unpacking cannot raise */
  bool copies;          /* set before packing: lends nothing, so that it can be copied */
  bool lends;           /* holds borrowed strings: release() is due on the sender's thread */
  int anchor;           /* sender's registry reference of the lent strings; LUA_NOREF if none */
  uint32_t code_count;  /* of the functions' code, one reference held of each: */
  struct rl_code *code; /* the first, */

  /* what the others need: only read as long as there is none of it */
  struct rl_code **codes; /* and the others; NULL while there are none */
  uint32_t code_capacity; /* of these */
  uint32_t slots;         /* objects mentioned more than once */
  uint32_t later;         /* bodies deferred */
  uint32_t final;         /* tables whose metatables have __gc */
  uint32_t share_count, share_capacity;
  struct rl_shared **shares; /* objects that cross by reference, one held of each; or NULL */
};

void rl_parcel_init(struct rl_parcel *parcel, struct rl_heap *heap);

/* Names a value by its offset, for messages: "argument 1", "the function". */
typedef void rl_pack_names(char *name, size_t size, int offset);

/* Packs the `count` values from stack index `first` (absolute) on; the stack is unchanged. The
 * parcel must be empty. May call __pack metamethods, never yields. Returns 0; or -1 with an error
 * message pushed (what cannot cross and its path, or "not enough memory"), the parcel empty again.
 * `names` may be NULL: "value 1". Never raises. Five free stack slots are needed. */
int rl_pack(lua_State *L, int first, int count, struct rl_parcel *parcel, rl_pack_names *names);

/* Pushes the parcel's values (stack space is made): returns how many. Raises for want of memory,
 * for a module that cannot be required here, or for an error in a constructor; the caller then
 * still owns the parcel. Modules are loaded and constructors called where they cannot yield. A
 * parcel is unpacked at most once. */
int rl_unpack(lua_State *L, struct rl_parcel *parcel);

/* Sender's thread: lets go of the lent strings. */
void rl_parcel_release(lua_State *L, struct rl_parcel *parcel);

/* Frees bytes and references and leaves an empty parcel. Small byte buffers are kept for reuse
 * when `keep` is true. Any thread. */
void rl_parcel_free(struct rl_parcel *parcel, bool keep);

/* Makes `to`, which is empty, a copy of a parcel that lends nothing: 0, or -1 without memory, when
 * it is empty still. Any thread, several at a time. */
int rl_parcel_copy(const struct rl_parcel *parcel, struct rl_parcel *to);

/* For pack.c and unpack.c. */

/* Adds one reference to the parcel, which owns it then; false when there is no memory. */
bool rl_parcel_add_code(struct rl_parcel *parcel, struct rl_code *code);

/* The same for an object: the parcel takes a reference of its own. */
bool rl_parcel_add_share(struct rl_parcel *parcel, struct rl_shared *shared);

static inline struct rl_code *rl_parcel_code(const struct rl_parcel *parcel, uint32_t index) {
  return index == 0 ? parcel->code : parcel->codes[index - 1];
}

#endif
