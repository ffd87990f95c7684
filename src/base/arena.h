/* Arena: memory at addresses that are the same in every run which asks for the same: so that what
 * is ordered by addresses, such as the keys of a Lua table, is in the same order. For simulations:
 * it is simple, and gives nothing back to the system before it is closed. One thread. */
#ifndef RL_BASE_ARENA_H
#define RL_BASE_ARENA_H

#include <stddef.h>

enum { RL_ARENA_CLASSES = 128 };

struct rl_arena {
  char *start, *top, *end;      /* of the region, of what has been handed out */
  void *free[RL_ARENA_CLASSES]; /* by class: lists of freed blocks, linked by their first word */
};

/* 0; or -1 if the addresses are taken: by another arena of the process, or a sanitizer. */
int rl_arena_open(struct rl_arena *arena);
void rl_arena_close(struct rl_arena *arena);

/* As the functions of allocator.h, but for sizes, which are all > 0. */
void *rl_arena_take(struct rl_arena *arena, size_t size);
void *rl_arena_resize(struct rl_arena *arena, void *block, size_t old, size_t size);
void rl_arena_release(struct rl_arena *arena, void *block, size_t size);

#endif
