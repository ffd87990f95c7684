/* Reader: a parcel's bytes while they are unpacked. Everything read is checked against the bytes
 * that are left. Raises "corrupt parcel". */
#ifndef RL_VM_READER_H
#define RL_VM_READER_H

#include <lauxlib.h>
#include <string.h>

#include "vm/inside.h"
#include "vm/parcel.h"
#include "vm/wire.h"

/* The last MODEL (rows.c). */
struct rl_model {
  const struct rl_inside_table *table;
  uint32_t pairs;                     /* 0: no rows can come */
  size_t places;                      /* for pairs; were they others, it would have been changed */
  unsigned char at[RL_WIRE_ROW_MOST]; /* by the order in which the pairs came: their places */
};

struct rl_reader {
  lua_State *L;
  struct rl_parcel *parcel;
  const unsigned char *at, *end;
  /* Pushes the next value, which is `depth` deep: unpack.c, for rows.c. */
  void (*value)(struct rl_reader *reader, unsigned depth);
  bool inside;                   /* tables may be filled where they lie */
  struct rl_inside_state *state; /* the receiver's, or NULL */
  int objects;                   /* stack indices of the two tables of unpack.c, 0 without */
  int deferred;
  uint32_t later;   /* deferred objects met */
  uint32_t settled; /* of these, how many have got their bodies */
  uint32_t final;   /* tables that wait for metatables */
  struct rl_model model;
};

/* How a table announces itself. */
struct rl_reader_sizes {
  uint32_t sequence, pairs;
};

static inline int rl_reader_corrupt(struct rl_reader *r) {
  return luaL_error(r->L, "corrupt parcel");
}

static inline size_t rl_reader_left(const struct rl_reader *r) {
  return (size_t)(r->end - r->at);
}

static inline const void *rl_reader_take(struct rl_reader *r, size_t size) {
  if (rl_reader_left(r) < size)
    rl_reader_corrupt(r);
  const unsigned char *bytes = r->at;
  r->at += size;
  return bytes;
}

static inline unsigned rl_reader_u8(struct rl_reader *r) {
  return *(const unsigned char *)rl_reader_take(r, 1);
}

static inline uint32_t rl_reader_u32(struct rl_reader *r) {
  uint32_t value;
  memcpy(&value, rl_reader_take(r, sizeof value), sizeof value);
  return value;
}

static inline struct rl_reader_sizes rl_reader_sizes(struct rl_reader *r) {
  struct rl_reader_sizes sizes = {.sequence = rl_reader_u32(r)};
  sizes.pairs = rl_reader_u32(r);
  return sizes;
}

#endif
