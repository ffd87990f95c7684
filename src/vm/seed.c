/* Seed: between making its seed and hashing the first string lua_newstate asks for memory once, for
 * the stack. That is when the seed is replaced, in the block that was asked for before.
 *
 * The struct mirrors the beginning of Lua's global_State (lstate.h), the same in all 5.4. It is
 * recognized by what lua_newstate has just set, and left alone if anything differs. */
#include "vm/seed.h"

#include <stdbool.h>
#include <stddef.h>

#include "vm/inside.h"

struct value {
  union {
    lua_Integer integer;
    void *object;
  } datum;
  unsigned char kind;
};

struct global {
  lua_Alloc allocate;
  void *context;
  size_t bytes, debt, estimate, last_atomic;
  struct rl_inside_strings strings;
  struct value registry, nil;
  unsigned seed;
};

struct sowing {
  lua_Alloc allocate;
  void *context;
  uint32_t seed;
  const struct rl_inside_strings *strings; /* NULL: not found */
  char *state; /* the first block; NULL: not asked for yet, or dealt with */
  size_t size;
};

static void *allocate(void *context, void *block, size_t old, size_t size);

static bool is_new(const struct global *global, const struct sowing *sowing) {
  return global->allocate == allocate && global->context == sowing &&
         global->bytes == sowing->size && global->debt == 0 && global->strings.buckets == NULL &&
         global->strings.used == 0 && global->strings.size == 0 &&
         global->registry.kind == LUA_TNIL && global->nil.kind == LUA_TNUMBER &&
         global->nil.datum.integer == 0;
}

static void sow(struct sowing *sowing) {
  for (size_t at = 0; at + sizeof(struct global) <= sowing->size; at += sizeof(void *)) {
    struct global *global = (struct global *)(void *)(sowing->state + at);
    if (is_new(global, sowing)) {
      if (sowing->seed != 0)
        global->seed = sowing->seed;
      sowing->strings = &global->strings;
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
                            const struct rl_inside_strings **strings) {
  struct sowing sowing = {.allocate = allocator, .context = context, .seed = seed};
  lua_State *L = lua_newstate(allocate, &sowing);
  if (L)
    lua_setallocf(L, allocator, context);
  *strings = L ? sowing.strings : NULL;
  return L;
}
