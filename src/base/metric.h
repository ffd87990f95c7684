/* Metric: numbers that a runtime counts, in the terms of Prometheus: counters, gauges, histograms,
 * each a family of series that differ in the values of their labels.
 *
 * A series has a cell for each domain that adds to it, found by the domain's `slot`, a number that
 * no other domain has meanwhile. Only that domain writes there, so that adding is a load and a
 * store; who reads sums up. A domain's cells stay when it ends: the next one with its slot goes on.
 * A gauge, which can be set, has one cell for all. Metrics and series are found without a lock, and
 * stay until the registry ends. Threads: any, but for init and destroy. */
#ifndef RL_BASE_METRIC_H
#define RL_BASE_METRIC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct rl_buffer;
struct rl_heap;

enum rl_metric_kind { RL_COUNTER, RL_GAUGE, RL_HISTOGRAM };

enum {
  RL_METRIC_LABELS = 16,  /* at most */
  RL_METRIC_BOUNDS = 64,  /* of a histogram's buckets, at most */
  RL_METRIC_CHAINS = 128, /* of series, by hash */
  RL_METRIC_LIMIT = 1000, /* series of a metric, unless it says otherwise */
  RL_METRIC_VALUE = 256   /* bytes of a label's value, at most */
};

struct rl_metric_cell {
  struct rl_metric_cell *next; /* of the same series */
  unsigned slot;
  _Atomic(double) value;          /* a histogram's sum */
  atomic_uint_least64_t counts[]; /* of a histogram: one a bucket; the last is beyond all bounds */
};

struct rl_metric_series {
  struct rl_metric_series *next; /* in its chain */
  uint64_t hash;
  _Atomic(struct rl_metric_cell *) cells;
  size_t bytes;
  char values[]; /* each with a NUL at its end */
};

/* What a metric is, or is to be. Borrowed where it is asked for, the metric's own where it stands
 * in one. */
struct rl_metric_terms {
  enum rl_metric_kind kind;
  const char *name, *help;
  const char *labels[RL_METRIC_LABELS];
  unsigned label_count;
  double bounds[RL_METRIC_BOUNDS]; /* of a histogram; growing */
  unsigned bound_count;
  unsigned limit; /* of series */
};

struct rl_metric {
  struct rl_metric *next;
  struct rl_metric_terms terms;
  _Atomic(struct rl_metric_series *) chains[RL_METRIC_CHAINS];
  _Atomic(struct rl_metric_series *) other; /* what finds no place: all labels "_other" */
  atomic_uint count;                        /* series; grows under the lock */
};

struct rl_metrics {
  struct rl_heap *heap;
  atomic_bool on;       /* somebody has asked for metrics: the runtime counts its own */
  pthread_mutex_t lock; /* of making, and of reading all */
  struct rl_metric *first, **last;
};

void rl_metrics_init(struct rl_metrics *metrics, struct rl_heap *heap);
void rl_metrics_destroy(struct rl_metrics *metrics);

/* Whether a name is one: letters, digits, _ and, of a metric, :; no digit first. */
bool rl_metric_is_name(const char *name, bool label);

enum rl_metric_outcome { RL_METRIC_FINE, RL_METRIC_NO_MEMORY, RL_METRIC_DIFFERS };

/* The metric of that name, made if there is none. */
enum rl_metric_outcome rl_metrics_define(struct rl_metrics *metrics,
                                         const struct rl_metric_terms *terms,
                                         struct rl_metric **metric);

/* The cell for a domain's `slot` in the series with these values, as many as it has labels; made if
 * there is none. What is beyond the limit, too long or no UTF-8 shares one series; `*first` is set
 * when that comes up for the first time. NULL without memory. */
struct rl_metric_cell *rl_metric_cell(struct rl_metrics *metrics, struct rl_metric *metric,
                                      const struct rl_slice *values, unsigned slot, bool *first);

/* The cell's domain: adds to a counter; to a histogram. */
static inline void rl_metric_add(struct rl_metric_cell *cell, double value) {
  double sum = atomic_load_explicit(&cell->value, memory_order_relaxed) + value;
  atomic_store_explicit(&cell->value, sum, memory_order_relaxed);
}

void rl_metric_observe(const struct rl_metric *metric, struct rl_metric_cell *cell, double value);

/* Any thread: a gauge. */
void rl_metric_set(struct rl_metric_cell *cell, double value);
void rl_metric_change(struct rl_metric_cell *cell, double by);

/* Appends all metrics, in the text format of Prometheus. */
void rl_metrics_text(struct rl_metrics *metrics, struct rl_buffer *out);

/* The same of one that is not counted here: its head, and a sample with one label (name NULL:
 * none). */
void rl_metric_text_head(struct rl_buffer *out, enum rl_metric_kind kind, const char *name,
                         const char *help);
void rl_metric_text_sample(struct rl_buffer *out, const char *name, const char *label,
                           const char *value, double number);

#endif
