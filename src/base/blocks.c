/* Blocks: pages of bits in an open hash table. Pages stay until the set is freed: where blocks were
 * there will be others. */
#include "base/blocks.h"

#include <stdint.h>

#include "base/heap.h"

enum {
  PAGE_SHIFT = 18, /* a page stands for 256 KiB of addresses */
  UNIT_SHIFT = 3,  /* the least that blocks are aligned to */
  WORDS = 1 << (PAGE_SHIFT - UNIT_SHIFT - 6),
  FIRST_ROOM = 16
};

struct rl_blocks_page {
  uintptr_t number; /* the addresses, without their low bits */
  uint64_t bits[WORDS];
};

void rl_blocks_init(struct rl_blocks *blocks, struct rl_heap *heap) {
  *blocks = (struct rl_blocks){.heap = heap};
}

void rl_blocks_free(struct rl_blocks *blocks) {
  for (size_t i = 0; i < blocks->room; i++)
    rl_free(blocks->heap, blocks->slots[i], sizeof(struct rl_blocks_page));
  rl_free(blocks->heap, blocks->slots, blocks->room * sizeof *blocks->slots);
  rl_blocks_init(blocks, blocks->heap);
}

/* The slot of the page, or the free one where it would be. There is always a free one. */
static struct rl_blocks_page **find(struct rl_blocks_page **slots, size_t room, uintptr_t number) {
  size_t at = (size_t)((uint64_t)number * 0x9e3779b97f4a7c15u >> 32) & (room - 1);
  while (slots[at] && slots[at]->number != number)
    at = (at + 1) & (room - 1);
  return &slots[at];
}

static bool grow(struct rl_blocks *blocks) {
  size_t room = blocks->room ? blocks->room * 2 : FIRST_ROOM;
  struct rl_blocks_page **slots = rl_zalloc(blocks->heap, room * sizeof *slots);
  if (!slots)
    return false;
  for (size_t i = 0; i < blocks->room; i++)
    if (blocks->slots[i])
      *find(slots, room, blocks->slots[i]->number) = blocks->slots[i];
  rl_free(blocks->heap, blocks->slots, blocks->room * sizeof *slots);
  blocks->slots = slots;
  blocks->room = room;
  return true;
}

/* NULL if there is none. */
static struct rl_blocks_page *page_of(struct rl_blocks *blocks, const void *block) {
  uintptr_t number = (uintptr_t)block >> PAGE_SHIFT;
  if (blocks->latest && blocks->latest->number == number)
    return blocks->latest;
  struct rl_blocks_page *page = blocks->room ? *find(blocks->slots, blocks->room, number) : NULL;
  if (page)
    blocks->latest = page;
  return page;
}

static struct rl_blocks_page *add_page(struct rl_blocks *blocks, const void *block) {
  if (blocks->count * 2 >= blocks->room && !grow(blocks))
    return NULL;
  struct rl_blocks_page *page = rl_zalloc(blocks->heap, sizeof *page);
  if (!page)
    return NULL;
  page->number = (uintptr_t)block >> PAGE_SHIFT;
  *find(blocks->slots, blocks->room, page->number) = page;
  blocks->count++;
  return page;
}

static uint64_t *word_of(struct rl_blocks_page *page, const void *block) {
  return &page->bits[((uintptr_t)block >> (UNIT_SHIFT + 6)) % WORDS];
}

static uint64_t bit_of(const void *block) {
  return (uint64_t)1 << ((uintptr_t)block >> UNIT_SHIFT) % 64;
}

bool rl_blocks_add(struct rl_blocks *blocks, const void *block) {
  struct rl_blocks_page *page = page_of(blocks, block);
  if (!page)
    page = add_page(blocks, block);
  if (!page)
    return false;
  *word_of(page, block) |= bit_of(block);
  return true;
}

bool rl_blocks_has(struct rl_blocks *blocks, const void *block) {
  struct rl_blocks_page *page = page_of(blocks, block);
  return page && *word_of(page, block) & bit_of(block);
}

bool rl_blocks_remove(struct rl_blocks *blocks, const void *block) {
  if (!rl_blocks_has(blocks, block))
    return false;
  *word_of(page_of(blocks, block), block) &= ~bit_of(block);
  return true;
}
