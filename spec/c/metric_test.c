/* base/metric.h: threads that count at once, the text of it, and a heap that has no more. */
#include "check.h"

#include <pthread.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/heap.h"
#include "base/metric.h"

enum { THREADS = 4, ROUNDS = 5000, KEYS = 10 };

struct trial {
  struct rl_heap heap;
  struct rl_metrics metrics;
};

struct counting {
  struct trial *trial;
  unsigned slot;
};

static const struct rl_metric_terms counter = {.kind = RL_COUNTER,
                                               .name = "c_total",
                                               .help = "h",
                                               .labels = {"k"},
                                               .label_count = 1,
                                               .limit = KEYS};

static const struct rl_metric_terms gauge = {
    .kind = RL_GAUGE, .name = "g", .help = "h", .limit = 1};

static const struct rl_metric_terms histogram = {
    .kind = RL_HISTOGRAM, .name = "h", .help = "h", .bounds = {1, 2}, .bound_count = 2, .limit = 1};

static void begin(struct trial *trial) {
  rl_heap_init(&trial->heap);
  rl_metrics_init(&trial->metrics, &trial->heap);
}

static void end(struct trial *trial) {
  rl_metrics_destroy(&trial->metrics);
  assert_int_equal(atomic_load(&trial->heap.blocks), 0);
  assert_int_equal(atomic_load(&trial->heap.bytes), 0);
  rl_heap_destroy(&trial->heap);
}

static struct rl_metric *define(struct trial *trial, const struct rl_metric_terms *terms) {
  struct rl_metric *metric = NULL;
  assert_int_equal(rl_metrics_define(&trial->metrics, terms, &metric), RL_METRIC_FINE);
  return metric;
}

static struct rl_metric_cell *cell(struct trial *trial, const struct rl_metric_terms *terms,
                                   const char *key, unsigned slot) {
  struct rl_slice value = {key, key ? strlen(key) : 0};
  bool first;
  return rl_metric_cell(&trial->metrics, define(trial, terms), &value, slot, &first);
}

/* The text; valid until the next one. */
static const char *text(struct trial *trial) {
  static char bytes[1 << 16];
  struct rl_buffer out;
  rl_buffer_init(&out, &trial->heap);
  rl_metrics_text(&trial->metrics, &out);
  assert_false(out.failed);
  assert_true(out.size < sizeof bytes);
  if (out.size > 0) /* else no metric was made yet */
    memcpy(bytes, out.bytes, out.size);
  bytes[out.size] = '\0';
  rl_buffer_free(&out);
  return bytes;
}

/* Finds its cells anew each time, also those of series beyond the limit. */
static void *count(void *argument) {
  struct counting *counting = argument;
  char key[16];
  for (int i = 0; i < ROUNDS; i++) {
    snprintf(key, sizeof key, "%d", i % (2 * KEYS));
    rl_metric_add(cell(counting->trial, &counter, key, counting->slot), 1);
    rl_metric_change(cell(counting->trial, &gauge, NULL, counting->slot), 1);
    rl_metric_observe(define(counting->trial, &histogram),
                      cell(counting->trial, &histogram, NULL, counting->slot), i % 3 + 0.5);
    if (i % 1000 == 0)
      rl_metric_change(cell(counting->trial, &gauge, NULL, 0), 0);
  }
  return NULL;
}

static double sum_of(const char *whole, const char *name) {
  double sum = 0;
  for (const char *at = strstr(whole, name); at; at = strstr(at + 1, name))
    sum += strtod(strchr(at, ' '), NULL);
  return sum;
}

static void threads_count_into_one_sum(void **state) {
  (void)state;
  struct trial trial;
  struct counting counting[THREADS];
  pthread_t threads[THREADS];
  begin(&trial);
  for (unsigned i = 0; i < THREADS; i++) {
    counting[i] = (struct counting){&trial, i};
    assert_int_equal(pthread_create(&threads[i], NULL, count, &counting[i]), 0);
  }
  for (int i = 0; i < 20; i++)
    text(&trial);
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  const char *whole = text(&trial);
  assert_true(sum_of(whole, "\nc_total{") == THREADS * ROUNDS);
  assert_true(sum_of(whole, "\ng ") == THREADS * ROUNDS);
  assert_true(sum_of(whole, "\nh_count ") == THREADS * ROUNDS);
  assert_non_null(strstr(whole, "\nc_total{k=\"_other\"} "));
  int series = 0;
  for (const char *at = strstr(whole, "\nc_total{"); at; at = strstr(at + 1, "\nc_total{"))
    series++;
  assert_int_equal(series, KEYS + 1);
  end(&trial);
}

static void a_slot_goes_on_where_the_last_one_stopped(void **state) {
  (void)state;
  struct trial trial;
  begin(&trial);
  rl_metric_add(cell(&trial, &counter, "a", 3), 1);
  rl_metric_add(cell(&trial, &counter, "a", 3), 1);
  rl_metric_add(cell(&trial, &counter, "a", 4), 0.5);
  assert_ptr_equal(cell(&trial, &counter, "a", 3), cell(&trial, &counter, "a", 3));
  assert_ptr_not_equal(cell(&trial, &counter, "a", 3), cell(&trial, &counter, "a", 4));
  assert_ptr_equal(cell(&trial, &gauge, NULL, 3), cell(&trial, &gauge, NULL, 4));
  assert_non_null(strstr(text(&trial), "\nc_total{k=\"a\"} 2.5\n"));
  end(&trial);
}

static void the_text_is_as_prometheus_reads_it(void **state) {
  (void)state;
  struct trial trial;
  begin(&trial);
  rl_metric_observe(define(&trial, &histogram), cell(&trial, &histogram, NULL, 1), 1);
  rl_metric_observe(define(&trial, &histogram), cell(&trial, &histogram, NULL, 2), 3);
  assert_string_equal(text(&trial), "# HELP h h\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\n"
                                    "h_bucket{le=\"2\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 4\n"
                                    "h_count 2\n");
  end(&trial);
}

static void values_differ_where_their_limits_do(void **state) {
  (void)state;
  struct trial trial;
  struct rl_metric_terms two = counter;
  begin(&trial);
  two.label_count = 2;
  two.labels[1] = "l";
  struct rl_metric *metric = define(&trial, &two);
  struct rl_slice one[] = {{"ab", 2}, {"c", 1}}, other[] = {{"a", 1}, {"bc", 2}};
  bool first;
  assert_ptr_not_equal(rl_metric_cell(&trial.metrics, metric, one, 1, &first),
                       rl_metric_cell(&trial.metrics, metric, other, 1, &first));
  assert_ptr_equal(rl_metric_cell(&trial.metrics, metric, one, 1, &first),
                   rl_metric_cell(&trial.metrics, metric, one, 1, &first));
  end(&trial);
}

static void names_are_checked(void **state) {
  (void)state;
  assert_true(rl_metric_is_name("a:b_9", false));
  assert_false(rl_metric_is_name("a:b", true));
  assert_true(rl_metric_is_name("_a", true));
  assert_false(rl_metric_is_name("__a", true));
  assert_false(rl_metric_is_name("", false));
  assert_false(rl_metric_is_name("1", false));
  assert_false(rl_metric_is_name("\xc3\xbc", false));
}

static void a_metric_stays_what_it_is(void **state) {
  (void)state;
  struct trial trial;
  struct rl_metric_terms terms = counter;
  struct rl_metric *metric;
  begin(&trial);
  assert_ptr_equal(define(&trial, &counter), define(&trial, &counter));
  terms.labels[0] = "other";
  assert_int_equal(rl_metrics_define(&trial.metrics, &terms, &metric), RL_METRIC_DIFFERS);
  terms = counter;
  terms.kind = RL_GAUGE;
  assert_int_equal(rl_metrics_define(&trial.metrics, &terms, &metric), RL_METRIC_DIFFERS);
  end(&trial);
}

#ifdef RILLE_FAULTS
/* Whichever allocation fails, nothing is leaked, and it works afterwards. */
static void without_memory_nothing_is_counted(void **state) {
  (void)state;
  for (long n = 1; n <= 6; n++) {
    struct trial trial;
    struct rl_metric *metric = NULL;
    struct rl_slice value = {"a", 1};
    bool first;
    begin(&trial);
    atomic_store(&trial.heap.fail_in, n);
    if (rl_metrics_define(&trial.metrics, &counter, &metric) == RL_METRIC_FINE)
      (void)rl_metric_cell(&trial.metrics, metric, &value, 1, &first);
    atomic_store(&trial.heap.fail_in, 0);
    assert_non_null(cell(&trial, &counter, "a", 1));
    end(&trial);
  }
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threads_count_into_one_sum),
      cmocka_unit_test(a_slot_goes_on_where_the_last_one_stopped),
      cmocka_unit_test(the_text_is_as_prometheus_reads_it),
      cmocka_unit_test(values_differ_where_their_limits_do),
      cmocka_unit_test(names_are_checked),
      cmocka_unit_test(a_metric_stays_what_it_is),
#ifdef RILLE_FAULTS
      cmocka_unit_test(without_memory_nothing_is_counted),
#endif
  };
  return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
