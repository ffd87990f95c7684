/* Seed: between making its seed and hashing the first string lua_newstate asks for memory once, for
 * the stack. That is when the seed is replaced, in the block that was asked for before.
 *
 * It is recognized by what lua_newstate has just set, and left alone if anything differs. */
#include "vm/seed.h"

#include <stdbool.h>
#include <stddef.h>

#include "vm/inside.h"

struct sowing {
  lua_Alloc allocate;
  void *context;
  uint32_t seed;
  struct rl_inside_state *found; /* NULL: it was not */
  char *state;                   /* the first block; NULL: not asked for yet, or dealt with */
  size_t size;
};

static void *allocate(void *context, void *block, size_t old, size_t size);

static bool is_new(const struct rl_inside_state *inside, const struct sowing *sowing) {
  return inside->allocate == allocate && inside->context == sowing &&
         inside->bytes == sowing->size && inside->debt == 0 && inside->strings.buckets == NULL &&
         inside->strings.used == 0 && inside->strings.size == 0 &&
         inside->registry.kind == LUA_TNIL && inside->nil.kind == LUA_TNUMBER &&
         inside->nil.datum.integer == 0;
}

static void sow(struct sowing *sowing) {
  for (size_t at = 0; at + sizeof(struct rl_inside_state) <= sowing->size; at += sizeof(void *)) {
    struct rl_inside_state *inside = (struct rl_inside_state *)(void *)(sowing->state + at);
    if (is_new(inside, sowing)) {
      if (sowing->seed != 0)
        inside->seed = sowing->seed;
      sowing->found = inside;
      return;
    }
  }
}

static void *allocate(void *context, void *block, size_t old, size_t size) {
  struct sowing *sowing = context;
  if (sowing->state)
    sow(sowing);
  bool first = !sowing->state && sowing->size == 0;
  void *moved = sowing->allocate(sowing->context, block, old, size);
  sowing->state = first ? moved : NULL;
  if (first)
    sowing->size = size;
  return moved;
}

lua_State *rl_seed_newstate(lua_Alloc allocator, void *context, uint32_t seed,
                            struct rl_inside_state **state) {
  struct sowing sowing = {.allocate = allocator, .context = context, .seed = seed};
  lua_State *L = lua_newstate(allocate, &sowing);
  if (L)
    lua_setallocf(L, allocator, context);
  *state = L ? sowing.found : NULL;
  return L;
}
