/* Arena: classes of sizes, each with its free list, over one region that only grows. */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum {
  STEP = 16,       /* bytes between two classes of small blocks */
  SMALL = 64,      /* how many of these classes */
  FIRST_POWER = 11 /* a larger block has the next power of two from 2^11 on */
};

static const uintptr_t PLACE = 0x510000000000; /* where neither programs nor libraries are put */
static const size_t ROOM = (size_t)1 << 38;    /* addresses; memory only where it is touched */

static unsigned class_of(size_t size) {
  if (size <= SMALL * STEP)
    return (unsigned)((size - 1) / STEP);
  unsigned power = 64 - (unsigned)__builtin_clzl(size - 1);
  return SMALL + (power < FIRST_POWER ? 0 : power - FIRST_POWER);
}

static size_t size_of(unsigned class) {
  return class < SMALL ? (class + 1) * (size_t)STEP : (size_t)1 << (FIRST_POWER + class - SMALL);
}

int rl_arena_open(struct rl_arena *arena) {
  void *region = mmap((void *)PLACE, ROOM, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (region == MAP_FAILED)
    return -1;
  if (region != (void *)PLACE) { /* a kernel that takes the place for a wish */
    munmap(region, ROOM);
    return -1;
  }
  *arena = (struct rl_arena){.start = region, .top = region, .end = (char *)region + ROOM};
  return 0;
}

void rl_arena_close(struct rl_arena *arena) {
  munmap(arena->start, ROOM);
}

void *rl_arena_take(struct rl_arena *arena, size_t size) {
  if (size > ROOM)
    return NULL;
  unsigned class = class_of(size);
  void *block = arena->free[class];
  if (block) {
    memcpy(&arena->free[class], block, sizeof block);
    return block;
  }
  if (size_of(class) > (size_t)(arena->end - arena->top))
    return NULL;
  block = arena->top;
  arena->top += size_of(class);
  return block;
}

void rl_arena_release(struct rl_arena *arena, void *block, size_t size) {
  unsigned class = class_of(size);
  memcpy(block, &arena->free[class], sizeof block);
  arena->free[class] = block;
}

void *rl_arena_resize(struct rl_arena *arena, void *block, size_t old, size_t size) {
  if (class_of(old) == class_of(size))
    return block;
  void *moved = rl_arena_take(arena, size);
  if (!moved)
    return NULL;
  memcpy(moved, block, old < size ? old : size);
  rl_arena_release(arena, block, old);
  return moved;
}
