/* Packer: writes Lua values into a parcel's bytes (wire.h). Used by pack.c, which protects it and
 * undoes what it did when it raises; it is kept between packs for its memory. Owner thread only. */
#ifndef RL_VM_PACKER_H
#define RL_VM_PACKER_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "vm/identity.h"
#include "vm/parcel.h"
#include "vm/wire.h"

struct rl_names;

enum { RL_PACKER_RECENT = 32 };

/* A key that was met more than once. */
struct rl_recent {
  const char *text; /* the address of its bytes */
  uint32_t slot;
};

/* Why a pack ended early. */
enum rl_packer_trouble {
  RL_PACKER_FINE,    /* it did not, or the error says it all */
  RL_PACKER_REFUSED, /* something cannot cross: refuse.c finds out where it is */
  RL_PACKER_UNNAMED, /* the same, but the by-name index may be out of date: refresh, try again */
  RL_PACKER_UNSAFE   /* Lua code has to run meanwhile: try again with `careful` */
};

struct rl_packer {
  struct rl_heap *heap;
  struct rl_identity seen;
  struct rl_buffer mentions; /* of deferred tables: where their sizes are, a size_t each */
  bool busy;                 /* in a pack, perhaps waiting for a __pack that packs */

  /* of one pack */
  lua_State *L;
  struct rl_parcel *parcel;
  const struct rl_names *names;
  const void *globals;
  bool inside;    /* tables may be looked into: not while Lua code could change them */
  bool careful;   /* everything met is anchored, for fear that Lua code lets it die meanwhile */
  bool refreshed; /* the by-name index is up to date */
  enum rl_packer_trouble trouble;
  int held;                   /* stack index of a table, see packer.c */
  const void *metatable;      /* the last one seen, */
  bool finalizes;             /* and whether it has __gc */
  lua_Integer lent;           /* strings lent */
  unsigned making;            /* nesting of arguments of constructors */
  unsigned strange, familiar; /* strings met for the first time, and again */
  struct rl_recent recent[RL_PACKER_RECENT];
};

/* A packer for this heap; NULL when there is no memory. */
struct rl_packer *rl_packer_new(struct rl_heap *heap);
void rl_packer_free(struct rl_packer *packer);

/* Makes it ready for its next pack. */
void rl_packer_clear(struct rl_packer *packer);

/* [values] -> [values, ..]: writes all the values, which must be alone on the stack. Raises, with
 * `trouble` set. The parcel's bytes, codes and anchor are then the caller's to undo. */
void rl_packer_write(struct rl_packer *packer, int count);

/* Writes the value at `index`, which is `depth` deep; for fields.c. Raises. */
void rl_packer_value(struct rl_packer *packer, int index, unsigned depth);

/* How the Lua function at `index` goes: RL_WIRE_BARE, RL_WIRE_GLOBAL or RL_WIRE_CLOSURE. Never
 * raises; needs two stack slots. */
int rl_packer_function_tag(lua_State *L, int index, const void *globals);

/* Writes an integer to `to`, which has room for nine bytes: how many it took. */
static inline size_t rl_packer_integer(unsigned char *to, lua_Integer number) {
  int8_t one = (int8_t)number;
  int16_t two = (int16_t)number;
  int32_t four = (int32_t)number;
  if (number >= 0 && number < RL_WIRE_SMALL) {
    *to = (unsigned char)(RL_WIRE_SMALL | number);
    return 1;
  }
  if (number == one) {
    *to = RL_WIRE_INT1;
    memcpy(to + 1, &one, sizeof one);
    return 1 + sizeof one;
  }
  if (number == two) {
    *to = RL_WIRE_INT2;
    memcpy(to + 1, &two, sizeof two);
    return 1 + sizeof two;
  }
  if (number == four) {
    *to = RL_WIRE_INT4;
    memcpy(to + 1, &four, sizeof four);
    return 1 + sizeof four;
  }
  *to = RL_WIRE_INT8;
  memcpy(to + 1, &number, sizeof number);
  return 1 + sizeof number;
}

#endif
