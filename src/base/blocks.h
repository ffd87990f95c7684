/* Blocks: a set of memory blocks, by their addresses. One bit for every 8 bytes of the address
 * space around them, so that a set of many small blocks costs a fiftieth of what they hold. One
 * thread at a time. */
#ifndef RL_BASE_BLOCKS_H
#define RL_BASE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

struct rl_heap;
struct rl_blocks_page; /* the bits of a stretch of addresses */

struct rl_blocks {
  struct rl_heap *heap;
  struct rl_blocks_page **slots; /* a hash table of pages; NULL until the first block */
  size_t room, count;            /* slots, a power of two; pages */
  struct rl_blocks_page *latest; /* the one looked at last, or NULL */
};

void rl_blocks_init(struct rl_blocks *blocks, struct rl_heap *heap);
void rl_blocks_free(struct rl_blocks *blocks);

/* False when there is no memory to note it. */
bool rl_blocks_add(struct rl_blocks *blocks, const void *block);

/* Whether it was there. */
bool rl_blocks_remove(struct rl_blocks *blocks, const void *block);

bool rl_blocks_has(struct rl_blocks *blocks, const void *block);

#endif
