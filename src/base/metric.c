/* Metric: see the header. Whoever finds no series or cell makes it under the lock, and publishes it
 * at the head of a list, which others may walk meanwhile. */
#include "base/metric.h"

#include <string.h>

#include "base/heap.h"
#include "base/utf8.h"

static const struct rl_slice other = {"_other", 6};

void rl_metrics_init(struct rl_metrics *metrics, struct rl_heap *heap) {
  metrics->heap = heap;
  atomic_init(&metrics->on, false);
  pthread_mutex_init(&metrics->lock, NULL);
  metrics->first = NULL;
  metrics->last = &metrics->first;
}

/* -- names ----------------------------------------------------------------------------------- */

static bool is_letter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

bool rl_metric_is_name(const char *name, bool label) {
  if (*name >= '0' && *name <= '9')
    return false;
  const char *at = name;
  while (is_letter(*at) || (*at >= '0' && *at <= '9') || (*at == ':' && !label))
    at++;
  return at > name && *at == '\0' && !(label && strncmp(name, "__", 2) == 0);
}

/* -- metrics --------------------------------------------------------------------------------- */

static size_t cell_size(const struct rl_metric *metric) {
  size_t counts = metric->terms.kind == RL_HISTOGRAM ? metric->terms.bound_count + 1 : 0;
  return sizeof(struct rl_metric_cell) + counts * sizeof(atomic_uint_least64_t);
}

static size_t texts_size(const struct rl_metric_terms *terms) {
  size_t size = strlen(terms->name) + strlen(terms->help) + 2;
  for (unsigned i = 0; i < terms->label_count; i++)
    size += strlen(terms->labels[i]) + 1;
  return size;
}

static const char *copy(char **to, const char *text) {
  size_t size = strlen(text) + 1;
  char *copied = memcpy(*to, text, size);
  *to += size;
  return copied;
}

/* Its texts stand behind it. */
static struct rl_metric *new_metric(struct rl_heap *heap, const struct rl_metric_terms *terms) {
  struct rl_metric *metric = rl_zalloc(heap, sizeof *metric + texts_size(terms));
  if (!metric)
    return NULL;
  char *to = (char *)(metric + 1);
  metric->terms = *terms;
  metric->terms.name = copy(&to, terms->name);
  metric->terms.help = copy(&to, terms->help);
  for (unsigned i = 0; i < terms->label_count; i++)
    metric->terms.labels[i] = copy(&to, terms->labels[i]);
  return metric;
}

static void free_series(struct rl_heap *heap, const struct rl_metric *metric,
                        struct rl_metric_series *series) {
  for (struct rl_metric_cell *cell = atomic_load(&series->cells), *next; cell; cell = next) {
    next = cell->next;
    rl_free(heap, cell, cell_size(metric));
  }
  rl_free(heap, series, sizeof *series + series->bytes);
}

static void free_metric(struct rl_heap *heap, struct rl_metric *metric) {
  for (int i = 0; i < RL_METRIC_CHAINS; i++) {
    struct rl_metric_series *series = atomic_load(&metric->chains[i]), *next;
    for (; series; series = next) {
      next = series->next;
      free_series(heap, metric, series);
    }
  }
  rl_free(heap, metric, sizeof *metric + texts_size(&metric->terms));
}

void rl_metrics_destroy(struct rl_metrics *metrics) {
  for (struct rl_metric *metric = metrics->first, *next; metric; metric = next) {
    next = metric->next;
    free_metric(metrics->heap, metric);
  }
  pthread_mutex_destroy(&metrics->lock);
}

static bool is_same(const struct rl_metric_terms *one, const struct rl_metric_terms *two) {
  if (one->kind != two->kind || one->label_count != two->label_count ||
      one->bound_count != two->bound_count || strcmp(one->help, two->help) != 0)
    return false;
  for (unsigned i = 0; i < one->label_count; i++)
    if (strcmp(one->labels[i], two->labels[i]) != 0)
      return false;
  return memcmp(one->bounds, two->bounds, one->bound_count * sizeof *one->bounds) == 0;
}

static enum rl_metric_outcome
define(struct rl_metrics *metrics, const struct rl_metric_terms *terms, struct rl_metric **metric) {
  for (*metric = metrics->first; *metric; *metric = (*metric)->next)
    if (strcmp((*metric)->terms.name, terms->name) == 0)
      return is_same(&(*metric)->terms, terms) ? RL_METRIC_FINE : RL_METRIC_DIFFERS;
  *metric = new_metric(metrics->heap, terms);
  if (!*metric)
    return RL_METRIC_NO_MEMORY;
  *metrics->last = *metric;
  metrics->last = &(*metric)->next;
  return RL_METRIC_FINE;
}

enum rl_metric_outcome rl_metrics_define(struct rl_metrics *metrics,
                                         const struct rl_metric_terms *terms,
                                         struct rl_metric **metric) {
  pthread_mutex_lock(&metrics->lock);
  enum rl_metric_outcome outcome = define(metrics, terms, metric);
  pthread_mutex_unlock(&metrics->lock);
  return outcome;
}

/* -- series and cells ------------------------------------------------------------------------ */

static uint64_t hash_of(const struct rl_slice *values, unsigned count) {
  uint64_t hash = 14695981039346656037u; /* FNV-1a */
  for (unsigned i = 0; i < count; i++) {
    for (size_t at = 0; at < values[i].size; at++)
      hash = (hash ^ (unsigned char)values[i].bytes[at]) * 1099511628211u;
    hash = (hash ^ 0xff) * 1099511628211u;
  }
  return hash ^ hash >> 32;
}

static bool has_values(const struct rl_metric_series *series, const struct rl_slice *values,
                       unsigned count) {
  const char *at = series->values, *end = at + series->bytes;
  for (unsigned i = 0; i < count; i++) {
    if (values[i].size >= (size_t)(end - at) || at[values[i].size] != '\0' ||
        memcmp(at, values[i].bytes, values[i].size) != 0)
      return false;
    at += values[i].size + 1;
  }
  return true;
}

static struct rl_metric_series *find(struct rl_metric *metric, const struct rl_slice *values,
                                     uint64_t hash) {
  struct rl_metric_series *series =
      atomic_load_explicit(&metric->chains[hash % RL_METRIC_CHAINS], memory_order_acquire);
  while (series && (series->hash != hash || !has_values(series, values, metric->terms.label_count)))
    series = series->next;
  return series;
}

/* What can be told in the text, and told apart there. */
static bool is_presentable(const struct rl_slice *values, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    if (values[i].size > RL_METRIC_VALUE || memchr(values[i].bytes, '\0', values[i].size))
      return false;
    const char *at = values[i].bytes, *end = at + values[i].size;
    while (at < end) {
      unsigned size = rl_utf8_size(at, end);
      if (size == 0)
        return false;
      at += size;
    }
  }
  return true;
}

static struct rl_metric_series *new_series(struct rl_metrics *metrics, struct rl_metric *metric,
                                           const struct rl_slice *values, uint64_t hash) {
  size_t bytes = 0;
  for (unsigned i = 0; i < metric->terms.label_count; i++)
    bytes += values[i].size + 1;
  struct rl_metric_series *series = rl_zalloc(metrics->heap, sizeof *series + bytes);
  if (!series)
    return NULL;
  series->hash = hash;
  series->bytes = bytes;
  char *to = series->values;
  for (unsigned i = 0; i < metric->terms.label_count; i++) {
    memcpy(to, values[i].bytes, values[i].size);
    to += values[i].size + 1;
  }
  _Atomic(struct rl_metric_series *) *chain = &metric->chains[hash % RL_METRIC_CHAINS];
  series->next = atomic_load(chain);
  atomic_store_explicit(chain, series, memory_order_release);
  metric->count++;
  return series;
}

/* Under the lock. */
static struct rl_metric_series *make_other(struct rl_metrics *metrics, struct rl_metric *metric,
                                           bool *first) {
  struct rl_slice others[RL_METRIC_LABELS];
  struct rl_metric_series *series = atomic_load(&metric->other);
  if (series)
    return series;
  for (int i = 0; i < RL_METRIC_LABELS; i++)
    others[i] = other;
  uint64_t hash = hash_of(others, metric->terms.label_count);
  series = find(metric, others, hash);
  series = series ? series : new_series(metrics, metric, others, hash);
  atomic_store_explicit(&metric->other, series, memory_order_release);
  *first = series != NULL;
  return series;
}

static struct rl_metric_series *make_series(struct rl_metrics *metrics, struct rl_metric *metric,
                                            const struct rl_slice *values, uint64_t hash,
                                            bool *first) {
  pthread_mutex_lock(&metrics->lock);
  struct rl_metric_series *series = find(metric, values, hash);
  if (!series && metric->count < metric->terms.limit)
    series = new_series(metrics, metric, values, hash);
  else if (!series)
    series = make_other(metrics, metric, first);
  pthread_mutex_unlock(&metrics->lock);
  return series;
}

/* Once there is a series for what finds no place, nobody asks for the lock in vain. */
static struct rl_metric_series *series_of(struct rl_metrics *metrics, struct rl_metric *metric,
                                          const struct rl_slice *values, bool *first) {
  uint64_t hash = hash_of(values, metric->terms.label_count);
  struct rl_metric_series *series = find(metric, values, hash);
  if (series)
    return series;
  series = atomic_load_explicit(&metric->other, memory_order_acquire);
  bool presentable = is_presentable(values, metric->terms.label_count);
  if (series && (!presentable || metric->count >= metric->terms.limit))
    return series;
  if (presentable)
    return make_series(metrics, metric, values, hash, first);
  pthread_mutex_lock(&metrics->lock);
  series = make_other(metrics, metric, first);
  pthread_mutex_unlock(&metrics->lock);
  return series;
}

static struct rl_metric_cell *find_cell(struct rl_metric_series *series, unsigned slot) {
  struct rl_metric_cell *cell = atomic_load_explicit(&series->cells, memory_order_acquire);
  while (cell && cell->slot != slot)
    cell = cell->next;
  return cell;
}

static struct rl_metric_cell *make_cell(struct rl_metrics *metrics, struct rl_metric *metric,
                                        struct rl_metric_series *series, unsigned slot) {
  pthread_mutex_lock(&metrics->lock);
  struct rl_metric_cell *cell = find_cell(series, slot);
  if (!cell) {
    cell = rl_zalloc(metrics->heap, cell_size(metric));
    if (cell) {
      cell->slot = slot;
      cell->next = atomic_load(&series->cells);
      atomic_store_explicit(&series->cells, cell, memory_order_release);
    }
  }
  pthread_mutex_unlock(&metrics->lock);
  return cell;
}

struct rl_metric_cell *rl_metric_cell(struct rl_metrics *metrics, struct rl_metric *metric,
                                      const struct rl_slice *values, unsigned slot, bool *first) {
  *first = false;
  struct rl_metric_series *series = series_of(metrics, metric, values, first);
  if (!series)
    return NULL;
  if (metric->terms.kind == RL_GAUGE)
    slot = 0;
  struct rl_metric_cell *cell = find_cell(series, slot);
  return cell ? cell : make_cell(metrics, metric, series, slot);
}

/* -- counting -------------------------------------------------------------------------------- */

void rl_metric_observe(const struct rl_metric *metric, struct rl_metric_cell *cell, double value) {
  unsigned at = 0, count = metric->terms.bound_count;
  while (at < count && !(value <= metric->terms.bounds[at]))
    at++;
  uint64_t seen = atomic_load_explicit(&cell->counts[at], memory_order_relaxed) + 1;
  atomic_store_explicit(&cell->counts[at], seen, memory_order_relaxed);
  rl_metric_add(cell, value);
}

void rl_metric_set(struct rl_metric_cell *cell, double value) {
  atomic_store_explicit(&cell->value, value, memory_order_relaxed);
}

void rl_metric_change(struct rl_metric_cell *cell, double by) {
  double value = atomic_load_explicit(&cell->value, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&cell->value, &value, value + by,
                                                memory_order_relaxed, memory_order_relaxed))
    continue;
}
