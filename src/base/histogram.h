/* Histogram: how often which duration occurred, in nanoseconds, with an error below 1/16.
 *
 * Log-linear buckets (the layout of HdrHistogram: each power of two cut into 16 equal parts), so
 * that recording is a shift and an add, and two histograms are merged by adding. Threads: one
 * writer; readers on other threads may look at any time (relaxed atomics) and may miss the latest
 * values. */
#ifndef RL_BASE_HISTOGRAM_H
#define RL_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum { RL_HISTOGRAM_PARTS = 16, RL_HISTOGRAM_BUCKETS = 16 * 45 };

struct rl_histogram {
  atomic_uint_least64_t counts[RL_HISTOGRAM_BUCKETS];
  atomic_uint_least64_t count; /* of all values */
  atomic_uint_least64_t total; /* their sum */
  atomic_uint_least64_t max;
};

void rl_histogram_init(struct rl_histogram *histogram);
void rl_histogram_record(struct rl_histogram *histogram, uint64_t value);

/* Adds what `from` holds; the caller is the only writer of `into`. */
void rl_histogram_merge(struct rl_histogram *into, const struct rl_histogram *from);

/* The least value that at least `share` (0 to 1) of all values do not exceed; 0 when empty. */
uint64_t rl_histogram_quantile(const struct rl_histogram *histogram, double share);

#endif
