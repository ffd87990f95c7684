/* File cache: a table of chains, and one list in the order of use. */
#include "io/file_cache.h"

#include <string.h>
#include <uv.h>
#include <xxhash.h>

static size_t size_of(const struct rl_file_entry *entry) {
  return sizeof *entry + entry->size + 1;
}

static void count_file(struct rl_file_cache *cache, const struct rl_file *file, int sign) {
  size_t bytes = sizeof *file + (file->fd < 0 ? (size_t)file->identity.size : 0);
  cache->bytes += sign > 0 ? bytes : 0 - bytes;
  cache->descriptors += file->fd < 0 ? 0u : sign > 0 ? 1u : 0u - 1u;
}

/* Adds what an entry takes, or subtracts it. */
static void count_entry(struct rl_file_cache *cache, const struct rl_file_entry *entry, int sign) {
  cache->bytes += sign > 0 ? size_of(entry) : 0 - size_of(entry);
  cache->entries += sign > 0 ? 1u : 0u - 1u;
  for (int i = 0; i < RL_FILE_FORMS; i++)
    if (entry->forms[i])
      count_file(cache, entry->forms[i], sign);
}

int rl_file_cache_init(struct rl_file_cache *cache, struct rl_heap *heap, unsigned max_entries,
                       size_t max_bytes, unsigned max_descriptors) {
  size_t count = 16;
  while (count < max_entries && count < 1u << 20)
    count *= 2;
  *cache = (struct rl_file_cache){
      .heap = heap,
      .max_bytes = max_bytes,
      .max_entries = max_entries,
      .max_descriptors = max_descriptors,
      .count = count,
      .buckets = rl_zalloc(heap, count * sizeof *cache->buckets),
  };
  rl_list_init(&cache->uses);
  return cache->buckets ? 0 : UV_ENOMEM;
}

static struct rl_file_entry **bucket_of(struct rl_file_cache *cache, uint64_t hash) {
  return &cache->buckets[hash & (cache->count - 1)];
}

void rl_file_cache_drop(struct rl_file_cache *cache, struct rl_file_entry *entry) {
  struct rl_file_entry **at = bucket_of(cache, entry->hash);
  while (*at != entry)
    at = &(*at)->chain;
  *at = entry->chain;
  rl_list_remove(&entry->use);
  count_entry(cache, entry, -1);
  for (int i = 0; i < RL_FILE_FORMS; i++)
    rl_file_release(entry->forms[i]);
  rl_free(cache->heap, entry, size_of(entry));
}

static struct rl_file_entry *oldest(struct rl_file_cache *cache) {
  return RL_OF(cache->uses.next, struct rl_file_entry, use);
}

void rl_file_cache_free(struct rl_file_cache *cache) {
  while (!rl_list_empty(&cache->uses))
    rl_file_cache_drop(cache, oldest(cache));
  rl_free(cache->heap, cache->buckets, cache->count * sizeof *cache->buckets);
}

static struct rl_file_entry *find(struct rl_file_cache *cache, struct rl_slice path,
                                  uint64_t hash) {
  struct rl_file_entry *entry = *bucket_of(cache, hash);
  while (entry && !(entry->hash == hash && entry->size == path.size &&
                    memcmp(entry->path, path.bytes, path.size) == 0))
    entry = entry->chain;
  return entry;
}

struct rl_file_entry *rl_file_cache_get(struct rl_file_cache *cache, struct rl_slice path) {
  struct rl_file_entry *entry = find(cache, path, XXH3_64bits(path.bytes, path.size));
  if (entry) {
    rl_list_remove(&entry->use);
    rl_list_push(&cache->uses, &entry->use);
  }
  return entry;
}

static bool exceeds(const struct rl_file_cache *cache) {
  return cache->entries > cache->max_entries || cache->bytes > cache->max_bytes ||
         cache->descriptors > cache->max_descriptors;
}

/* The entry, in no list yet; NULL without memory. */
static struct rl_file_entry *make(struct rl_file_cache *cache, struct rl_slice path, uint64_t hash,
                                  struct rl_file *const forms[RL_FILE_FORMS]) {
  struct rl_file_entry *entry = rl_alloc(cache->heap, sizeof *entry + path.size + 1);
  if (!entry)
    return NULL;
  *entry = (struct rl_file_entry){.hash = hash, .size = path.size};
  memcpy(entry->forms, forms, sizeof entry->forms);
  memcpy(entry->path, path.bytes, path.size);
  entry->path[path.size] = 0;
  return entry;
}

void rl_file_cache_put(struct rl_file_cache *cache, struct rl_slice path,
                       struct rl_file *const forms[RL_FILE_FORMS], uint64_t now) {
  uint64_t hash = XXH3_64bits(path.bytes, path.size);
  struct rl_file_entry *old = find(cache, path, hash);
  if (old)
    rl_file_cache_drop(cache, old);
  struct rl_file_entry *entry = make(cache, path, hash, forms);
  if (!entry) {
    for (int i = 0; i < RL_FILE_FORMS; i++)
      rl_file_release(forms[i]);
    return;
  }
  struct rl_file_entry **bucket = bucket_of(cache, hash);
  entry->checked = now;
  entry->chain = *bucket;
  *bucket = entry;
  rl_list_init(&entry->use);
  rl_list_push(&cache->uses, &entry->use);
  count_entry(cache, entry, 1);
  while (exceeds(cache))
    rl_file_cache_drop(cache, oldest(cache));
}
