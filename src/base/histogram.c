/* Histogram: bucket b < 16 holds the value b; above, each power of two has 16 buckets. */
#include "base/histogram.h"

static uint64_t load(const atomic_uint_least64_t *counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

/* One writer, so a plain load and store; no locked instruction. */
static void add(atomic_uint_least64_t *counter, uint64_t by) {
  atomic_store_explicit(counter, load(counter) + by, memory_order_relaxed);
}

static unsigned bucket_of(uint64_t value) {
  if (value < RL_HISTOGRAM_PARTS)
    return (unsigned)value;
  unsigned shift = 63u - (unsigned)__builtin_clzll(value) - 4u;
  unsigned bucket = RL_HISTOGRAM_PARTS * (shift + 1) + (unsigned)((value >> shift) & 15u);
  return bucket < RL_HISTOGRAM_BUCKETS ? bucket : RL_HISTOGRAM_BUCKETS - 1;
}

/* The greatest value that falls into a bucket. */
static uint64_t top_of(unsigned bucket) {
  if (bucket < RL_HISTOGRAM_PARTS)
    return bucket;
  unsigned shift = bucket / RL_HISTOGRAM_PARTS - 1;
  uint64_t part = bucket % RL_HISTOGRAM_PARTS + RL_HISTOGRAM_PARTS;
  return ((part + 1) << shift) - 1;
}

void rl_histogram_init(struct rl_histogram *histogram) {
  for (unsigned i = 0; i < RL_HISTOGRAM_BUCKETS; i++)
    atomic_init(&histogram->counts[i], 0);
  atomic_init(&histogram->count, 0);
  atomic_init(&histogram->total, 0);
  atomic_init(&histogram->max, 0);
}

void rl_histogram_record(struct rl_histogram *histogram, uint64_t value) {
  add(&histogram->counts[bucket_of(value)], 1);
  add(&histogram->count, 1);
  add(&histogram->total, value);
  if (value > load(&histogram->max))
    atomic_store_explicit(&histogram->max, value, memory_order_relaxed);
}

void rl_histogram_merge(struct rl_histogram *into, const struct rl_histogram *from) {
  for (unsigned i = 0; i < RL_HISTOGRAM_BUCKETS; i++)
    add(&into->counts[i], load(&from->counts[i]));
  add(&into->count, load(&from->count));
  add(&into->total, load(&from->total));
  if (load(&from->max) > load(&into->max))
    atomic_store_explicit(&into->max, load(&from->max), memory_order_relaxed);
}

uint64_t rl_histogram_quantile(const struct rl_histogram *histogram, double share) {
  uint64_t all = load(&histogram->count), seen = 0, max = load(&histogram->max);
  if (all == 0)
    return 0;
  for (unsigned i = 0; i < RL_HISTOGRAM_BUCKETS; i++) {
    seen += load(&histogram->counts[i]);
    if ((double)seen >= share * (double)all)
      return top_of(i) < max ? top_of(i) : max;
  }
  return max;
}
