/* Mention: objects that a pack meets, the first time and again. Raises for want of memory. */
#ifndef RL_VM_MENTION_H
#define RL_VM_MENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/packer.h"
#include "vm/put.h"

/* In place of a slot: the object is being made by its __pack. */
#define RL_MENTION_UNFINISHED UINT32_MAX

/* Keeps the value at `index` alive until the pack is over: for careful packs. */
static inline void rl_mention_anchor(struct rl_packer *p, int index) {
  lua_pushvalue(p->L, index);
  lua_pushboolean(p->L, true);
  lua_rawset(p->L, p->held);
}

/* Where the object is known, or is to be. */
static inline struct rl_seen *rl_mention_find(struct rl_packer *p, const void *object) {
  if (!rl_identity_ready(&p->seen))
    luaL_error(p->L, "not enough memory");
  return rl_identity_find(&p->seen, object);
}

static inline bool rl_mention_met(const struct rl_packer *p, const struct rl_seen *seen) {
  return rl_identity_knows(&p->seen, seen);
}

/* The object, found but not met, is about to be written, its head now. `index` is that of a value
 * that keeps it alive; for what is read inside a table, which is not done in a careful pack, it may
 * be 0. */
static inline void rl_mention_begin(struct rl_packer *p, struct rl_seen *seen, const void *object,
                                    int index) {
  rl_identity_add(&p->seen, seen, object);
  seen->position = (uint32_t)rl_put_position(p) + 1;
  if (p->careful)
    rl_mention_anchor(p, index);
}

/* The slot of an object met before, from now on known to the receiver. */
static inline uint32_t rl_mention_slot(struct rl_packer *p, const struct rl_seen *seen) {
  uint32_t slot = rl_put_read(p, seen->position);
  if (slot == 0) {
    slot = ++p->parcel->slots;
    rl_put_patch(p, seen->position, slot);
  } else if (slot == RL_MENTION_UNFINISHED) {
    luaL_error(p->L, "__pack of an object returned the object itself");
  }
  return slot;
}

static inline void rl_mention_again(struct rl_packer *p, uint32_t slot) {
  if (slot <= UINT8_MAX) {
    rl_put_u8(p, RL_WIRE_AGAIN1);
    rl_put_u8(p, slot);
  } else {
    rl_put_u8(p, RL_WIRE_AGAIN4);
    rl_put_u32(p, slot);
  }
}

/* Either writes a reference to an object met before, or returns true: it is about to be written,
 * its head now. `index` as above. */
static inline bool rl_mention_first(struct rl_packer *p, const void *object, int index) {
  struct rl_seen *seen = rl_mention_find(p, object);
  bool met = rl_mention_met(p, seen);
  if (met)
    rl_mention_again(p, rl_mention_slot(p, seen));
  else
    rl_mention_begin(p, seen, object, index);
  return !met;
}

#endif
