/* Large: anonymous mappings, each with its size in front; the cache is a few atomic pointers. */
#include "base/large.h"

#include <stdint.h>
#include <sys/mman.h>

enum {
  HEADER = 64,
  PAGES = 64 << 10,    /* mappings are multiples of this, */
  HUGE = 2 << 20,      /* or of this and aligned to it, */
  HUGE_FROM = 4 << 20, /* when they are at least this large */
  MOST_KEPT = 160 << 20
};

struct rl_large {
  size_t mapped; /* bytes, from here on */
};

static void *block_of(struct rl_large *large) {
  return large ? (unsigned char *)large + HEADER : NULL;
}

static struct rl_large *large_of(void *block) {
  return (struct rl_large *)(void *)((unsigned char *)block - HEADER);
}

/* What to map for a block; 0 if that is more than there can be. */
static size_t mapping_for(size_t size) {
  if (size > SIZE_MAX / 2)
    return 0;
  size_t unit = size + HEADER < HUGE_FROM ? PAGES : HUGE;
  return (size + HEADER + unit - 1) / unit * unit;
}

/* Maps memory, aligned for huge pages if it is worth having some; NULL without. */
static void *map(size_t mapped) {
  size_t slack = mapped < HUGE_FROM ? 0 : HUGE;
  unsigned char *first = mmap(NULL, mapped + slack, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (first == MAP_FAILED)
    return NULL;
  if (slack == 0)
    return first;
  size_t before = -(uintptr_t)first % HUGE;
  if (before > 0)
    munmap(first, before);
  if (slack > before)
    munmap(first + before + mapped, slack - before);
  madvise(first + before, mapped, MADV_HUGEPAGE); /* a wish */
  return first + before;
}

static void unmap(struct rl_large *large) {
  if (large)
    munmap(large, large->mapped);
}

/* A kept block that fits without wasting much; NULL if there is none. */
static struct rl_large *take_kept(struct rl_large_cache *cache, size_t mapped) {
  for (size_t i = 0; i < RL_LARGE_KEPT; i++) {
    if (!atomic_load_explicit(&cache->kept[i], memory_order_relaxed))
      continue;
    struct rl_large *large = atomic_exchange(&cache->kept[i], NULL);
    if (!large)
      continue;
    if (large->mapped >= mapped && large->mapped / 4 * 3 <= mapped) {
      atomic_fetch_sub(&cache->bytes, large->mapped);
      return large;
    }
    struct rl_large *none = NULL;
    if (!atomic_compare_exchange_strong(&cache->kept[i], &none, large)) {
      atomic_fetch_sub(&cache->bytes, large->mapped);
      unmap(large);
    }
  }
  return NULL;
}

void rl_large_init(struct rl_large_cache *cache) {
  for (size_t i = 0; i < RL_LARGE_KEPT; i++)
    atomic_init(&cache->kept[i], NULL);
  atomic_init(&cache->given, 0);
  atomic_init(&cache->bytes, 0);
}

void rl_large_trim(struct rl_large_cache *cache) {
  for (size_t i = 0; i < RL_LARGE_KEPT; i++)
    unmap(atomic_exchange(&cache->kept[i], NULL));
  atomic_store(&cache->bytes, 0);
}

void *rl_large_take(struct rl_large_cache *cache, size_t size) {
  size_t mapped = mapping_for(size);
  if (mapped == 0)
    return NULL;
  struct rl_large *large = take_kept(cache, mapped);
  if (!large) {
    large = map(mapped);
    if (!large)
      return NULL;
    large->mapped = mapped;
  }
  return block_of(large);
}

/* What was there is unmapped. */
static void put(struct rl_large_cache *cache, unsigned place, struct rl_large *large) {
  struct rl_large *before = atomic_exchange(&cache->kept[place % RL_LARGE_KEPT], large);
  if (!before)
    return;
  atomic_fetch_sub(&cache->bytes, before->mapped);
  unmap(before);
}

void rl_large_give(struct rl_large_cache *cache, void *block) {
  struct rl_large *large = large_of(block);
  if (large->mapped > MOST_KEPT) {
    unmap(large);
    return;
  }
  unsigned place = atomic_fetch_add_explicit(&cache->given, 1, memory_order_relaxed);
  atomic_fetch_add(&cache->bytes, large->mapped);
  put(cache, place, large);
  for (unsigned i = 1; i < RL_LARGE_KEPT && atomic_load(&cache->bytes) > MOST_KEPT; i++)
    put(cache, place + i, NULL);
}

void *rl_large_resize(struct rl_large_cache *cache, void *block, size_t size) {
  struct rl_large *large = large_of(block);
  size_t mapped = mapping_for(size);
  (void)cache;
  if (mapped == 0 || mapped == large->mapped)
    return mapped ? block : NULL;
  void *place = map(mapped); /* the pages are moved there, not copied */
  if (!place)
    return NULL;
  struct rl_large *moved =
      mremap(large, large->mapped, mapped, MREMAP_MAYMOVE | MREMAP_FIXED, place);
  if (moved == MAP_FAILED) {
    munmap(place, mapped);
    return NULL;
  }
  moved->mapped = mapped;
  return block_of(moved);
}
