/* Packer: what a pack needs while it goes on; kept between packs for its memory. Owner thread only.
 *
 * Used by pack.c, which protects the pack and undoes it if it raises; filled by values.c and those
 * below it: fields.c, text.c, mention.h, put.h. */
#ifndef RL_VM_PACKER_H
#define RL_VM_PACKER_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

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

/* The keys of the last leaf written, by their places in its hash part (leaf.h). */
struct rl_shape {
  size_t places;                      /* 0: no row can follow it */
  size_t position;                    /* of its tag in the bytes */
  const void *keys[RL_WIRE_ROW_MOST]; /* NULL where there is none */
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

  bool keeps; /* it is the state's, and has a table in its registry: values.c */

  /* of one pack */
  lua_State *L;
  struct rl_parcel *parcel;
  /* Writes the value at `index`, which is `depth` deep: values.c, for those it uses itself. */
  void (*value)(struct rl_packer *packer, int index, unsigned depth);
  const struct rl_names *names;
  const void *globals;
  bool inside;    /* tables may be looked into: not while Lua code could change them */
  bool careful;   /* everything met is anchored, for fear that Lua code lets it die meanwhile */
  bool refreshed; /* the by-name index is up to date */
  enum rl_packer_trouble trouble;
  int held;                   /* stack index of a table, see values.c */
  const void *metatable;      /* the last one seen, */
  bool finalizes;             /* and whether it has __gc */
  lua_Integer lent;           /* strings lent */
  unsigned making;            /* nesting of arguments of constructors */
  unsigned strange, familiar; /* strings met for the first time, and again */
  struct rl_recent recent[RL_PACKER_RECENT];
  struct rl_shape shape;
};

/* A packer for this heap; NULL when there is no memory. */
struct rl_packer *rl_packer_new(struct rl_heap *heap);
void rl_packer_free(struct rl_packer *packer);

/* Makes it ready for its next pack. */
void rl_packer_clear(struct rl_packer *packer);

#endif
