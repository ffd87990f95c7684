/* Large: blocks of a megabyte and more, taken from the system in whole pages, and a few of them
 * kept after they are freed.
 *
 * For such a block most of the time goes into the pages that the system has to clear when they are
 * first touched: three to four times as much as into copying a string into it. So freed blocks are
 * kept for the next one of about their size, a bounded sum of them, the oldest making room, until
 * rl_large_trim. (Marking them with MADV_FREE cost nearly as much as fresh pages.) Blocks of
 * several megabytes ask for huge pages.
 *
 * Threads: any. */
#ifndef RL_BASE_LARGE_H
#define RL_BASE_LARGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { RL_LARGE_LEAST = 1 << 20, RL_LARGE_KEPT = 8 };

struct rl_large; /* a block with its header */

struct rl_large_cache {
  _Atomic(struct rl_large *) kept[RL_LARGE_KEPT];
  atomic_uint given;   /* how many were: the next one's place, where the oldest is */
  atomic_size_t bytes; /* of the kept blocks, and one about to be */
};

void rl_large_init(struct rl_large_cache *cache);

/* Gives all kept blocks back to the system. */
void rl_large_trim(struct rl_large_cache *cache);

/* A block of at least `size` bytes, aligned to 64; NULL when there is no memory. */
void *rl_large_take(struct rl_large_cache *cache, size_t size);

void rl_large_give(struct rl_large_cache *cache, void *block);

/* The block with room for `size` bytes, perhaps elsewhere; NULL when there is no memory, the block
 * then being as it was. */
void *rl_large_resize(struct rl_large_cache *cache, void *block, size_t size);

#endif
