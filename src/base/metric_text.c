/* The text of metrics, as Prometheus reads it (text/plain; version=0.0.4). */
#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/decimal.h"
#include "base/metric.h"

static void add(struct rl_buffer *out, const char *text) {
  rl_buffer_append(out, text, strlen(text));
}

static void add_number(struct rl_buffer *out, double number) {
  char digits[RL_DECIMAL_ROOM];
  if (isnan(number))
    add(out, "NaN");
  else if (isinf(number))
    add(out, number > 0 ? "+Inf" : "-Inf");
  else
    rl_buffer_append(out, digits, rl_decimal_float(number, digits));
}

/* Of a help text quotes stay. */
static void add_escaped(struct rl_buffer *out, const char *text, bool quoted) {
  for (; *text; text++) {
    if (*text == '\n') {
      add(out, "\\n");
      continue;
    }
    if (*text == '\\' || (quoted && *text == '"'))
      rl_buffer_byte(out, '\\');
    rl_buffer_byte(out, (unsigned char)*text);
  }
}

void rl_metric_text_head(struct rl_buffer *out, enum rl_metric_kind kind, const char *name,
                         const char *help) {
  static const char *const kinds[] = {" counter\n", " gauge\n", " histogram\n"};
  add(out, "# HELP ");
  add(out, name);
  rl_buffer_byte(out, ' ');
  add_escaped(out, help, false);
  add(out, "\n# TYPE ");
  add(out, name);
  add(out, kinds[kind]);
}

static void add_label(struct rl_buffer *out, const char *before, const char *label,
                      const char *value) {
  add(out, before);
  add(out, label);
  add(out, "=\"");
  add_escaped(out, value, true);
  rl_buffer_byte(out, '"');
}

void rl_metric_text_sample(struct rl_buffer *out, const char *name, const char *label,
                           const char *value, double number) {
  add(out, name);
  if (label) {
    add_label(out, "{", label, value);
    rl_buffer_byte(out, '}');
  }
  rl_buffer_byte(out, ' ');
  add_number(out, number);
  rl_buffer_byte(out, '\n');
}

/* The labels of a series, and `bound` unless it is NULL. */
static void add_labels(struct rl_buffer *out, const struct rl_metric *metric,
                       const struct rl_metric_series *series, const char *bound) {
  const char *value = series->values, *before = "{";
  for (unsigned i = 0; i < metric->terms.label_count; i++) {
    add_label(out, before, metric->terms.labels[i], value);
    value += strlen(value) + 1;
    before = ",";
  }
  if (bound)
    add_label(out, before, "le", bound);
  if (bound || metric->terms.label_count > 0)
    rl_buffer_byte(out, '}');
}

static void add_sample(struct rl_buffer *out, const struct rl_metric *metric,
                       const struct rl_metric_series *series, const char *suffix, const char *bound,
                       double number) {
  add(out, metric->terms.name);
  add(out, suffix);
  add_labels(out, metric, series, bound);
  rl_buffer_byte(out, ' ');
  add_number(out, number);
  rl_buffer_byte(out, '\n');
}

static double value_of(const struct rl_metric_series *series) {
  double sum = 0;
  for (struct rl_metric_cell *cell = atomic_load(&series->cells); cell; cell = cell->next)
    sum += atomic_load_explicit(&cell->value, memory_order_relaxed);
  return sum;
}

static uint64_t count_of(const struct rl_metric_series *series, unsigned bucket) {
  uint64_t sum = 0;
  for (struct rl_metric_cell *cell = atomic_load(&series->cells); cell; cell = cell->next)
    sum += atomic_load_explicit(&cell->counts[bucket], memory_order_relaxed);
  return sum;
}

/* Each bucket counts those below it, too. */
static void add_histogram(struct rl_buffer *out, const struct rl_metric *metric,
                          const struct rl_metric_series *series) {
  char bound[RL_DECIMAL_ROOM + 1];
  uint64_t seen = 0;
  for (unsigned i = 0; i < metric->terms.bound_count; i++) {
    seen += count_of(series, i);
    bound[rl_decimal_float(metric->terms.bounds[i], bound)] = '\0';
    add_sample(out, metric, series, "_bucket", bound, (double)seen);
  }
  seen += count_of(series, metric->terms.bound_count);
  add_sample(out, metric, series, "_bucket", "+Inf", (double)seen);
  add_sample(out, metric, series, "_sum", NULL, value_of(series));
  add_sample(out, metric, series, "_count", NULL, (double)seen);
}

static void add_metric(struct rl_buffer *out, struct rl_metric *metric) {
  rl_metric_text_head(out, metric->terms.kind, metric->terms.name, metric->terms.help);
  for (int i = 0; i < RL_METRIC_CHAINS; i++) {
    const struct rl_metric_series *series = atomic_load(&metric->chains[i]);
    for (; series; series = series->next) {
      if (metric->terms.kind == RL_HISTOGRAM)
        add_histogram(out, metric, series);
      else
        add_sample(out, metric, series, "", NULL, value_of(series));
    }
  }
}

void rl_metrics_text(struct rl_metrics *metrics, struct rl_buffer *out) {
  pthread_mutex_lock(&metrics->lock);
  for (struct rl_metric *metric = metrics->first; metric; metric = metric->next)
    add_metric(out, metric);
  pthread_mutex_unlock(&metrics->lock);
}
