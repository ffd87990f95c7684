/* File cache: the files that were asked for lately, by their path, the one used last for longest.
 *
 * Bounded in entries, in bytes of content and in open descriptors; what exceeds a bound is thrown
 * out. That drops the cache's hold only: answers under way keep theirs.
 * Owner: whoever embeds it. Threads: one at a time. */
#ifndef RL_IO_FILE_CACHE_H
#define RL_IO_FILE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/slice.h"
#include "io/file.h"

/* A file and the compressed ones beside it, in the order of preference. */
enum rl_file_form {
  RL_FILE_PLAIN,
  RL_FILE_BROTLI,
  RL_FILE_ZSTD,
  RL_FILE_GZIP,
  RL_FILE_FORMS,
};

struct rl_file_entry {
  struct rl_list use;                   /* in the cache's list */
  struct rl_file_entry *chain;          /* the next one of its bucket */
  struct rl_file *forms[RL_FILE_FORMS]; /* held; NULL: there is none. The plain one is there */
  uint64_t checked;                     /* ms: when the names were looked up */
  uint64_t hash;
  size_t size; /* of the path */
  char path[]; /* and a NUL */
};

struct rl_file_cache {
  struct rl_heap *heap;
  size_t max_bytes;
  unsigned max_entries, max_descriptors;
  size_t bytes; /* held now */
  unsigned entries, descriptors;
  struct rl_list uses; /* the one used longest ago comes first */
  struct rl_file_entry **buckets;
  size_t count; /* of buckets, a power of two */
};

/* 0, or UV_ENOMEM. An entry counts in bytes with its path; max_entries 0: nothing is kept. */
int rl_file_cache_init(struct rl_file_cache *cache, struct rl_heap *heap, unsigned max_entries,
                       size_t max_bytes, unsigned max_descriptors);

void rl_file_cache_free(struct rl_file_cache *cache);

/* The entry of a path, which now is the one used last; NULL. Good until the next put or drop. */
struct rl_file_entry *rl_file_cache_get(struct rl_file_cache *cache, struct rl_slice path);

/* Keeps the files, which it takes over, as the entry of that path in place of the one there was;
 * throws out others, and perhaps this one at once. Without memory they are released. */
void rl_file_cache_put(struct rl_file_cache *cache, struct rl_slice path,
                       struct rl_file *const forms[RL_FILE_FORMS], uint64_t now);

void rl_file_cache_drop(struct rl_file_cache *cache, struct rl_file_entry *entry);

#endif
